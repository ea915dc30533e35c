//! The container's own mount namespace with its root file system attached in it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::{Errno, spawn};
use rustix::fs::{Mode, OFlags};

use crate::assembler::Assembly;
use crate::control::Stopwatch;
use crate::error::IsolateError;
use crate::ids::Ids;
use crate::masks;
use crate::options::propagation;
use crate::pod_mounts::{POD_ROOT_DIR, STAGE_DIR};
use crate::request::Rootfs;
use crate::rootfs::{self, Overlay};
use crate::spec::Linux;
use crate::staging::{StagedRoot, Staging};

const PRIVATE: Attributes = propagating(libc::MS_PRIVATE);

const fn propagating(propagation: u64) -> Attributes {
    Attributes {
        set: 0,
        clear: 0,
        propagation,
    }
}

/// Where the rest of the container is built.
pub(crate) struct Stage {
    pub root: OwnedFd,
    pub pod_shm: Option<OwnedFd>,
    /// A detached copy of the pod's procfs.
    pub pod_proc: Option<OwnedFd>,
    /// The null device of a mount in this namespace, to be copied.
    pub null: OwnedFd,
    /// For image volumes.
    pub staging: Option<Staging>,
}

/// The root file system before there is a mount namespace for it.
enum Root<'a> {
    /// Mounted nowhere yet; where it goes when there is no pod to give it a place.
    Detached(OwnedFd, &'a Path),
    /// To be mounted by mount(2) when the namespace is there.
    Later(Overlay<'a>),
    /// To be put together of mounts when the namespace is there.
    Staged(StagedRoot),
}

fn fail(errno: Errno) -> IsolateError {
    IsolateError::kernel("mount-namespace", "make a mount namespace", errno)
}

/// Moves this process into a new mount namespace that holds the root file system. `user`: ids are
/// mapped by this user namespace. `with_images`: images will be mounted as volumes.
pub(crate) fn set_the_stage(
    assembly: &Assembly<'_>,
    ids: &Ids,
    user: Option<&OwnedFd>,
    with_images: bool,
    clock: &mut Stopwatch,
) -> Result<Stage, IsolateError> {
    let has_pod = assembly.request.pod.is_some_and(|pod| pod.mnt.is_some());
    if with_images && !has_pod {
        return Err(IsolateError::unimplemented(
            "stage-layers",
            "image volumes without a pod",
        ));
    }
    let root = prepare_root(assembly, ids, user, with_images)?;
    clock.lap("rootfs");
    // The pod's mount namespace is all but empty: copying it is cheaper than copying the host's.
    // Hooks want to see the host's files, though.
    let via_pod = has_pod && assembly.link.is_none() && !matches!(root, Root::Later(_));
    let (pod_shm, pod_proc) = visit_pod(assembly, via_pod)?;
    spawn::unshare(new_namespaces(&assembly.spec.linux)).map_err(fail)?;
    if !via_pod {
        let top = rootfs::open_path(Path::new("/"))?;
        mount::set_attributes(&top, PRIVATE, true).map_err(fail)?;
    }
    clock.lap("mount-namespace");
    let null = masks::open_null(if via_pod { "/null" } else { "/dev/null" }, OFlags::PATH)?;
    let staging = if with_images || matches!(root, Root::Staged(_)) {
        let place = match &assembly.request.rootfs {
            Rootfs::Overlay { writable_dir, .. } if !via_pod => writable_dir,
            Rootfs::Overlay { .. } | Rootfs::Directory(_) => Path::new(STAGE_DIR),
        };
        Some(Staging::new(place, can_append(assembly))?)
    } else {
        None
    };
    let root = match root {
        Root::Detached(root, _) if via_pod => attach(root, Path::new(POD_ROOT_DIR), PRIVATE)?,
        Root::Detached(root, place) => attach(root, place, received(assembly))?,
        Root::Later(overlay) => overlay.mount_at(overlay.writable_dir.unwrap_or(Path::new("/")))?,
        Root::Staged(StagedRoot { layers, writable }) => staging
            .as_ref()
            .ok_or_else(|| fail(Errno::BADF))?
            .overlay(&layers, Some(&writable), &assembly.spec.linux.mount_label)?,
    };
    clock.lap("attach-rootfs");
    Ok(Stage {
        root,
        pod_shm,
        pod_proc,
        null,
        staging,
    })
}

/// Whether overlay takes its layers one by one.
fn can_append(assembly: &Assembly<'_>) -> bool {
    assembly.host.features.overlay_lowerdir_append && !assembly.request.legacy_mounts
}

fn prepare_root<'a>(
    assembly: &'a Assembly<'_>,
    ids: &Ids,
    user: Option<&OwnedFd>,
    with_images: bool,
) -> Result<Root<'a>, IsolateError> {
    let (lower_dirs, writable_dir, volatile) = match &assembly.request.rootfs {
        Rootfs::Directory(path) => {
            return Ok(Root::Detached(rootfs::clone_directory(path)?, path));
        }
        Rootfs::Overlay {
            lower_dirs,
            writable_dir,
            volatile,
        } => (lower_dirs, writable_dir, *volatile),
    };
    let overlay = Overlay {
        lower_dirs,
        writable_dir: Some(writable_dir),
        volatile,
        label: &assembly.spec.linux.mount_label,
    };
    let by_paths = can_append(assembly) && overlay.fits_fsconfig();
    if user.is_some() || (with_images && !by_paths) {
        return StagedRoot::open(&overlay, ids, user).map(Root::Staged);
    }
    overlay.prepare(ids)?;
    if !by_paths {
        return Ok(Root::Later(overlay));
    }
    Ok(Root::Detached(overlay.mount_detached()?, writable_dir))
}

/// What the container does not join but gets of its own, besides what it was born with.
fn new_namespaces(linux: &Linux) -> i32 {
    let cgroup = linux.namespace("cgroup");
    if cgroup.is_some_and(|namespace| namespace.path.is_empty()) {
        libc::CLONE_NEWNS | libc::CLONE_NEWCGROUP
    } else {
        libc::CLONE_NEWNS
    }
}

/// Enters the pod's mount namespace, to `stay` or only for copies of its /dev/shm and its procfs.
/// Without a pod nothing happens.
fn visit_pod(
    assembly: &Assembly<'_>,
    stay: bool,
) -> Result<(Option<OwnedFd>, Option<OwnedFd>), IsolateError> {
    let Some(pod) = assembly.request.pod else {
        return Ok((None, None));
    };
    let Some(pod_mnt) = &pod.mnt else {
        return Ok((None, None));
    };
    let way_back = if stay {
        None
    } else {
        Some(open_own_mount_namespace()?)
    };
    spawn::setns(pod_mnt, libc::CLONE_NEWNS).map_err(fail)?;
    let copy = |fd: &Option<OwnedFd>| {
        let copied = fd.as_ref().map(|fd| mount::clone_fd(fd, false));
        copied.transpose().map_err(fail)
    };
    let copies = (copy(&pod.shm)?, copy(&pod.proc)?);
    if let Some(way_back) = way_back {
        spawn::setns(way_back, libc::CLONE_NEWNS).map_err(fail)?;
    }
    Ok(copies)
}

/// Whether mounts that the host makes in a bundle's root directory appear in the container. What
/// `finish_root` makes of the root later would be too late for that.
fn received(assembly: &Assembly<'_>) -> Attributes {
    let wanted = propagation(&assembly.spec.linux.rootfs_propagation);
    match (&assembly.request.rootfs, wanted) {
        (Rootfs::Directory(_), Some((libc::MS_SLAVE, _))) => propagating(libc::MS_SLAVE),
        // An overlay has no peer on the host.
        _ => PRIVATE,
    }
}

fn attach(root: OwnedFd, place: &Path, how: Attributes) -> Result<OwnedFd, IsolateError> {
    let place = rootfs::open_path(place)?;
    mount::set_attributes(&root, how, true).map_err(fail)?;
    mount::attach(&root, place.as_fd()).map_err(fail)?;
    Ok(root)
}

fn open_own_mount_namespace() -> Result<OwnedFd, IsolateError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open("/proc/self/ns/mnt", flags, Mode::empty()).map_err(|errno| {
        IsolateError::kernel("mount-namespace", "open the host's mount namespace", errno)
    })
}
