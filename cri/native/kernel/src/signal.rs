//! Signal dispositions and masks of the process itself.

#![allow(unsafe_code, reason = "signal calls have no safe wrapper")]

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use crate::seccomp::{self, Allow};
use crate::spawn::last_errno;

/// The signals of this process as something to read: none acts by itself any more, but those that
/// cannot be held back.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Holds back all signals from here on. Children that are to hear them call [`reset_all`].
    ///
    /// # Errors
    /// The kernel's errno.
    pub fn take_over() -> Result<Self, Errno> {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigfillset fills the set that it is given.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        // Ignored by whoever started us, children would be reaped before their status is read.
        dispose(libc::SIGCHLD, libc::SIG_DFL);
        // SAFETY: the set was initialised above.
        let result =
            unsafe { libc::sigprocmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut()) };
        if result != 0 {
            return Err(last_errno());
        }
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // SAFETY: the set was initialised above; -1 asks for a new descriptor.
        let fd = unsafe { libc::signalfd(-1, all.as_ptr(), flags) };
        if fd < 0 {
            return Err(last_errno());
        }
        // SAFETY: the kernel has just made this descriptor; nothing else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Number of the next signal; `None` when there is none.
    #[must_use]
    pub fn next(&self) -> Option<i32> {
        const NUMBER: std::ops::Range<usize> = 0..4;
        let mut info = [0; size_of::<libc::signalfd_siginfo>()];
        let count = rustix::io::read(&self.0, &mut info).ok()?;
        let number = info.get(..count)?.get(NUMBER)?;
        Some(i32::from_ne_bytes(number.try_into().ok()?))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Which signals may have another disposition than the default, from the lowest bit on; at first any.
static CHANGED: AtomicU64 = AtomicU64::new(u64::MAX);

fn bit(number: i32) -> u64 {
    1 << (number - 1)
}

fn dispose(number: i32, disposition: libc::sighandler_t) {
    CHANGED.fetch_or(bit(number), Ordering::Relaxed);
    // SAFETY: all dispositions of this module are SIG_DFL, SIG_IGN or a handler that touches nothing.
    // The error for SIGKILL, SIGSTOP and the numbers that the C library keeps for itself means nothing.
    unsafe { libc::signal(number, disposition) };
}

/// Looks once which signals are not at their default, so that [`reset_all`] asks the kernel about no
/// others, in any child: 64 calls take 15 µs. Later changes are this module's alone.
pub fn take_stock() {
    let is_changed = |number: &i32| {
        let mut found = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: nothing is changed; what is there is written to `found`.
        let result = unsafe { libc::sigaction(*number, std::ptr::null(), found.as_mut_ptr()) };
        // SAFETY: zeros are a value of it too.
        result == 0 && unsafe { found.assume_init() }.sa_sigaction != libc::SIG_DFL
    };
    let changed = (1..=64).filter(is_changed).map(bit).sum();
    CHANGED.store(changed, Ordering::Relaxed);
}

/// Puts every signal back to its default and unblocks all: what a program expects at its start.
/// (Rust's runtime ignores SIGPIPE, and ignored signals stay ignored over execve.)
pub fn reset_all() {
    let changed = CHANGED.load(Ordering::Relaxed);
    for number in (1..=64).filter(|number| changed & bit(*number) != 0) {
        dispose(number, libc::SIG_DFL);
    }
    CHANGED.store(0, Ordering::Relaxed);
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset fills the set that it is given.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the set was initialised above.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut()) };
}

/// Has this signal do nothing but break off a call that waits.
pub fn let_interrupt(number: i32) {
    extern "C" fn nothing(_number: libc::c_int) {}
    let handler = nothing as extern "C" fn(libc::c_int);
    // A write that is broken off while memory is reclaimed is not restarted.
    dispose(number, handler as libc::sighandler_t);
}

/// Lets the kernel reap the children of this process: they never become zombies.
pub fn reap_children_automatically() {
    dispose(libc::SIGCHLD, libc::SIG_IGN);
}

/// Sleeps until a signal ends the process, which can do nothing else any more where the kernel has
/// seccomp filters.
pub fn sleep_for_ever() -> ! {
    let calls = [
        #[cfg(target_arch = "x86_64")]
        Allow::Call(libc::SYS_pause),
        Allow::Call(libc::SYS_ppoll),
        Allow::Call(libc::SYS_restart_syscall),
    ];
    // Without filters it still has no capabilities and no descriptors.
    seccomp::allow_only(&calls, &[]).ok();
    loop {
        // SAFETY: pause has no preconditions.
        unsafe { libc::pause() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spawn::{Clone, Ended, Side, clone3, exit_now, wait_pidfd};

    /// But for the numbers that the C library keeps for itself.
    fn ignored() -> Vec<i32> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
        let is_ours = |number: &i32| !(32..34).contains(number);
        let all = (1..=64).filter(is_ours);
        all.filter(|number| mask & bit(*number) != 0).collect()
    }

    #[test]
    fn whatever_was_ignored_at_the_start_or_since_is_so_no_more() {
        // SAFETY: the child ends in exit_now.
        match unsafe { clone3(&Clone::default()) }.unwrap() {
            Side::Child => {
                // Whoever runs this test may ignore some.
                reset_all();
                for number in [libc::SIGHUP, libc::SIGPIPE, 64] {
                    // SAFETY: SIG_IGN installs no handler.
                    unsafe { libc::signal(number, libc::SIG_IGN) };
                }
                take_stock();
                let known = CHANGED.load(Ordering::Relaxed);
                reap_children_automatically();
                let before = ignored();
                reset_all();
                let first = ignored();
                reap_children_automatically();
                reset_all();
                let good = before == [libc::SIGHUP, libc::SIGPIPE, libc::SIGCHLD, 64]
                    && known & bit(libc::SIGTERM) == 0
                    && first.is_empty()
                    && ignored().is_empty();
                exit_now(i32::from(!good))
            }
            Side::Parent { pidfd, .. } => {
                let ended = wait_pidfd(&pidfd, true).unwrap();
                assert_eq!(ended, Some(Ended::Exited(0)));
            }
        }
    }

    #[test]
    fn a_signal_that_is_held_back_is_read() {
        // A mask is a thread's own.
        let seen = std::thread::spawn(|| {
            let signals = Signals::take_over().unwrap();
            assert_eq!(signals.next(), None);
            // SAFETY: the signal is held back, and this thread's alone.
            unsafe { libc::raise(libc::SIGWINCH) };
            (signals.next(), signals.next())
        });
        assert_eq!(seen.join().unwrap(), (Some(libc::SIGWINCH), None));
    }
}
