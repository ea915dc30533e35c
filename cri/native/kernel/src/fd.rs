//! Descriptors: closing what a child must not keep, waiting for one.

#![allow(
    unsafe_code,
    reason = "close_range and dup2 onto fixed numbers have no safe wrapper"
)]

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::spawn::last_errno;

fn close_range(first: RawFd, last: RawFd, flags: u32) -> Result<(), Errno> {
    if first > last {
        return Ok(());
    }
    // SAFETY: callers of this module own the process's whole descriptor table (freshly forked
    // children) and never use a descriptor again that is closed here.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Closes every descriptor from 3 up but those in `keep`. For freshly forked children only:
/// descriptors that the parent's objects own are gone in this process afterwards.
///
/// # Errors
/// The kernel's errno.
pub fn close_all_except(keep: &[RawFd]) -> Result<(), Errno> {
    let mut keep: Vec<RawFd> = keep.iter().copied().filter(|fd| *fd >= 3).collect();
    keep.sort_unstable();
    keep.dedup();
    let mut first = 3;
    for fd in keep {
        close_range(first, fd - 1, 0)?;
        first = fd + 1;
    }
    close_range(first, RawFd::MAX, 0)
}

/// Closes a standard stream (0, 1 or 2) of a child that will never use it.
pub fn close_number(number: RawFd) {
    // SAFETY: standard descriptors are owned by no object; closing one that is closed is harmless.
    unsafe { libc::close(number) };
}

/// Marks every descriptor from 3 up to be closed by execve.
///
/// # Errors
/// The kernel's errno.
pub fn close_on_exec_from_3() -> Result<(), Errno> {
    close_range(3, RawFd::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

/// Makes `fd` also known under the number `target` (0, 1 or 2), kept over execve.
///
/// # Errors
/// The kernel's errno.
pub fn duplicate_to(fd: impl AsFd, target: RawFd) -> Result<(), Errno> {
    let fd = fd.as_fd().as_raw_fd();
    if fd == target {
        // dup2 onto itself would leave close-on-exec set.
        // SAFETY: F_SETFD on an open descriptor changes its flag only.
        let result = unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
        return if result == 0 {
            Ok(())
        } else {
            Err(last_errno())
        };
    }
    // SAFETY: standard descriptors are not owned by any object in a child about to execve.
    let result = unsafe { libc::dup2(fd, target) };
    if result >= 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}
/// Waits up to `patience` for something to read: a message, or the end of a pidfd's process.
#[must_use]
pub fn is_readable_within(fd: impl AsFd, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(rest).ok();
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            result => return result.is_ok_and(|ready| ready > 0),
        }
    }
}
