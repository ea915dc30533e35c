//! Signal dispositions and masks of the process itself.

#![allow(unsafe_code, reason = "signal calls have no safe wrapper")]

use std::mem::MaybeUninit;

use crate::seccomp::{self, Allow};

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
