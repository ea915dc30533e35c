//! Sources of bind mounts, opened in the host's mount namespace before it is left.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use estiba_kernel::cgroup::Hierarchies;
use estiba_kernel::{Errno, mount, mountinfo, resolve};
use rustix::fs::{Mode, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::namespaces::{self, Pids};
use crate::note;
use crate::options::Options;
use crate::request::PodNamespaces;
use crate::spec::{Linux, Mount};

const STEP: &str = "mount-volume";

/// The one mount type that is ours and not the OCI spec's: a volume that the image declares. The
/// target is made when missing and mounted onto itself, so that it shows what the image has there
/// and stays writable below a read-only root. Its content lives in the writable layer.
pub(crate) const IMAGE_VOLUME: &str = "estiba-image-volume";

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
    /// Directories of the container's cgroup, one for each v1 hierarchy: name, aliases, clone.
    CgroupV1(Vec<(String, Vec<String>, OwnedFd)>),
}

impl Source {
    /// The detached mount, when that is all that it is.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        match self {
            Self::Clone(fd) => Some(fd.as_raw_fd()),
            Self::PodShm | Self::PodProc | Self::New | Self::Root | Self::CgroupV1(_) => None,
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
    } else if options.bind.is_some() {
        bind_source(mount, &options, context, propagation)?
    } else if mount.kind == "cgroup" || mount.kind == "cgroup2" {
        cgroup_source(context)?
    } else if mount.kind == "proc" && context.pids == Pids::Pod && options.data().is_empty() {
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
    cloned
        .map(Source::Clone)
        .map_err(|errno| fail(mount, errno))
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
