//! Making cgroups and getting into them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{CgroupError, Hierarchies, read_value, write_value};

/// Descriptors through which a process gets into a cgroup.
#[derive(Debug)]
pub struct Joined {
    /// The v2 directory, for clone3.
    v2: Option<OwnedFd>,
    /// The `tasks` files of the v1 hierarchies, open for writing.
    tasks: Vec<OwnedFd>,
}

impl Joined {
    /// What clone3 takes to let the child be born in the cgroup.
    #[must_use]
    pub fn v2(&self) -> Option<BorrowedFd<'_>> {
        self.v2.as_ref().map(AsFd::as_fd)
    }

    /// Every descriptor, for a list of what to keep open.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.v2.iter().chain(&self.tasks).map(AsFd::as_fd)
    }

    /// Moves the calling process, which must have one thread, into the v1 hierarchies.
    ///
    /// Writing 0 to `tasks` moves the writer alone: the kernel then skips the lock whose
    /// acquisition waits for an RCU grace period (milliseconds when `cgroup.procs` is written).
    ///
    /// # Errors
    /// The kernel's errno: `NOSPC` when a cpuset has no CPUs.
    pub fn enter_v1(&self) -> Result<(), Errno> {
        for tasks in &self.tasks {
            rustix::io::write(tasks, b"0")?;
        }
        Ok(())
    }
}

/// Whether a path is one that this module takes: absolute, no "..", no empty component.
#[must_use]
pub fn is_cgroup_path(path: &str) -> bool {
    path.len() < 3000
        && path.strip_prefix('/').is_some_and(|rest| {
            rest.split('/').all(|name| {
                !name.is_empty()
                    && name != "."
                    && name != ".."
                    && name.len() <= 255
                    && !name.contains(['\n', '\0'])
            })
        })
}

impl Hierarchies {
    /// Makes the cgroup in every hierarchy, with the directories above it, and (v2) hands every
    /// controller down to it. `fresh`: an empty cgroup that is there already is replaced, a used one
    /// is an error (`EXIST`); otherwise what is there is used. On failure what was made of the leaf is
    /// removed again.
    ///
    /// # Errors
    /// What could not be made.
    pub fn create(&self, cgroup: &str, fresh: bool) -> Result<(), CgroupError> {
        let result = self.create_everywhere(cgroup, fresh);
        if result.is_err() && fresh {
            // Empty, as nobody has joined it yet: one try is enough, and its failure says nothing
            // that the first error does not.
            drop(self.remove_once(cgroup));
        }
        result
    }

    fn create_everywhere(&self, cgroup: &str, fresh: bool) -> Result<(), CgroupError> {
        if !is_cgroup_path(cgroup) {
            return Err(CgroupError::new(
                "use as cgroup",
                Path::new(cgroup),
                Errno::INVAL,
            ));
        }
        for hierarchy in &self.v1 {
            make_path(&hierarchy.mountpoint, cgroup, fresh)?;
            if hierarchy.controllers.iter().any(|name| name == "cpuset") {
                fill_cpuset(&hierarchy.mountpoint, cgroup)?;
            }
        }
        if let Some(mountpoint) = &self.v2 {
            make_path(mountpoint, cgroup, fresh)?;
            // What is left to the v2 tree of a hybrid host is not used: limits are v1's there.
            if self.is_v2() {
                self.hand_down_controllers(mountpoint, cgroup)?;
            }
        }
        Ok(())
    }

    /// Enables every controller on the way to the cgroup, not in the cgroup itself.
    fn hand_down_controllers(&self, mountpoint: &Path, cgroup: &str) -> Result<(), CgroupError> {
        let mut dir = mountpoint.to_owned();
        let names: Vec<&str> = cgroup.trim_start_matches('/').split('/').collect();
        for name in &names {
            let control = dir.join("cgroup.subtree_control");
            let enabled = read_value(&control)?.unwrap_or_default();
            let available = read_value(&dir.join("cgroup.controllers"))?.unwrap_or_default();
            let missing: Vec<String> = available
                .split_ascii_whitespace()
                .filter(|name| !enabled.split_ascii_whitespace().any(|other| other == *name))
                .map(|name| format!("+{name}"))
                .collect();
            if !missing.is_empty() && write_value(&control, &missing.join(" ")).is_err() {
                // One controller that refuses (cpu with realtime processes) must not keep the
                // others back; what a limit needs and is not there fails when it is written.
                for one in &missing {
                    drop(write_value(&control, one));
                }
            }
            dir.push(name);
        }
        Ok(())
    }

    /// Opens what a process needs to get into an existing cgroup.
    ///
    /// # Errors
    /// `NOENT` when the cgroup is gone.
    pub fn open_to_join(&self, cgroup: &str) -> Result<Joined, CgroupError> {
        let mut tasks = Vec::with_capacity(self.v1.len());
        for hierarchy in &self.v1 {
            let path = super::discover::below(&hierarchy.mountpoint, cgroup).join("tasks");
            tasks.push(open(&path, OFlags::WRONLY)?);
        }
        let v2 = match self.v2_dir(cgroup) {
            Some(dir) => Some(open(&dir, OFlags::PATH | OFlags::DIRECTORY)?),
            None => None,
        };
        Ok(Joined { v2, tasks })
    }

    /// Like `open_to_join`, but for a leaf of the cgroup that exists only where processes are killed
    /// and counted (v2 tree, else the freezer): limits are those of the cgroup itself.
    ///
    /// # Errors
    /// `NOENT` when the cgroup is gone.
    pub fn open_leaf_to_join(&self, cgroup: &str, leaf: &str) -> Result<Joined, CgroupError> {
        let mut joined = self.open_to_join(cgroup)?;
        let path = format!("{cgroup}/{leaf}");
        if let Some(dir) = self.v2_dir(&path) {
            make_dir(&dir)?;
            joined.v2 = Some(open(&dir, OFlags::PATH | OFlags::DIRECTORY)?);
        } else if let Some(dir) = self.v1_kill_dir(&path) {
            make_dir(&dir)?;
            // Last, as it takes the process on from where the container's own file has put it.
            joined.tasks.push(open(&dir.join("tasks"), OFlags::WRONLY)?);
        }
        Ok(joined)
    }
}

fn open(path: &Path, flags: OFlags) -> Result<OwnedFd, CgroupError> {
    rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| CgroupError::new("open", path, errno))
}

fn make_dir(path: &Path) -> Result<(), CgroupError> {
    match rustix::fs::mkdir(path, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(CgroupError::new("create", path, errno)),
    }
}

fn make_path(mountpoint: &Path, cgroup: &str, fresh: bool) -> Result<(), CgroupError> {
    let path = super::discover::below(mountpoint, cgroup);
    let mode = Mode::from_raw_mode(0o755);
    let mut result = rustix::fs::mkdir(&path, mode);
    if result == Err(Errno::NOENT) {
        let mut dir = mountpoint.to_owned();
        for name in cgroup.trim_start_matches('/').split('/') {
            dir.push(name);
            if dir != path {
                make_dir(&dir)?;
            }
        }
        result = rustix::fs::mkdir(&path, mode);
    }
    if result == Err(Errno::EXIST) && fresh {
        // Left over from a creation that was cut short; removing fails when it is in use.
        super::remove::remove_tree(&path).ok();
        result = rustix::fs::mkdir(&path, mode);
    }
    match result {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) if !fresh => Ok(()),
        Err(errno) => Err(CgroupError::new("create", &path, errno)),
    }
}

/// New v1 cpusets have no CPUs and no memory nodes and take no process: copies the parent's down.
fn fill_cpuset(mountpoint: &Path, cgroup: &str) -> Result<(), CgroupError> {
    let mut dir = mountpoint.to_owned();
    for name in cgroup.trim_start_matches('/').split('/') {
        let parent = dir.clone();
        dir.push(name);
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let own = read_value(&dir.join(file))?.unwrap_or_default();
            if !own.trim().is_empty() {
                continue;
            }
            let above = read_value(&parent.join(file))?.unwrap_or_default();
            if !above.trim().is_empty() {
                write_value(&dir.join(file), above.trim())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_cgroup_path;

    #[test]
    fn only_plain_absolute_paths_are_cgroups() {
        for good in ["/a", "/kubepods/burstable/pod1", "/a.slice/b:c"] {
            assert!(is_cgroup_path(good), "{good}");
        }
        for bad in ["", "/", "a", "/a/", "/a//b", "/a/../b", "/./a", "/a\nb"] {
            assert!(!is_cgroup_path(bad), "{bad:?}");
        }
    }
}
