//! Which namespaces a container joins and which are made for it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use estiba_kernel::spawn;
use rustix::fs::{Mode, OFlags};

use crate::error::IsolateError;
use crate::request::PodNamespaces;
use crate::spec::Linux;

const STEP: &str = "join-namespaces";

/// Name in the spec, clone flag.
const KINDS: [(&str, i32); 4] = [
    ("network", libc::CLONE_NEWNET),
    ("ipc", libc::CLONE_NEWIPC),
    ("uts", libc::CLONE_NEWUTS),
    ("pid", libc::CLONE_NEWPID),
];

/// Descriptors of a pod that its containers need.
pub(crate) fn pod_fds(pod: &PodNamespaces) -> Vec<RawFd> {
    [&pod.net, &pod.ipc, &pod.uts, &pod.pid, &pod.mnt, &pod.shm]
        .into_iter()
        .flatten()
        .map(AsRawFd::as_raw_fd)
        .collect()
}

/// The pod's descriptor that a `/proc/<pid>/fd/<n>` path names, when it does: the number is the same
/// in a forked child, and no path needs to be opened.
pub(crate) fn inherited<'a>(
    path: &str,
    monitor: i32,
    pod: Option<&'a PodNamespaces>,
) -> Option<BorrowedFd<'a>> {
    let rest = path.strip_prefix("/proc/")?;
    let (pid, fd) = rest.split_once("/fd/")?;
    if pid.parse::<i32>().ok()? != monitor {
        return None;
    }
    let wanted: RawFd = fd.parse().ok()?;
    let pod = pod?;
    [&pod.net, &pod.ipc, &pod.uts, &pod.pid, &pod.mnt, &pod.shm]
        .into_iter()
        .flatten()
        .find(|fd| fd.as_raw_fd() == wanted)
        .map(AsFd::as_fd)
}

/// Joins what the spec gives by path and returns the clone flags of what is to be made. The pid
/// namespace takes effect for the next child only.
pub(crate) fn join(
    linux: &Linux,
    monitor: i32,
    pod: Option<&PodNamespaces>,
    pid_target: Option<BorrowedFd<'_>>,
) -> Result<i32, IsolateError> {
    let mut flags = 0;
    for (kind, flag) in KINDS {
        if let Some(target) = pid_target.filter(|_| kind == "pid") {
            spawn::setns(target, flag).map_err(|errno| {
                IsolateError::kernel(STEP, "join the target's pid namespace", errno)
            })?;
            continue;
        }
        let Some(namespace) = linux.namespace(kind) else {
            continue;
        };
        if namespace.path.is_empty() {
            flags |= flag;
            continue;
        }
        let fail = |errno| {
            let action = format!("join {kind} namespace {:?}", namespace.path);
            IsolateError::kernel(STEP, action, errno)
        };
        let opened: OwnedFd;
        let fd = match inherited(&namespace.path, monitor, pod) {
            Some(fd) => fd,
            None => {
                let flags = OFlags::RDONLY | OFlags::CLOEXEC;
                opened = rustix::fs::open(&namespace.path, flags, Mode::empty()).map_err(fail)?;
                opened.as_fd()
            }
        };
        spawn::setns(fd, flag).map_err(fail)?;
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_monitor_name_inherited_descriptors() {
        let file = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let number = file.as_raw_fd();
        let pod = PodNamespaces {
            ipc: Some(file),
            ..PodNamespaces::default()
        };
        let path = |pid: i32, fd: RawFd| format!("/proc/{pid}/fd/{fd}");
        assert!(inherited(&path(7, number), 7, Some(&pod)).is_some());
        assert!(inherited(&path(8, number), 7, Some(&pod)).is_none());
        assert!(inherited(&path(7, number + 1), 7, Some(&pod)).is_none());
        assert!(inherited("/run/netns/x", 7, Some(&pod)).is_none());
    }
}
