//! Files of the host's procfs that decide over a process: its label, its score, its sysctls. What is
//! written must reach them and nothing that has been put in their place. Hosts that are containers
//! themselves have mounts in /proc: there a procfs of our own is asked, which nobody else can reach.

use std::os::fd::OwnedFd;

use estiba_kernel::{Errno, mount};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

/// Inode of the root of every procfs.
const PROC_ROOT: u64 = 1;

/// The root of a procfs.
#[derive(Debug)]
pub(crate) struct Procfs(OwnedFd);

impl Procfs {
    /// The one at /proc, while that is the host's.
    ///
    /// # Errors
    /// `XDEV` when there is none.
    pub(crate) fn of_host() -> Result<Self, Errno> {
        let top = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let proc = rustix::fs::open("/proc", top, Mode::empty())?;
        let is_procfs = rustix::fs::fstatfs(&proc)?.f_type == libc::PROC_SUPER_MAGIC
            && rustix::fs::fstat(&proc)?.st_ino == PROC_ROOT;
        is_procfs.then_some(Self(proc)).ok_or(Errno::XDEV)
    }

    /// A new one, mounted nowhere.
    ///
    /// # Errors
    /// The kernel's errno: `PERM` in a user namespace that may not see all of the host's.
    pub(crate) fn detached() -> Result<Self, Errno> {
        mount::new_file_system("proc", &[], 0).map(Self)
    }

    /// Opens a file by its path below the root.
    ///
    /// # Errors
    /// `XDEV` when something is mounted over the file or the way there.
    pub(crate) fn open(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        openat2(&self.0, path, flags | OFlags::CLOEXEC, Mode::empty(), how)
    }

    /// Writes the whole text at once, as files of procfs want it.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<(), Errno> {
        let file = self.open(path, OFlags::WRONLY)?;
        rustix::io::write(&file, text.as_bytes()).map(drop)
    }
}

/// Opens a file by its path below /proc, while that is the host's.
///
/// # Errors
/// `XDEV` when /proc is no procfs, or something is mounted over the file or the way there and there
/// is no procfs of our own.
pub(crate) fn open(path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    match Procfs::of_host().and_then(|proc| proc.open(path, flags)) {
        Err(Errno::XDEV) => {
            let own = Procfs::detached().map_err(|_refused| Errno::XDEV)?;
            own.open(path, flags)
        }
        opened => opened,
    }
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
