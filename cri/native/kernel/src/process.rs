//! Properties of processes: identity, dumpability, privileges, limits.

#![allow(
    unsafe_code,
    reason = "prctl, setresuid, setgroups and setrlimit have no safe wrapper"
)]

use std::ffi::{CStr, CString};
use std::fs;

use rustix::io::Errno;

use crate::spawn::last_errno;

fn prctl(option: i32, argument: u64) -> Result<(), Errno> {
    // SAFETY: only options that take plain integers are used in this module (and PR_SET_NAME below).
    let result = unsafe { libc::prctl(option, argument, 0_u64, 0_u64, 0_u64) };
    if result >= 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

fn check(result: i32) -> Result<(), Errno> {
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Makes this process unreadable through /proc and ptrace for tenants. execve undoes it.
///
/// # Errors
/// The kernel's errno.
pub fn set_not_dumpable() -> Result<(), Errno> {
    prctl(libc::PR_SET_DUMPABLE, 0)
}

/// Name of the process as `ps` shows it, at most 15 bytes.
///
/// # Errors
/// The kernel's errno.
pub fn set_name(name: &CStr) -> Result<(), Errno> {
    // SAFETY: the pointer is a NUL-terminated string that outlives the call.
    let result = unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr(), 0_u64, 0_u64, 0_u64) };
    check(result)
}

/// No gain of privileges by execve from here on.
///
/// # Errors
/// The kernel's errno.
pub fn set_no_new_privs() -> Result<(), Errno> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Keep the permitted capabilities over the coming change of user id.
///
/// # Errors
/// The kernel's errno.
pub fn set_keep_capabilities(keep: bool) -> Result<(), Errno> {
    prctl(libc::PR_SET_KEEPCAPS, u64::from(keep))
}

/// `SECBIT_*`: how changes of the user id change capabilities.
///
/// # Errors
/// `PERM` without CAP_SETPCAP.
pub fn set_secure_bits(bits: i32) -> Result<(), Errno> {
    prctl(libc::PR_SET_SECUREBITS, u64::from(crate::bits(bits)))
}

/// Sets supplementary groups, then group id, then user id (real, effective and saved).
///
/// # Errors
/// The kernel's errno.
pub fn set_identity(uid: u32, gid: u32, groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: pointer and length describe the slice.
    check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })?;
    // SAFETY: plain integers.
    check(unsafe { libc::setresgid(gid, gid, gid) })?;
    // SAFETY: plain integers.
    check(unsafe { libc::setresuid(uid, uid, uid) })
}

/// New session; the process leads it and has no terminal.
pub fn set_session() {
    // SAFETY: no arguments. The one error (already a leader) leaves what is wanted.
    unsafe { libc::setsid() };
}

/// Leaves the session keyring of whoever started this process for a new, empty one. Kernels without
/// keyrings, and users without quota for one more, have nothing to protect or no way to.
pub fn leave_session_keyring() {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_int = 1;
    let anonymous: *const libc::c_char = std::ptr::null();
    // SAFETY: a null name asks for an anonymous keyring.
    unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, anonymous) };
}

/// Sets one resource limit of this process. `u64::MAX` is "unlimited".
///
/// # Errors
/// `PERM` when the hard limit would rise without privilege.
pub fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    let limit = libc::rlimit64 {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: a null old-limit pointer is allowed; the new one is valid for the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_prlimit64,
            0,
            resource,
            std::ptr::from_ref(&limit),
            std::ptr::null_mut::<libc::rlimit64>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Hard limit of one resource of this process.
///
/// # Errors
/// The kernel's errno.
pub fn hard_limit(resource: u32) -> Result<u64, Errno> {
    let mut limit = libc::rlimit64 {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a null new-limit pointer is allowed; the old one is valid for the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_prlimit64,
            0,
            resource,
            std::ptr::null::<libc::rlimit64>(),
            std::ptr::from_mut(&mut limit),
        )
    };
    if result == 0 {
        Ok(limit.rlim_max)
    } else {
        Err(last_errno())
    }
}

/// Replaces this process by the program. Returns only on failure.
#[must_use]
pub fn execve(path: &CStr, argv: &[CString], env: &[CString]) -> Errno {
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings
            .iter()
            .map(|s| s.as_ptr())
            .chain(std::iter::once(std::ptr::null()))
            .collect()
    };
    let argv = pointers(argv);
    let env = pointers(env);
    // SAFETY: both arrays end with a null pointer and their strings outlive the call.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    last_errno()
}

/// Field 22 of /proc/<pid>/stat: with the boot id it tells a process from a later one that got the
/// same pid. `None` when there is no such process.
#[must_use]
pub fn start_time_ticks(pid: i32) -> Option<u64> {
    parse_start_time(&stat_of(pid)?)
}

/// Pid of the parent and start time, by one look: whose child the process with this start time is.
#[must_use]
pub fn parent_and_start(pid: i32) -> Option<(i32, u64)> {
    let stat = stat_of(pid)?;
    Some((parse_field(&stat, 4)?, parse_start_time(&stat)?))
}

/// The name in it is whatever bytes the process chose.
fn stat_of(pid: i32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse_start_time(stat: &str) -> Option<u64> {
    parse_field(stat, 22)
}

/// A field behind the name, by its number in proc_pid_stat(5).
fn parse_field<T: std::str::FromStr>(stat: &str, number: usize) -> Option<T> {
    // The name may hold spaces and parentheses; the last ')' ends it. State is field 3.
    let (_, rest) = stat.rsplit_once(')')?;
    let field = rest.split_ascii_whitespace().nth(number - 3)?;
    field.parse().ok()
}

/// Whether a process has executed a program since it was forked, as far as /proc tells; of one that
/// has ended that is as long as nobody has reaped it. `None` when the pid is not, or no longer, that of
/// the process with this start time.
#[must_use]
pub fn has_executed(pid: i32, start_time_ticks: u64) -> Option<bool> {
    let stat = stat_of(pid)?;
    (parse_start_time(&stat)? == start_time_ticks)
        .then(|| parse_field::<u64>(&stat, 9))
        .flatten()
        .map(|flags| flags & PF_FORKNOEXEC == 0)
}

/// The kernel's mark of a process that is a copy of its parent to this day.
const PF_FORKNOEXEC: u64 = 0x40;

/// State letter of a process (Z = zombie); `None` when there is no such process.
#[must_use]
pub fn state_letter(pid: i32) -> Option<char> {
    parse_field(&stat_of(pid)?, 3)
}

/// The kernel's boot id, lower-case with dashes.
///
/// # Errors
/// When /proc is not readable.
pub fn boot_id() -> std::io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_a_hostile_process_name() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 424242 1 2 3";
        assert_eq!(parse_start_time(stat), Some(424_242));
        assert_eq!(parse_start_time("garbage"), None);
        assert_eq!(parse_field::<i32>(stat, 4), Some(1));
        assert_eq!(parse_field::<char>(stat, 3), Some('S'));
    }

    #[test]
    fn a_process_that_has_executed_nothing_is_known_even_when_it_is_dead() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let own = start_time_ticks(pid).unwrap();
        assert_eq!(has_executed(pid, own), Some(true));
        assert_eq!(has_executed(pid, own + 1), None);
        // SAFETY: the child ends at once.
        let side = unsafe { crate::spawn::clone3(&crate::spawn::Clone::default()) };
        match side.unwrap() {
            crate::spawn::Side::Child => crate::spawn::exit_now(0),
            crate::spawn::Side::Parent { pid, pidfd } => {
                let patience = std::time::Duration::from_secs(10);
                assert!(crate::fd::is_readable_within(&pidfd, patience));
                let ticks = start_time_ticks(pid).unwrap();
                assert_eq!(has_executed(pid, ticks), Some(false));
                crate::spawn::wait_pidfd(&pidfd, true).unwrap();
                assert_eq!(has_executed(pid, ticks), None);
            }
        }
    }

    #[test]
    fn a_name_that_is_no_text_hides_nothing() {
        let seen = std::thread::spawn(|| {
            set_name(c"\xff\xfe) Z").unwrap();
            let thread = rustix::thread::gettid().as_raw_nonzero().get();
            (start_time_ticks(thread), state_letter(thread))
        });
        let (ticks, letter) = seen.join().unwrap();
        assert!(ticks.unwrap() > 0);
        assert_eq!(letter, Some('R'));
    }

    #[test]
    fn this_process_has_a_start_time_and_the_host_a_boot_id() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(start_time_ticks(pid).unwrap() > 0);
        assert_eq!(boot_id().unwrap().len(), 36);
    }
}
