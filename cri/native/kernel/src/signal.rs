//! Signal dispositions and masks of the process itself.

#![allow(unsafe_code, reason = "signal calls have no safe wrapper")]

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

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
        // SAFETY: SIG_DFL installs no handler.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
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

/// Puts every signal back to its default and unblocks all: what a program expects at its start.
/// (Rust's runtime ignores SIGPIPE, and ignored signals stay ignored over execve.)
pub fn reset_all() {
    for number in 1..=64 {
        // SAFETY: SIG_DFL installs no handler; the result for SIGKILL, SIGSTOP and the numbers that
        // the C library keeps for itself is an error that means nothing here.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
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
    // SAFETY: the handler touches nothing. (A write that is broken off while memory is reclaimed is
    // not restarted.)
    unsafe { libc::signal(number, handler as libc::sighandler_t) };
}

/// Lets the kernel reap the children of this process: they never become zombies.
pub fn reap_children_automatically() {
    // SAFETY: SIG_IGN installs no handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
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
