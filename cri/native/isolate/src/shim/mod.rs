//! Containers of other OCI runtimes: one process of ours for each container and exec, which runs the
//! runtime program and stands for what that makes.

#![allow(unsafe_code, reason = "fork point")]

mod bundle;
mod container;
mod document;
mod exec;
mod program;
mod waiting;

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use estiba_kernel::process;
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now};

pub use bundle::PidTarget;
pub use program::Program;

use crate::builder::{Outcome, report, settle, spawn_child};
use crate::control::{Building, Stopwatch, Wire};
use crate::error::IsolateError;
use crate::gate::Gate;
use crate::host::Host;
use crate::namespaces;
use crate::request::{CreateRequest, ExecRequest};

const STEP: &str = "shim";

/// Forks a shim that has `program` make the container `id`: the same conversation as with
/// [`crate::spawn_create`]. The process that `Created` brings a pidfd of is the shim; it ends as the
/// container's process ends. `pid_target`: whose pid namespace is joined.
///
/// # Errors
/// Only when the socket or the child cannot be made; all else arrives as `ControlMessage::Failed`.
pub fn spawn_shim(
    host: &Host,
    request: CreateRequest<'_>,
    program: &Program,
    id: &str,
    pid_target: Option<PidTarget>,
) -> Result<Building, IsolateError> {
    spawn_child(None, |control| {
        let mut keep = vec![control.as_raw_fd()];
        let streams = [&request.stdin, &request.stdout, &request.stderr];
        keep.extend(streams.into_iter().flatten().map(AsRawFd::as_raw_fd));
        if let Some(pod) = request.pod {
            keep.extend(namespaces::pod_fds(pod));
        }
        give_birth(control, &keep, |control| {
            container::run(host, request, program, id, pid_target, control)
        })
    })
}

/// Forks a shim that has `program` run a command in the container `id`; likewise, for
/// [`crate::spawn_exec`]. SIGTERM makes it kill the command with all its descendants.
///
/// # Errors
/// As `spawn_shim`.
pub fn spawn_exec_shim(
    request: ExecRequest<'_>,
    program: &Program,
    id: &str,
) -> Result<Building, IsolateError> {
    spawn_child(None, |control| {
        let mut keep = vec![control.as_raw_fd()];
        let streams = [&request.stdin, &request.stdout, &request.stderr];
        keep.extend(streams.into_iter().flatten().map(AsRawFd::as_raw_fd));
        give_birth(control, &keep, |control| {
            exec::run(request, program, id, control)
        })
    })
}

/// Gives birth to the shim as a child of the monitor.
fn give_birth(control: OwnedFd, keep: &[RawFd], shim: impl FnOnce(OwnedFd) -> i32) -> Outcome {
    let mut clock = Stopwatch::start();
    let gate = match settle(c"estiba-builder", keep).and_then(|()| Gate::new()) {
        Ok(gate) => gate,
        Err(error) => return Err((error, control)),
    };
    let how = Clone {
        sibling: true,
        ..Clone::default()
    };
    // SAFETY: this child of a single-threaded process has one thread; the new process ends in
    // exit_now.
    match unsafe { clone3(&how) } {
        Ok(Side::Child) => {
            process::set_name(c"estiba-shim").ok();
            match gate.pass() {
                Ok(()) => {
                    process::set_session();
                    exit_now(shim(control))
                }
                Err(error) => exit_now(report(&error, &control)),
            }
        }
        Ok(Side::Parent { pid, pidfd }) => {
            clock.lap("clone-shim");
            let steps = clock.steps;
            let sent = Wire::Forked { pid, steps }.send(&control, &[pidfd.as_fd()]);
            gate.open();
            sent.map_err(|error| (error, control))
        }
        Err(errno) => Err((IsolateError::kernel(STEP, "clone the shim", errno), control)),
    }
}
