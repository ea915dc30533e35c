//! The procfs of a pid namespace that somebody else made: a container that joins another one's has to
//! have it, and nothing with privileges may enter that namespace to mount it there, where the other
//! container could take hold of it.

#![allow(unsafe_code, reason = "fork point")]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use estiba_kernel::hang::Hang;
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now};
use estiba_kernel::{Errno, fd, mount, socket, spawn};
use rustix::fs::{Mode, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::pod_child::{PATIENCE, end_child};

const STEP: &str = "target-procfs";
/// Inode of the root of every procfs.
const PROC_ROOT: u64 = 1;

fn fail(errno: Errno) -> IsolateError {
    IsolateError::kernel(STEP, "show the target's processes", errno)
}

fn open(path: &str, flags: OFlags) -> Result<OwnedFd, IsolateError> {
    rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()).map_err(fail)
}

/// A detached procfs of the pid namespace that has been joined, which is the target's.
pub(crate) fn of(
    target: BorrowedFd<'_>,
    is_legacy: bool,
    is_mapped: bool,
) -> Result<OwnedFd, IsolateError> {
    let made = if is_legacy { None } else { mount_new()? };
    match made {
        Some(made) => Ok(made),
        // What covers a part of the target's procfs is locked there, so that it cannot be copied. But
        // in a user namespace nobody has power over a process that has the host's rights.
        None if is_mapped => mount_inside(&joined()?),
        None => copy_of(target),
    }
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
fn copy_of(target: BorrowedFd<'_>) -> Result<OwnedFd, IsolateError> {
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

/// Whether this is the root of a procfs.
pub(crate) fn is_procfs(found: &OwnedFd) -> Result<bool, Errno> {
    let kind = rustix::fs::fstatfs(found)?.f_type;
    Ok(kind == libc::PROC_SUPER_MAGIC && rustix::fs::fstat(found)?.st_ino == PROC_ROOT)
}

/// Whether `found` is the root of a procfs, and its pid 1 that of the namespace.
fn is_procfs_of(found: &OwnedFd, pids: &OwnedFd) -> Result<bool, IsolateError> {
    if !is_procfs(found).map_err(fail)? {
        return Ok(false);
    }
    let wanted = rustix::fs::fstat(pids).map_err(fail)?.st_ino;
    match rustix::fs::readlinkat(found, "1/ns/pid", Vec::new()) {
        Ok(name) => Ok(name.to_bytes() == format!("pid:[{wanted}]").as_bytes()),
        Err(Errno::NOENT | Errno::SRCH) => Ok(false),
        Err(errno) => Err(fail(errno)),
    }
}

/// A detached procfs of a pid namespace where nobody has power over a process with the host's rights:
/// procfs shows the namespace of whoever mounts it, so a child goes in and its mount comes back.
pub(crate) fn mount_inside(pids: &OwnedFd) -> Result<OwnedFd, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, "mount a procfs of the pid namespace", errno);
    let (ours, theirs) = socket::seqpacket_pair().map_err(fail)?;
    spawn::setns(pids, libc::CLONE_NEWPID).map_err(fail)?;
    // SAFETY: this child of a single-threaded process has one thread; the new one ends in exit_now.
    match unsafe { clone3(&Clone::default()) }.map_err(fail)? {
        Side::Child => {
            let made = mount::new_file_system("proc", &[("source", "proc")], 0);
            let sent = match &made {
                Ok(proc) => socket::send(&theirs, b"proc", &[proc.as_fd()]),
                Err(errno) => {
                    let number = errno.raw_os_error().to_string();
                    socket::send(&theirs, number.as_bytes(), &[])
                }
            };
            exit_now(i32::from(sent.is_err()))
        }
        Side::Parent { pid, pidfd } => {
            drop(theirs);
            let answer = if fd::is_readable_within(&ours, PATIENCE) {
                socket::receive(&ours, 64, false).map_err(fail)
            } else {
                let hang = Hang::of(pid);
                let message = format!("{}: {hang}", fail(Errno::TIMEDOUT).message);
                Err(IsolateError::new(
                    ErrorCode::DeadlineExceeded,
                    STEP,
                    message,
                ))
            };
            end_child(&pidfd);
            let mut message = answer?;
            message.fds.pop().ok_or_else(|| {
                let number = String::from_utf8_lossy(&message.bytes).parse();
                fail(number.map_or(Errno::IO, Errno::from_raw_os_error))
            })
        }
    }
}
