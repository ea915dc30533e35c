//! User namespaces and their id mappings.

#![allow(unsafe_code, reason = "fork point; setfsuid has no safe wrapper")]

use std::fmt::Write;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::process;
use crate::spawn::{Clone, Side, clone3, exit_now, send_signal, wait_pidfd};

/// One range of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First id inside.
    pub inside: u32,
    /// First id outside.
    pub outside: u32,
    /// How many.
    pub length: u32,
}

fn lines(ranges: &[Range]) -> String {
    let mut text = String::new();
    for range in ranges {
        let Range {
            inside,
            outside,
            length,
        } = range;
        // A String takes everything.
        writeln!(text, "{inside} {outside} {length}").ok();
    }
    text
}

/// Gives the new user namespace of a child its mappings, which can be done once only.
///
/// # Errors
/// `INVAL` for ranges that overlap, reach beyond the largest id or are empty.
pub fn write_mappings(pid: i32, uids: &[Range], gids: &[Range]) -> Result<(), Errno> {
    for (file, ranges) in [("gid_map", gids), ("uid_map", uids)] {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let map = rustix::fs::open(format!("/proc/{pid}/{file}"), flags, Mode::empty())?;
        // The kernel takes the whole map in one write, or nothing.
        rustix::io::write(&map, lines(ranges).as_bytes())?;
    }
    Ok(())
}

/// A namespace of another process, by the name that procfs gives it ("user", "net", …).
///
/// # Errors
/// `NOENT` when the process is gone.
pub fn open_namespace(pid: i32, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(format!("/proc/{pid}/ns/{name}"), flags, Mode::empty())
}

/// A user namespace with these mappings that nobody is in: for id-mapped mounts.
///
/// # Errors
/// `NOSPC` at the limit user.max_user_namespaces, else the kernel's errno.
///
/// # Safety
/// As `clone3`: the calling process must have one thread.
pub unsafe fn make(uids: &[Range], gids: &[Range]) -> Result<OwnedFd, Errno> {
    let how = Clone {
        namespaces: libc::CLONE_NEWUSER,
        ..Clone::default()
    };
    let (held, end) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // SAFETY: the caller vouches for one thread; the child ends in exit_now.
    match unsafe { clone3(&how) }? {
        Side::Child => {
            drop(end);
            // Lives until its maker has what it wants, or is gone.
            let mut byte = [0_u8; 1];
            while rustix::io::read(&held, &mut byte) == Err(Errno::INTR) {}
            exit_now(0)
        }
        Side::Parent { pid, pidfd } => {
            let made = write_mappings(pid, uids, gids).and_then(|()| open_namespace(pid, "user"));
            send_signal(&pidfd, libc::SIGKILL).ok();
            wait_pidfd(&pidfd, true).ok();
            drop(end);
            made
        }
    }
}

/// What this process makes belongs to these ids from now on, and it keeps all its rights.
///
/// # Errors
/// The kernel's errno.
pub fn make_files_as(uid: u32, gid: u32) -> Result<(), Errno> {
    process::set_secure_bits(libc::SECBIT_NO_SETUID_FIXUP)?;
    let set_both = |uid, gid| {
        // SAFETY: a plain integer.
        let gid_before = unsafe { libc::setfsgid(gid) };
        // SAFETY: a plain integer.
        let uid_before = unsafe { libc::setfsuid(uid) };
        (uid_before, gid_before)
    };
    set_both(uid, gid);
    // These tell the ids from before only; a second, impossible change tells what is in force.
    let now = set_both(libc::uid_t::MAX, libc::gid_t::MAX);
    process::set_not_dumpable()?;
    if now == (crate::signed(uid), crate::signed(gid)) {
        Ok(())
    } else {
        Err(Errno::INVAL)
    }
}

/// Does something with the effective ids of the root of a user namespace, and with all rights of
/// this process: what asks for the owner alone asks for nothing else.
///
/// # Errors
/// The kernel's errno, or that of `action`.
pub fn as_root_of<T>(
    uid: u32,
    gid: u32,
    action: impl FnOnce() -> Result<T, Errno>,
) -> Result<T, Errno> {
    process::set_secure_bits(libc::SECBIT_NO_SETUID_FIXUP)?;
    let become_both = |uid, gid| {
        let same = libc::uid_t::MAX;
        // SAFETY: plain integers.
        let group = unsafe { libc::setresgid(same, gid, same) };
        // SAFETY: plain integers.
        let user = unsafe { libc::setresuid(same, uid, same) };
        if user == 0 && group == 0 {
            process::set_not_dumpable()
        } else {
            Err(Errno::PERM)
        }
    };
    let done = become_both(uid, gid).and_then(|()| action());
    become_both(0, 0)?;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_written_a_line_each() {
        let range = |inside, outside, length| Range {
            inside,
            outside,
            length,
        };
        let text = lines(&[range(0, 100_000, 65_536), range(65_536, 7, 1)]);
        assert_eq!(text, "0 100000 65536\n65536 7 1\n");
    }
}
