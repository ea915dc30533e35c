//! Turns an OCI runtime spec into a running container: everything that happens in the children that
//! a monitor forks, and the logic of the OCI command line.
//!
//! No threads, no async. The caller must be single-threaded: the children are forked and run
//! ordinary Rust code before execve.

mod control;
mod error;
mod request;

use std::time::Duration;

pub use control::{Building, ControlMessage, Created, StepTime};
pub use error::{ErrorCode, IsolateError};
pub use request::{
    CreateRequest, ExecRequest, NamespaceMode, Parking, PodNamespaces, PodRequest, ResolvedUser,
    Rootfs, UserRequest,
};

/// What is found out about this host once, before anything is forked.
#[derive(Debug)]
pub struct Host {
    /// What the kernel can do.
    pub features: Features,
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
    /// clone3 with CLONE_INTO_CGROUP.
    pub clone_into_cgroup: bool,
    /// mount_setattr with AT_RECURSIVE.
    pub recursive_read_only: bool,
}

impl Host {
    /// Reads mountinfo and /proc/self/cgroup and tries out mount calls, all without effect on the
    /// host. The launcher calls this once; its forks inherit the result. About 1 ms.
    ///
    /// # Errors
    /// When /proc is unreadable or no cgroup hierarchy is mounted.
    pub fn probe() -> Result<Self, IsolateError> {
        Err(IsolateError::unimplemented("probe", "this build"))
    }
}

/// Makes a pod's namespaces, loopback, sysctls, /dev/shm and (POD pid mode) the reaping pid 1, and
/// pins the network namespace. Blocks for about a millisecond. On failure nothing is left behind.
///
/// # Errors
/// The step that failed, the offending sysctl or path quoted.
pub fn make_pod_namespaces(
    _host: &Host,
    _request: &PodRequest,
) -> Result<PodNamespaces, IsolateError> {
    Err(IsolateError::unimplemented("pod", "this build"))
}

/// Forks the builder of a container and returns at once.
///
/// # Errors
/// Only when the socket or the child cannot be made; all else arrives as `ControlMessage::Failed`.
pub fn spawn_create(_host: &Host, _request: CreateRequest<'_>) -> Result<Building, IsolateError> {
    Err(IsolateError::unimplemented("create", "this build"))
}

/// Forks an exec and returns at once: same conversation, without `send_go`.
///
/// # Errors
/// Only when the socket or the child cannot be made; all else arrives as `ControlMessage::Failed`.
pub fn spawn_exec(_host: &Host, _request: ExecRequest<'_>) -> Result<Building, IsolateError> {
    Err(IsolateError::unimplemented("exec", "this build"))
}

/// Takes what has arrived on `building.control`, without blocking. `None`: nothing complete yet.
///
/// # Errors
/// A malformed message or a failing socket.
pub fn read_control(_building: &mut Building) -> Result<Option<ControlMessage>, IsolateError> {
    Err(IsolateError::unimplemented("control", "this build"))
}

/// Lets the parked init go on to execve; the outcome arrives as `Failed` or `Closed`.
///
/// # Errors
/// When the init is gone.
pub fn send_go(_building: &Building) -> Result<(), IsolateError> {
    Err(IsolateError::unimplemented("go", "this build"))
}

/// Sends SIGKILL to every process of the cgroup and of the cgroups below it. A cgroup that does not
/// exist is fine. Does not wait.
///
/// # Errors
/// When the kernel refuses.
pub fn kill_cgroup(_host: &Host, _cgroup: &str) -> Result<(), IsolateError> {
    Err(IsolateError::unimplemented("cgroup", "this build"))
}

/// Removes the cgroup and those below it in every hierarchy, trying again until `patience` is over
/// while processes are still going away. Zero patience: one try.
///
/// # Errors
/// `FailedPrecondition` while processes are in it.
pub fn remove_cgroup(_host: &Host, _cgroup: &str, _patience: Duration) -> Result<(), IsolateError> {
    Err(IsolateError::unimplemented("cgroup", "this build"))
}

/// How many processes the kernel has killed in this cgroup for lack of memory. 0 when it is gone.
///
/// # Errors
/// When the counter cannot be read.
pub fn oom_kill_count(_host: &Host, _cgroup: &str) -> Result<u64, IsolateError> {
    Err(IsolateError::unimplemented("cgroup", "this build"))
}

/// Whether any process is in the cgroup or below it. False when it is gone.
///
/// # Errors
/// When it cannot be read.
pub fn populated(_host: &Host, _cgroup: &str) -> Result<bool, IsolateError> {
    Err(IsolateError::unimplemented("cgroup", "this build"))
}

/// Kills what runs in an exec's leaf (see `ExecRequest::leaf`): the command and all descendants.
///
/// # Errors
/// When the kernel refuses.
pub fn kill_exec(_host: &Host, _cgroup: &str, _leaf: &str) -> Result<(), IsolateError> {
    Err(IsolateError::unimplemented("cgroup", "this build"))
}

/// Whether processes are in an exec's leaf: after a normal end these are left-overs, and the leaf is
/// not to be used for another exec until they are gone.
///
/// # Errors
/// When it cannot be read.
pub fn exec_leftovers(_host: &Host, _cgroup: &str, _leaf: &str) -> Result<bool, IsolateError> {
    Err(IsolateError::unimplemented("cgroup", "this build"))
}

/// Removes an empty exec leaf (`remove_cgroup` of the container also does).
///
/// # Errors
/// `FailedPrecondition` while processes are in it.
pub fn remove_exec_leaf(_host: &Host, _cgroup: &str, _leaf: &str) -> Result<(), IsolateError> {
    Err(IsolateError::unimplemented("cgroup", "this build"))
}
