//! The short-lived children that prepare a container. The first makes the cgroup and gives birth,
//! in it, to the second, which builds the container's file system and gives birth to its init. All
//! are children of the monitor.

#![allow(unsafe_code, reason = "fork points")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use estiba_kernel::cgroup::Joined;
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now};
use estiba_kernel::{fd, process, signal, socket};
use rustix::fs::Mode;

use crate::assembler::{self, Assembly};
use crate::control::{Building, Stopwatch, Wire};
use crate::error::IsolateError;
use crate::gate::Gate;
use crate::hooks;
use crate::host::{Host, cgroup_error};
use crate::limits::{limits_error, limits_of};
use crate::namespaces;
use crate::request::{CreateRequest, Parking};
use crate::seccomp;
use crate::spec::Spec;

const STEP: &str = "builder";

/// What a child answers when it fails: the reason, and the socket to tell it on.
pub(crate) type Outcome = Result<(), (IsolateError, OwnedFd)>;

/// Forks the builder of a container and returns at once: it never waits for mounts or files.
///
/// # Errors
/// Only when the socket or the child cannot be made; all else arrives as `ControlMessage::Failed`.
pub fn spawn_create(host: &Host, request: CreateRequest<'_>) -> Result<Building, IsolateError> {
    spawn_child(None, |control| run(host, request, control))
}

/// Forks a child that holds one end of a new control socket and leads a process group.
pub(crate) fn spawn_child(
    cgroup: Option<BorrowedFd<'_>>,
    child: impl FnOnce(OwnedFd) -> Outcome,
) -> Result<Building, IsolateError> {
    let (ours, theirs) = socket::seqpacket_pair()
        .map_err(|errno| IsolateError::kernel(STEP, "make a control socket", errno))?;
    let how = Clone {
        cgroup,
        ..Clone::default()
    };
    // SAFETY: the caller of this crate has one thread (crate contract); the child below ends in
    // exit_now or execve.
    let side =
        unsafe { clone3(&how) }.map_err(|errno| IsolateError::kernel(STEP, "fork", errno))?;
    match side {
        Side::Child => {
            drop(ours);
            // Fails for the leader of a session only, which a fresh child is not.
            rustix::process::setpgid(None, None).ok();
            exit_now(end(child(theirs)))
        }
        Side::Parent { pid, pidfd } => Ok(Building::new(pid, pidfd, ours)),
    }
}

/// Exit code of a child, after its failure has been told.
pub(crate) fn end(outcome: Outcome) -> i32 {
    match outcome {
        Ok(()) => 0,
        Err((error, control)) => report(&error, &control),
    }
}

/// Tells the monitor of a failure; there is nobody else to tell when even that fails.
pub(crate) fn report(error: &IsolateError, control: &OwnedFd) -> i32 {
    Wire::Failed(error.shortened()).send(control, &[]).ok();
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

fn run(host: &Host, mut request: CreateRequest<'_>, control: OwnedFd) -> Outcome {
    let mut clock = Stopwatch::start();
    let prepared = settle(c"estiba-builder", &kept_fds(&request, &control)).and_then(|()| {
        let spec = Spec::parse(request.spec_json)?;
        clock.lap("parse-spec");
        request.seccomp = seccomp::filter_of(request.seccomp.take(), &spec)?;
        let joined = make_cgroup(host, &spec, &mut clock)?;
        Ok((spec, joined))
    });
    let (spec, joined) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Err((error, control)),
    };
    let cgroup = spec.linux.cgroups_path.clone();
    hand_on(host, request, spec, joined, clock, control).inspect_err(|_| {
        // Nobody has heard of the cgroup yet, and nobody is in it.
        host.cgroups.remove_once(&cgroup).ok();
    })
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

fn link_for(spec: &Spec) -> Result<Option<(OwnedFd, hooks::Link)>, IsolateError> {
    let wanted = spec.hooks.as_ref().filter(|hooks| hooks.are_for_create());
    wanted.map(|_| hooks::link()).transpose()
}

/// Gives birth to the assembler in the container's cgroup. Nothing that leads to the cgroup's
/// directory is open any more when something enters the container's pid namespace.
fn hand_on(
    host: &Host,
    request: CreateRequest<'_>,
    spec: Spec,
    joined: Joined,
    mut clock: Stopwatch,
    control: OwnedFd,
) -> Outcome {
    let gate = match Gate::new() {
        Ok(gate) => gate,
        Err(error) => return Err((error, control)),
    };
    let (ours, link) = match link_for(&spec) {
        Ok(Some((ours, link))) => (Some(ours), Some(link)),
        Ok(None) => (None, None),
        Err(error) => return Err((error, control)),
    };
    let cgroup = spec.linux.cgroups_path.clone();
    let v2 = joined.v2().and_then(|fd| fd.try_clone_to_owned().ok());
    let how = Clone {
        namespaces: 0,
        sibling: true,
        cgroup: v2.as_ref().map(AsFd::as_fd),
        old_call: false,
    };
    // SAFETY: this child of a single-threaded process has one thread; the new process ends in
    // exit_now or execve.
    match unsafe { clone3(&how) } {
        Ok(Side::Child) => {
            drop((v2, ours));
            let assembly = Assembly {
                host,
                request,
                spec,
                gate,
                link,
            };
            exit_now(end(assembler::run(assembly, joined, control)))
        }
        Ok(Side::Parent { pid, pidfd }) => {
            clock.lap("clone-assembler");
            let steps = clock.steps;
            let message = Wire::Handed { pid, cgroup, steps };
            let sent = message.send(&control, &[pidfd.as_fd()]);
            gate.open();
            // When nobody hears there is nobody to tell either. The end of this socket is the news
            // that the program runs.
            drop((sent, control, link));
            if let Some(ours) = ours {
                let serving = hooks::Serving {
                    spec: &spec,
                    id: request.id,
                    bundle: request.bundle,
                    joined: &joined,
                    assembler: &pidfd,
                };
                hooks::serve(&ours, &serving);
            }
            Ok(())
        }
        Err(errno) => Err((
            IsolateError::kernel("clone-assembler", "clone the assembler", errno),
            control,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{ControlMessage, read_control};

    fn wait_message(building: &mut Building) -> ControlMessage {
        loop {
            if let Some(message) = read_control(building).unwrap() {
                return message;
            }
            let mut fds = [rustix::event::PollFd::new(
                &building.control,
                rustix::event::PollFlags::IN,
            )];
            rustix::event::poll(&mut fds, None).unwrap();
        }
    }

    #[test]
    fn a_process_whose_birth_was_never_told_ends_and_is_reaped() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let mut building = spawn_child(None, |_control| {
            let gate = Gate::new().unwrap();
            let how = Clone {
                sibling: true,
                ..Clone::default()
            };
            // SAFETY: the child ends in exit_now.
            if let Side::Child = unsafe { clone3(&how) }.unwrap() {
                exit_now(i32::from(gate.pass().is_err()))
            }
            rustix::io::write(&writer, b"born").unwrap();
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
                .unwrap();
            Ok(())
        })
        .unwrap();
        let mut born = [0; 4];
        rustix::io::read(&reader, &mut born).unwrap();
        let message = wait_message(&mut building);
        assert!(matches!(message, ControlMessage::Closed), "{message:?}");
        assert!(building.process.is_none());
        let mut rounds = 0;
        while crate::reap_unreported(&building).unwrap() {
            rounds += 1;
            assert!(rounds < 10_000, "the lost process does not end");
            std::thread::yield_now();
        }
        let group = rustix::process::Pid::from_raw(building.group);
        let left = rustix::process::waitid(
            rustix::process::WaitId::Pgid(group),
            rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOHANG,
        );
        assert_eq!(left.map(drop), Err(rustix::io::Errno::CHILD));
    }
}
