//! Children of single-threaded processes.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions};

/// A forked child: its pid is not reused before [`reap`] has taken its exit status.
#[derive(Debug)]
pub struct Child {
    /// Process id.
    pub pid: i32,
    /// Readable when the child has ended.
    pub pidfd: OwnedFd,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
}

impl Ended {
    /// The shell's convention: the exit status, or 128 and the signal.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Exited(status) => status,
            Self::Signaled(signal) => 128 + signal,
        }
    }

    /// The signal; 0 when there was none.
    #[must_use]
    pub fn signal(self) -> i32 {
        match self {
            Self::Exited(_) => 0,
            Self::Signaled(signal) => signal,
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exit status {status}"),
            Self::Signaled(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Forks. `None` is returned in the child, which is a whole copy of the caller: the caller must
/// have one thread.
///
/// # Errors
/// The kernel's reason.
pub fn fork() -> Result<Option<Child>, Errno> {
    // SAFETY: fork has no memory preconditions; callers have one thread, so the child's heap and
    // locks are in a usable state.
    #[allow(
        unsafe_code,
        reason = "the only way to fork; the kernel crate has no plain fork"
    )]
    let raw = unsafe { libc::fork() };
    match raw {
        -1 => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
        0 => Ok(None),
        _ => {
            // The child is ours and not reaped: the pid cannot be anybody else's.
            let pid = Pid::from_raw(raw).ok_or(Errno::SRCH)?;
            let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
            Ok(Some(Child { pid: raw, pidfd }))
        }
    }
}

/// Takes the exit status of an own child that has ended; `None` when it runs.
///
/// # Errors
/// `CHILD` when it is no child of ours or has been reaped.
pub fn reap(pidfd: impl AsFd) -> Result<Option<Ended>, Errno> {
    wait(pidfd, WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
}

/// Waits for the end of an own child.
///
/// # Errors
/// As [`reap`].
pub fn wait_for(pidfd: impl AsFd) -> Result<Ended, Errno> {
    loop {
        match wait(pidfd.as_fd(), WaitIdOptions::EXITED) {
            Ok(Some(ended)) => return Ok(ended),
            Ok(None) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn wait(pidfd: impl AsFd, options: WaitIdOptions) -> Result<Option<Ended>, Errno> {
    let Some(status) = rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), options)? else {
        return Ok(None);
    };
    Ok(Some(
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Ended::Exited(code),
            (None, Some(signal)) => Ended::Signaled(signal),
            (None, None) => return Ok(None),
        },
    ))
}

/// Sends any signal, real-time ones included, to the process behind a pidfd. A process that has
/// ended is fine.
///
/// # Errors
/// `INVAL` for a number that is no signal, or the kernel's refusal.
pub fn send_signal(pidfd: impl AsFd, signal: i32) -> Result<(), Errno> {
    use std::os::fd::AsRawFd;
    let fd = pidfd.as_fd().as_raw_fd();
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: pidfd_send_signal reads nothing through a null siginfo; the descriptor is borrowed.
    #[allow(unsafe_code, reason = "rustix has no way to name real-time signals")]
    let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, none, 0) };
    if result == 0 {
        return Ok(());
    }
    match Errno::from_io_error(&std::io::Error::last_os_error()) {
        Some(Errno::SRCH) => Ok(()),
        errno => Err(errno.unwrap_or(Errno::IO)),
    }
}

/// Keeps the C allocator from holding on to memory: big blocks are mapped and unmapped one by one,
/// and the top of the heap is given back early. One pod's monitor must stay small for months.
pub fn keep_heap_small() {
    for (option, value) in [
        (libc::M_MMAP_THRESHOLD, 64 << 10),
        (libc::M_TRIM_THRESHOLD, 64 << 10),
    ] {
        // SAFETY: mallopt only stores two integers.
        #[allow(unsafe_code, reason = "the allocator has no other interface")]
        unsafe {
            libc::mallopt(option, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(code: impl FnOnce() -> i32) -> Child {
        match fork().unwrap() {
            Some(child) => child,
            None => rustix_exit(code()),
        }
    }

    fn rustix_exit(code: i32) -> ! {
        // SAFETY: _exit ends the process without touching memory.
        #[allow(
            unsafe_code,
            reason = "a forked test must not run the harness's exit handlers"
        )]
        unsafe {
            libc::_exit(code)
        }
    }

    #[test]
    fn the_exit_status_of_a_child_arrives_once() {
        let child = child(|| 7);
        assert_eq!(wait_for(&child.pidfd).unwrap(), Ended::Exited(7));
        assert_eq!(reap(&child.pidfd).unwrap_err(), Errno::CHILD);
    }

    #[test]
    fn a_real_time_signal_arrives_and_is_reported() {
        let child = child(|| {
            std::thread::sleep(std::time::Duration::from_secs(30));
            0
        });
        let signal = libc::SIGRTMIN() + 3;
        send_signal(&child.pidfd, signal).unwrap();
        let ended = wait_for(&child.pidfd).unwrap();
        assert_eq!(ended, Ended::Signaled(signal));
        assert_eq!(ended.exit_code(), 128 + signal);
        send_signal(&child.pidfd, 9).unwrap();
    }
}
