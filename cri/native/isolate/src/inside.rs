//! The last steps of building a container, with the container's root as "/": what is in procfs, and
//! the loss of privileges. The assembler takes them, or the init where only that can mount procfs.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::resolve::{self, Missing};
use estiba_kernel::{Errno, process};
use rustix::fs::{FileType, OFlags};

use crate::control::Stopwatch;
use crate::error::IsolateError;
use crate::ids;
use crate::masks;
use crate::mounts::{self, Copies};
use crate::options::propagation;
use crate::process::{CapabilitySets, become_user, set_rlimits};
use crate::procfs_guard;
use crate::request::ResolvedUser;
use crate::rootfs::open_path;
use crate::seccomp::Confinement;
use crate::sources::Planned;
use crate::spec::Spec;

/// What the last steps need.
pub(crate) struct Inside<'a> {
    pub spec: &'a Spec,
    /// Procfs and the mounts in it.
    pub late: Vec<Planned<'a>>,
    /// The pod's procfs, detached.
    pub proc: Option<OwnedFd>,
    /// The null device, detached: covers masked files.
    pub cover: Option<OwnedFd>,
    pub user: ResolvedUser,
    /// To be entered at the end.
    pub user_namespace: Option<OwnedFd>,
    pub confinement: Option<Confinement>,
}

impl Inside<'_> {
    /// Descriptors that are needed until the steps are taken. All are detached mounts, or the user
    /// namespace: they lead nowhere but to what the container gets.
    pub(crate) fn fds(&self) -> Vec<RawFd> {
        let sources = self.late.iter().filter_map(|one| one.source.fd());
        let own = [&self.proc, &self.cover, &self.user_namespace];
        let own = own.into_iter().flatten().map(AsRawFd::as_raw_fd);
        own.chain(sources).collect()
    }
}

fn cwd_failed(cwd: &str) -> impl Fn(Errno) -> IsolateError + '_ {
    move |errno| {
        let action = format!("use working directory {cwd:?}");
        IsolateError::kernel("working-directory", action, errno)
    }
}

/// Makes the working directory when it is missing, while the root can be written. One in procfs is
/// there or is not.
pub(crate) fn make_cwd(
    root: BorrowedFd<'_>,
    cwd: &str,
    late: &[Planned<'_>],
) -> Result<(), IsolateError> {
    if late
        .iter()
        .any(|one| procfs_guard::is_below(cwd, &one.mount.destination))
    {
        return Ok(());
    }
    resolve::ensure_in_root(root, cwd, Missing::Directory(0o755))
        .map(drop)
        .map_err(cwd_failed(cwd))
}

/// A descriptor from inside the root cannot lead out.
fn enter_cwd(root: BorrowedFd<'_>, cwd: &str) -> Result<(), IsolateError> {
    let failed = cwd_failed(cwd);
    let dir = resolve::open_in_root(root, cwd, OFlags::PATH).map_err(&failed)?;
    let mode = rustix::fs::fstat(&dir).map_err(&failed)?.st_mode;
    if FileType::from_raw_mode(mode) != FileType::Directory {
        return Err(failed(Errno::NOTDIR));
    }
    rustix::process::fchdir(&dir).map_err(failed)
}

/// What the root mount itself gets at the end.
pub(crate) fn finish_root(spec: &Spec, root: BorrowedFd<'_>) -> Result<(), IsolateError> {
    const STEP: &str = "finish-rootfs";
    let fail = |errno| IsolateError::kernel(STEP, "finish the root file system", errno);
    let wanted = spec.linux.rootfs_propagation.as_str();
    let mut attributes = Attributes::default();
    if !wanted.is_empty() {
        let (bits, _) = propagation(wanted).ok_or_else(|| {
            IsolateError::invalid(STEP, format!("cannot use rootfsPropagation {wanted:?}"))
        })?;
        // That it was made when it was attached, if it has a peer on the host.
        if bits != libc::MS_SLAVE {
            attributes.propagation = bits;
        }
    }
    if spec.root.as_ref().is_some_and(|root| root.readonly) {
        attributes.set = libc::MOUNT_ATTR_RDONLY;
    }
    if attributes.is_empty() {
        Ok(())
    } else {
        mount::set_attributes(root, attributes, false).map_err(fail)
    }
}

/// Mounts procfs, hides what is to be hidden and becomes the user.
pub(crate) fn finish(inside: &mut Inside<'_>, clock: &mut Stopwatch) -> Result<(), IsolateError> {
    let spec = inside.spec;
    let root = open_path(Path::new("/"))?;
    let root = root.as_fd();
    let label = spec.linux.mount_label.as_str();
    let copies = Copies {
        proc: inside.proc.as_ref(),
        label,
        ..Copies::default()
    };
    for one in std::mem::take(&mut inside.late) {
        mounts::attach(root, one, &copies)?;
    }
    inside.proc = None;
    clock.lap("mount-proc");
    let cover = inside.cover.take();
    masks::mask(root, &spec.linux.masked_paths, cover, label)?;
    clock.lap("masked-paths");
    masks::read_only(root, &spec.linux.readonly_paths)?;
    clock.lap("readonly-paths");
    let process = &spec.process;
    let sets = CapabilitySets::parse(process.capabilities.as_ref())?;
    set_rlimits(&process.rlimits)?;
    enter_cwd(root, &process.cwd)?;
    if let Some(user) = inside.user_namespace.take() {
        let cgroup = spec.linux.namespace("cgroup").is_some();
        ids::enter(user, true, cgroup)?;
    }
    become_user(process, sets, &inside.user, inside.confinement.as_ref())?;
    // A change of user may have made this process dumpable, by fs.suid_dumpable.
    process::set_not_dumpable()
        .map_err(|errno| IsolateError::kernel("set-user", "protect the init", errno))?;
    clock.lap("process");
    Ok(())
}
