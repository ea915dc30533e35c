//! Files of the host's procfs that decide over a process: its label, its score, its sysctls. What is
//! written must reach them and nothing that has been put in their place.

use std::os::fd::OwnedFd;

use estiba_kernel::Errno;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

/// Inode of the root of every procfs.
const PROC_ROOT: u64 = 1;

/// Opens a file by its path below /proc, while that is the host's.
///
/// # Errors
/// `XDEV` when /proc is no procfs, or something is mounted over the file or the way there.
pub(crate) fn open(path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let top = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let proc = rustix::fs::open("/proc", top, Mode::empty())?;
    let is_procfs = rustix::fs::fstatfs(&proc)?.f_type == libc::PROC_SUPER_MAGIC
        && rustix::fs::fstat(&proc)?.st_ino == PROC_ROOT;
    if !is_procfs {
        return Err(Errno::XDEV);
    }
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    openat2(&proc, path, flags | OFlags::CLOEXEC, Mode::empty(), how)
}

/// Writes the whole text at once, as files of procfs want it.
pub(crate) fn write(path: &str, text: &str) -> Result<(), Errno> {
    let file = open(path, OFlags::WRONLY)?;
    rustix::io::write(&file, text.as_bytes()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reaches_procfs_alone() {
        let own = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
        write("thread-self/comm", "a-test").unwrap();
        let named = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
        write("thread-self/comm", own.trim()).unwrap();
        assert_eq!(named, "a-test\n");
        for (path, errno) in [
            ("self/root/proc/self/comm", Errno::LOOP),
            ("self/cwd", Errno::LOOP),
            ("../tmp/x", Errno::XDEV),
            ("self/no-such-file", Errno::NOENT),
        ] {
            assert_eq!(write(path, "x"), Err(errno), "{path}");
        }
    }
}
