//! The commands themselves.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use estiba_kernel::{process, socket, spawn};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

use super::state::{Record, State, Status, claim, dir_of};
use crate::builder::spawn_create;
use crate::control::{Building, ControlMessage, Created, Wire, read_control, send_go_on};
use crate::error::{ErrorCode, IsolateError};
use crate::host::{Host, kill_cgroup, remove_cgroup};
use crate::request::{CreateRequest, Parking, Rootfs};
use crate::spec::Spec;

/// Version of the OCI runtime spec that is implemented.
pub const SPEC_VERSION: &str = "1.1.0";

const STEP: &str = "oci";
/// Longest wait for a killed container's cgroup to become empty.
const PATIENCE: Duration = Duration::from_secs(10);
/// Start of the cgroup's name where the spec names none.
const DEFAULT_CGROUP: &str = "/estiba-oci-";

/// Arguments of `create`.
#[derive(Debug)]
pub struct CreateOptions<'a> {
    /// Directory of all containers' state.
    pub root: &'a Path,
    /// Id of the new container.
    pub id: &'a str,
    /// Directory with config.json.
    pub bundle: &'a Path,
    /// File that gets the pid.
    pub pid_file: Option<&'a Path>,
    /// Unix socket that gets the terminal master.
    pub console_socket: Option<&'a Path>,
}

fn precondition(message: String) -> IsolateError {
    IsolateError::new(ErrorCode::FailedPrecondition, STEP, message)
}

fn wait_message(building: &mut Building) -> Result<ControlMessage, IsolateError> {
    loop {
        if let Some(message) = read_control(building)? {
            return Ok(message);
        }
        wait_readable(building.control.as_fd())?;
    }
}

fn wait_readable(fd: std::os::fd::BorrowedFd<'_>) -> Result<(), IsolateError> {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    match poll(&mut fds, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(errno) => Err(IsolateError::kernel(STEP, "wait for the container", errno)),
    }
}

/// Builds the container and leaves it parked.
///
/// # Errors
/// `AlreadyExists` for an id in use; otherwise the step that failed. Nothing is left behind then.
pub fn create(host: &Host, options: &CreateOptions<'_>) -> Result<(), IsolateError> {
    let bundle = std::fs::canonicalize(options.bundle).map_err(|error| {
        IsolateError::io(STEP, format!("open bundle {:?}", options.bundle), &error)
    })?;
    let config = bundle.join("config.json");
    let bytes = std::fs::read(&config)
        .map_err(|error| IsolateError::io(STEP, format!("read {config:?}"), &error))?;
    let mut spec = Spec::parse(&bytes)?;
    if spec.process.terminal != options.console_socket.is_some() {
        let why = "process.terminal and --console-socket need each other";
        return Err(IsolateError::invalid(
            STEP,
            format!("cannot create container: {why}"),
        ));
    }
    let dir = claim(options.root, options.id)?;
    spec.linux.cgroups_path = cgroup_of(&spec.linux.cgroups_path, options.id);
    let result = create_claimed(host, options, &bundle, &spec, &dir);
    if result.is_err() {
        std::fs::remove_dir_all(&dir).ok();
    }
    result
}

/// Relative paths start at the root of the hierarchies.
fn cgroup_of(path: &str, id: &str) -> String {
    if path.is_empty() {
        format!("{DEFAULT_CGROUP}{id}")
    } else {
        format!("/{}", path.trim_start_matches('/'))
    }
}

fn root_of(bundle: &Path, spec: &Spec) -> Result<PathBuf, IsolateError> {
    let root = spec
        .root
        .as_ref()
        .filter(|root| !root.path.is_empty())
        .ok_or_else(|| {
            IsolateError::invalid(STEP, "cannot create container: root.path is missing")
        })?;
    Ok(bundle.join(&root.path))
}

fn create_claimed(
    host: &Host,
    options: &CreateOptions<'_>,
    bundle: &Path,
    spec: &Spec,
    dir: &Path,
) -> Result<(), IsolateError> {
    let listener = listen_in(dir)?;
    // Whoever cleans up after a creator that was killed finds the cgroup here.
    let mut record = Record::new(options.id, bundle, &spec.linux.cgroups_path, &host.boot_id);
    record.annotations.clone_from(&spec.annotations);
    record.save(dir)?;
    let json = serde_json::to_vec(spec)
        .map_err(|error| IsolateError::invalid(STEP, format!("cannot encode spec: {error}")))?;
    let inherit = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned().ok();
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let config_path = dir.join("config.json");
    let mut building = spawn_create(
        host,
        CreateRequest {
            container_id: options.id,
            spec_json: &json,
            rootfs: Rootfs::Directory(root_of(bundle, spec)?),
            user: None,
            stdin: inherit(stdin.as_fd()),
            stdout: inherit(stdout.as_fd()),
            stderr: inherit(stderr.as_fd()),
            tty: spec.process.terminal,
            pod: None,
            pid_target: None,
            config_path: Some(&config_path),
            legacy_mounts: false,
            parking: Parking::Listener(listener),
        },
    )?;
    let message = wait_message(&mut building);
    spawn::wait_pidfd(&building.builder_pidfd, true).ok();
    let result = match message {
        Ok(ControlMessage::Created(created)) => publish(options, record, dir, &created)
            .inspect_err(|_| end(host, &created.cgroup, Some(&created.pidfd))),
        Ok(ControlMessage::Failed(error)) | Err(error) => Err(error),
        Ok(ControlMessage::Closed) => Err(precondition(
            "cannot create container: its init died without a word".to_owned(),
        )),
    };
    if let Some(cgroup) = building.cgroup.as_ref().filter(|_| result.is_err()) {
        end(
            host,
            cgroup,
            building.process.as_ref().map(|(_, pidfd)| pidfd),
        );
    }
    result
}

/// Kills and removes what a failed creation has made; its own failures change nothing any more.
fn end(host: &Host, cgroup: &str, pidfd: Option<&OwnedFd>) {
    kill_cgroup(host, cgroup).ok();
    if let Some(pidfd) = pidfd {
        spawn::wait_pidfd(pidfd, true).ok();
    }
    remove_cgroup(host, cgroup, PATIENCE).ok();
}

fn publish(
    options: &CreateOptions<'_>,
    mut record: Record,
    dir: &Path,
    created: &Created,
) -> Result<(), IsolateError> {
    if let (Some(path), Some(console)) = (options.console_socket, &created.console) {
        send_console(path, console)?;
    }
    if let Some(path) = options.pid_file {
        write_pid(path, created.pid)?;
    }
    record.pid = created.pid;
    record.start_time_ticks = process::start_time_ticks(created.pid).unwrap_or(0);
    record.save(dir)
}

/// By temporary name and rename: whoever waits for the file never reads half a number.
fn write_pid(path: &Path, pid: i32) -> Result<(), IsolateError> {
    let fail = |error: &std::io::Error| IsolateError::io(STEP, format!("write {path:?}"), error);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    std::fs::write(&temporary, pid.to_string()).map_err(|error| fail(&error))?;
    std::fs::rename(&temporary, path).map_err(|error| fail(&error))
}

fn send_console(path: &Path, console: &OwnedFd) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("send the terminal to {path:?}"), errno);
    let kind = SocketType::STREAM;
    let stream =
        socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).map_err(fail)?;
    connect(&stream, &SocketAddrUnix::new(path).map_err(fail)?).map_err(fail)?;
    socket::send(&stream, b"/dev/ptmx", &[console.as_fd()]).map_err(fail)
}

/// Address of the socket that a parked init listens on. The state directory may have a name that is
/// too long for a socket address, so it is reached through a descriptor.
fn start_address(dir: &Path) -> Result<(OwnedFd, SocketAddrUnix), IsolateError> {
    use std::os::fd::AsRawFd;
    let fail = |errno| IsolateError::kernel(STEP, format!("open {dir:?}"), errno);
    let fd = crate::rootfs::open_path(dir)?;
    let path = format!("/proc/self/fd/{}/start.sock", fd.as_raw_fd());
    Ok((fd, SocketAddrUnix::new(path).map_err(fail)?))
}

fn message_socket() -> Result<OwnedFd, IsolateError> {
    socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(|errno| IsolateError::kernel(STEP, "make a socket", errno))
}

fn listen_in(dir: &Path) -> Result<OwnedFd, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("listen in {dir:?}"), errno);
    let socket = message_socket()?;
    let (_dir, address) = start_address(dir)?;
    bind(&socket, &address).map_err(fail)?;
    listen(&socket, 1).map_err(fail)?;
    Ok(socket)
}

/// Lets the parked container run; returns when its program has been executed.
///
/// # Errors
/// `FailedPrecondition` unless it is created; the reason of a failing execve.
pub fn start(host: &Host, root: &Path, id: &str) -> Result<(), IsolateError> {
    let dir = dir_of(root, id)?;
    let mut record = Record::load(&dir, id)?;
    let status = record.status(&host.boot_id);
    if status != Status::Created {
        return Err(precondition(format!(
            "cannot start container {id:?}: it is {status}, not created"
        )));
    }
    let socket = message_socket()?;
    let (_dir, address) = start_address(&dir)?;
    connect(&socket, &address)
        .map_err(|errno| IsolateError::kernel(STEP, format!("start container {id:?}"), errno))?;
    send_go_on(&socket)?;
    let message = socket::receive(&socket, 16 * 1024, true)
        .map_err(|errno| IsolateError::kernel(STEP, format!("start container {id:?}"), errno))?;
    record.started = true;
    record.save(&dir)?;
    if message.bytes.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice(&message.bytes) {
        Ok(Wire::Failed(error)) => Err(error),
        Ok(Wire::Forked { .. } | Wire::Ready { .. }) | Err(_) => Err(precondition(format!(
            "cannot start container {id:?}: unexpected answer"
        ))),
    }
}

/// The container's state.
///
/// # Errors
/// `NotFound` when there is no such container.
pub fn state(host: &Host, root: &Path, id: &str) -> Result<State, IsolateError> {
    let record = Record::load(&dir_of(root, id)?, id)?;
    let status = record.status(&host.boot_id);
    Ok(State {
        oci_version: SPEC_VERSION.to_owned(),
        id: record.id,
        status,
        pid: match status {
            Status::Creating | Status::Stopped => 0,
            Status::Created | Status::Running => record.pid,
        },
        bundle: record.bundle,
        annotations: record.annotations,
    })
}

/// Number of a signal given as "9", "KILL" or "SIGKILL".
#[must_use]
pub fn signal_number(text: &str) -> Option<i32> {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    if let Ok(number) = text.parse::<i32>() {
        return (1..=64).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    let index = NAMES.iter().position(|name| *name == bare)?;
    i32::try_from(index + 1).ok()
}

/// Sends a signal to the container's process, or with `all` to everything in its cgroup.
///
/// # Errors
/// `FailedPrecondition` when it is stopped.
pub fn kill(
    host: &Host,
    root: &Path,
    id: &str,
    signal: i32,
    all: bool,
) -> Result<(), IsolateError> {
    let record = Record::load(&dir_of(root, id)?, id)?;
    let fail = |errno| IsolateError::kernel(STEP, format!("kill container {id:?}"), errno);
    if all && signal == libc::SIGKILL {
        return kill_cgroup(host, &record.cgroup);
    }
    if all {
        let pids = host.cgroups.processes(&record.cgroup);
        let pids = pids.map_err(|error| crate::host::cgroup_error(STEP, &error))?;
        for pidfd in pids.into_iter().filter_map(open_pidfd) {
            match spawn::send_signal(&pidfd, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(errno) => return Err(fail(errno)),
            }
        }
        return Ok(());
    }
    // The pidfd first, the check of its identity second: then it cannot be another process's.
    let pidfd = open_pidfd(record.pid);
    match pidfd.filter(|_| record.is_alive(&host.boot_id)) {
        Some(pidfd) => spawn::send_signal(pidfd, signal).map_err(fail),
        // containerd and podman know a container that has ended by these last words.
        None => Err(precondition(format!(
            "cannot kill container {id:?}: container not running"
        ))),
    }
}

fn open_pidfd(pid: i32) -> Option<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(pid)?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

/// Removes a stopped container, or with `force` any: cgroup and state.
///
/// # Errors
/// `FailedPrecondition` when it lives and `force` is not given.
pub fn delete(host: &Host, root: &Path, id: &str, force: bool) -> Result<(), IsolateError> {
    let dir = dir_of(root, id)?;
    let record = match Record::load(&dir, id) {
        Err(error) if force && error.code == ErrorCode::NotFound => {
            // A creation that was cut short leaves a directory without a record.
            std::fs::remove_dir_all(&dir).ok();
            return Ok(());
        }
        result => result?,
    };
    let status = record.status(&host.boot_id);
    if status != Status::Stopped && !force {
        let message = format!("cannot delete container {id:?}: it is {status}, not stopped");
        return Err(precondition(message));
    }
    if record.boot_id == host.boot_id {
        kill_cgroup(host, &record.cgroup)?;
        let deadline = Instant::now() + PATIENCE;
        while record.is_alive(&host.boot_id) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        remove_cgroup(host, &record.cgroup, PATIENCE)?;
    }
    std::fs::remove_dir_all(&dir)
        .map_err(|error| IsolateError::io(STEP, format!("remove {dir:?}"), &error))
}

#[cfg(test)]
mod tests {
    use super::{cgroup_of, signal_number};

    #[test]
    fn a_cgroup_path_starts_at_the_root() {
        assert_eq!(cgroup_of("", "x"), "/estiba-oci-x");
        assert_eq!(cgroup_of("a/b", "x"), "/a/b");
        assert_eq!(cgroup_of("/a/b", "x"), "/a/b");
    }

    #[test]
    fn signals_are_known_by_number_and_by_name() {
        for text in ["15", "TERM", "SIGTERM", "sigterm"] {
            assert_eq!(signal_number(text), Some(15), "{text}");
        }
        assert_eq!(signal_number("SIGSYS"), Some(31));
        for bad in ["0", "65", "-9", "SIG", "NOPE", ""] {
            assert_eq!(signal_number(bad), None, "{bad}");
        }
    }
}
