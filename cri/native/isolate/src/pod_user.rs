//! The first process of a pod with a user namespace: makes the pod's other namespaces inside of it,
//! so that they belong to it. It ends when they are held by descriptor, or stays as the pod's pid 1.
//!
//! What needs the host's rights (sysctls of old kernels, device nodes, the pod's mount namespace) is
//! not its business: another child does that, in the namespaces made here.

#![allow(unsafe_code, reason = "fork points")]

use std::os::fd::{AsRawFd, OwnedFd};

use estiba_kernel::cgroup::Joined;
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now, setns, unshare};
use estiba_kernel::{Errno, fd, process, socket, userns};

use crate::builder::settle;
use crate::control::MAX_MESSAGE;
use crate::error::{ErrorCode, IsolateError};
use crate::ids::{Ids, no_namespace};
use crate::pod_child::{PATIENCE, become_reaper, end_child, lose_privileges, wait_for_answer};
use crate::pod_mounts;
use crate::selinux::Change;

const STEP: &str = "user-namespace";

/// The namespaces that such a pod is made with, by their names in procfs.
pub(crate) struct Wanted<'a> {
    pub ids: &'a Ids,
    pub network: bool,
    pub ipc: bool,
    pub uts: bool,
    pub pid: bool,
    /// SELinux labels of the pid 1 and of what it is shown; "" = none.
    pub labels: (&'a str, &'a str),
}

impl Wanted<'_> {
    fn names(&self) -> Vec<&'static str> {
        let all = [
            (true, "user"),
            (self.network, "net"),
            (self.ipc, "ipc"),
            (self.uts, "uts"),
            (self.pid, "pid"),
        ];
        let wanted = all.into_iter().filter(|(wanted, _)| *wanted);
        wanted.map(|(_, name)| name).collect()
    }

    fn flags(&self) -> i32 {
        let all = [
            (self.network, libc::CLONE_NEWNET),
            (self.ipc, libc::CLONE_NEWIPC),
            (self.uts, libc::CLONE_NEWUTS),
        ];
        all.into_iter()
            .filter(|(wanted, _)| *wanted)
            .fold(0, |flags, (_, flag)| flags | flag)
    }
}

/// The namespaces, and the pod's pid 1 when one is wanted.
pub(crate) struct Born {
    pub namespaces: Vec<(&'static str, OwnedFd)>,
    pub init: Option<(i32, OwnedFd)>,
}

impl Born {
    pub(crate) fn fd(&self, name: &str) -> Option<&OwnedFd> {
        let found = self.namespaces.iter().find(|(known, _)| *known == name);
        found.map(|(_, fd)| fd)
    }

    /// Ends the pid 1.
    pub(crate) fn end(self) {
        if let Some((_, pidfd)) = self.init {
            end_child(&pidfd);
        }
    }
}

/// What the child says when it is done.
type Word = Result<(), IsolateError>;

/// Makes the namespaces. On failure nothing is left.
pub(crate) fn make(wanted: &Wanted<'_>, joined: Option<&Joined>) -> Result<Born, IsolateError> {
    let (ours, theirs) = socket::seqpacket_pair()
        .map_err(|errno| IsolateError::kernel(STEP, "make a socket", errno))?;
    let mut namespaces = libc::CLONE_NEWUSER;
    if wanted.pid {
        namespaces |= libc::CLONE_NEWPID;
    }
    let how = Clone {
        namespaces,
        sibling: false,
        cgroup: joined.and_then(Joined::v2),
        old_call: false,
    };
    // SAFETY: the caller has one thread (crate contract); the child ends in exit_now or sleeps for
    // ever.
    match unsafe { clone3(&how) }.map_err(no_namespace)? {
        Side::Child => {
            drop(ours);
            exit_now(first(wanted, joined, &theirs))
        }
        Side::Parent { pid, pidfd } => {
            drop(theirs);
            let made = accompany(wanted, pid, &ours);
            let keep = made.is_ok() && wanted.pid;
            if !keep {
                end_child(&pidfd);
            }
            made.map(|namespaces| Born {
                namespaces,
                init: keep.then_some((pid, pidfd)),
            })
        }
    }
}

/// Makes a user namespace and what else is asked for by `CLONE_NEW*` flags, owned by it, and joins
/// all but the user namespace itself.
pub(crate) fn make_and_join(ids: &Ids, flags: i32) -> Result<OwnedFd, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, "join the container's namespaces", errno);
    ids.root()?;
    let wanted = Wanted {
        ids,
        network: flags & libc::CLONE_NEWNET != 0,
        ipc: flags & libc::CLONE_NEWIPC != 0,
        uts: flags & libc::CLONE_NEWUTS != 0,
        pid: false,
        labels: ("", ""),
    };
    let mut user = None;
    for (name, namespace) in make(&wanted, None)?.namespaces {
        let flag = match name {
            "net" => libc::CLONE_NEWNET,
            "ipc" => libc::CLONE_NEWIPC,
            "uts" => libc::CLONE_NEWUTS,
            _ => {
                user = Some(namespace);
                continue;
            }
        };
        setns(namespace, flag).map_err(fail)?;
    }
    user.ok_or(Errno::BADF).map_err(fail)
}

fn accompany(
    wanted: &Wanted<'_>,
    pid: i32,
    socket: &OwnedFd,
) -> Result<Vec<(&'static str, OwnedFd)>, IsolateError> {
    let Ids { uids, gids } = wanted.ids;
    userns::write_mappings(pid, uids, gids).map_err(|errno| {
        let action = format!("map users {uids:?} and groups {gids:?}");
        let error = IsolateError::kernel(STEP, action, errno);
        if errno == Errno::INVAL {
            error.with_code(ErrorCode::InvalidArgument)
        } else {
            error
        }
    })?;
    let silent = |errno| IsolateError::kernel(STEP, "hear from the pod's first process", errno);
    socket::send(socket, b"mapped", &[]).map_err(silent)?;
    wait_for_answer(socket, pid, PATIENCE)?;
    let message = socket::receive(socket, MAX_MESSAGE, true).map_err(silent)?;
    let word: Word = serde_json::from_slice(&message.bytes).map_err(|error| {
        let text = format!("cannot make the pod's namespaces: no answer of the child: {error}");
        IsolateError::new(ErrorCode::Internal, STEP, text)
    })?;
    word?;
    let open = |name| {
        userns::open_namespace(pid, name)
            .map(|fd| (name, fd))
            .map_err(|errno| IsolateError::kernel(STEP, format!("hold namespace {name:?}"), errno))
    };
    wanted.names().into_iter().map(open).collect()
}

fn first(wanted: &Wanted<'_>, joined: Option<&Joined>, control: &OwnedFd) -> i32 {
    let (done, change): (Word, _) = match prepare(wanted, joined, control) {
        Ok(change) => (Ok(()), change),
        Err(error) => (Err(error.shortened()), None),
    };
    let Ok(bytes) = serde_json::to_vec(&done) else {
        return 1;
    };
    let sent = socket::send(control, &bytes, &[]);
    if done.is_err() || sent.is_err() {
        return 1;
    }
    if !wanted.pid {
        // Whoever wants the namespaces holds them before it ends us.
        return i32::from(socket::receive(control, 1, true).is_err());
    }
    become_reaper(change)
}

fn prepare(
    wanted: &Wanted<'_>,
    joined: Option<&Joined>,
    control: &OwnedFd,
) -> Result<Option<Change>, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, "make the pod's namespaces", errno);
    let mut keep = vec![control.as_raw_fd()];
    if let Some(joined) = joined {
        keep.extend(joined.fds().map(|fd| fd.as_raw_fd()));
    }
    settle(
        if wanted.pid {
            c"estiba-init"
        } else {
            c"estiba-pod"
        },
        &keep,
    )?;
    if let Some(joined) = joined {
        joined.enter_v1().map_err(|errno| {
            IsolateError::kernel("join-cgroup", "join the pod's own cgroup", errno)
        })?;
        fd::close_all_except(&[control.as_raw_fd()]).map_err(fail)?;
    }
    let go = socket::receive(control, 16, true).map_err(fail)?;
    if go.bytes.is_empty() {
        return Err(fail(Errno::PIPE));
    }
    let (process_label, mount_label) = wanted.labels;
    let change = Change::prepare(process_label)?;
    process::set_session();
    process::set_identity(0, 0, &[]).map_err(fail)?;
    unshare(wanted.flags()).map_err(fail)?;
    process::leave_session_keyring();
    if wanted.pid {
        pod_mounts::hide_all(mount_label)?;
        lose_privileges()?;
    }
    process::set_not_dumpable().map_err(fail)?;
    Ok(change)
}
