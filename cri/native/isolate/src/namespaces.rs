//! Which namespaces a container joins and which are made for it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use estiba_kernel::{net, spawn};
use rustix::fs::{Mode, OFlags};

use crate::error::IsolateError;
use crate::foreign_proc;
use crate::ids::Ids;
use crate::request::PodNamespaces;
use crate::spec::{Linux, Spec};
use crate::sysctl;

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
    let shared = [&pod.user, &pod.net, &pod.ipc, &pod.uts, &pod.pid, &pod.mnt];
    shared
        .into_iter()
        .chain([&pod.shm, &pod.proc])
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
    let shared = [&pod.user, &pod.net, &pod.ipc, &pod.uts, &pod.pid, &pod.mnt];
    shared
        .into_iter()
        .chain([&pod.shm])
        .flatten()
        .find(|fd| fd.as_raw_fd() == wanted)
        .map(AsFd::as_fd)
}

/// The pid namespace that the init is to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pids {
    /// This process's own.
    Own,
    /// A new one.
    Fresh,
    /// One that there is a detached procfs of: the pod's, or another container's.
    Shown,
    /// One that is joined by its path, on a kernel that cannot make a procfs of it from outside.
    Foreign,
}

impl Pids {
    /// Whether procfs can be mounted by a process in the namespace only, which then needs
    /// privileges. A new namespace has nobody in it who could abuse them. For one that is joined by
    /// path, which only the OCI command line does, that is weaker before Linux 6.18: a container
    /// there with CAP_SYS_PTRACE could take hold of the init before it has dropped them.
    pub(crate) fn need_the_init(self) -> bool {
        matches!(self, Self::Fresh | Self::Foreign)
    }

    pub(crate) fn clone_flag(self) -> i32 {
        match self {
            Self::Fresh => libc::CLONE_NEWPID,
            Self::Own | Self::Shown | Self::Foreign => 0,
        }
    }
}

/// What has been joined, and what is not there yet.
#[derive(Debug)]
pub(crate) struct Joining {
    /// `CLONE_NEW*` flags of the other namespaces that are to be made.
    pub fresh: i32,
    pub pids: Pids,
    /// Procfs of another container's pid namespace, detached.
    pub proc: Option<OwnedFd>,
}

/// Joins what the spec gives by path. The pid namespace takes effect for the next child only.
pub(crate) fn join(
    linux: &Linux,
    monitor: i32,
    pod: Option<&PodNamespaces>,
    pid_target: Option<BorrowedFd<'_>>,
    legacy_mounts: bool,
) -> Result<Joining, IsolateError> {
    let mut fresh = 0;
    let mut pids = Pids::Own;
    let mut proc = None;
    let new_procfs = || {
        if legacy_mounts {
            Ok(None)
        } else {
            foreign_proc::mount_new()
        }
    };
    for (kind, flag) in KINDS {
        if let Some(target) = pid_target.filter(|_| kind == "pid") {
            spawn::setns(target, flag).map_err(|errno| {
                IsolateError::kernel(STEP, "join the target's pid namespace", errno)
            })?;
            let is_mapped = pod.is_some_and(|pod| pod.user.is_some());
            proc = Some(foreign_proc::of(target, legacy_mounts, is_mapped)?);
            pids = Pids::Shown;
            continue;
        }
        let Some(namespace) = linux.namespace(kind) else {
            continue;
        };
        if namespace.path.is_empty() {
            if kind == "pid" {
                pids = Pids::Fresh;
            } else {
                fresh |= flag;
            }
            continue;
        }
        let fail = |errno| {
            let action = format!("join {kind} namespace {:?}", namespace.path);
            IsolateError::kernel(STEP, action, errno)
        };
        let opened: OwnedFd;
        let known = inherited(&namespace.path, monitor, pod);
        let is_pods = known.is_some();
        let fd = match known {
            Some(fd) => fd,
            None => {
                let flags = OFlags::RDONLY | OFlags::CLOEXEC;
                opened = rustix::fs::open(&namespace.path, flags, Mode::empty()).map_err(fail)?;
                opened.as_fd()
            }
        };
        spawn::setns(fd, flag).map_err(fail)?;
        if kind == "pid" {
            let has_procfs = is_pods && pod.is_some_and(|pod| pod.proc.is_some());
            if !has_procfs {
                proc = new_procfs()?;
            }
            pids = if has_procfs || proc.is_some() {
                Pids::Shown
            } else {
                Pids::Foreign
            };
        }
    }
    Ok(Joining { fresh, pids, proc })
}

/// Host name and sysctls, through the host's procfs, in the namespaces just joined or made.
pub(crate) fn set_values(spec: &Spec) -> Result<(), IsolateError> {
    const STEP: &str = "hostname";
    let linux = &spec.linux;
    for (name, what) in [
        (&spec.hostname, "hostname"),
        (&spec.domainname, "domainname"),
    ] {
        if name.is_empty() {
            continue;
        }
        if linux.namespace("uts").is_none() {
            let message = format!("cannot set {what} {name:?}: the UTS namespace is the host's");
            return Err(IsolateError::invalid(STEP, message));
        }
        let result = if what == "hostname" {
            rustix::system::sethostname(name.as_bytes())
        } else {
            rustix::system::setdomainname(name.as_bytes())
        };
        result
            .map_err(|errno| IsolateError::kernel(STEP, format!("set {what} {name:?}"), errno))?;
    }
    if linux
        .namespace("network")
        .is_some_and(|network| network.path.is_empty())
    {
        net::loopback_up()
            .map_err(|errno| IsolateError::kernel("loopback", "set loopback up", errno))?;
    }
    let own = sysctl::Own {
        network: linux.namespace("network").is_some(),
        ipc: linux.namespace("ipc").is_some(),
    };
    sysctl::apply(&linux.sysctl, own, &Ids::of(linux), false)
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
