//! The conversation between the monitor and the children it forks: one seqpacket socket for each
//! container or exec that is being built.

use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

use crate::error::IsolateError;
use crate::request::ResolvedUser;

/// How long one step took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTime {
    /// Name of the step, kebab-case.
    pub step: String,
    /// Microseconds.
    pub elapsed_us: u64,
}

/// A container or exec under way. The caller adds `control` to its event loop, calls
/// [`read_control`] whenever it is readable, and reaps two children: `builder` and, once known,
/// `process`.
#[derive(Debug)]
pub struct Building {
    /// The short-lived child that prepares the way; ends by itself.
    pub builder_pid: i32,
    /// Pidfd of the builder.
    pub builder_pidfd: OwnedFd,
    /// The conversation (`SOCK_SEQPACKET`).
    pub control: OwnedFd,
    /// The final process (also a child of the caller): pid as the host sees it, and its pidfd.
    /// Known a moment before `Created`, so that a build that hangs can be named and killed.
    pub process: Option<(i32, OwnedFd)>,
    pub(crate) ready: Option<Created>,
}

/// What the child tells when it is parked (container) or about to execve (exec).
#[derive(Debug)]
pub struct Created {
    /// Pid as the host sees it.
    pub pid: i32,
    /// Pidfd of that process; its exit status comes from `waitid(P_PIDFD)`.
    pub pidfd: OwnedFd,
    /// Terminal master when a tty was asked for.
    pub console: Option<OwnedFd>,
    /// The user after resolution.
    pub user: ResolvedUser,
    /// Cgroup of the process, as `kill_cgroup` takes it.
    pub cgroup: String,
    /// What the time went into.
    pub steps: Vec<StepTime>,
}

/// What [`read_control`] found.
#[derive(Debug)]
pub enum ControlMessage {
    /// The container is built and parked, or the exec is about to run.
    Created(Created),
    /// The build or the execve failed. The process ends by itself; both children are still to be
    /// reaped, and the cgroup is still to be removed.
    Failed(IsolateError),
    /// The socket is closed. After `send_go` (or after an exec's `Created`) it means that execve has
    /// succeeded; before, that the child died without a word (killed, out of memory).
    Closed,
}
