//! clone3, and waiting for what it made.

#![allow(unsafe_code, reason = "clone3 has no safe wrapper")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// libc's constant does not fit its type.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// What clone3 is asked for. The child always starts as a copy of the caller's memory (no CLONE_VM).
#[derive(Debug, Default, Clone, Copy)]
pub struct Clone<'fd> {
    /// `CLONE_NEW*` flags.
    pub namespaces: i32,
    /// Makes the child a sibling: the caller's parent reaps it. The caller must not be a pid 1.
    pub sibling: bool,
    /// Cgroup v2 directory that the child is born in.
    pub cgroup: Option<BorrowedFd<'fd>>,
    /// By clone(2), which filters of system calls can judge and mostly allow. Without `cgroup`.
    pub old_call: bool,
}

/// Which side of clone3 this is.
#[derive(Debug)]
pub enum Side {
    /// The new process.
    Child,
    /// The caller.
    Parent {
        /// Pid in the caller's pid namespace.
        pid: i32,
        /// Pidfd (close-on-exec).
        pidfd: OwnedFd,
    },
}

/// Makes a new process that is a copy of this one.
///
/// # Safety
/// The calling process must have one thread only: locks that other threads hold stay locked in the
/// child for ever. The child must end by `execve` or [`exit_now`] and never return from the caller's
/// fork point.
///
/// # Errors
/// The kernel's errno.
pub unsafe fn clone3(request: &Clone<'_>) -> Result<Side, Errno> {
    let mut pidfd: i32 = -1;
    let mut flags = u64::from(crate::bits(request.namespaces));
    flags |= u64::from(crate::bits(libc::CLONE_PIDFD));
    if request.sibling {
        flags |= u64::from(crate::bits(libc::CLONE_PARENT));
    }
    if request.cgroup.is_some() {
        flags |= CLONE_INTO_CGROUP;
    }
    if request.old_call {
        return old_clone(flags, request.sibling);
    }
    let mut args = libc::clone_args {
        flags,
        pidfd: std::ptr::from_mut(&mut pidfd) as u64,
        child_tid: 0,
        parent_tid: 0,
        // A sibling inherits the caller's exit signal; giving one is refused.
        exit_signal: if request.sibling {
            0
        } else {
            u64::from(crate::bits(libc::SIGCHLD))
        },
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: request
            .cgroup
            .map_or(0, |fd| u64::from(crate::bits(fd.as_raw_fd()))),
    };
    // SAFETY: args is a valid clone_args of the size given; without CLONE_VM the child has its own
    // copy of this stack; the caller vouches for the rest.
    let result = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            std::ptr::from_mut(&mut args),
            std::mem::size_of::<libc::clone_args>(),
        )
    };
    side_of(result, pidfd)
}

/// The same without what only clone3 can do; the caller vouches as there.
fn old_clone(flags: u64, sibling: bool) -> Result<Side, Errno> {
    let mut pidfd: i32 = -1;
    let signal = if sibling { 0 } else { libc::SIGCHLD };
    // SAFETY: without CLONE_VM and with no stack given the child goes on with its own copy of this
    // one; the pidfd is stored where the third argument points on every architecture.
    let result = unsafe {
        libc::syscall(
            libc::SYS_clone,
            flags | u64::from(crate::bits(signal)),
            0_u64,
            std::ptr::from_mut(&mut pidfd),
            0_u64,
            0_u64,
        )
    };
    side_of(result, pidfd)
}

fn side_of(result: i64, pidfd: i32) -> Result<Side, Errno> {
    match i32::try_from(result) {
        Ok(0) => Ok(Side::Child),
        Ok(pid) if pid > 0 => {
            // SAFETY: the kernel has just stored a new descriptor that nothing else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Side::Parent { pid, pidfd })
        }
        _ => Err(last_errno()),
    }
}

/// Ends this process at once, without running exit handlers that belong to the parent.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(code) }
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By `exit`, with this code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

impl Ended {
    /// The shell's convention: the exit status, or 128 and the signal.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Exited(status) => status,
            Self::Killed(signal) => 128 + signal,
        }
    }

    /// The signal; 0 when there was none.
    #[must_use]
    pub fn signal(self) -> i32 {
        match self {
            Self::Exited(_) => 0,
            Self::Killed(signal) => signal,
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exit status {status}"),
            Self::Killed(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Reaps the child of this pidfd. `block` false: `None` while it lives.
///
/// # Errors
/// `CHILD` when it is not a child of the caller or has been reaped.
pub fn wait_pidfd(pidfd: impl AsFd, block: bool) -> Result<Option<Ended>, Errno> {
    let mut options = WaitIdOptions::EXITED;
    if !block {
        options |= WaitIdOptions::NOHANG;
    }
    loop {
        match waitid(WaitId::PidFd(pidfd.as_fd()), options) {
            Ok(None) => return Ok(None),
            Ok(Some(status)) => {
                return Ok(Some(
                    match (status.exit_status(), status.terminating_signal()) {
                        (Some(code), _) => Ended::Exited(code),
                        (None, Some(signal)) => Ended::Killed(signal),
                        (None, None) => Ended::Exited(255),
                    },
                ));
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Reaps the child of this pidfd when it ends within `patience`; `None` when it does not.
///
/// # Errors
/// As [`wait_pidfd`].
pub fn wait_within(pidfd: impl AsFd, patience: Duration) -> Result<Option<Ended>, Errno> {
    if crate::fd::is_readable_within(pidfd.as_fd(), patience) {
        wait_pidfd(pidfd, false)
    } else {
        Ok(None)
    }
}

/// Reaps a child by its pid, which nobody else can have before. True while it lives.
///
/// # Errors
/// The kernel's errno; a child that has been reaped is no error.
pub fn reap_pid(pid: Pid) -> Result<bool, Errno> {
    reap_all(&WaitId::Pid(pid))
}

/// Reaps every child that belongs to this process group and has ended. True while one lives.
///
/// # Errors
/// The kernel's errno; a group without children of the caller is no error.
pub fn reap_group(group: i32) -> Result<bool, Errno> {
    let group = Pid::from_raw(group).ok_or(Errno::INVAL)?;
    reap_all(&WaitId::Pgid(Some(group)))
}

fn reap_all(whom: &WaitId<'_>) -> Result<bool, Errno> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    loop {
        match waitid(whom.clone(), options) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return Ok(true),
            Err(Errno::CHILD) => return Ok(false),
            Err(errno) => return Err(errno),
        }
    }
}

/// Sends a signal by number (realtime signals too).
///
/// # Errors
/// `SRCH` when the process is gone, `INVAL` for a number that is no signal.
pub fn send_signal(pidfd: impl AsFd, signal: i32) -> Result<(), Errno> {
    let fd = pidfd.as_fd().as_raw_fd();
    let no_info: *const libc::siginfo_t = std::ptr::null();
    // SAFETY: a null siginfo is allowed; the descriptor is borrowed for the call.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, no_info, 0) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Joins namespaces. With a pidfd several `CLONE_NEW*` flags may be given at once; with a namespace
/// descriptor the flag must fit it.
///
/// # Errors
/// The kernel's errno.
pub fn setns(fd: impl AsFd, flags: i32) -> Result<(), Errno> {
    // SAFETY: setns changes the calling thread's namespaces only; memory is not concerned.
    let result = unsafe { libc::setns(fd.as_fd().as_raw_fd(), flags) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Leaves namespaces for new ones.
///
/// # Errors
/// The kernel's errno.
pub fn unshare(flags: i32) -> Result<(), Errno> {
    // SAFETY: only CLONE_NEW* and CLONE_FS flags are used; none of them breaks memory safety.
    let result = unsafe { libc::unshare(flags) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

pub(crate) fn last_errno() -> Errno {
    let raw = std::io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::EIO);
    Errno::from_raw_os_error(raw)
}
