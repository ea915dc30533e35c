//! Sources of bind mounts, opened in the host's mount namespace before it is left.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use estiba_kernel::cgroup::Hierarchies;
use estiba_kernel::{Errno, mount, mountinfo, resolve};
use rustix::fs::{Mode, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::ids::Ids;
use crate::namespaces::{self, Pids};
use crate::note;
use crate::options::Options;
use crate::relabel::relabel;
use crate::request::PodNamespaces;
use crate::spec::{Linux, Mount};
use crate::staging::Layers;

const STEP: &str = "mount-volume";

/// A mount type that is ours and not the OCI spec's: a volume that the image declares. The
/// target is made when missing and mounted onto itself, so that it shows what the image has there
/// and stays writable below a read-only root. Its content lives in the writable layer.
pub(crate) const IMAGE_VOLUME: &str = "estiba-image-volume";

/// Another type of ours: an image, read-only, of the layers in its options `layer=<directory>`
/// (topmost first), from the directory `subpath=<path>` of it down.
pub(crate) const IMAGE: &str = "estiba-image";

/// What a mount is made from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A detached copy of a host mount.
    Clone(OwnedFd),
    /// The pod's procfs, likewise.
    PodProc,
    /// The pod's /dev/shm: cloned when the pod's mount namespace has been joined.
    PodShm,
    /// A new file system of the mount's type.
    New,
    /// A directory of the root file system itself, see `IMAGE_VOLUME`.
    Root,
    /// An image's layers, to be put together, and what of it is shown ("" = all).
    Image(Layers, String),
    /// Directories of the container's cgroup, one for each v1 hierarchy: name, aliases, clone.
    CgroupV1(Vec<(String, Vec<String>, OwnedFd)>),
}

impl Source {
    /// The detached mount, when that is all that it is.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        match self {
            Self::Clone(fd) => Some(fd.as_raw_fd()),
            Self::PodShm
            | Self::PodProc
            | Self::New
            | Self::Root
            | Self::Image(..)
            | Self::CgroupV1(_) => None,
        }
    }
}

/// One mount of the spec, ready to be attached.
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    pub mount: &'a Mount,
    pub options: Options,
    pub source: Source,
}

/// What the planning needs to know.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub linux: &'a Linux,
    pub cgroups: &'a Hierarchies,
    pub cgroup: &'a str,
    pub monitor: i32,
    pub pod: Option<&'a PodNamespaces>,
    pub pids: Pids,
    pub ids: &'a Ids,
    /// The user namespace of these ids.
    pub user: Option<&'a OwnedFd>,
}

/// Plans all mounts, opening every source.
pub(crate) fn plan<'a>(
    mounts: &'a [Mount],
    context: &Context<'_>,
) -> Result<Vec<Planned<'a>>, IsolateError> {
    let mut propagation = HostPropagation::default();
    mounts
        .iter()
        .map(|mount| plan_one(mount, context, &mut propagation))
        .collect()
}

fn plan_one<'a>(
    mount: &'a Mount,
    context: &Context<'_>,
    propagation: &mut HostPropagation,
) -> Result<Planned<'a>, IsolateError> {
    if !mount.destination.starts_with('/') || mount.destination.trim_matches('/').is_empty() {
        let message = format!(
            "cannot mount {:?} at {:?}: the target must be absolute and not the root",
            mount.source, mount.destination
        );
        return Err(IsolateError::invalid(STEP, message));
    }
    let options = Options::parse(&mount.kind, &mount.options);
    note::busy_with(&format!("volume {:?}", mount.source));
    let source = if mount.kind == IMAGE_VOLUME {
        Source::Root
    } else if mount.kind == IMAGE {
        image_source(&options, context)?
    } else if options.bind.is_some() {
        bind_source(mount, &options, context, propagation)?
    } else if mount.kind == "cgroup" || mount.kind == "cgroup2" {
        cgroup_source(context)?
    } else if mount.kind == "proc" && context.pids == Pids::Shown && options.data().is_empty() {
        Source::PodProc
    } else {
        Source::New
    };
    Ok(Planned {
        mount,
        options,
        source,
    })
}

fn fail(mount: &Mount, errno: Errno) -> IsolateError {
    let action = format!("mount volume {:?} at {:?}", mount.source, mount.destination);
    let error = IsolateError::kernel(STEP, action, errno);
    if errno == Errno::NOENT {
        return error.because("the source does not exist on the host");
    }
    error
}

fn bind_source(
    mount: &Mount,
    options: &Options,
    context: &Context<'_>,
    propagation: &mut HostPropagation,
) -> Result<Source, IsolateError> {
    if let Some((key, _)) = options.data.first() {
        let message = format!(
            "cannot mount volume {:?} at {:?}: bind mounts have no option {key:?}",
            mount.source, mount.destination
        );
        return Err(IsolateError::invalid(STEP, message));
    }
    if namespaces::inherited(&mount.source, context.monitor, context.pod).is_some() {
        return Ok(Source::PodShm);
    }
    let path = Path::new(&mount.source);
    if !path.is_absolute() {
        let message = format!(
            "cannot mount volume {:?} at {:?}: the source is not absolute",
            mount.source, mount.destination
        );
        return Err(IsolateError::invalid(STEP, message));
    }
    let recursive = options.bind == Some(true);
    let cloned = match options.propagation {
        Some((wanted, _)) if wanted == libc::MS_SHARED || wanted == libc::MS_SLAVE => {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let source =
                rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| fail(mount, errno))?;
            propagation.check(mount, source.as_fd(), wanted)?;
            mount::clone_fd(&source, recursive)
        }
        _ => mount::clone_path(path, recursive),
    };
    let cloned = cloned.map_err(|errno| fail(mount, errno))?;
    if let Some(wanted) = &options.relabel {
        relabel(&mount.source, &cloned, wanted)?;
    }
    map_volume(mount, options, context, &cloned)?;
    Ok(Source::Clone(cloned))
}

/// Maps the ids of a volume, by its own mappings or those of the container.
fn map_volume(
    mount: &Mount,
    options: &Options,
    context: &Context<'_>,
    cloned: &OwnedFd,
) -> Result<(), IsolateError> {
    let own = Ids::of_spec(mount.uid_mappings.as_deref(), mount.gid_mappings.as_deref());
    if !own.are_mapped() && options.map_ids.is_none() {
        return Ok(());
    }
    let made;
    let namespace = match context.user {
        Some(user) if !own.are_mapped() || own == *context.ids => user,
        _ if own.uids.is_empty() || own.gids.is_empty() => {
            let message = format!(
                "cannot idmap volume {:?}: both user and group mappings are needed",
                mount.source
            );
            return Err(IsolateError::invalid(STEP, message));
        }
        _ => {
            made = own.make_namespace()?;
            &made
        }
    };
    mount::map_ids(cloned, namespace.as_fd(), options.map_ids == Some(true))
        .map_err(|errno| cannot_map("volume", Path::new(&mount.source), errno))
}

/// `cannot idmap volume "…": file system …`.
pub(crate) fn cannot_map(what: &str, path: &Path, errno: Errno) -> IsolateError {
    let error = IsolateError::kernel(STEP, format!("idmap {what} {path:?}"), errno);
    if errno != Errno::INVAL {
        return error;
    }
    let kind = file_system_of(path).unwrap_or_else(|| "unknown".to_owned());
    IsolateError {
        code: ErrorCode::FailedPrecondition,
        message: format!(
            "cannot idmap {what} {path:?}: file system {kind} does not support it on this kernel"
        ),
        ..error
    }
}

fn file_system_of(path: &Path) -> Option<String> {
    let fd = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let id = resolve::mount_id(&fd).ok()?.to_string();
    let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let line = table
        .lines()
        .find(|line| line.split(' ').next() == Some(id.as_str()))?;
    let (_, rest) = line.split_once(" - ")?;
    rest.split(' ').next().map(str::to_owned)
}

fn image_source(options: &Options, context: &Context<'_>) -> Result<Source, IsolateError> {
    let (mut dirs, mut sub_path) = (Vec::new(), String::new());
    for (key, value) in &options.data {
        match key.as_str() {
            "layer" => dirs.push(PathBuf::from(value)),
            "subpath" => sub_path.clone_from(value),
            _ => {
                let message = format!("cannot mount image: there is no option {key:?}");
                return Err(IsolateError::invalid(STEP, message));
            }
        }
    }
    Layers::open(&dirs, context.user).map(|layers| Source::Image(layers, sub_path))
}

/// Peer groups of the host's mounts, read when first needed.
#[derive(Debug, Default)]
struct HostPropagation {
    by_mount_id: Option<HashMap<u64, (bool, bool)>>,
}

impl HostPropagation {
    /// A volume that is to send or receive mounts must be on a mount that does.
    fn check(
        &mut self,
        mount: &Mount,
        source: BorrowedFd<'_>,
        wanted: u64,
    ) -> Result<(), IsolateError> {
        let table = match self.by_mount_id.take() {
            Some(table) => table,
            None => parse_propagation(
                &std::fs::read_to_string("/proc/self/mountinfo")
                    .map_err(|error| IsolateError::io(STEP, "read /proc/self/mountinfo", &error))?,
            ),
        };
        let id = resolve::mount_id(source).map_err(|errno| fail(mount, errno))?;
        let (shared, slave) = table.get(&id).copied().unwrap_or((false, false));
        self.by_mount_id = Some(table);
        let (enough, words) = if wanted == libc::MS_SHARED {
            (shared, "not on a shared mount")
        } else {
            (shared || slave, "not on a shared or slave mount")
        };
        if enough {
            return Ok(());
        }
        let message = format!(
            "cannot mount volume {:?} at {:?} with mount propagation: {:?} is {words} of the host",
            mount.source, mount.destination, mount.source
        );
        Err(IsolateError::new(
            ErrorCode::FailedPrecondition,
            STEP,
            message,
        ))
    }
}

/// Mount id → (shared, slave).
fn parse_propagation(text: &str) -> HashMap<u64, (bool, bool)> {
    mountinfo::mounts(text)
        .map(|mount| (mount.id, (mount.is_shared, mount.is_slave)))
        .collect()
}

fn cgroup_source(context: &Context<'_>) -> Result<Source, IsolateError> {
    let fail = |path: &Path, errno| {
        IsolateError::kernel("mount-cgroup", format!("open cgroup {path:?}"), errno)
    };
    if context.cgroups.is_v2() {
        if context.linux.namespace("cgroup").is_some() {
            return Ok(Source::New);
        }
        // Without a cgroup namespace the container sees the host's tree.
        let Some(root) = &context.cgroups.v2 else {
            return Ok(Source::New);
        };
        let clone = mount::clone_path(root, false).map_err(|errno| fail(root, errno))?;
        return Ok(Source::Clone(clone));
    }
    let mut clones = Vec::new();
    for hierarchy in &context.cgroups.v1 {
        let dir = hierarchy
            .mountpoint
            .join(context.cgroup.trim_start_matches('/'));
        let clone = mount::clone_path(&dir, false).map_err(|errno| fail(&dir, errno))?;
        let (name, aliases) = match (&hierarchy.name, hierarchy.controllers.as_slice()) {
            (Some(name), _) => (name.clone(), Vec::new()),
            (None, [only]) => (only.clone(), Vec::new()),
            (None, several) => (several.join(","), several.to_vec()),
        };
        clones.push((name, aliases, clone));
    }
    Ok(Source::CgroupV1(clones))
}
