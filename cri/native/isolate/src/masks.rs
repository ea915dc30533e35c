//! Hiding paths and making them read-only.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::{Errno, resolve};
use rustix::fs::{FileType, Mode, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::selinux;

const STEP: &str = "mask-paths";

/// Opens a null device and makes sure that it is one.
pub(crate) fn open_null(path: &str, flags: OFlags) -> Result<OwnedFd, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("open {path:?}"), errno);
    let fd = rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()).map_err(fail)?;
    let stat = rustix::fs::fstat(&fd).map_err(fail)?;
    let is_null = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && stat.st_rdev == rustix::fs::makedev(1, 3);
    if is_null {
        return Ok(fd);
    }
    let message = format!("cannot use {path:?}: it is not the null device");
    Err(IsolateError::new(
        ErrorCode::FailedPrecondition,
        STEP,
        message,
    ))
}

/// The host's null device for a container's streams, through a mount that is read-only: a root without
/// any capability owns the device node, and would change its mode for the whole host.
pub(crate) fn null_stream() -> Result<OwnedFd, IsolateError> {
    let fail = |errno| IsolateError::kernel("stdio", "open the null device", errno);
    let device = open_null("/dev/null", OFlags::PATH)?;
    let mounted = mount::clone_fd(&device, false).map_err(fail)?;
    let guard = Attributes {
        set: libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC,
        ..Attributes::default()
    };
    mount::set_attributes(&mounted, guard, false).map_err(fail)?;
    let path = format!("/proc/self/fd/{}", mounted.as_raw_fd());
    rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).map_err(fail)
}

/// Covers files with the null device and directories with an empty read-only tmpfs. Paths that do
/// not exist are fine. `null`: a detached mount of the null device; `label`: SELinux label of the
/// tmpfs.
pub(crate) fn mask(
    root: BorrowedFd<'_>,
    paths: &[String],
    null: Option<OwnedFd>,
    label: &str,
) -> Result<(), IsolateError> {
    let mut fresh = null;
    let mut covered: Option<OwnedFd> = None;
    let mut empty: Option<OwnedFd> = None;
    for path in paths {
        let fail = |errno| IsolateError::kernel(STEP, format!("mask path {path:?}"), errno);
        let target = match resolve::open_in_root(root, path, OFlags::PATH) {
            Ok(target) => target,
            Err(Errno::NOENT | Errno::NOTDIR) => continue,
            Err(errno) => return Err(fail(errno)),
        };
        let stat = rustix::fs::fstat(&target).map_err(fail)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            // One device serves all files: the first mount is attached, the rest are copies.
            if let Some(first) = &covered {
                let cover = mount::clone_fd(first, false).map_err(fail)?;
                mount::attach(&cover, target.as_fd()).map_err(fail)?;
                continue;
            }
            let cover = fresh.take().ok_or(Errno::BADF).map_err(fail)?;
            // Read-only, so that its mode cannot be changed; writing to the device still works.
            let set = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
            let guard = Attributes {
                set,
                ..Attributes::default()
            };
            mount::set_attributes(&cover, guard, false).map_err(fail)?;
            mount::attach(&cover, target.as_fd()).map_err(fail)?;
            covered = Some(cover);
            continue;
        }
        // One file system serves all directories: the first mount is attached, the rest are copies.
        match &empty {
            Some(first) => {
                let cover = mount::clone_fd(first, false).map_err(fail)?;
                mount::attach(&cover, target.as_fd()).map_err(fail)?;
            }
            None => {
                let attributes = libc::MOUNT_ATTR_RDONLY
                    | libc::MOUNT_ATTR_NOSUID
                    | libc::MOUNT_ATTR_NODEV
                    | libc::MOUNT_ATTR_NOEXEC;
                let mut options = vec![
                    ("source", "tmpfs"),
                    ("nr_blocks", "1"),
                    ("nr_inodes", "1"),
                    ("mode", "755"),
                ];
                options.extend(selinux::mount_option(label));
                let cover = mount::new_file_system("tmpfs", &options, attributes).map_err(fail)?;
                mount::attach(&cover, target.as_fd()).map_err(fail)?;
                empty = Some(cover);
            }
        }
    }
    Ok(())
}

/// Makes existing paths read-only; what is mounted below them stays as it is.
pub(crate) fn read_only(root: BorrowedFd<'_>, paths: &[String]) -> Result<(), IsolateError> {
    for path in paths {
        let fail = |errno| {
            IsolateError::kernel("readonly-paths", format!("make {path:?} read-only"), errno)
        };
        let target = match resolve::open_in_root(root, path, OFlags::PATH) {
            Ok(target) => target,
            Err(Errno::NOENT | Errno::NOTDIR) => continue,
            Err(errno) => return Err(fail(errno)),
        };
        let copy = mount::clone_fd(&target, true).map_err(fail)?;
        let read_only = Attributes {
            set: libc::MOUNT_ATTR_RDONLY,
            ..Attributes::default()
        };
        mount::set_attributes(&copy, read_only, false).map_err(fail)?;
        mount::attach(&copy, target.as_fd()).map_err(fail)?;
    }
    Ok(())
}
