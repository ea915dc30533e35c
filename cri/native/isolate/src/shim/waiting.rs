//! Waiting for a process that another program has made, and ending as it did.

use std::time::Duration;

use estiba_kernel::spawn::exit_now;
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions};

use crate::error::{ErrorCode, IsolateError};

/// How the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Exited(i32),
    Killed(i32),
}

/// What is read of a pid file.
pub(super) fn read_pid(path: &std::path::Path) -> Result<i32, IsolateError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| IsolateError::io("pid-file", format!("read {path:?}"), &error))?;
    text.trim().parse().map_err(|_invalid| {
        let message = format!("cannot read {path:?}: {:?} is not a pid", text.trim());
        IsolateError::new(ErrorCode::Internal, "pid-file", message)
    })
}

/// Waits until `pid` has ended, and reaps whoever else has become a child of this subreaper. One
/// that never became a child of ours is waited for too, and its exit code is not known.
pub(super) fn wait_for(pid: i32) -> Ended {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if ended.as_raw_nonzero().get() == pid => {
                return match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Ended::Exited(code),
                    (None, Some(signal)) => Ended::Killed(signal),
                    (None, None) => Ended::Exited(255),
                };
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => {
                wait_for_stranger(pid);
                return Ended::Exited(255);
            }
        }
    }
}

/// As `wait_for`, looking once.
pub(super) fn look_at(pid: i32) -> Option<Ended> {
    let id = WaitId::Pid(Pid::from_raw(pid)?);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match rustix::process::waitid(id, options) {
        Ok(None) | Err(Errno::INTR) => None,
        Ok(Some(_)) => Some(wait_for(pid)),
        Err(_) => Pid::from_raw(pid)
            .is_some_and(|pid| rustix::process::test_kill_process(pid).is_err())
            .then_some(Ended::Exited(255)),
    }
}

fn wait_for_stranger(pid: i32) {
    while Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok()) {
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Ends this process as another one did.
pub(super) fn end_as(ended: Ended) -> ! {
    match ended {
        Ended::Exited(code) => exit_now(code),
        Ended::Killed(signal) => {
            // It is not the shim that crashed.
            estiba_kernel::process::set_limit(libc::RLIMIT_CORE, 0, 0).ok();
            estiba_kernel::signal::reset_all();
            let own = rustix::process::getpid();
            let flags = rustix::process::PidfdFlags::empty();
            // By descriptor: real-time signals have no names.
            if let Ok(own) = rustix::process::pidfd_open(own, flags) {
                estiba_kernel::spawn::send_signal(own, signal).ok();
            }
            exit_now(128 + signal)
        }
    }
}

/// The process and all its descendants, as far as /proc tells, nearest first.
pub(super) fn with_descendants(pid: i32) -> Vec<i32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        let children = format!("/proc/{parent}/task/{parent}/children");
        let listed = std::fs::read_to_string(children).unwrap_or_default();
        let children = listed.split_ascii_whitespace();
        found.extend(children.filter_map(|child| child.parse::<i32>().ok()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_that_holds_no_pid_is_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        assert!(read_pid(&path).unwrap_err().message.contains("cannot read"));
        std::fs::write(&path, "12 no\n").unwrap();
        assert!(read_pid(&path).unwrap_err().message.contains("\"12 no\""));
        std::fs::write(&path, "12\n").unwrap();
        assert_eq!(read_pid(&path).unwrap(), 12);
    }

    #[test]
    fn descendants_are_found_below_their_parents() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 30 & sleep 30 & wait"])
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let mut tree = with_descendants(pid);
        while tree.len() != 3 && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(1));
            tree = with_descendants(pid);
        }
        assert_eq!((tree.len(), tree.first()), (3, Some(&pid)));
        for pid in tree {
            let pid = Pid::from_raw(pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        child.wait().unwrap();
    }
}
