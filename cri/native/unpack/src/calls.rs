//! The system calls that a job needs. Whoever takes it over gets no others: no mounts, programs,
//! sockets, namespaces or signals, although it has capabilities for some of them.

use estiba_kernel::seccomp::{Allow, allow_only};
use rustix::io::Errno;

/// Flags of clone(2) that make namespaces: NEWTIME, NEWNS, NEWCGROUP to NEWNET.
const NAMESPACES: u32 = 0x80 | 0x2_0000 | 0x7e00_0000;
const PROT_EXEC: u32 = 4;
const PR_SET_NAME: u32 = 15;
/// fchmodat2 and setxattrat, the same on all architectures.
const NEW_CALLS: [i64; 2] = [452, 463];

const CALLS: [i64; 59] = [
    // Data first: every call before it in the list costs a little.
    libc::SYS_write,
    libc::SYS_read,
    libc::SYS_futex,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_openat2,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_newfstatat,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_fchmod,
    libc::SYS_fchown,
    libc::SYS_utimensat,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_mknodat,
    libc::SYS_readlinkat,
    libc::SYS_fchownat,
    libc::SYS_fchmodat,
    libc::SYS_getdents64,
    libc::SYS_fsetxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fgetxattr,
    libc::SYS_fremovexattr,
    libc::SYS_lseek,
    libc::SYS_ftruncate,
    libc::SYS_syncfs,
    libc::SYS_sync_file_range,
    libc::SYS_readv,
    libc::SYS_writev,
    // The client's connection.
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_ppoll,
    // Memory, threads, time and the end.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigreturn,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Leaves this thread, and those it makes from now on, only what a job needs.
pub(crate) fn restrict() -> Result<(), Errno> {
    let without = |call, argument, bits| Allow::Without {
        call,
        argument,
        bits,
    };
    let mut allowed: Vec<Allow> = CALLS
        .into_iter()
        .chain(NEW_CALLS)
        .map(Allow::Call)
        .collect();
    allowed.extend([
        without(libc::SYS_mmap, 2, PROT_EXEC),
        without(libc::SYS_mprotect, 2, PROT_EXEC),
        without(libc::SYS_clone, 0, NAMESPACES),
        Allow::With {
            call: libc::SYS_prctl,
            argument: 0,
            value: PR_SET_NAME,
        },
        // abort(3): only this process.
        Allow::With {
            call: libc::SYS_tgkill,
            argument: 0,
            value: std::process::id(),
        },
    ]);
    #[cfg(target_arch = "x86_64")]
    allowed.push(Allow::Call(libc::SYS_poll));
    // The flags of clone3 are in memory, where a filter cannot look.
    allow_only(&allowed, &[libc::SYS_clone3])
}
