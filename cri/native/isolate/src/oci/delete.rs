//! `delete`: removes a container.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use estiba_kernel::hang::Hang;
use estiba_kernel::{fd, spawn};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, stat};
use rustix::io::Errno;

use super::commands::{PATIENCE, STEP, Warn, kill_frozen, open_pidfd, precondition};
use super::state::{Record, Status, dir_of, not_found};
use crate::error::{ErrorCode, IsolateError};
use crate::hooks;
use crate::host::{Host, remove_cgroup};

/// Longest wait for another who deletes the same container: its poststop hooks may take longer.
const OTHERS_TIME: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Removes a stopped container, or with `force` any: its cgroup, after its poststop hooks its state.
/// Of those who do that at the same time one does, and the others find nothing.
///
/// # Errors
/// `FailedPrecondition` when it lives and `force` is not given; `NotFound` when there is none, without
/// `force`; `DeadlineExceeded` when it does not die, or another is deleting it for half a minute.
pub fn delete(
    host: &Host,
    root: &Path,
    id: &str,
    force: bool,
    warn: Warn<'_>,
) -> Result<(), IsolateError> {
    let dir = dir_of(root, id)?;
    let Some(_lock) = lock(&dir, id, OTHERS_TIME)? else {
        return match force {
            true => Ok(()),
            false => Err(not_found(id)),
        };
    };
    let record = match Record::load(&dir, id) {
        Err(error) if force && error.code == ErrorCode::NotFound => {
            // A creation that was cut short leaves a directory without a record.
            return remove(&dir);
        }
        result => result?,
    };
    let status = record.status_on(host)?;
    if status != Status::Stopped && !force {
        let message = format!("cannot delete container {id:?}: it is {status}, not stopped");
        return Err(precondition(message));
    }
    if record.boot_id == host.boot_id {
        kill_frozen(host, &record.cgroup)?;
        end_process(host, &record)?;
        remove_cgroup(host, &record.cgroup, PATIENCE)?;
    }
    // Before the state goes: who is broken off here can be asked to go on.
    hooks::poststop(&dir.join("config.json"), id, &record.bundle, warn);
    remove(&dir)
}

/// Keeps others from deleting the container of this directory as long as it is held. `None` when there
/// is none, or no more.
fn lock(dir: &Path, id: &str, patience: Duration) -> Result<Option<OwnedFd>, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("lock {dir:?}"), errno);
    // What is no directory is refused by its removal; a pipe must not hold anybody up here.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = match rustix::fs::open(dir, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        opened => opened.map_err(fail)?,
    };
    let end = Instant::now() + patience;
    while let Err(errno) = flock(&held, FlockOperation::NonBlockingLockExclusive) {
        if errno != Errno::AGAIN {
            return Err(fail(errno));
        }
        if Instant::now() >= end {
            let message = format!(
                "cannot delete container {id:?}: another is deleting it, for {patience:?} by now"
            );
            let code = ErrorCode::DeadlineExceeded;
            return Err(IsolateError::new(code, STEP, message));
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    // Who held it may have removed the directory, and somebody have made a new one of that name.
    let ours = fstat(&held).map_err(fail)?;
    match stat(dir) {
        Err(Errno::NOENT) => Ok(None),
        there => {
            let there = there.map_err(fail)?;
            let is_same = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino);
            Ok(is_same.then_some(held))
        }
    }
}

/// Kills the container's process and waits for its death: it may have left the container's cgroup.
fn end_process(host: &Host, record: &Record) -> Result<(), IsolateError> {
    // The pidfd first, the check of its identity second.
    let pidfd = open_pidfd(record.pid).filter(|_| record.is_alive(&host.boot_id));
    let Some(pidfd) = pidfd else { return Ok(()) };
    spawn::send_signal(&pidfd, libc::SIGKILL).ok();
    if fd::is_readable_within(&pidfd, PATIENCE) {
        return Ok(());
    }
    let (id, hang) = (&record.id, Hang::of(record.pid));
    let message = format!("cannot delete container {id:?}: it does not die: {hang}");
    let code = ErrorCode::DeadlineExceeded;
    Err(IsolateError::new(code, STEP, message))
}

/// Removes a container's state; what is gone already is no error.
fn remove(dir: &Path) -> Result<(), IsolateError> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(IsolateError::io(STEP, format!("remove {dir:?}"), &error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_deletes_and_not_what_has_come_since() {
        const SHORT: Duration = Duration::from_millis(50);
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("one");
        assert!(lock(&dir, "one", SHORT).unwrap().is_none());
        std::fs::create_dir(&dir).unwrap();
        let held = lock(&dir, "one", SHORT).unwrap().unwrap();
        let error = lock(&dir, "one", SHORT).unwrap_err();
        assert_eq!(error.code, ErrorCode::DeadlineExceeded);
        assert!(error.message.contains("another is deleting it"), "{error}");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| lock(&dir, "one", 200 * SHORT).unwrap());
            std::thread::sleep(SHORT);
            // The old one is there as long as somebody has it open.
            std::fs::remove_dir(&dir).unwrap();
            std::fs::create_dir(&dir).unwrap();
            drop(held);
            assert!(waiting.join().unwrap().is_none());
        });
        assert!(lock(&dir, "one", SHORT).unwrap().is_some());
    }
}
