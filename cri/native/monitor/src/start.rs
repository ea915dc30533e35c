//! From a StartPod job to a listening monitor.

use std::fs::DirBuilder;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use estiba_isolate::{Host, PodNamespaces, PodRequest, Program};
use estiba_wire::PROTOCOL_VERSION;
use estiba_wire::v1::{self, ErrorCode, Fault, launcher_reply};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::monitor::Monitor;
use crate::record::Identity;
use crate::{convert, process};

const BACKLOG: i32 = 64;

/// Turns this process, a fresh fork of the launcher, into the monitor of one pod. Returns when the
/// pod is released or could not be started.
#[must_use]
pub fn run(host: Host, start: v1::StartPod, connection: OwnedFd) -> ExitCode {
    rustix::thread::set_name(c"estiba-monitor").ok();
    rustix::process::setsid().ok();
    crate::protect_from_oom("monitor", -998);
    let (monitor, started) = match prepare(host, &start) {
        Ok(prepared) => prepared,
        Err(fault) => {
            reply(&connection, launcher_reply::Result::Fault(fault)).ok();
            return ExitCode::SUCCESS;
        }
    };
    drop(start);
    let wanted = !is_closed(&connection)
        && reply(&connection, launcher_reply::Result::PodStarted(started)).is_ok();
    drop(connection);
    if !wanted {
        // Closed before the answer: the job is cancelled.
        let pod_dir = monitor.identity.pod_dir.clone();
        monitor.undo_start();
        estiba_trees::remove_tree(&pod_dir).ok();
        return ExitCode::SUCCESS;
    }
    monitor.run()
}

/// Everything up to the point where clients can connect. Nothing is left behind on failure.
fn prepare(host: Host, start: &v1::StartPod) -> Result<(Monitor, v1::PodStarted), Fault> {
    let pod_dir = PathBuf::from(&start.pod_dir);
    if !pod_dir.is_absolute() {
        let message = format!("cannot start pod: pod_dir {pod_dir:?} is not absolute");
        return Err(Fault::new(ErrorCode::InvalidArgument, "check", message));
    }
    let program = program_of(start, &pod_dir)?;
    make_directories(&pod_dir)?;
    let prepared = prepare_in(host, start, &pod_dir, program);
    if prepared.is_err() {
        estiba_trees::remove_tree(&pod_dir).ok();
    }
    prepared
}

fn prepare_in(
    host: Host,
    start: &v1::StartPod,
    pod_dir: &Path,
    program: Option<Program>,
) -> Result<(Monitor, v1::PodStarted), Fault> {
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let identity = Identity {
        pod_id: start.pod_id.clone(),
        pod_dir: pod_dir.to_owned(),
        netns_path: start.netns_path.clone(),
        boot_id: host.boot_id.clone(),
        pid,
        start_time_ticks: estiba_kernel::process::start_time_ticks(pid).unwrap_or(0),
    };
    // Names what has to be cleaned up before it exists.
    let init_cgroup = match start.pid() {
        v1::NamespaceMode::Pod => {
            let cgroup = estiba_isolate::pod_init_cgroup(&start.cgroup_parent, &start.pod_id);
            vec![cgroup.map_err(convert::fault)?]
        }
        v1::NamespaceMode::Container | v1::NamespaceMode::Node | v1::NamespaceMode::Target => {
            Vec::new()
        }
    };
    identity.write_state(init_cgroup)?;
    let namespaces =
        estiba_isolate::make_pod_namespaces(&host, &pod_request(start)).map_err(convert::fault)?;
    let started = pod_started(&identity, &namespaces);
    let listener = match listen(&pod_dir.join("monitor.sock")) {
        Ok(listener) => listener,
        Err(fault) => {
            undo(&host, namespaces, &start.netns_path);
            return Err(fault);
        }
    };
    let legacy_mounts = start.legacy_mounts;
    Monitor::new(host, identity, namespaces, legacy_mounts, program, listener)
        .map(|monitor| (monitor, started))
        .map_err(|failure| {
            let (fault, host, namespaces) = *failure;
            undo(&host, namespaces, &start.netns_path);
            fault
        })
}

/// The program that makes the pod's containers. Its state is the pod's and goes with it.
fn program_of(start: &v1::StartPod, pod_dir: &Path) -> Result<Option<Program>, Fault> {
    let Some(runtime) = &start.runtime else {
        return Ok(None);
    };
    let path = PathBuf::from(&runtime.path);
    let refuse = |why: &str| {
        let message = format!("cannot use OCI runtime {path:?}: {why}");
        Fault::new(ErrorCode::FailedPrecondition, "runtime", message)
    };
    if !path.is_absolute() {
        return Err(refuse("its path is not absolute"));
    }
    rustix::fs::access(&path, rustix::fs::Access::EXEC_OK)
        .map_err(|errno| refuse(&std::io::Error::from(errno).to_string()))?;
    Ok(Some(Program {
        path,
        arguments: runtime.arguments.clone(),
        state_dir: pod_dir.join("runtime"),
    }))
}

/// Removes what `make_pod_namespaces` has made.
pub(crate) fn undo(host: &Host, namespaces: PodNamespaces, netns_path: &str) {
    let patience = Duration::from_secs(2);
    if let Some((_, pidfd)) = &namespaces.init {
        process::send_signal(pidfd, 9).ok();
        process::wait_within(pidfd, patience).ok();
    }
    if let Some(cgroup) = &namespaces.init_cgroup {
        estiba_isolate::remove_cgroup(host, cgroup, patience).ok();
    }
    drop(namespaces);
    if !netns_path.is_empty() {
        estiba_isolate::unpin_network(netns_path.as_ref()).ok();
    }
}

fn pod_request(start: &v1::StartPod) -> PodRequest {
    PodRequest {
        pod_id: start.pod_id.clone(),
        hostname: start.hostname.clone(),
        network: convert::namespace_mode(start.network()),
        ipc: convert::namespace_mode(start.ipc()),
        pid: convert::namespace_mode(start.pid()),
        sysctls: start.sysctls.clone().into_iter().collect(),
        shm_size: start.shm_size_bytes,
        netns_path: PathBuf::from(&start.netns_path),
        cgroup_parent: start.cgroup_parent.clone(),
        ids: convert::ids(&start.uid_mappings, &start.gid_mappings),
        mount_label: start.mount_label.clone(),
        process_label: start.process_label.clone(),
    }
}

fn pod_started(identity: &Identity, namespaces: &PodNamespaces) -> v1::PodStarted {
    let path = |fd: &Option<OwnedFd>| {
        fd.as_ref().map_or_else(String::new, |fd| {
            format!("/proc/{}/fd/{}", identity.pid, fd.as_raw_fd())
        })
    };
    v1::PodStarted {
        monitor_pid: identity.pid,
        monitor_start_time_ticks: identity.start_time_ticks,
        user_path: path(&namespaces.user),
        ipc_path: path(&namespaces.ipc),
        uts_path: path(&namespaces.uts),
        pid_path: path(&namespaces.pid),
        shm_path: path(&namespaces.shm),
        netns_inode: namespaces.netns_inode,
        init_pid: namespaces.init.as_ref().map_or(0, |(pid, _)| *pid),
    }
}

fn make_directories(pod_dir: &Path) -> Result<(), Fault> {
    let make = |path: &Path, with_parents| {
        DirBuilder::new()
            .mode(0o700)
            .recursive(with_parents)
            .create(path)
            .map_err(|error| {
                let what = format!("cannot make pod directory {path:?}");
                Fault::from_io("mkdir", &what, &error)
            })
    };
    if let Some(parent) = pod_dir.parent() {
        make(parent, true)?;
    }
    make(pod_dir, false)?;
    make(&pod_dir.join("containers"), false).inspect_err(|_| {
        std::fs::remove_dir(pod_dir).ok();
    })
}

fn listen(path: &Path) -> Result<OwnedFd, Fault> {
    let attempt = || -> Result<OwnedFd, Errno> {
        let address = SocketAddrUnix::new(path)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let umask = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
        let bound = rustix::net::bind(&socket, &address);
        rustix::process::umask(umask);
        bound?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(socket)
    };
    attempt().map_err(|errno| {
        let what = format!("cannot listen on {path:?}");
        Fault::from_errno("listen", &what, errno.raw_os_error())
    })
}

/// Whether the peer has closed the connection.
fn is_closed(connection: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(connection, PollFlags::empty())];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

fn reply(
    connection: &OwnedFd,
    result: launcher_reply::Result,
) -> Result<(), estiba_wire::FrameError> {
    let message = v1::LauncherReply {
        version: PROTOCOL_VERSION,
        done: true,
        result: Some(result),
    };
    estiba_wire::send(connection, &message)
}
