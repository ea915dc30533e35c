//! The procfs of a pid namespace that somebody else made: a container that joins another one's has to
//! have it, and nothing with privileges may enter that namespace to mount it there, where the other
//! container could take hold of it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use estiba_kernel::{Errno, mount, spawn};
use rustix::fs::{Mode, OFlags};

use crate::error::{ErrorCode, IsolateError};

const STEP: &str = "target-procfs";
/// Inode of the root of every procfs.
const PROC_ROOT: u64 = 1;

fn fail(errno: Errno) -> IsolateError {
    IsolateError::kernel(STEP, "show the target's processes", errno)
}

fn open(path: &str, flags: OFlags) -> Result<OwnedFd, IsolateError> {
    rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()).map_err(fail)
}

/// A detached procfs of the pid namespace that this process's next child would be in. New kernels
/// make one from outside; `None` where this one does not.
pub(crate) fn mount_new() -> Result<Option<OwnedFd>, IsolateError> {
    let pids = joined()?;
    match mount::new_procfs(&pids) {
        Ok(mount) => Ok(Some(mount)),
        Err(Errno::INVAL) => Ok(None),
        Err(errno) => Err(fail(errno)),
    }
}

/// The pid namespace that has been joined.
fn joined() -> Result<OwnedFd, IsolateError> {
    open("/proc/self/ns/pid_for_children", OFlags::RDONLY)
}

/// A detached copy of the procfs that the target has at /proc. It is the target's to mount there what
/// it likes: only one of the namespace that has been joined is taken.
pub(crate) fn copy_of(target: BorrowedFd<'_>) -> Result<OwnedFd, IsolateError> {
    let pids = joined()?;
    let way_back = open("/proc/self/ns/mnt", OFlags::RDONLY)?;
    spawn::setns(target, libc::CLONE_NEWNS).map_err(fail)?;
    let found = copy_here();
    spawn::setns(way_back, libc::CLONE_NEWNS).map_err(fail)?;
    let found = found?;
    if is_procfs_of(&found, &pids)? {
        return Ok(found);
    }
    let message = "cannot show the target's processes: the target has no procfs at \"/proc\"";
    Err(IsolateError::new(
        ErrorCode::FailedPrecondition,
        STEP,
        message,
    ))
}

fn copy_here() -> Result<OwnedFd, IsolateError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let place = open("/proc", flags)?;
    mount::clone_fd(place.as_fd(), false).map_err(fail)
}

/// Whether `found` is the root of a procfs, and its pid 1 that of the namespace.
fn is_procfs_of(found: &OwnedFd, pids: &OwnedFd) -> Result<bool, IsolateError> {
    let kind = rustix::fs::fstatfs(found).map_err(fail)?.f_type;
    let inode = rustix::fs::fstat(found).map_err(fail)?.st_ino;
    if kind != libc::PROC_SUPER_MAGIC || inode != PROC_ROOT {
        return Ok(false);
    }
    let wanted = rustix::fs::fstat(pids).map_err(fail)?.st_ino;
    match rustix::fs::readlinkat(found, "1/ns/pid", Vec::new()) {
        Ok(name) => Ok(name.to_bytes() == format!("pid:[{wanted}]").as_bytes()),
        Err(Errno::NOENT | Errno::SRCH) => Ok(false),
        Err(errno) => Err(fail(errno)),
    }
}
