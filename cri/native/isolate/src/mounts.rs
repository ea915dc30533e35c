//! Attaching the mounts of the spec to the root file system, each target found by descriptor.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use estiba_kernel::Errno;
use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::resolve::{self, Missing};
use rustix::fs::{FileType, Mode, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::options::Options;
use crate::sources::{Planned, Source};
use crate::spec::Mount;

const STEP: &str = "mount";
/// Files in procfs that a mount may cover (lxcfs does); everything else there stays as it is.
const PROC_FILES: [&str; 11] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/net/dev",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
];

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

/// Attaches one mount. `pod_shm` is the pod's /dev/shm in this mount namespace.
pub(crate) fn attach(
    root: BorrowedFd<'_>,
    planned: Planned<'_>,
    pod_shm: Option<&OwnedFd>,
) -> Result<(), IsolateError> {
    let Planned {
        mount,
        options,
        source,
    } = planned;
    match source {
        Source::Clone(fd) => attach_clone(root, mount, &options, &fd),
        Source::PodShm => {
            let shm = pod_shm.ok_or_else(|| fail(mount, Errno::BADF))?;
            // The first use attaches the clone itself; once attached it can be copied for a second.
            match mount::clone_fd(shm, false) {
                Ok(copy) => attach_clone(root, mount, &options, &copy),
                Err(_detached) => attach_clone(root, mount, &options, shm),
            }
        }
        Source::New => attach_new(root, mount, &options),
        Source::Root => attach_own_directory(root, mount, &options),
        Source::CgroupV1(dirs) => attach_cgroup_v1(root, mount, &options, dirs),
    }
}

/// Flags and propagation go onto the detached mount, so that nothing is ever visible without them.
fn attach_clone(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    fd: &OwnedFd,
) -> Result<(), IsolateError> {
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
    set(options.own, false)?;
    let file = stat_kind(fd.as_fd()).map_err(|errno| fail(mount, errno))? != FileType::Directory;
    let target = open_target(root, mount, file)?;
    mount::attach(fd, target.as_fd()).map_err(|errno| fail(mount, errno))
}

/// Mounts a directory of the root file system onto itself.
fn attach_own_directory(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
) -> Result<(), IsolateError> {
    let target = open_target(root, mount, false)?;
    if stat_kind(target.as_fd()).map_err(|errno| fail(mount, errno))? != FileType::Directory {
        return Err(fail(mount, Errno::NOTDIR));
    }
    let copy = mount::clone_fd(&target, false).map_err(|errno| fail(mount, errno))?;
    attach_clone(root, mount, options, &copy)
}

fn stat_kind(fd: BorrowedFd<'_>) -> Result<FileType, Errno> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
}

/// The file or directory to mount on, made when missing.
fn open_target(root: BorrowedFd<'_>, mount: &Mount, file: bool) -> Result<OwnedFd, IsolateError> {
    let path = &mount.destination;
    let failed = |errno| {
        IsolateError::kernel(
            STEP,
            format!("prepare mount target {path:?} in the container"),
            errno,
        )
    };
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
    let on_proc = rustix::fs::fstatfs(&target).map_err(failed)?.f_type == libc::PROC_SUPER_MAGIC;
    if on_proc {
        let straight = resolve::open_no_symlinks(root, path, OFlags::PATH).map_err(failed)?;
        let same = resolve::same_file(&straight, &target).map_err(failed)?;
        if !same || !PROC_FILES.contains(&path.trim_end_matches('/')) {
            let message = format!(
                "cannot mount {:?} at {path:?}: this is inside the container's procfs",
                mount.source
            );
            return Err(IsolateError::new(ErrorCode::InvalidArgument, STEP, message));
        }
    }
    Ok(target)
}

fn attach_new(root: BorrowedFd<'_>, mount: &Mount, options: &Options) -> Result<(), IsolateError> {
    let kind = if mount.kind == "cgroup" {
        "cgroup2"
    } else {
        mount.kind.as_str()
    };
    let mut data = options.data();
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
    let attributes = options.own.set | options.recursive.set;
    let fd = mount::new_file_system(kind, &data, attributes).map_err(|errno| fail(mount, errno))?;
    if let Some((propagation, _)) = options.propagation {
        let what = Attributes {
            propagation,
            ..Attributes::default()
        };
        mount::set_attributes(&fd, what, false).map_err(|errno| fail(mount, errno))?;
    }
    let target = open_target(root, mount, false)?;
    mount::attach(&fd, target.as_fd()).map_err(|errno| fail(mount, errno))
}

/// A small tmpfs with one directory for each hierarchy, as v1 programs expect it.
fn attach_cgroup_v1(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    dirs: Vec<(String, Vec<String>, OwnedFd)>,
) -> Result<(), IsolateError> {
    let failed = |errno| fail(mount, errno);
    let guard = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    let data = [("source", "tmpfs"), ("mode", "755"), ("size", "64k")];
    let tmpfs = mount::new_file_system("tmpfs", &data, guard).map_err(failed)?;
    let target = open_target(root, mount, false)?;
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
