//! What is known about this host, and operations on cgroups in the terms of the rest of the helper.

use std::time::Duration;

use estiba_kernel::cgroup::{self, CgroupError, Hierarchies, OomAncestors, OomKills, OomWatch};
use estiba_kernel::hang::Hang;
use estiba_kernel::{Errno, probe, process};

use crate::error::{ErrorCode, IsolateError};

const STEP: &str = "cgroup";
/// No more processes than this are looked at.
const SURVIVORS: usize = 1000;

/// What is found out about this host once, before anything is forked.
#[derive(Debug)]
pub struct Host {
    /// What the kernel can do.
    pub features: Features,
    /// Boot id, lower-case with dashes.
    pub boot_id: String,
    pub(crate) cgroups: Hierarchies,
}

/// What the kernel can do.
#[derive(Debug, Clone)]
pub struct Features {
    /// The hierarchy with the controllers is cgroup v2 (false: v1 or hybrid).
    pub cgroup_v2: bool,
    /// v1: controllers mounted; v2: controllers in the root's cgroup.controllers.
    pub cgroup_controllers: Vec<String>,
    /// Overlay layers can be added one by one ("lowerdir+").
    pub overlay_lowerdir_append: bool,
    /// A detached mount can be cloned again.
    pub clone_detached_mounts: bool,
    /// A v2 tree is mounted, so that children are born in their cgroup (clone3 with
    /// CLONE_INTO_CGROUP). True on hybrid hosts too.
    pub clone_into_cgroup: bool,
    /// mount_setattr with AT_RECURSIVE.
    pub recursive_read_only: bool,
}

impl Host {
    /// Reads mountinfo and tries out mount calls, all without effect on the host. The launcher calls
    /// this once; its forks inherit the result. About 1 ms.
    ///
    /// # Errors
    /// When /proc is unreadable or no cgroup hierarchy is mounted.
    pub fn probe() -> Result<Self, IsolateError> {
        let cgroups = cgroup::discover()
            .map_err(|error| IsolateError::io("probe", "read /proc/self/mountinfo", &error))?;
        if cgroups.v1.is_empty() && cgroups.v2.is_none() {
            let message = "cannot run containers: no cgroup hierarchy is mounted on this host";
            return Err(IsolateError::new(
                ErrorCode::FailedPrecondition,
                "probe",
                message,
            ));
        }
        let boot_id = process::boot_id()
            .map_err(|error| IsolateError::io("probe", "read the boot id", &error))?;
        let found = probe::probe_mounts();
        Ok(Self {
            features: Features {
                cgroup_v2: cgroups.is_v2(),
                cgroup_controllers: cgroups.controllers(),
                overlay_lowerdir_append: found.overlay_lowerdir_append,
                clone_detached_mounts: found.clone_detached_mounts,
                clone_into_cgroup: cgroups.v2.is_some(),
                recursive_read_only: found.recursive_read_only,
            },
            boot_id,
            cgroups,
        })
    }
}

pub(crate) fn cgroup_error(step: &str, error: &CgroupError) -> IsolateError {
    let known = IsolateError::kernel(step, "", error.errno);
    let code = match error.errno {
        Errno::BUSY => ErrorCode::FailedPrecondition,
        Errno::INVAL => ErrorCode::InvalidArgument,
        _ => known.code,
    };
    IsolateError {
        message: error.to_string(),
        code,
        ..known
    }
}

fn failed(error: &CgroupError) -> IsolateError {
    cgroup_error(STEP, error)
}

/// Sends SIGKILL to every process of the cgroup and of the cgroups below it. A cgroup that does not
/// exist is fine. Does not wait.
///
/// # Errors
/// When the kernel refuses.
pub fn kill_cgroup(host: &Host, cgroup: &str) -> Result<(), IsolateError> {
    host.cgroups.kill(cgroup).map_err(|error| failed(&error))
}

/// Removes the cgroup and those below it in every hierarchy, trying again until `patience` is over
/// while processes are still going away. Zero patience: one try. What does not exist is fine.
///
/// # Errors
/// `FailedPrecondition` while processes are in it.
pub fn remove_cgroup(host: &Host, cgroup: &str, patience: Duration) -> Result<(), IsolateError> {
    let removed = host.cgroups.remove(cgroup, patience);
    removed.map_err(|error| {
        let mut error = failed(&error);
        let hang = survivor(host, cgroup).filter(|_| !patience.is_zero());
        if let Some(hang) = hang {
            error.message = format!("{}: {hang}", error.message);
        }
        error
    })
}

/// Where a process of the cgroup, or below it, hangs: one that hears no signals where there is one,
/// else any. `None` when nobody is left.
#[must_use]
pub fn survivor(host: &Host, cgroup: &str) -> Option<Hang> {
    let mut pids = host.cgroups.processes(cgroup).unwrap_or_default();
    pids.truncate(SURVIVORS);
    let is_dead = |pid: &i32| process::state_letter(*pid).is_none_or(|letter| letter == 'Z');
    pids.retain(|pid| !is_dead(pid));
    let stuck = pids
        .iter()
        .find(|pid| process::state_letter(**pid) == Some('D'));
    stuck.or(pids.first()).map(|pid| Hang::of(*pid))
}

/// Whether all processes of the cgroup, and below it, are known to be dead. One that is gone has none.
#[must_use]
pub fn is_deserted(host: &Host, cgroup: &str) -> bool {
    let living = |pid: &i32| process::state_letter(*pid).is_some_and(|letter| letter != 'Z');
    let pids = host.cgroups.processes(cgroup);
    pids.is_ok_and(|pids| !pids.iter().any(living))
}

/// How many processes the kernel has killed in this cgroup for lack of memory. 0 when it is gone.
///
/// # Errors
/// When the counter cannot be read.
pub fn oom_kill_count(host: &Host, cgroup: &str) -> Result<u64, IsolateError> {
    host.cgroups
        .oom_kill_count(cgroup)
        .map_err(|error| failed(&error))
}

/// What is above a container's cgroup, for `watch_oom`; the containers of a parent share it.
#[must_use]
pub fn oom_ancestors(host: &Host, cgroup: &str) -> OomAncestors {
    host.cgroups.oom_ancestors(cgroup)
}

/// Watches for processes of the cgroup that are killed for lack of memory.
///
/// # Errors
/// When it is gone or memory is not accounted.
pub fn watch_oom(
    host: &Host,
    cgroup: &str,
    ancestors: &mut OomAncestors,
) -> Result<OomWatch, IsolateError> {
    let watch = host.cgroups.watch_oom(cgroup, ancestors);
    watch.map_err(|error| failed(&error))
}

/// Processes that were killed since the last call, as `OomWatch::take`.
pub fn take_oom_kills(
    host: &Host,
    watch: &mut OomWatch,
    ancestors: &mut OomAncestors,
) -> Option<OomKills> {
    watch.take(&host.cgroups, ancestors)
}

/// Whether any process is in the cgroup or below it. False when it is gone.
///
/// # Errors
/// When it cannot be read.
pub fn populated(host: &Host, cgroup: &str) -> Result<bool, IsolateError> {
    host.cgroups
        .populated(cgroup)
        .map_err(|error| failed(&error))
}

/// Kills what runs in an exec's leaf (see `ExecRequest::leaf`): the command and all descendants.
/// Does not wait: the leaf is empty when `exec_leftovers` says so.
///
/// # Errors
/// When the kernel refuses.
pub fn kill_exec(host: &Host, cgroup: &str, leaf: &str) -> Result<(), IsolateError> {
    kill_cgroup(host, &format!("{cgroup}/{leaf}"))
}

/// Whether processes are in an exec's leaf: after a normal end these are left-overs, and the leaf is
/// not to be used for another exec until they are gone.
///
/// # Errors
/// When it cannot be read.
pub fn exec_leftovers(host: &Host, cgroup: &str, leaf: &str) -> Result<bool, IsolateError> {
    populated(host, &format!("{cgroup}/{leaf}"))
}

/// Removes an empty exec leaf (`remove_cgroup` of the container also does).
///
/// # Errors
/// `FailedPrecondition` while processes are in it.
pub fn remove_exec_leaf(host: &Host, cgroup: &str, leaf: &str) -> Result<(), IsolateError> {
    remove_cgroup(host, &format!("{cgroup}/{leaf}"), Duration::ZERO)
}
