//! Where the launcher stands: own session, own cgroup, last in line for the OOM killer.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use estiba_kernel::mountinfo;
use estiba_monitor::stderr_log::{self, Level};
use rustix::fs::{Mode, OFlags};
use rustix::process::DumpableBehavior;

pub(crate) const COMPONENT: &str = "launcher";

/// Leaves the session of whoever started us and protects the process.
pub(crate) fn detach() {
    // Fails when we lead a session already, which is what is wanted.
    rustix::process::setsid().ok();
    rustix::thread::set_name(c"estiba-launcher").ok();
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    std::env::set_current_dir("/").ok();
    rustix::process::umask(Mode::WGRP | Mode::WOTH);
    estiba_monitor::protect_from_oom(COMPONENT, -999);
}

/// Puts this process into `<base>/launcher` of every cgroup hierarchy and, on v2, returns the
/// directory of `<base>/monitors`, in which children are born. Where cgroups cannot be written
/// everything stays where it is.
pub(crate) fn enter_cgroups(base: &str) -> Option<OwnedFd> {
    let base = base.trim_matches('/');
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut monitors = None;
    let mut failures = Vec::new();
    for hierarchy in hierarchies(&mounts) {
        let root = hierarchy.mount_point.join(base);
        if let Err(why) = enter(&hierarchy, &root) {
            failures.push(format!("{}: {why}", root.display()));
            continue;
        }
        if hierarchy.version == 2 {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            monitors = rustix::fs::open(root.join("monitors"), flags, Mode::empty()).ok();
        }
    }
    if !failures.is_empty() {
        let why = failures.join("; ");
        let message = "cannot enter own cgroups, staying where started";
        stderr_log::line(Level::Warn, COMPONENT, message, &[("why", &why)]);
    }
    monitors
}

struct Hierarchy {
    mount_point: PathBuf,
    version: u8,
}

/// Cgroup mounts of a mountinfo text, one for each hierarchy. A hierarchy mounted from below its
/// root (inside a container with a bind mount) is used as it is seen.
fn hierarchies(text: &str) -> Vec<Hierarchy> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for mount in mountinfo::mounts(text) {
        let version = match mount.kind {
            "cgroup" => 1,
            "cgroup2" => 2,
            _ => continue,
        };
        if !seen.contains(&mount.device) {
            seen.push(mount.device);
            found.push(Hierarchy {
                mount_point: PathBuf::from(mount.point),
                version,
            });
        }
    }
    found
}

fn enter(hierarchy: &Hierarchy, base: &Path) -> io::Result<()> {
    let launcher = base.join("launcher");
    let mut wanted = vec![launcher.clone()];
    if hierarchy.version == 2 {
        wanted.push(base.join("monitors"));
    }
    for directory in wanted {
        make(&hierarchy.mount_point, &directory)?;
    }
    fs::write(
        launcher.join("cgroup.procs"),
        std::process::id().to_string(),
    )
}

/// Makes `directory` and what is missing above it; a v1 cpuset must be given its parent's CPUs and
/// memory nodes before it can hold a process.
fn make(mount_point: &Path, directory: &Path) -> io::Result<()> {
    if directory == mount_point {
        return Ok(());
    }
    let Some(parent) = directory.parent() else {
        return Ok(());
    };
    make(mount_point, parent)?;
    match fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let own = directory.join(file);
        // v2 inherits by itself.
        if directory.join("cpuset.cpus.effective").exists() || !directory.join("tasks").exists() {
            break;
        }
        match fs::read_to_string(&own) {
            Ok(value) if value.trim().is_empty() => {
                fs::write(&own, fs::read_to_string(parent.join(file))?)?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hierarchy_is_found_once_with_its_version() {
        let text = "24 1 0:20 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
            25 24 0:21 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
            26 24 0:22 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n\
            27 24 0:21 / /other/cpu rw,relatime - cgroup cgroup rw,cpu\n";
        let found: Vec<_> = hierarchies(text)
            .into_iter()
            .map(|h| (h.mount_point, h.version))
            .collect();
        let expected = [
            (PathBuf::from("/sys/fs/cgroup/cpu"), 1),
            (PathBuf::from("/sys/fs/cgroup/unified"), 2),
        ];
        assert_eq!(found, expected);
    }
}
