//! The container's first process: parks, and executes the program.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use estiba_kernel::{fd, process, socket};

use crate::builder::report;
use crate::console;
use crate::control::{Stopwatch, Wire, wait_for_go};
use crate::error::IsolateError;
use crate::execute::{check, execute};
use crate::gate::Gate;
use crate::hooks;
use crate::inside::{self, Inside};
use crate::oci::Status;
use crate::process::set_process_limit;
use crate::request::Parking;
use crate::seccomp::Confinement;
use crate::spec::{Process, Spec};

/// What the assembler hands to the init.
pub(crate) struct Birth<'a> {
    pub id: &'a str,
    pub bundle: &'a Path,
    pub spec: &'a Spec,
    pub inside: Inside<'a>,
    /// Whether the assembler has taken the last steps.
    pub is_finished: bool,
    /// Master of the terminal that the standard streams are.
    pub terminal: Option<OwnedFd>,
    pub parking: Parking,
    /// Opens when the root file system is the root; it is already where there is none.
    pub hold: Option<Gate>,
    pub gate: Gate,
}

/// Runs the init; returns the exit code of a failure.
pub(crate) fn run(birth: Birth<'_>, control: OwnedFd) -> i32 {
    let Birth {
        id,
        bundle,
        spec,
        mut inside,
        is_finished,
        terminal,
        parking,
        hold,
        gate,
    } = birth;
    // The assembler tells why there will be no root.
    if hold.is_some_and(|hold| hold.pass().is_err()) {
        return 1;
    }
    let mut clock = Stopwatch::start();
    process::set_name(c"estiba-init").ok();
    let finished = if is_finished {
        Ok(())
    } else {
        inside::finish(&mut inside, &mut clock)
    };
    let user = Some((inside.user.uid, inside.user.gid));
    let confinement = inside.confinement.take();
    drop(inside);
    let ready = finished.and_then(|()| stand_alone(&spec.process, terminal.is_some(), gate));
    if let Err(error) = ready {
        return report(&error, &control);
    }
    let steps = clock.steps;
    let master = terminal.as_ref().map(AsFd::as_fd);
    let ready = Wire::Ready {
        user,
        program: None,
        steps,
    };
    let sent = ready.send(&control, master.as_slice());
    // The master belongs to the monitor alone.
    drop(terminal);
    if sent.is_err() {
        return 1;
    }
    let has_user_namespace = spec.linux.namespace("user").is_some();
    let Some(control) = park(&parking, control, has_user_namespace) else {
        return 1;
    };
    let process = &spec.process;
    let error = match run_hooks(spec, id, bundle, confinement.as_ref()) {
        Ok(()) => {
            if matches!(parking, Parking::Listener(_)) {
                // Who starts it may have gone; that is no reason not to.
                Wire::Executing.send(&control, &[]).ok();
            }
            run_program(confinement.as_ref(), &process.args, &process.env)
        }
        Err(error) => error,
    };
    report(&error, &control)
}

/// The startContainer hooks, with no more rights than the program will have.
fn run_hooks(
    spec: &Spec,
    id: &str,
    bundle: &Path,
    confinement: Option<&Confinement>,
) -> Result<(), IsolateError> {
    let hooks = spec.hooks.as_ref().map(|hooks| &hooks.start_container);
    let Some(hooks) = hooks.filter(|hooks| !hooks.is_empty()) else {
        return Ok(());
    };
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let place = hooks::Place {
        kind: "startContainer",
        purpose: "start container",
        cgroup: None,
        confinement: confinement.filter(|one| !one.is_early()),
        old_call: true,
        until: None,
        enter: &|| Ok(()),
    };
    let state = hooks::state_of(spec, id, bundle, Status::Created, own)?;
    hooks::run_all(hooks, &state, &place)
}

/// Confines this process and executes; returns only to say why that failed.
pub(crate) fn run_program(
    confinement: Option<&Confinement>,
    argv: &[String],
    env: &[OsString],
) -> IsolateError {
    let installed = match confinement {
        // A strict filter leaves no call to tell of a failure with.
        Some(confinement) if !confinement.is_early() => {
            check(argv, env).and_then(|()| confinement.install())
        }
        _ => Ok(()),
    };
    match installed {
        Ok(()) => execute(argv, env),
        Err(error) => error,
    }
}

/// Leaves the builder's process group for a session of its own, once the monitor knows of us.
pub(crate) fn stand_alone(
    spec: &Process,
    has_terminal: bool,
    gate: Gate,
) -> Result<(), IsolateError> {
    gate.pass()?;
    process::set_session();
    if has_terminal {
        console::take(rustix::stdio::stdin())?;
    }
    set_process_limit(&spec.rlimits)?;
    fd::close_on_exec_from_3()
        .map_err(|errno| IsolateError::kernel("close-range", "close descriptors", errno))
}

/// Waits for "go" and returns the socket that hears about the outcome.
fn park(parking: &Parking, control: OwnedFd, has_user_namespace: bool) -> Option<OwnedFd> {
    match parking {
        Parking::Control => wait_for_go(&control).then_some(control),
        Parking::Listener(listener) => {
            // The creator leaves; whoever starts the container comes by the listening socket.
            drop(control);
            loop {
                let connection =
                    rustix::net::accept_with(listener, rustix::net::SocketFlags::CLOEXEC).ok()?;
                // The socket file is root's alone; the check costs nothing. In a user namespace the
                // host's root is nobody that could be told from others.
                let is_root = has_user_namespace || socket::peer_uid(&connection) == Ok(0);
                if is_root && wait_for_go(&connection) {
                    return Some(connection);
                }
            }
        }
    }
}
