//! Running a command in a running container.

#![allow(unsafe_code, reason = "fork point")]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use estiba_kernel::cgroup::Joined;
use estiba_kernel::resolve::{self};
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now, setns, unshare};
use estiba_kernel::{fd, process};
use rustix::fs::OFlags;

use crate::apparmor;
use crate::builder::{Outcome, report, settle, spawn_child};
use crate::config;
use crate::console;
use crate::control::{Building, Stopwatch, Wire};
use crate::error::{ErrorCode, IsolateError};
use crate::execute::variable;
use crate::gate::Gate;
use crate::host::{Host, cgroup_error};
use crate::ids::{self, Ids};
use crate::init::{run_program, stand_alone};
use crate::masks::null_stream;
use crate::own_fds::OwnFds;
use crate::process::{CapabilitySets, Stdio, become_user, place_stdio, set_oom_score, set_rlimits};
use crate::request::{ExecProcess, ExecRequest};
use crate::rootfs::open_path;
use crate::seccomp::{self, Confinement, may_trace};
use crate::selinux;
use crate::spec::Spec;
use crate::users;

const STEP: &str = "exec";

/// Forks an exec and returns at once: same conversation, without `send_go`. `Closed` after `Created`
/// means that the command runs.
///
/// # Errors
/// When the container is gone, or the socket or the child cannot be made; all else arrives as
/// `ControlMessage::Failed`.
pub fn spawn_exec(host: &Host, request: ExecRequest<'_>) -> Result<Building, IsolateError> {
    let joined = open_cgroup(host, &request)?;
    let v2 = joined.v2().and_then(|fd| fd.try_clone_to_owned().ok());
    // Born in the v2 cgroup, the builder needs no descriptor of that one. Those of v1 hierarchies are
    // closed when it has joined them, before it joins a namespace.
    spawn_child(v2.as_ref().map(AsFd::as_fd), |control| {
        run(request, joined, control)
    })
}

fn open_cgroup(host: &Host, request: &ExecRequest<'_>) -> Result<Joined, IsolateError> {
    let joined = match request.leaf {
        Some(leaf) if leaf.is_empty() || leaf.contains(['/', '.']) => {
            let message = format!("cannot run a command in cgroup leaf {leaf:?}: bad name");
            return Err(IsolateError::invalid(STEP, message));
        }
        Some(leaf) => host.cgroups.open_leaf_to_join(request.cgroup, leaf),
        None => host.cgroups.open_to_join(request.cgroup),
    };
    joined.map_err(|error| {
        let error = cgroup_error("join-cgroup", &error);
        if error.errno == libc::ENOENT {
            error.with_code(ErrorCode::FailedPrecondition)
        } else {
            error
        }
    })
}

/// A command that wants nothing but its process.
struct Prepared {
    spec: Spec,
    confinement: Option<Confinement>,
    /// Master of the terminal, which is the standard streams by now.
    terminal: Option<OwnedFd>,
}

fn run(mut request: ExecRequest<'_>, joined: Joined, control: OwnedFd) -> Outcome {
    let mut clock = Stopwatch::start();
    let ready = prepare(&mut request, joined, &control, &mut clock).and_then(|prepared| {
        let gate = Gate::new()?;
        let mut keep = vec![control.as_raw_fd()];
        keep.extend(gate.fds());
        keep.extend(prepared.terminal.iter().map(AsRawFd::as_raw_fd));
        fd::close_all_except(&keep).map_err(|errno| {
            IsolateError::kernel("close-range", "close the host's descriptors", errno)
        })?;
        Ok((prepared, gate))
    });
    let (prepared, gate) = match ready {
        Ok(ready) => ready,
        Err(error) => return Err((error, control)),
    };
    let how = Clone {
        sibling: true,
        // Under the container's filter.
        old_call: prepared
            .confinement
            .as_ref()
            .is_some_and(Confinement::is_early),
        ..Clone::default()
    };
    // SAFETY: this child of a single-threaded process has one thread; the new process ends in
    // exit_now or execve.
    match unsafe { clone3(&how) } {
        Ok(Side::Child) => exit_now(command(&prepared, request.argv, gate, &control)),
        Ok(Side::Parent { pid, pidfd }) => {
            clock.lap("clone");
            let steps = clock.steps;
            let sent = Wire::Forked { pid, steps }.send(&control, &[pidfd.as_fd()]);
            gate.open();
            sent.map_err(|error| (error, control))
        }
        Err(errno) => Err((
            IsolateError::kernel(STEP, "clone the command", errno),
            control,
        )),
    }
}

/// Everything that needs the host's files or privileges. What is born afterwards has the container's
/// root, the user's rights and no descriptor of the host: the container may look into it.
fn prepare(
    request: &mut ExecRequest<'_>,
    joined: Joined,
    control: &OwnedFd,
    clock: &mut Stopwatch,
) -> Result<Prepared, IsolateError> {
    let mut keep = vec![control.as_raw_fd(), request.init_pidfd.as_raw_fd()];
    let streams = [&request.stdin, &request.stdout, &request.stderr];
    keep.extend(streams.into_iter().flatten().map(AsRawFd::as_raw_fd));
    keep.extend(joined.fds().map(|fd| fd.as_raw_fd()));
    settle(c"estiba-exec", &keep)?;
    // Alone: see Joined::enter_v1.
    joined.enter_v1().map_err(|errno| {
        IsolateError::kernel("join-cgroup", "join the container's cgroup", errno)
    })?;
    drop(joined);
    clock.lap("join-cgroup");
    let mut spec = config::read(request.config_path)?;
    if let Some(ExecProcess(process)) = request.process.take() {
        spec.process = process;
        spec.check()?;
    }
    clock.lap("read-config");
    set_oom_score(request.oom_score_adj.or(spec.process.oom_score_adj))?;
    apparmor::set_profile(&spec.process)?;
    selinux::confine(&spec)?;
    let null = null_stream()?;
    let has_home = variable(&spec.process.env, "HOME").is_some();
    let own_fds = (!has_home).then(OwnFds::open).transpose()?;
    join_namespaces(request, &spec)?;
    clock.lap("join-namespaces");
    let root = open_path(std::path::Path::new("/"))?;
    let user = request.user.clone();
    if let Some(own_fds) = own_fds {
        let identity = users::identify(root.as_fd(), &own_fds, None, &spec.process)?;
        users::complete_process(&mut spec.process, &identity);
    }
    let owner = Ids::of(&spec.linux).owner(&user)?;
    let terminal = if request.tty {
        let dev = console::open_dev(&root)?;
        let terminal = console::open(&dev, spec.process.console_size)?;
        console::give(&terminal, owner)?;
        Some(terminal)
    } else {
        None
    };
    let stdio = Stdio {
        stdin: request.stdin.take(),
        stdout: request.stdout.take(),
        stderr: request.stderr.take(),
    };
    place_stdio(&stdio, terminal.as_ref(), &null, owner)?;
    let sets = CapabilitySets::parse(spec.process.capabilities.as_ref())?;
    set_rlimits(&spec.process.rlimits)?;
    enter_cwd(&spec.process.cwd)?;
    if spec.linux.namespace("user").is_some() {
        // The mounts are the user namespace's own already.
        ids::enter(request.init_pidfd, false, false)?;
    }
    let filter = seccomp::filter_of(request.seccomp.take(), &spec)?;
    let is_alone = !request.shares_pids && has_own_pids(&spec) && !may_trace(&spec.process);
    let detours: &[seccomp::NamedCall] = if request.tty {
        &[seccomp::FOR_TERMINAL]
    } else {
        &[]
    };
    let confinement = Confinement::plan(filter, &spec.process, is_alone, detours)?;
    become_user(&spec.process, sets, &user, confinement.as_ref())?;
    // A change of user may have made this process dumpable, by fs.suid_dumpable.
    process::set_not_dumpable()
        .map_err(|errno| IsolateError::kernel("set-user", "protect the command", errno))?;
    clock.lap("process");
    Ok(Prepared {
        spec,
        confinement,
        terminal: terminal.map(|terminal| terminal.master),
    })
}

fn has_own_pids(spec: &Spec) -> bool {
    let pids = spec.linux.namespace("pid");
    pids.is_some_and(|namespace| namespace.path.is_empty())
}

fn join_namespaces(request: &ExecRequest<'_>, spec: &Spec) -> Result<(), IsolateError> {
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
    if spec.linux.namespace("cgroup").is_some() {
        enter_cgroup_namespace(request).map_err(|errno| {
            IsolateError::kernel("join-cgroup", "enter a cgroup namespace", errno)
        })?;
    }
    Ok(())
}

fn command(prepared: &Prepared, argv: &[String], gate: Gate, control: &OwnedFd) -> i32 {
    let mut clock = Stopwatch::start();
    let process = &prepared.spec.process;
    let ready = stand_alone(process, prepared.terminal.is_some(), gate).and_then(|()| {
        clock.lap("stand-alone");
        let ready = Wire::Ready {
            user: None,
            program: None,
            steps: std::mem::take(&mut clock.steps),
        };
        let master = prepared.terminal.as_ref().map(AsFd::as_fd);
        ready.send(control, master.as_slice())
    });
    match ready {
        Ok(()) => {
            let confinement = prepared.confinement.as_ref();
            report(&run_program(confinement, argv, &process.env), control)
        }
        Err(error) => report(&error, control),
    }
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
