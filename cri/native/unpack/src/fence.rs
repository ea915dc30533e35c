//! The fence around the job: what the child gives up before it reads the first byte.

use std::os::fd::{AsFd, BorrowedFd};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{Resource, Rlimit, setrlimit, umask};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};

use crate::calls;
use crate::error::UnpackError;

/// Address space of the job: buffers, a zstd window, stacks and the bounded records.
const ADDRESS_SPACE: u64 = 4 << 30;

/// `MKNOD` for whiteouts and devices, `SYS_ADMIN` for `trusted.*` attributes, the rest for owners
/// and modes.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::SETFCAP)
    .union(CapabilitySet::SYS_ADMIN);

fn at(step: &'static str) -> impl Fn(Errno) -> UnpackError {
    move |source| UnpackError::Fence { step, source }
}

/// Own mount, network, IPC and UTS namespaces; nothing mounted here is seen outside.
pub(crate) fn leave_namespaces() -> Result<(), UnpackError> {
    let flags =
        UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    unshare(flags).map_err(at("namespaces"))?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(at("private mounts"))
}

#[allow(
    deprecated,
    reason = "the safe form is deprecated because of CLONE_FILES, which is not used here"
)]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}

/// Modes of new files are exactly those of the archive.
pub(crate) fn clear_umask() {
    umask(Mode::empty());
}

/// Gives up everything the job does not need. `trees` are the directories it may change; `parent`
/// holds them. Returns what the kernel could not do.
pub(crate) fn restrict(
    parent: BorrowedFd<'_>,
    trees: &[BorrowedFd<'_>],
) -> Result<Vec<&'static str>, UnpackError> {
    let limit = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::Core, limit(0)).map_err(at("core size"))?;
    setrlimit(Resource::As, limit(ADDRESS_SPACE)).map_err(at("address space"))?;
    drop_capabilities()?;
    set_no_new_privs(true).map_err(at("no new privileges"))?;
    let mut gaps = Vec::new();
    match landlock(parent, trees) {
        Ok(RulesetStatus::FullyEnforced) => {}
        Ok(RulesetStatus::PartiallyEnforced) => gaps.push("landlock-partial"),
        Ok(RulesetStatus::NotEnforced) | Err(_) => gaps.push("landlock"),
    }
    // Last: what came before is not allowed any more.
    if calls::restrict().is_err() {
        gaps.push("seccomp");
    }
    Ok(gaps)
}

fn drop_capabilities() -> Result<(), UnpackError> {
    for capability in CapabilitySet::all().difference(KEPT).iter() {
        // A kernel that does not know a capability cannot give it either.
        if capability_is_in_bounding_set(capability).unwrap_or(false) {
            remove_capability_from_bounding_set(capability).map_err(at("bounding set"))?;
        }
    }
    clear_ambient_capability_set().map_err(at("ambient set"))?;
    let sets = CapabilitySets {
        effective: KEPT,
        permitted: KEPT,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).map_err(at("capabilities"))
}

/// Only the given trees can be changed or opened; in `parent` only empty directories can be
/// removed (the layer's own, after a failure). No TCP, no signals to others.
///
/// Hard links between directories need the second version of Landlock; with the first one the
/// crate enforces nothing rather than too much.
fn landlock(
    parent: BorrowedFd<'_>,
    trees: &[BorrowedFd<'_>],
) -> Result<RulesetStatus, landlock::RulesetError> {
    let abi = ABI::V6;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rule(PathBeneath::new(parent.as_fd(), AccessFs::RemoveDir))?;
    for tree in trees {
        ruleset = ruleset.add_rule(PathBeneath::new(tree.as_fd(), AccessFs::from_all(abi)))?;
    }
    Ok(ruleset.restrict_self()?.ruleset)
}
