//! The children that make a pod's namespaces: how they are waited for and ended, and how one of them
//! becomes the pod's pid 1.

use std::os::fd::OwnedFd;
use std::time::Duration;

use estiba_kernel::hang::Hang;
use estiba_kernel::spawn::{send_signal, wait_pidfd};
use estiba_kernel::{caps, fd, process, signal};

use crate::error::{ErrorCode, IsolateError};
use crate::selinux::Change;

const STEP: &str = "pod-namespaces";
/// For the child to answer. It waits for nobody, but a cgroup or a mount table may be slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(100);
/// For it to die when it has not answered.
const DEATH: Duration = Duration::from_secs(2);

/// Kills and reaps a child. One that hangs in the kernel is left to the host's init.
pub(crate) fn end_child(pidfd: &OwnedFd) {
    send_signal(pidfd, libc::SIGKILL).ok();
    if fd::is_readable_within(pidfd, DEATH) {
        wait_pidfd(pidfd, true).ok();
    }
}

pub(crate) fn wait_for_answer(
    socket: &OwnedFd,
    pid: i32,
    patience: Duration,
) -> Result<(), IsolateError> {
    if fd::is_readable_within(socket, patience) {
        return Ok(());
    }
    let message = format!(
        "cannot make the pod's namespaces: the time for it is over while {}",
        Hang::of(pid)
    );
    Err(IsolateError::new(
        ErrorCode::DeadlineExceeded,
        STEP,
        message,
    ))
}

pub(crate) fn lose_privileges() -> Result<(), IsolateError> {
    let fail =
        |errno| IsolateError::kernel("pod-init", "drop privileges of the pod's pid 1", errno);
    let none = caps::CapSet::default();
    caps::limit_bounding(none).map_err(fail)?;
    caps::set_ambient(none).map_err(fail)?;
    caps::set(none, none, none).map_err(fail)?;
    process::set_no_new_privs().map_err(fail)
}

/// Stays as the pod's pid 1, without a descriptor of anything.
pub(crate) fn become_reaper(change: Option<Change>) -> i32 {
    // Last of all: what this process could do until now the label may forbid.
    drop(change.map(Change::make));
    if fd::close_all_except(&[]).is_err() {
        return 1;
    }
    for number in 0..3 {
        // Nothing of the monitor's streams may live as long as the pod.
        fd::close_number(number);
    }
    // Orphans of all containers end here; the kernel reaps them without waking anybody. Signals from
    // inside the namespace cannot reach a pid 1 without handlers, and from outside only SIGKILL can.
    signal::reap_children_automatically();
    signal::sleep_for_ever()
}

#[cfg(test)]
mod tests {
    use estiba_kernel::socket;

    use super::*;

    #[test]
    fn a_child_that_never_answers_is_named_and_not_waited_for() {
        let (ours, theirs) = socket::seqpacket_pair().unwrap();
        let pid = i32::try_from(std::process::id()).unwrap();
        let patience = Duration::from_millis(20);
        let error = wait_for_answer(&ours, pid, patience).unwrap_err();
        assert_eq!(error.code, ErrorCode::DeadlineExceeded);
        let named = format!("is over while process {pid} (");
        assert!(error.message.contains(&named), "{error}");
        socket::send(&theirs, b"x", &[]).unwrap();
        wait_for_answer(&ours, pid, patience).unwrap();
    }
}
