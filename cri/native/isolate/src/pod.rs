//! The namespaces of a pod, made by one child that either ends or stays as the pod's pid 1.

#![allow(unsafe_code, reason = "fork point")]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use estiba_kernel::cgroup::{Joined, is_cgroup_path};
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now, setns};
use estiba_kernel::{fd, net, process, socket};
use rustix::fs::{Mode, OFlags};

use crate::builder::settle;
use crate::control::MAX_MESSAGE;
use crate::error::{ErrorCode, IsolateError};
use crate::host::{Host, cgroup_error};
use crate::pod_child::{PATIENCE, become_reaper, end_child, lose_privileges, wait_for_answer};
use crate::pod_pin::pin_network;
use crate::pod_user::{self, Born};
use crate::request::{NamespaceMode, PodNamespaces, PodRequest};
use crate::selinux::Change;
use crate::{pod_mounts, selinux, sysctl};

const DEFAULT_PARENT: &str = "/estiba";
const STEP: &str = "pod-namespaces";
/// What the maker joins where there is a user namespace.
const JOINED: [(&str, i32); 3] = [
    ("net", libc::CLONE_NEWNET),
    ("ipc", libc::CLONE_NEWIPC),
    ("uts", libc::CLONE_NEWUTS),
];

/// What the child answers: the failure, or which descriptors follow.
type Answer = Result<Vec<String>, IsolateError>;

fn own(mode: NamespaceMode) -> bool {
    mode == NamespaceMode::Pod
}

/// Cgroup of the pod's pid 1.
///
/// # Errors
/// A pod id or parent that cannot be part of a path.
pub fn pod_init_cgroup(parent: &str, pod_id: &str) -> Result<String, IsolateError> {
    let parent = if parent.is_empty() {
        DEFAULT_PARENT
    } else {
        parent
    };
    let short: String = pod_id.chars().take(12).collect();
    let path = format!("{}/estiba-{short}", parent.trim_end_matches('/'));
    if short.len() == 12 && is_cgroup_path(&path) {
        return Ok(path);
    }
    let message = format!("cannot use cgroup parent {parent:?} for pod {pod_id:?}");
    Err(IsolateError::invalid(STEP, message))
}

/// Makes a pod's namespaces, loopback, sysctls, /dev/shm and (POD pid mode) the reaping pid 1, and
/// pins the network namespace. Blocks for about a millisecond. On failure nothing is left behind.
///
/// # Errors
/// The step that failed, the offending sysctl or path quoted.
pub fn make_pod_namespaces(
    host: &Host,
    request: &PodRequest,
) -> Result<PodNamespaces, IsolateError> {
    selinux::check(&request.mount_label)?;
    selinux::check(&request.process_label)?;
    let mut cgroup = None;
    if own(request.pid) {
        let path = pod_init_cgroup(&request.cgroup_parent, &request.pod_id)?;
        host.cgroups
            .create(&path, true)
            .map_err(|error| cgroup_error("create-cgroup", &error))?;
        cgroup = Some(path);
    }
    let result = fork_child(host, request, cgroup.as_deref());
    if let (Err(_), Some(path)) = (&result, &cgroup) {
        // The child is dead and reaped; its last traces in the kernel may take a moment.
        host.cgroups.remove(path, Duration::from_secs(2)).ok();
    }
    result.map(|mut made| {
        made.init_cgroup = cgroup;
        made
    })
}

fn fork_child(
    host: &Host,
    request: &PodRequest,
    cgroup: Option<&str>,
) -> Result<PodNamespaces, IsolateError> {
    let joined = match cgroup {
        Some(path) => Some(
            host.cgroups
                .open_to_join(path)
                .map_err(|error| cgroup_error("join-cgroup", &error))?,
        ),
        None => None,
    };
    let has_uts = own(request.network) || !request.hostname.is_empty();
    if !request.ids.are_mapped() {
        return fork_maker(request, has_uts, joined.as_ref(), None);
    }
    let wanted = pod_user::Wanted {
        ids: &request.ids,
        network: own(request.network),
        ipc: own(request.ipc),
        uts: has_uts,
        pid: own(request.pid),
        labels: (&request.process_label, &request.mount_label),
    };
    let born = pod_user::make(&wanted, joined.as_ref())?;
    match fork_maker(request, has_uts, None, Some(&born)) {
        Ok(mut made) => {
            made.init = born.init;
            Ok(made)
        }
        Err(error) => {
            born.end();
            Err(error)
        }
    }
}

/// Forks the child that makes everything, or what is left to be made in the namespaces of `born`.
fn fork_maker(
    request: &PodRequest,
    has_uts: bool,
    joined: Option<&Joined>,
    born: Option<&Born>,
) -> Result<PodNamespaces, IsolateError> {
    let is_first = born.is_none();
    let mut flags = libc::CLONE_NEWNS;
    for (wanted, flag) in [
        (own(request.network), libc::CLONE_NEWNET),
        (own(request.ipc), libc::CLONE_NEWIPC),
        (has_uts, libc::CLONE_NEWUTS),
        (own(request.pid), libc::CLONE_NEWPID),
    ] {
        if wanted && is_first {
            flags |= flag;
        }
    }
    let (ours, theirs) = socket::seqpacket_pair()
        .map_err(|errno| IsolateError::kernel(STEP, "make a socket", errno))?;
    let how = Clone {
        namespaces: flags,
        sibling: false,
        cgroup: joined.and_then(Joined::v2),
        old_call: false,
    };
    // SAFETY: the caller has one thread (crate contract); the child ends in exit_now or sleeps for
    // ever.
    let side = unsafe { clone3(&how) }
        .map_err(|errno| IsolateError::kernel(STEP, "make the pod's namespaces", errno))?;
    match side {
        Side::Child => {
            drop(ours);
            exit_now(child(request, has_uts, joined, born, &theirs))
        }
        Side::Parent { pid, pidfd } => {
            drop(theirs);
            let answered = wait_for_answer(&ours, pid, PATIENCE);
            let result = answered
                .and_then(|()| collect(request, &ours, born))
                .and_then(|made| pin_network(request, made));
            let keep = result.is_ok() && own(request.pid) && is_first;
            if !keep {
                end_child(&pidfd);
            }
            let mut made = result?;
            if keep {
                made.init = Some((pid, pidfd));
            }
            Ok(made)
        }
    }
}

/// Receives the child's answer and its descriptors.
fn collect(
    request: &PodRequest,
    socket: &OwnedFd,
    born: Option<&Born>,
) -> Result<PodNamespaces, IsolateError> {
    let message = socket::receive(socket, MAX_MESSAGE, true)
        .map_err(|errno| IsolateError::kernel(STEP, "hear from the pod's first process", errno))?;
    if message.bytes.is_empty() {
        let text = "cannot make the pod's namespaces: the child died without a word";
        return Err(IsolateError::new(ErrorCode::Internal, STEP, text));
    }
    let answer: Answer = serde_json::from_slice(&message.bytes).map_err(|error| {
        IsolateError::new(
            ErrorCode::Internal,
            STEP,
            format!("cannot read the answer: {error}"),
        )
    })?;
    let mut made = PodNamespaces::default();
    let names = answer?;
    let earlier = born.map_or(&[][..], |born| &born.namespaces);
    let mut all = Vec::new();
    for (name, fd) in earlier {
        let copy = fd
            .try_clone()
            .map_err(|error| IsolateError::io(STEP, format!("hold namespace {name:?}"), &error))?;
        all.push((*name, copy));
    }
    all.extend(names.iter().map(String::as_str).zip(message.fds));
    for (name, fd) in all {
        let slot = match name {
            "user" => &mut made.user,
            "net" => &mut made.net,
            "ipc" => &mut made.ipc,
            "uts" => &mut made.uts,
            "pid" => &mut made.pid,
            "mnt" => &mut made.mnt,
            "proc" => &mut made.proc,
            _ => &mut made.shm,
        };
        *slot = Some(fd);
    }
    if let Some(net) = &made.net {
        made.netns_inode = rustix::fs::fstat(net)
            .map_err(|errno| IsolateError::kernel(STEP, "stat the network namespace", errno))?
            .st_ino;
    }
    if own(request.network) && made.net.is_none() {
        let text = "cannot make the pod's namespaces: the network namespace is missing";
        return Err(IsolateError::new(ErrorCode::Internal, STEP, text));
    }
    Ok(made)
}

fn child(
    request: &PodRequest,
    has_uts: bool,
    joined: Option<&Joined>,
    born: Option<&Born>,
    control: &OwnedFd,
) -> i32 {
    let result = furnish(request, has_uts, joined, born, control);
    let failed = result.is_err();
    let (answer, fds, change): (Answer, Vec<OwnedFd>, _) = match result {
        Ok((list, change)) => {
            let (names, fds) = list
                .into_iter()
                .map(|(name, fd)| (name.to_owned(), fd))
                .unzip();
            (Ok(names), fds, change)
        }
        Err(error) => (Err(error.shortened()), Vec::new(), None),
    };
    let Ok(bytes) = serde_json::to_vec(&answer) else {
        return 1;
    };
    let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    if failed || !own(request.pid) || born.is_some() {
        let sent = socket::send(control, &bytes, &borrowed);
        return i32::from(failed || sent.is_err());
    }
    let ready = pod_mounts::hide_all(&request.mount_label).and_then(|()| lose_privileges());
    let bytes = match ready {
        Ok(()) => bytes,
        Err(error) => serde_json::to_vec(&Answer::Err(error.shortened())).unwrap_or_default(),
    };
    let sent = socket::send(control, &bytes, &borrowed);
    drop(fds);
    if sent.is_err() {
        return 1;
    }
    become_reaper(change)
}

/// What the caller is sent, and the way to the label of a pid 1.
type Furnished = (Vec<(&'static str, OwnedFd)>, Option<Change>);

fn furnish(
    request: &PodRequest,
    has_uts: bool,
    joined: Option<&Joined>,
    born: Option<&Born>,
    control: &OwnedFd,
) -> Result<Furnished, IsolateError> {
    let mut keep = vec![control.as_raw_fd()];
    if let Some(born) = born {
        keep.extend(born.namespaces.iter().map(|(_, fd)| fd.as_raw_fd()));
    }
    if let Some(joined) = joined {
        keep.extend(joined.fds().map(|fd| fd.as_raw_fd()));
    }
    let name = if own(request.pid) && born.is_none() {
        c"estiba-init"
    } else {
        c"estiba-pod"
    };
    settle(name, &keep)?;
    if let Some(joined) = joined {
        joined.enter_v1().map_err(|errno| {
            IsolateError::kernel("join-cgroup", "join the pod's own cgroup", errno)
        })?;
        // Gone before anybody else can be in this pid namespace.
        fd::close_all_except(&[control.as_raw_fd()])
            .map_err(|errno| IsolateError::kernel(STEP, "close descriptors", errno))?;
    }
    // Not before: descriptors that are not kept have been closed.
    let change = Change::prepare(&request.process_label)?;
    process::set_session();
    process::leave_session_keyring();
    for (name, flag) in JOINED {
        if let Some(namespace) = born.and_then(|born| born.fd(name)) {
            setns(namespace, flag).map_err(|errno| {
                IsolateError::kernel(STEP, format!("join the pod's namespace {name:?}"), errno)
            })?;
        }
    }
    if has_uts && !request.hostname.is_empty() {
        let name = &request.hostname;
        rustix::system::sethostname(name.as_bytes()).map_err(|errno| {
            let error = IsolateError::kernel("hostname", format!("set hostname {name:?}"), errno);
            if errno == rustix::io::Errno::INVAL {
                error.with_code(ErrorCode::InvalidArgument)
            } else {
                error
            }
        })?;
    }
    if own(request.network) {
        net::loopback_up()
            .map_err(|errno| IsolateError::kernel("loopback", "set loopback up", errno))?;
    }
    let owned = sysctl::Own {
        network: own(request.network),
        ipc: own(request.ipc),
    };
    sysctl::apply(&request.sysctls, owned, &request.ids, true)?;
    let mut fds = Vec::new();
    for (wanted, name) in [
        (own(request.network), "net"),
        (own(request.ipc), "ipc"),
        (has_uts, "uts"),
        (own(request.pid), "pid"),
        (true, "mnt"),
    ] {
        if wanted && (name == "mnt" || born.is_none()) {
            let path = format!("/proc/self/ns/{name}");
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let fd = rustix::fs::open(&path, flags, Mode::empty())
                .map_err(|errno| IsolateError::kernel(STEP, format!("open {path:?}"), errno))?;
            fds.push((name, fd));
        }
    }
    let pids = born.and_then(|born| born.fd("pid"));
    pod_mounts::make(request, pids, &mut fds)?;
    Ok((fds, change))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leaf_of_the_pods_pid_1_is_named_by_the_pod() {
        let id = "0123456789abcdef".repeat(4);
        let path = |parent: &str| pod_init_cgroup(parent, &id);
        assert_eq!(path("").unwrap(), "/estiba/estiba-0123456789ab");
        assert_eq!(
            path("/kubepods/podx").unwrap(),
            "/kubepods/podx/estiba-0123456789ab"
        );
        assert!(path("relative").is_err());
        assert!(path("/a/../b").is_err());
        assert!(pod_init_cgroup("/a", "short").is_err());
    }
}
