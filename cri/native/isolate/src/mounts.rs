//! Attaching the mounts of the spec to the root file system, each target found by descriptor.

use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use estiba_kernel::Errno;
use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::resolve::{self, Missing};
use rustix::fs::{FileType, Mode, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::ids::Ids;
use crate::image_mounts;
use crate::note;
use crate::options::Options;
use crate::rootfs::open_path;
use crate::sources::{Planned, Source};
use crate::spec::Mount;
use crate::staging::Staging;

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

/// What the mounts of one container have in common.
#[derive(Debug, Default)]
pub(crate) struct Copies<'a> {
    /// Detached copy of the pod's /dev/shm.
    pub shm: Option<&'a OwnedFd>,
    /// Detached copy of the pod's procfs.
    pub proc: Option<&'a OwnedFd>,
    /// Where procfs will be mounted: nothing else may be mounted in there.
    pub guard: Option<&'a Guard>,
    /// Where images are put together.
    pub staging: Option<&'a Staging>,
    /// Ids of the container's files on the host.
    pub ids: Option<&'a Ids>,
}

/// Places in this mount namespace, by their paths: the host's procfs tells them of open files.
#[derive(Debug)]
pub(crate) struct Guard {
    own_fds: OwnedFd,
    places: Vec<PathBuf>,
}

impl Guard {
    /// To be made while the host's procfs is in sight.
    pub(crate) fn new() -> Result<Self, IsolateError> {
        Ok(Self {
            own_fds: open_path(Path::new("/proc/self/fd"))?,
            places: Vec::new(),
        })
    }

    /// Makes the directories that procfs is to be mounted on and keeps them free.
    pub(crate) fn keep_free(
        &mut self,
        root: BorrowedFd<'_>,
        late: &[Planned<'_>],
    ) -> Result<(), IsolateError> {
        for one in late.iter().filter(|one| one.mount.kind == "proc") {
            let target = open_target(root, one.mount, false, &Copies::default())?;
            self.places.push(self.place_of(&target)?);
        }
        Ok(())
    }

    fn place_of(&self, fd: &OwnedFd) -> Result<PathBuf, IsolateError> {
        let name = fd.as_raw_fd().to_string();
        let link = rustix::fs::readlinkat(&self.own_fds, name.as_str(), Vec::new())
            .map_err(|errno| IsolateError::kernel(STEP, "look up a mount target", errno))?;
        Ok(PathBuf::from(OsString::from_vec(link.into_bytes())))
    }

    fn check(&self, mount: &Mount, target: &OwnedFd) -> Result<(), IsolateError> {
        if self.places.is_empty() {
            return Ok(());
        }
        let place = self.place_of(target)?;
        if self.places.iter().any(|kept| place.starts_with(kept)) {
            return Err(in_procfs(mount));
        }
        Ok(())
    }
}

/// The components of a path, without looking at links.
fn components(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names
}

/// Whether `path` is `top` or below it, by its words.
pub(crate) fn is_below(path: &str, top: &str) -> bool {
    components(path).starts_with(&components(top))
}

/// Takes out procfs and what is mounted in it: the rest is mounted first.
pub(crate) fn split_off_procfs<'a>(planned: &mut Vec<Planned<'a>>) -> Vec<Planned<'a>> {
    let tops: Vec<&str> = planned
        .iter()
        .filter(|one| matches!(one.source, Source::New | Source::PodProc))
        .filter(|one| one.mount.kind == "proc")
        .map(|one| one.mount.destination.as_str())
        .collect();
    let is_late = |one: &Planned<'_>| tops.iter().any(|top| is_below(&one.mount.destination, top));
    let (late, early) = std::mem::take(planned).into_iter().partition(is_late);
    *planned = early;
    late
}

/// Refuses what is to be mounted inside procfs, by the words of its path; links are looked at when
/// it is mounted.
pub(crate) fn refuse_in_procfs(late: &[Planned<'_>]) -> Result<(), IsolateError> {
    let is_allowed = |one: &Planned<'_>| {
        let path = format!("/{}", components(&one.mount.destination).join("/"));
        one.mount.kind == "proc" || PROC_FILES.contains(&path.as_str())
    };
    match late.iter().find(|one| !is_allowed(one)) {
        Some(one) => Err(in_procfs(one.mount)),
        None => Ok(()),
    }
}

/// Attaches one mount.
pub(crate) fn attach(
    root: BorrowedFd<'_>,
    planned: Planned<'_>,
    copies: &Copies<'_>,
) -> Result<(), IsolateError> {
    let Planned {
        mount,
        options,
        source,
    } = planned;
    note::busy_with(&format!(
        "volume {:?} at {:?}",
        mount.source, mount.destination
    ));
    match source {
        Source::Clone(fd) => attach_clone(root, mount, &options, &fd, copies),
        Source::PodShm => attach_copy(root, mount, &options, copies.shm, copies),
        Source::PodProc => attach_copy(root, mount, &options, copies.proc, copies),
        Source::New => attach_new(root, mount, &options, copies),
        Source::Root => attach_own_directory(root, mount, &options, copies),
        Source::Image(layers, sub_path) => {
            let image = image_mounts::put_together(mount, &layers, &sub_path, copies.staging)?;
            attach_clone(root, mount, &options, &image, copies)
        }
        Source::CgroupV1(dirs) => attach_cgroup_v1(root, mount, &options, dirs, copies),
    }
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
fn attach_clone(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    fd: &OwnedFd,
    copies: &Copies<'_>,
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
    let target = open_target(root, mount, file, copies)?;
    mount::attach(fd, target.as_fd()).map_err(|errno| fail(mount, errno))
}

/// Mounts a directory of the root file system onto itself.
fn attach_own_directory(
    root: BorrowedFd<'_>,
    mount: &Mount,
    options: &Options,
    copies: &Copies<'_>,
) -> Result<(), IsolateError> {
    let target = open_target(root, mount, false, copies)?;
    if stat_kind(target.as_fd()).map_err(|errno| fail(mount, errno))? != FileType::Directory {
        return Err(fail(mount, Errno::NOTDIR));
    }
    let copy = mount::clone_fd(&target, false).map_err(|errno| fail(mount, errno))?;
    attach_clone(root, mount, options, &copy, copies)
}

fn stat_kind(fd: BorrowedFd<'_>) -> Result<FileType, Errno> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
}

fn in_procfs(mount: &Mount) -> IsolateError {
    let message = format!(
        "cannot mount {:?} at {:?}: this is inside the container's procfs",
        mount.source, mount.destination
    );
    IsolateError::new(ErrorCode::InvalidArgument, STEP, message)
}

/// The file or directory to mount on, made when missing.
fn open_target(
    root: BorrowedFd<'_>,
    mount: &Mount,
    file: bool,
    copies: &Copies<'_>,
) -> Result<OwnedFd, IsolateError> {
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
    if let Some(guard) = copies.guard {
        guard.check(mount, &target)?;
    }
    let on_proc = rustix::fs::fstatfs(&target).map_err(failed)?.f_type == libc::PROC_SUPER_MAGIC;
    if on_proc {
        let straight = resolve::open_no_symlinks(root, path, OFlags::PATH).map_err(failed)?;
        let same = resolve::same_file(&straight, &target).map_err(failed)?;
        if !same || !PROC_FILES.contains(&path.trim_end_matches('/')) {
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
) -> Result<(), IsolateError> {
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
    let attributes = options.own.set | options.recursive.set;
    let fd = mount::new_file_system(kind, &data, attributes).map_err(|errno| fail(mount, errno))?;
    if let Some((propagation, _)) = options.propagation {
        let what = Attributes {
            propagation,
            ..Attributes::default()
        };
        mount::set_attributes(&fd, what, false).map_err(|errno| fail(mount, errno))?;
    }
    let target = open_target(root, mount, false, copies)?;
    mount::attach(&fd, target.as_fd()).map_err(|errno| fail(mount, errno))
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
    let data = [("source", "tmpfs"), ("mode", "755"), ("size", "64k")];
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_procfs_is_told_by_the_words_of_its_path() {
        for below in ["/proc", "/proc/", "//proc/./stat", "/x/../proc/stat"] {
            assert!(is_below(below, "/proc"), "{below}");
        }
        for beside in ["/", "/processes", "/x/proc", "/proc/../etc"] {
            assert!(!is_below(beside, "/proc"), "{beside}");
        }
    }
}
