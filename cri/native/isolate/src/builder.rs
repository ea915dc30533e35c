//! The short-lived child that prepares a container's cgroup and namespaces and gives birth to its
//! init as a sibling, so that the monitor is the init's parent.

#![allow(unsafe_code, reason = "fork points")]

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use estiba_kernel::cgroup::Joined;
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now};
use estiba_kernel::{fd, process, signal, socket};
use rustix::fs::Mode;

use crate::control::{Building, Stopwatch, Wire};
use crate::error::IsolateError;
use crate::host::{Host, cgroup_error};
use crate::init::{self, Birth};
use crate::limits::{limits_error, limits_of};
use crate::namespaces;
use crate::request::{CreateRequest, Parking};
use crate::spec::Spec;

const STEP: &str = "builder";

/// Forks the builder of a container and returns at once: it never waits for mounts or files.
///
/// # Errors
/// Only when the socket or the child cannot be made; all else arrives as `ControlMessage::Failed`.
pub fn spawn_create(host: &Host, request: CreateRequest<'_>) -> Result<Building, IsolateError> {
    spawn_child(|control| run(host, request, control))
}

/// Forks a child that holds one end of a new control socket.
pub(crate) fn spawn_child(
    child: impl FnOnce(OwnedFd) -> Result<(), (IsolateError, OwnedFd)>,
) -> Result<Building, IsolateError> {
    let (ours, theirs) = socket::seqpacket_pair()
        .map_err(|errno| IsolateError::kernel(STEP, "make a control socket", errno))?;
    // SAFETY: the caller of this crate has one thread (crate contract); the child below ends in
    // exit_now or execve.
    let side = unsafe { clone3(&Clone::default()) }
        .map_err(|errno| IsolateError::kernel(STEP, "fork", errno))?;
    match side {
        Side::Child => {
            drop(ours);
            exit_now(match child(theirs) {
                Ok(()) => 0,
                Err((error, control)) => report(&error, &control),
            })
        }
        Side::Parent { pid, pidfd } => Ok(Building {
            builder_pid: pid,
            builder_pidfd: pidfd,
            control: ours,
            process: None,
            cgroup: None,
            steps: Vec::new(),
            ready: None,
            failed: None,
        }),
    }
}

/// Tells the monitor of a failure; there is nobody else to tell when even that fails.
pub(crate) fn report(error: &IsolateError, control: &OwnedFd) -> i32 {
    Wire::Failed(error.clone()).send(control, &[]).ok();
    1
}

/// Makes a forked child its own: nothing of the monitor's stays open, no tenant can look into it.
pub(crate) fn settle(name: &std::ffi::CStr, keep: &[RawFd]) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, "set up the child process", errno);
    process::set_not_dumpable().map_err(fail)?;
    process::set_name(name).map_err(fail)?;
    signal::reset_all();
    rustix::process::umask(Mode::empty());
    fd::close_all_except(keep).map_err(fail)
}

fn kept_fds(request: &CreateRequest<'_>, control: &OwnedFd) -> Vec<RawFd> {
    let mut keep = vec![control.as_raw_fd()];
    let streams = [&request.stdin, &request.stdout, &request.stderr];
    keep.extend(streams.into_iter().flatten().map(AsRawFd::as_raw_fd));
    keep.extend(request.pid_target.iter().map(AsRawFd::as_raw_fd));
    if let Some(pod) = request.pod {
        keep.extend(namespaces::pod_fds(pod));
    }
    if let Parking::Listener(socket) = &request.parking {
        keep.push(socket.as_raw_fd());
    }
    keep
}

fn run(
    host: &Host,
    request: CreateRequest<'_>,
    control: OwnedFd,
) -> Result<(), (IsolateError, OwnedFd)> {
    let mut clock = Stopwatch::start();
    let prepared = settle(c"estiba-builder", &kept_fds(&request, &control)).and_then(|()| {
        let spec = Spec::parse(request.spec_json)?;
        clock.lap("parse-spec");
        Ok(spec)
    });
    let spec = match prepared {
        Ok(spec) => spec,
        Err(error) => return Err((error, control)),
    };
    let cgroup = spec.linux.cgroups_path.clone();
    match make_cgroup(host, &spec, &mut clock) {
        Ok(joined) => match give_birth(host, request, spec, joined, clock, control) {
            Ok(()) => Ok(()),
            Err((error, control)) => {
                // Nobody has heard of the cgroup yet, and nobody is in it.
                host.cgroups.remove_once(&cgroup).ok();
                Err((error, control))
            }
        },
        Err(error) => Err((error, control)),
    }
}

fn make_cgroup(host: &Host, spec: &Spec, clock: &mut Stopwatch) -> Result<Joined, IsolateError> {
    const STEP: &str = "create-cgroup";
    let cgroup = &spec.linux.cgroups_path;
    host.cgroups
        .create(cgroup, true)
        .map_err(|error| cgroup_error(STEP, &error))?;
    clock.lap("create-cgroup");
    let ready = limits_of(&spec.linux.resources)
        .and_then(|limits| {
            host.cgroups
                .apply(cgroup, &limits)
                .map_err(|e| limits_error(&e))
        })
        .and_then(|()| {
            clock.lap("cgroup-limits");
            host.cgroups
                .open_to_join(cgroup)
                .map_err(|error| cgroup_error(STEP, &error))
        });
    if ready.is_err() {
        host.cgroups.remove_once(cgroup).ok();
    }
    ready
}

fn give_birth(
    host: &Host,
    request: CreateRequest<'_>,
    spec: Spec,
    joined: Joined,
    mut clock: Stopwatch,
    control: OwnedFd,
) -> Result<(), (IsolateError, OwnedFd)> {
    let monitor = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    let flags = namespaces::join(&spec.linux, monitor, request.pod, request.pid_target);
    let flags = match flags {
        Ok(flags) => flags,
        Err(error) => return Err((error, control)),
    };
    clock.lap("join-namespaces");
    let cgroup = spec.linux.cgroups_path.clone();
    let v2 = joined.v2().and_then(|fd| fd.try_clone_to_owned().ok());
    let birth = Birth {
        host,
        request,
        spec,
        joined,
        monitor,
    };
    let how = Clone {
        namespaces: flags,
        sibling: true,
        cgroup: v2.as_ref().map(AsFd::as_fd),
    };
    // SAFETY: this child of a single-threaded process has one thread; the new process ends in
    // exit_now or execve.
    match unsafe { clone3(&how) } {
        Ok(Side::Child) => exit_now(init::run(birth, control)),
        Ok(Side::Parent { pid, pidfd }) => {
            clock.lap("clone-init");
            let message = Wire::Forked {
                pid,
                cgroup,
                steps: clock.steps,
            };
            message
                .send(&control, &[pidfd.as_fd()])
                .map_err(|error| (error, control))
        }
        Err(errno) => Err((
            IsolateError::kernel("clone-init", "clone the container's init", errno),
            control,
        )),
    }
}
