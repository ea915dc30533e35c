//! Running a command in a running container.

#![allow(unsafe_code, reason = "fork point")]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use estiba_kernel::cgroup::Joined;
use estiba_kernel::resolve::{self};
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now, setns, unshare};
use estiba_kernel::{fd, process};
use rustix::fs::OFlags;

use crate::builder::{report, settle, spawn_child};
use crate::config;
use crate::console;
use crate::control::{Building, Stopwatch, Wire};
use crate::error::{ErrorCode, IsolateError};
use crate::execute::execute;
use crate::host::{Host, cgroup_error};
use crate::masks::open_null;
use crate::process::{CapabilitySets, Stdio, become_user, place_stdio, set_oom_score, set_rlimits};
use crate::request::ExecRequest;
use crate::rootfs::open_path;
use crate::spec::Spec;

const STEP: &str = "exec";

/// Forks an exec and returns at once: same conversation, without `send_go`. `Closed` after `Created`
/// means that the command runs.
///
/// # Errors
/// Only when the socket or the child cannot be made; all else arrives as `ControlMessage::Failed`.
pub fn spawn_exec(host: &Host, request: ExecRequest<'_>) -> Result<Building, IsolateError> {
    spawn_child(|control| run(host, request, control))
}

struct Prepared {
    spec: Spec,
    joined: Joined,
    cgroup: String,
    null: OwnedFd,
    own_cgroup_namespace: bool,
}

fn run(
    host: &Host,
    request: ExecRequest<'_>,
    control: OwnedFd,
) -> Result<(), (IsolateError, OwnedFd)> {
    let mut clock = Stopwatch::start();
    let prepared = match prepare(host, &request, &control, &mut clock) {
        Ok(prepared) => prepared,
        Err(error) => return Err((error, control)),
    };
    let v2 = prepared
        .joined
        .v2()
        .and_then(|fd| fd.try_clone_to_owned().ok());
    let how = Clone {
        namespaces: 0,
        sibling: true,
        cgroup: v2.as_ref().map(AsFd::as_fd),
    };
    let cgroup = prepared.cgroup.clone();
    // SAFETY: this child of a single-threaded process has one thread; the new process ends in
    // exit_now or execve.
    match unsafe { clone3(&how) } {
        Ok(Side::Child) => exit_now(command(&prepared, request, &control)),
        Ok(Side::Parent { pid, pidfd }) => {
            clock.lap("clone");
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
            IsolateError::kernel(STEP, "clone the command", errno),
            control,
        )),
    }
}

/// Everything that needs the host's files, then the container's namespaces.
fn prepare(
    host: &Host,
    request: &ExecRequest<'_>,
    control: &OwnedFd,
    clock: &mut Stopwatch,
) -> Result<Prepared, IsolateError> {
    let mut keep = vec![control.as_raw_fd(), request.init_pidfd.as_raw_fd()];
    let streams = [&request.stdin, &request.stdout, &request.stderr];
    keep.extend(streams.into_iter().flatten().map(AsRawFd::as_raw_fd));
    settle(c"estiba-exec", &keep)?;
    let spec = config::read(request.config_path)?;
    clock.lap("read-config");
    let joined = match request.leaf {
        Some(leaf) if leaf.is_empty() || leaf.contains(['/', '.']) => {
            let message = format!("cannot run a command in cgroup leaf {leaf:?}: bad name");
            return Err(IsolateError::invalid(STEP, message));
        }
        Some(leaf) => host.cgroups.open_leaf_to_join(request.cgroup, leaf),
        None => host.cgroups.open_to_join(request.cgroup),
    }
    .map_err(|error| {
        let error = cgroup_error("join-cgroup", &error);
        if error.errno == libc::ENOENT {
            error.with_code(ErrorCode::FailedPrecondition)
        } else {
            error
        }
    })?;
    clock.lap("open-cgroup");
    set_oom_score(spec.process.oom_score_adj)?;
    let null = open_null("/dev/null", OFlags::RDWR)?;
    let own_cgroup_namespace = spec.linux.namespace("cgroup").is_some();
    // Not the cgroup namespace: where cgroup2 is mounted with nsdelegate, nobody can be born into a
    // cgroup by a process that stands outside its own namespace's root. The command enters it itself.
    let kinds = libc::CLONE_NEWNS
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWPID;
    setns(request.init_pidfd, kinds).map_err(|errno| {
        let error =
            IsolateError::kernel("join-namespaces", "join the container's namespaces", errno);
        if errno == rustix::io::Errno::SRCH {
            error.with_code(ErrorCode::FailedPrecondition)
        } else {
            error
        }
    })?;
    clock.lap("join-namespaces");
    let cgroup = match request.leaf {
        Some(leaf) => format!("{}/{leaf}", request.cgroup),
        None => request.cgroup.to_owned(),
    };
    Ok(Prepared {
        spec,
        joined,
        cgroup,
        null,
        own_cgroup_namespace,
    })
}

fn command(prepared: &Prepared, request: ExecRequest<'_>, control: &OwnedFd) -> i32 {
    let mut clock = Stopwatch::start();
    let argv = request.argv;
    match become_command(prepared, request, control, &mut clock) {
        Ok(()) => report(&execute(argv, &prepared.spec.process.env), control),
        Err(error) => report(&error, control),
    }
}

fn become_command(
    prepared: &Prepared,
    request: ExecRequest<'_>,
    control: &OwnedFd,
    clock: &mut Stopwatch,
) -> Result<(), IsolateError> {
    prepared.joined.enter_v1().map_err(|errno| {
        IsolateError::kernel("join-cgroup", "join the container's cgroup", errno)
    })?;
    clock.lap("join-cgroup");
    if prepared.own_cgroup_namespace {
        enter_cgroup_namespace(&request).map_err(|errno| {
            IsolateError::kernel("join-cgroup", "enter a cgroup namespace", errno)
        })?;
    }
    process::set_session();
    process::leave_session_keyring();
    let spec = &prepared.spec.process;
    let user = request.user.clone();
    let sets = CapabilitySets::parse(spec.capabilities.as_ref())?;
    let terminal = if request.tty {
        let dev = open_path(std::path::Path::new("/dev"))?;
        Some(console::open(&dev, spec.console_size)?)
    } else {
        None
    };
    if let Some(terminal) = &terminal {
        console::adopt(terminal, user.uid)?;
    }
    let stdio = Stdio {
        stdin: request.stdin,
        stdout: request.stdout,
        stderr: request.stderr,
    };
    place_stdio(&stdio, terminal.as_ref(), &prepared.null, user.uid)?;
    set_rlimits(&spec.rlimits)?;
    enter_cwd(&spec.cwd)?;
    become_user(spec, sets, &user)?;
    clock.lap("process");
    let ready = Wire::Ready {
        user,
        steps: std::mem::take(&mut clock.steps),
    };
    let master = terminal.as_ref().map(|terminal| terminal.master.as_fd());
    ready.send(control, master.as_slice())?;
    fd::close_on_exec_from_3()
        .map_err(|errno| IsolateError::kernel("close-range", "close descriptors", errno))
}

fn enter_cgroup_namespace(request: &ExecRequest<'_>) -> Result<(), rustix::io::Errno> {
    match request.leaf {
        // The command sees its leaf as the root, as it sees nothing of the leaf's neighbours.
        Some(_) => unshare(libc::CLONE_NEWCGROUP),
        None => setns(request.init_pidfd, libc::CLONE_NEWCGROUP),
    }
}

/// The root is the container's own by now; magic links could still lead elsewhere.
fn enter_cwd(cwd: &str) -> Result<(), IsolateError> {
    let fail = |errno| {
        let action = format!("enter working directory {cwd:?}");
        IsolateError::kernel("working-directory", action, errno)
    };
    let root = open_path(std::path::Path::new("/"))?;
    let dir = resolve::open_in_root(&root, cwd, OFlags::PATH | OFlags::DIRECTORY).map_err(fail)?;
    rustix::process::fchdir(&dir).map_err(fail)
}
