//! Attaching the mounts of the spec to the root file system, each target found by descriptor.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use estiba_kernel::Errno;
use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::resolve::{self, Missing};
use rustix::fs::{FileType, Mode, OFlags};

use crate::error::IsolateError;
use crate::ids::Ids;
use crate::image_mounts;
use crate::note;
use crate::options::Options;
use crate::procfs_guard::{self, Guard, in_procfs};
use crate::selinux;
use crate::sources::{Planned, Source};
use crate::spec::Mount;
use crate::staging::Staging;

pub(crate) const STEP: &str = "mount";
fn fail(mount: &Mount, errno: Errno) -> IsolateError {
    IsolateError::kernel(
        STEP,
        format!(
            "mount {:?} ({}) at {:?}",
            mount.source,
            kind_of(mount),
            mount.destination
        ),
        errno,
    )
}

fn kind_of(mount: &Mount) -> &str {
    if mount.kind.is_empty() {
        "bind"
    } else {
        &mount.kind
    }
}

/// What the mounts of one container have in common.
#[derive(Debug, Default)]
pub(crate) struct Copies<'a> {
    /// Detached copy of the pod's /dev/shm.
    pub shm: Option<&'a OwnedFd>,
    /// Detached copy of the pod's procfs.
    pub proc: Option<&'a OwnedFd>,
    /// Where procfs will be mounted: nothing else may be mounted in there.
    pub guard: Option<&'a Guard<'a>>,
    /// Where images are put together.
    pub staging: Option<&'a Staging>,
    /// Ids of the container's files on the host.
    pub ids: Option<&'a Ids>,
    /// SELinux label of new file systems; "" = none.
    pub label: &'a str,
}

/// Attaches one mount. What is returned is a file system that is the container's alone.
pub(crate) fn attach(
    root: BorrowedFd<'_>,
    planned: Planned<'_>,
    copies: &Copies<'_>,
) -> Result<Option<OwnedFd>, IsolateError> {
    let Planned {
        mount,
        options,
        source,
    } = planned;
    note::busy_with(&format!(
        "volume {:?} at {:?}",
        mount.source, mount.destination
    ));
    let attached = match source {
        Source::Clone(fd) => attach_clone(root, mount, &options, &fd, copies),
        Source::PodShm => attach_copy(root, mount, &options, copies.shm, copies),
        Source::PodProc => attach_copy(root, mount, &options, copies.proc, copies),
        Source::New => return attach_new(root, mount, &options, copies).map(Some),
        Source::Root => attach_own_directory(root, mount, &options, copies),
        Source::Image(layers, sub_path) => {
            let image = image_mounts::put_together(mount, &layers, &sub_path, copies)?;
            attach_clone(root, mount, &options, &image, copies)
        }
        Source::CgroupV1(dirs) => attach_cgroup_v1(root, mount, &options, dirs, copies),
    };
    attached.map(|()| None)
}

/// The first use attaches the detached copy itself; once attached it can be copied for a second.
fn attach_copy(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    fd: Option<&OwnedFd>,
    copies: &Copies<'_>,
) -> Result<(), IsolateError> {
    let fd = fd.ok_or_else(|| fail(mount, Errno::BADF))?;
    match mount::clone_fd(fd, false) {
        Ok(copy) => attach_clone(root, mount, options, &copy, copies),
        Err(_detached) => attach_clone(root, mount, options, fd, copies),
    }
}

/// Flags and propagation go onto the detached mount, so that nothing is ever visible without them.
fn set_options(mount: &Mount, options: &Options, fd: &OwnedFd) -> Result<(), IsolateError> {
    let set = |what: Attributes, recursive: bool| {
        if what.is_empty() {
            return Ok(());
        }
        mount::set_attributes(fd, what, recursive).map_err(|errno| fail(mount, errno))
    };
    // Without a word about propagation a volume neither sends nor receives mounts.
    let (propagation, deep) = options.propagation.unwrap_or((libc::MS_PRIVATE, true));
    let tree = options.bind == Some(true);
    set(
        Attributes {
            propagation,
            ..Attributes::default()
        },
        deep && tree,
    )?;
    set(options.recursive, true)?;
    set(options.own, false)
}

fn attach_clone(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    fd: &OwnedFd,
    copies: &Copies<'_>,
) -> Result<(), IsolateError> {
    set_options(mount, options, fd)?;
    let file = stat_kind(fd.as_fd()).map_err(|errno| fail(mount, errno))? != FileType::Directory;
    let target = open_target(root, mount, file, copies)?;
    mount::attach(fd, target.as_fd()).map_err(|errno| fail(mount, errno))
}

/// Mounts a directory of the root file system onto itself. What a link of the image leads to in another
/// mount is that mount's business: a copy of it would have the rights of this one.
fn attach_own_directory(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    copies: &Copies<'_>,
) -> Result<(), IsolateError> {
    let target = match resolve::ensure_own_directory(root, &mount.destination, 0o755) {
        Err(Errno::XDEV) => return Ok(()),
        target => target.map_err(|errno| target_failed(mount, errno))?,
    };
    if let Some(guard) = copies.guard {
        guard.check(mount, &target)?;
    }
    if stat_kind(target.as_fd()).map_err(|errno| fail(mount, errno))? != FileType::Directory {
        return Err(fail(mount, Errno::NOTDIR));
    }
    let copy = mount::clone_fd(&target, false).map_err(|errno| fail(mount, errno))?;
    set_options(mount, options, &copy)?;
    mount::attach(&copy, target.as_fd()).map_err(|errno| fail(mount, errno))
}

fn stat_kind(fd: BorrowedFd<'_>) -> Result<FileType, Errno> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
}

fn target_failed(mount: &Mount, errno: Errno) -> IsolateError {
    let path = &mount.destination;
    let action = format!("prepare mount target {path:?} in the container");
    IsolateError::kernel(STEP, action, errno)
}

/// The file or directory to mount on, made when missing.
pub(crate) fn open_target(
    root: BorrowedFd<'_>,
    mount: &Mount,
    file: bool,
    copies: &Copies<'_>,
) -> Result<OwnedFd, IsolateError> {
    let path = &mount.destination;
    let failed = |errno| target_failed(mount, errno);
    let missing = if file {
        Missing::File(0o644)
    } else {
        Missing::Directory(0o755)
    };
    let target = resolve::ensure_in_root(root, path, missing).map_err(failed)?;
    let pseudo = mount.kind == "proc" || mount.kind == "sysfs";
    if pseudo {
        // A link here could put the container's procfs where nothing protects it.
        return resolve::open_no_symlinks(root, path, OFlags::PATH).map_err(failed);
    }
    if let Some(guard) = copies.guard {
        guard.check(mount, &target)?;
    }
    let on_proc = rustix::fs::fstatfs(&target).map_err(failed)?.f_type == libc::PROC_SUPER_MAGIC;
    if on_proc {
        let straight = resolve::open_no_symlinks(root, path, OFlags::PATH).map_err(failed)?;
        let same = resolve::same_file(&straight, &target).map_err(failed)?;
        if !same || !procfs_guard::may_be_covered(path) {
            return Err(in_procfs(mount));
        }
    }
    Ok(target)
}

/// The data of a new file system: it is made outside of the container's user namespace.
fn own_ids(options: &Options, ids: Option<&Ids>) -> Vec<(String, String)> {
    let translate = |(key, value): &(String, String)| {
        let id: Option<u32> = value.parse().ok();
        let outside = match (key.as_str(), ids, id) {
            ("uid", Some(ids), Some(id)) => ids.uid(id),
            ("gid", Some(ids), Some(id)) => ids.gid(id),
            _ => None,
        };
        let value = outside.map_or_else(|| value.clone(), |id| id.to_string());
        (key.clone(), value)
    };
    options.data.iter().map(translate).collect()
}

fn attach_new(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    copies: &Copies<'_>,
) -> Result<OwnedFd, IsolateError> {
    let kind = if mount.kind == "cgroup" {
        "cgroup2"
    } else {
        mount.kind.as_str()
    };
    let owned = own_ids(options, copies.ids);
    let mut data: Vec<(&str, &str)> = owned
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    if kind.is_empty() {
        let message = format!(
            "cannot mount {:?} at {:?}: neither a type nor bind is given",
            mount.source, mount.destination
        );
        return Err(IsolateError::invalid(STEP, message));
    }
    data.push((
        "source",
        if mount.source.is_empty() {
            kind
        } else {
            &mount.source
        },
    ));
    if selinux::takes_label(kind) {
        data.extend(selinux::mount_option(copies.label));
    }
    let attributes = options.own.set | options.recursive.set;
    let fd = mount::new_file_system(kind, &data, attributes).map_err(|errno| fail(mount, errno))?;
    if let Some((propagation, _)) = options.propagation {
        let what = Attributes {
            propagation,
            ..Attributes::default()
        };
        mount::set_attributes(&fd, what, false).map_err(|errno| fail(mount, errno))?;
    }
    if kind == "mqueue" {
        // It is the IPC namespace's own: one that is there already takes no option.
        selinux::label_root(&fd, copies.label).map_err(|errno| fail(mount, errno))?;
    }
    let target = open_target(root, mount, false, copies)?;
    mount::attach(&fd, target.as_fd()).map_err(|errno| fail(mount, errno))?;
    Ok(fd)
}

/// A small tmpfs with one directory for each hierarchy, as v1 programs expect it.
fn attach_cgroup_v1(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    dirs: Vec<(String, Vec<String>, OwnedFd)>,
    copies: &Copies<'_>,
) -> Result<(), IsolateError> {
    let failed = |errno| fail(mount, errno);
    let guard = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    let mut data = vec![("source", "tmpfs"), ("mode", "755"), ("size", "64k")];
    data.extend(selinux::mount_option(copies.label));
    let tmpfs = mount::new_file_system("tmpfs", &data, guard).map_err(failed)?;
    let target = open_target(root, mount, false, copies)?;
    mount::attach(&tmpfs, target.as_fd()).map_err(failed)?;
    let own = Attributes {
        set: options.own.set | options.recursive.set | guard,
        clear: options.own.clear,
        propagation: libc::MS_PRIVATE,
    };
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    for (name, aliases, clone) in dirs {
        mount::set_attributes(&clone, own, false).map_err(failed)?;
        rustix::fs::mkdirat(&tmpfs, name.as_str(), Mode::from_raw_mode(0o755)).map_err(failed)?;
        let dir =
            rustix::fs::openat(&tmpfs, name.as_str(), flags, Mode::empty()).map_err(failed)?;
        mount::attach(&clone, dir.as_fd()).map_err(failed)?;
        for alias in aliases {
            rustix::fs::symlinkat(name.as_str(), &tmpfs, alias.as_str()).map_err(failed)?;
        }
    }
    if options.own.set & libc::MOUNT_ATTR_RDONLY != 0 {
        let read_only = Attributes {
            set: libc::MOUNT_ATTR_RDONLY,
            ..Attributes::default()
        };
        mount::set_attributes(&tmpfs, read_only, false).map_err(failed)?;
    }
    Ok(())
}
