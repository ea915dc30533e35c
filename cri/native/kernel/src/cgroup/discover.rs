//! Which hierarchies are mounted where.

use std::path::{Path, PathBuf};

use crate::mountinfo;

/// One v1 hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V1Hierarchy {
    /// Where it is mounted.
    pub mountpoint: PathBuf,
    /// Controllers of this hierarchy (several when mounted together); empty for a named one.
    pub controllers: Vec<String>,
    /// Name of a hierarchy without controllers ("systemd").
    pub name: Option<String>,
}

/// All hierarchies of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hierarchies {
    /// Mount point of the v2 tree, with controllers or (hybrid) without.
    pub v2: Option<PathBuf>,
    /// Controllers of the v2 tree's root; on hybrid hosts those that no v1 hierarchy has mounted.
    pub v2_controllers: Vec<String>,
    /// The v1 hierarchies; empty on v2 hosts.
    pub v1: Vec<V1Hierarchy>,
}

impl Hierarchies {
    /// Whether limits are set through v2.
    #[must_use]
    pub fn is_v2(&self) -> bool {
        self.v1
            .iter()
            .all(|hierarchy| hierarchy.controllers.is_empty())
            && self.v2.is_some()
    }

    /// Names of the controllers that set limits: those of the v2 tree, on other hosts those of v1. A
    /// hybrid host's v2 tree may have some that no v1 hierarchy has mounted; they are not used.
    #[must_use]
    pub fn controllers(&self) -> Vec<String> {
        if self.is_v2() {
            return self.v2_controllers.clone();
        }
        let v1 = self.v1.iter();
        v1.flat_map(|hierarchy| hierarchy.controllers.iter().cloned())
            .collect()
    }

    /// Directory of a cgroup in the v1 hierarchy with this controller.
    #[must_use]
    pub fn v1_dir(&self, controller: &str, cgroup: &str) -> Option<PathBuf> {
        let hierarchy = self
            .v1
            .iter()
            .find(|h| h.controllers.iter().any(|name| name == controller))?;
        Some(below(&hierarchy.mountpoint, cgroup))
    }

    /// Directory of a cgroup in the v2 tree.
    #[must_use]
    pub fn v2_dir(&self, cgroup: &str) -> Option<PathBuf> {
        self.v2.as_ref().map(|mountpoint| below(mountpoint, cgroup))
    }

    /// Directory of a cgroup in the v1 hierarchy that stands in for v2's kill and emptiness where no
    /// v2 tree is mounted: freezer, because it can stop what is to be killed.
    #[must_use]
    pub fn v1_kill_dir(&self, cgroup: &str) -> Option<PathBuf> {
        ["freezer", "pids", "memory"]
            .iter()
            .find_map(|name| self.v1_dir(name, cgroup))
            .or_else(|| {
                self.v1
                    .first()
                    .map(|hierarchy| below(&hierarchy.mountpoint, cgroup))
            })
    }

    /// Directories of a cgroup in every hierarchy, v1 first.
    #[must_use]
    pub fn dirs(&self, cgroup: &str) -> Vec<PathBuf> {
        let v1 = self
            .v1
            .iter()
            .map(|hierarchy| below(&hierarchy.mountpoint, cgroup));
        v1.chain(self.v2_dir(cgroup)).collect()
    }
}

pub(crate) fn below(mountpoint: &Path, cgroup: &str) -> PathBuf {
    mountpoint.join(cgroup.trim_start_matches('/'))
}

/// Reads /proc/self/mountinfo and, where one is mounted, the v2 root's controllers.
///
/// # Errors
/// When /proc is not readable.
pub fn discover() -> std::io::Result<Hierarchies> {
    let mut found = parse(&std::fs::read_to_string("/proc/self/mountinfo")?);
    if let Some(root) = &found.v2 {
        let text = std::fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
        found.v2_controllers = text.split_ascii_whitespace().map(str::to_owned).collect();
    }
    Ok(found)
}

fn parse(mountinfo: &str) -> Hierarchies {
    let mut found = Hierarchies::default();
    for mount in mountinfo::mounts(mountinfo) {
        let mountpoint = PathBuf::from(mount.point);
        match mount.kind {
            // The first one counts: later ones are bind mounts of tools and containers.
            "cgroup2" if found.v2.is_none() => found.v2 = Some(mountpoint),
            "cgroup" => {
                let hierarchy = v1_hierarchy(mountpoint, mount.options);
                let known = found.v1.iter().any(|other| {
                    other.controllers == hierarchy.controllers && other.name == hierarchy.name
                });
                if !known {
                    found.v1.push(hierarchy);
                }
            }
            _ => {}
        }
    }
    found
}

fn v1_hierarchy(mountpoint: PathBuf, options: &str) -> V1Hierarchy {
    const NOT_CONTROLLERS: [&str; 6] = [
        "rw",
        "ro",
        "xattr",
        "noprefix",
        "clone_children",
        "cpuset_v2_mode",
    ];
    let mut controllers = Vec::new();
    let mut name = None;
    for option in options.split(',') {
        if let Some(value) = option.strip_prefix("name=") {
            name = Some(value.to_owned());
        } else if !NOT_CONTROLLERS.contains(&option)
            && !option.contains('=')
            && !option.starts_with("favor")
        {
            controllers.push(option.to_owned());
        }
    }
    V1Hierarchy {
        mountpoint,
        controllers,
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
34 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
35 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
36 31 0:30 / /elsewhere/with\\040space rw,relatime - cgroup cgroup rw,memory
";

    #[test]
    fn hybrid_hosts_have_controllers_in_v1_and_a_bare_v2_tree() {
        let found = parse(HYBRID);
        assert!(!found.is_v2());
        assert_eq!(found.v2, Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(found.v1.len(), 3);
        assert_eq!(
            found.v1_dir("cpuacct", "/pods/a"),
            Some(PathBuf::from("/sys/fs/cgroup/cpu,cpuacct/pods/a"))
        );
        assert_eq!(found.v1[2].name.as_deref(), Some("systemd"));
        let left_over = Hierarchies {
            v2_controllers: vec!["hugetlb".to_owned()],
            ..found.clone()
        };
        assert_eq!(left_over.controllers(), ["cpu", "cpuacct", "memory"]);
        assert_eq!(found.dirs("/x").len(), 4);
    }

    #[test]
    fn unified_hosts_are_v2() {
        let found = parse("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n");
        assert!(found.is_v2());
        assert_eq!(
            found.v2_dir("/a/b"),
            Some(PathBuf::from("/sys/fs/cgroup/a/b"))
        );
    }
}
