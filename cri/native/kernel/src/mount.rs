//! Mounting by descriptors: every source and target is an open file.

#![allow(unsafe_code, reason = "mount_setattr has no safe wrapper")]

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_fd, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen,
    move_mount, open_tree, unmount,
};

use crate::spawn::last_errno;

/// What mount_setattr is to change.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// `MOUNT_ATTR_*` bits to set.
    pub set: u64,
    /// `MOUNT_ATTR_*` bits to clear.
    pub clear: u64,
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE`, `MS_UNBINDABLE` or 0.
    pub propagation: u64,
}

impl Attributes {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set == 0 && self.clear == 0 && self.propagation == 0
    }
}

/// Changes the mount behind `fd`, with `recursive` also all mounts below it.
///
/// # Errors
/// `NOSYS` before Linux 5.12; `INVAL` when the descriptor is not the root of a mount.
pub fn set_attributes(fd: impl AsFd, what: Attributes, recursive: bool) -> Result<(), Errno> {
    let attr = libc::mount_attr {
        attr_set: what.set,
        attr_clr: what.clear,
        propagation: what.propagation,
        userns_fd: 0,
    };
    set(fd.as_fd(), &attr, recursive)
}

/// Maps the ids of the files of a detached mount by those of a user namespace, with `recursive` also
/// those of all mounts below it.
///
/// # Errors
/// `INVAL` when a file system cannot be mapped, `PERM` when a mount is mapped already.
pub fn map_ids(
    fd: impl AsFd,
    user_namespace: BorrowedFd<'_>,
    recursive: bool,
) -> Result<(), Errno> {
    let attr = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::from(crate::bits(user_namespace.as_raw_fd())),
    };
    set(fd.as_fd(), &attr, recursive)
}

fn set(fd: BorrowedFd<'_>, attr: &libc::mount_attr, recursive: bool) -> Result<(), Errno> {
    let empty: &CStr = c"";
    let mut flags = crate::bits(libc::AT_EMPTY_PATH);
    if recursive {
        flags |= crate::bits(libc::AT_RECURSIVE);
    }
    // SAFETY: path and attribute record are valid for the call and the size is the record's.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_raw_fd(),
            empty.as_ptr(),
            flags,
            std::ptr::from_ref(attr),
            std::mem::size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Makes a new file system of this type with these options and returns its detached mount. An empty
/// value stands for an option without one.
///
/// # Errors
/// The kernel's errno.
pub fn new_file_system(
    kind: &str,
    options: &[(&str, &str)],
    attributes: u64,
) -> Result<OwnedFd, Errno> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        if value.is_empty() {
            fsconfig_set_flag(context.as_fd(), *key)?;
        } else {
            fsconfig_set_string(context.as_fd(), *key, *value)?;
        }
    }
    fsconfig_create(context.as_fd())?;
    let attributes = u32::try_from(attributes).map_err(|_invalid| Errno::INVAL)?;
    fsmount(
        context.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::from_bits_retain(attributes),
    )
}

/// A detached procfs of a pid namespace that this process need not be in.
///
/// # Errors
/// `INVAL` before Linux 6.18.
pub fn new_procfs(pids: impl AsFd) -> Result<OwnedFd, Errno> {
    let context = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), "source", "proc")?;
    fsconfig_set_fd(context.as_fd(), "pidns", pids.as_fd())?;
    fsconfig_create(context.as_fd())?;
    fsmount(
        context.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )
}

/// A detached copy of the mount at a path of the *host* (never of a container), symlinks followed.
///
/// # Errors
/// The kernel's errno.
pub fn clone_path(path: &Path, recursive: bool) -> Result<OwnedFd, Errno> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    open_tree(rustix::fs::CWD, path, flags)
}

/// A detached copy of the mount (from this file or directory down) behind a descriptor.
///
/// # Errors
/// `INVAL` when the descriptor's mount is not in the caller's mount namespace.
pub fn clone_fd(fd: impl AsFd, recursive: bool) -> Result<OwnedFd, Errno> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    open_tree(fd.as_fd(), "", flags)
}

/// Attaches a detached mount at the file or directory behind `target`.
///
/// # Errors
/// `NOTDIR` when one is a directory and the other is not.
pub fn attach(mount: impl AsFd, target: BorrowedFd<'_>) -> Result<(), Errno> {
    move_mount(
        mount.as_fd(),
        "",
        target,
        "",
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
    )
}

/// Makes `new_root` (an attached mount) the root of this mount namespace and drops everything that
/// was there before. The working directory is the new root afterwards.
///
/// # Errors
/// The kernel's errno.
pub fn replace_root(new_root: impl AsFd) -> Result<(), Errno> {
    let old_root = rustix::fs::open(
        "/",
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    rustix::process::fchdir(new_root.as_fd())?;
    // With both arguments "." the old root ends up on top of the new one, no directory needed.
    rustix::process::pivot_root(".", ".")?;
    rustix::process::fchdir(old_root.as_fd())?;
    unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")
}
