//! Children of single-threaded processes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub use estiba_kernel::spawn::{Ended, wait_within};
use estiba_kernel::spawn::{Side, wait_pidfd};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

/// A forked child: its pid is not reused before [`reap`] has taken its exit status.
#[derive(Debug)]
pub struct Child {
    /// Process id.
    pub pid: i32,
    /// Readable when the child has ended.
    pub pidfd: OwnedFd,
}

/// Forks. `None` is returned in the child, which is a whole copy of the caller: the caller must
/// have one thread.
///
/// # Errors
/// The kernel's reason.
pub fn fork() -> Result<Option<Child>, Errno> {
    #[allow(
        unsafe_code,
        reason = "the only way to fork with allocator locks in order"
    )]
    // SAFETY: fork has no memory preconditions; callers have one thread, so the child's heap and
    // locks are in a usable state.
    let raw = unsafe { libc::fork() };
    match raw {
        -1 => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
        0 => Ok(None),
        _ => {
            // The child is ours and not reaped: the pid cannot be anybody else's.
            let pid = Pid::from_raw(raw).ok_or(Errno::SRCH)?;
            match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
                Ok(pidfd) => Ok(Some(Child { pid: raw, pidfd })),
                Err(errno) => {
                    // Who hears of a failure must be sure that nothing goes on.
                    rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
                    let options = rustix::process::WaitOptions::empty();
                    rustix::process::waitpid(Some(pid), options).ok();
                    Err(errno)
                }
            }
        }
    }
}

/// Takes the exit status of an own child that has ended; `None` when it runs.
///
/// # Errors
/// `CHILD` when it is no child of ours or has been reaped.
pub fn reap(pidfd: impl AsFd) -> Result<Option<Ended>, Errno> {
    wait_pidfd(pidfd, false)
}

/// Most of what a child that has ended may have left to say.
const MAX_REPORT: usize = 64 << 10;

/// What a child that has ended has written into a pipe, without waiting for others that may hold it.
pub(crate) fn last_words(pipe: &OwnedFd) -> Vec<u8> {
    let mut words = vec![0; MAX_REPORT];
    let mut length = 0;
    if rustix::io::ioctl_fionbio(pipe, true).is_ok() {
        while let Some(room) = words.get_mut(length..).filter(|room| !room.is_empty()) {
            match rustix::io::read(pipe, room) {
                Ok(count) if count > 0 => length += count,
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => break,
            }
        }
    }
    words.truncate(length);
    words
}

/// Like [`fork`], with the child born in a cgroup v2 directory when one is given and usable.
///
/// # Errors
/// The kernel's reason.
pub fn fork_into(cgroup: Option<BorrowedFd<'_>>) -> Result<Option<Child>, Errno> {
    if cgroup.is_some() {
        let request = estiba_kernel::spawn::Clone {
            cgroup,
            ..Default::default()
        };
        #[allow(unsafe_code, reason = "forking is unsafe in general")]
        // SAFETY: callers have one thread; the child leaves by ending the process.
        let forked = unsafe { estiba_kernel::spawn::clone3(&request) };
        match forked {
            Ok(Side::Child) => return Ok(None),
            Ok(Side::Parent { pid, pidfd }) => return Ok(Some(Child { pid, pidfd })),
            // The cgroup has been removed or is not for processes: better in ours than not at all.
            Err(Errno::NODEV | Errno::NOENT | Errno::BUSY | Errno::OPNOTSUPP | Errno::INVAL) => {}
            Err(errno) => return Err(errno),
        }
    }
    fork()
}

/// Ends this process at once, without exit handlers: for children that must not return.
pub fn exit_now(code: i32) -> ! {
    estiba_kernel::spawn::exit_now(code)
}

/// Sends any signal, real-time ones included, to the process behind a pidfd. A process that has
/// ended is fine.
///
/// # Errors
/// `INVAL` for a number that is no signal, or the kernel's refusal.
pub fn send_signal(pidfd: impl AsFd, signal: i32) -> Result<(), Errno> {
    match estiba_kernel::spawn::send_signal(pidfd, signal) {
        Err(Errno::SRCH) => Ok(()),
        other => other,
    }
}

/// Keeps the C allocator from holding on to memory: big blocks are mapped and unmapped one by one,
/// and the top of the heap is given back early. One pod's monitor must stay small for months.
pub fn keep_heap_small() {
    for (option, value) in [
        (libc::M_MMAP_THRESHOLD, 64 << 10),
        (libc::M_TRIM_THRESHOLD, 64 << 10),
    ] {
        #[allow(unsafe_code, reason = "the allocator has no other interface")]
        // SAFETY: mallopt only stores two integers.
        unsafe {
            libc::mallopt(option, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn child(code: impl FnOnce() -> i32) -> Child {
        match fork().unwrap() {
            Some(child) => child,
            None => exit_now(code()),
        }
    }

    #[test]
    fn the_exit_status_of_a_child_arrives_once() {
        let child = child(|| 7);
        let ended = wait_within(&child.pidfd, PATIENCE).unwrap();
        assert_eq!(ended, Some(Ended::Exited(7)));
        assert_eq!(reap(&child.pidfd).unwrap_err(), Errno::CHILD);
    }

    #[test]
    fn a_real_time_signal_arrives_and_is_reported() {
        let child = child(|| {
            std::thread::sleep(std::time::Duration::from_secs(30));
            0
        });
        assert_eq!(wait_within(&child.pidfd, Duration::ZERO).unwrap(), None);
        let signal = libc::SIGRTMIN() + 3;
        send_signal(&child.pidfd, signal).unwrap();
        let ended = wait_within(&child.pidfd, PATIENCE).unwrap().unwrap();
        assert_eq!(ended, Ended::Killed(signal));
        assert_eq!(ended.exit_code(), 128 + signal);
        send_signal(&child.pidfd, 9).unwrap();
    }

    #[test]
    fn the_last_words_are_read_although_somebody_else_holds_the_pipe() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&write, b"because").unwrap();
        assert_eq!(last_words(&read), b"because");
        assert_eq!(last_words(&read), b"");
    }
}
