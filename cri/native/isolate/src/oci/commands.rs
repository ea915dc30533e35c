//! The commands on containers that exist.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use estiba_kernel::hang::Hang;
use estiba_kernel::{fd, process, socket, spawn};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::state::{Record, State, Status, dir_of};
use crate::config;
use crate::control::{MAX_MESSAGE, Wire, send_go_on};
use crate::error::{ErrorCode, IsolateError};
use crate::hooks::{self, Hooks};
use crate::host::{Host, cgroup_error, kill_cgroup, survivor};

/// Version of the OCI runtime spec that is implemented.
pub const SPEC_VERSION: &str = "1.2.0";

pub(super) const STEP: &str = "oci";
/// Longest wait for a killed container's cgroup to become empty.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for a child that prepares a process, or for execve.
pub(super) const BUILD_PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn precondition(message: String) -> IsolateError {
    IsolateError::new(ErrorCode::FailedPrecondition, STEP, message)
}

/// Address of the socket that a parked init listens on. The state directory may have a name that is
/// too long for a socket address, so it is reached through a descriptor.
pub(super) fn start_address(dir: &Path) -> Result<(OwnedFd, SocketAddrUnix), IsolateError> {
    use std::os::fd::AsRawFd;
    let fail = |errno| IsolateError::kernel(STEP, format!("open {dir:?}"), errno);
    let fd = crate::rootfs::open_path(dir)?;
    let path = format!("/proc/self/fd/{}/start.sock", fd.as_raw_fd());
    Ok((fd, SocketAddrUnix::new(path).map_err(fail)?))
}

pub(super) fn message_socket() -> Result<OwnedFd, IsolateError> {
    socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(|errno| IsolateError::kernel(STEP, "make a socket", errno))
}

/// Hears of hooks that have failed when that changes nothing any more.
pub type Warn<'a> = &'a dyn Fn(IsolateError);

/// Lets the parked container run; returns when its program has been executed and its poststart hooks
/// have ended.
///
/// # Errors
/// `FailedPrecondition` unless it is created; the reason of a failing execve.
pub fn start(host: &Host, root: &Path, id: &str, warn: Warn<'_>) -> Result<(), IsolateError> {
    let dir = dir_of(root, id)?;
    let mut record = Record::load(&dir, id)?;
    let status = record.status_on(host)?;
    if status != Status::Created {
        return Err(precondition(format!(
            "cannot start container {id:?}: it is {status}, not created"
        )));
    }
    let spec = config::read(&dir.join("config.json"))?;
    let patience = BUILD_PATIENCE
        + spec
            .hooks
            .as_ref()
            .map_or(Duration::ZERO, Hooks::start_time);
    let socket = message_socket()?;
    let (_dir, address) = start_address(&dir)?;
    connect(&socket, &address)
        .map_err(|errno| IsolateError::kernel(STEP, format!("start container {id:?}"), errno))?;
    send_go_on(&socket)?;
    let heard = hear_of_execve(&socket, &record, patience)?;
    record.started = true;
    record.save(&dir)?;
    heard?;
    let (bundle, pid) = (&record.bundle, record.pid);
    hooks::after(&spec, id, bundle, Status::Running, pid, warn);
    Ok(())
}

/// Listens until an init has executed its program, has told why it could not, or is dead. The outer
/// error: it is not known which.
fn hear_of_execve(
    socket: &OwnedFd,
    record: &Record,
    patience: Duration,
) -> Result<Result<(), IsolateError>, IsolateError> {
    let (id, pid) = (&record.id, record.pid);
    let deadline = Instant::now() + patience;
    let mut is_executing = false;
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        if !fd::is_readable_within(socket, rest) {
            let hang = Hang::of(pid);
            let message = format!(
                "cannot start container {id:?}: its program is not executed after {patience:?}: {hang}"
            );
            let code = ErrorCode::DeadlineExceeded;
            return Err(IsolateError::new(code, STEP, message));
        }
        let message = socket::receive(socket, MAX_MESSAGE, true).map_err(|errno| {
            IsolateError::kernel(STEP, format!("start container {id:?}"), errno)
        })?;
        if message.bytes.is_empty() {
            break;
        }
        match serde_json::from_slice(&message.bytes) {
            Ok(Wire::Executing) => is_executing = true,
            Ok(Wire::Failed(error)) => return Ok(Err(error)),
            _ => {
                let why = format!("cannot start container {id:?}: unexpected answer");
                return Ok(Err(precondition(why)));
            }
        }
    }
    // Execve closes the socket, and so does death. A program may have ended and be reaped by now.
    let has_executed = process::has_executed(pid, record.start_time_ticks);
    Ok(match has_executed.unwrap_or(is_executing) {
        true => Ok(()),
        false => Err(precondition(format!(
            "cannot start container {id:?}: its init, process {pid}, was killed before it could \
             execute the program"
        ))),
    })
}

/// The container's state.
///
/// # Errors
/// `NotFound` when there is no such container.
pub fn state(host: &Host, root: &Path, id: &str) -> Result<State, IsolateError> {
    let record = Record::load(&dir_of(root, id)?, id)?;
    let status = record.status_on(host)?;
    Ok(State {
        oci_version: SPEC_VERSION.to_owned(),
        id: record.id,
        status,
        pid: match status {
            Status::Creating | Status::Stopped => 0,
            Status::Created | Status::Running | Status::Paused => record.pid,
        },
        bundle: record.bundle,
        rootfs: record.rootfs,
        created: record.created,
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
        return kill_frozen(host, &record.cgroup);
    }
    if all {
        return signal_all(host, &record.cgroup, signal, fail);
    }
    // The pidfd first, the check of its identity second: then it cannot be another process's.
    let pidfd = open_pidfd(record.pid);
    match pidfd.filter(|_| record.is_alive(&host.boot_id)) {
        Some(pidfd) if signal == libc::SIGKILL => {
            spawn::send_signal(pidfd, signal).map_err(fail)?;
            thaw(host, &record.cgroup)
        }
        Some(pidfd) => spawn::send_signal(pidfd, signal).map_err(fail),
        // containerd and podman know a container that has ended by these last words.
        None => Err(precondition(format!(
            "cannot kill container {id:?}: container not running"
        ))),
    }
}

/// Most processes that are held at once.
const MAX_HELD: usize = 256;

/// The pidfds first, a second look at who is in the cgroup second: a pid may be another process's by
/// the time that it is held.
fn signal_all(
    host: &Host,
    cgroup: &str,
    signal: i32,
    fail: impl Fn(Errno) -> IsolateError,
) -> Result<(), IsolateError> {
    let processes = || {
        let pids = host.cgroups.processes(cgroup);
        pids.map_err(|error| cgroup_error(STEP, &error))
    };
    for pids in processes()?.chunks(MAX_HELD) {
        let held: Vec<(i32, OwnedFd)> = pids
            .iter()
            .filter_map(|pid| open_pidfd(*pid).map(|pidfd| (*pid, pidfd)))
            .collect();
        let there: HashSet<i32> = processes()?.into_iter().collect();
        for (_, pidfd) in held.iter().filter(|(pid, _)| there.contains(pid)) {
            match spawn::send_signal(pidfd, signal) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(errno) => return Err(fail(errno)),
            }
        }
    }
    Ok(())
}

/// What v1 has frozen dies when it is thawed.
pub(super) fn kill_frozen(host: &Host, cgroup: &str) -> Result<(), IsolateError> {
    kill_cgroup(host, cgroup)?;
    thaw(host, cgroup)
}

fn thaw(host: &Host, cgroup: &str) -> Result<(), IsolateError> {
    let thawed = host.cgroups.thaw(cgroup);
    thawed.map_err(|error| cgroup_error(STEP, &error))
}

/// Stops every process of the container until `resume`.
///
/// # Errors
/// `FailedPrecondition` unless it is created or running; `DeadlineExceeded` when a process does not
/// stop: then none has.
pub fn pause(host: &Host, root: &Path, id: &str) -> Result<(), IsolateError> {
    let record = Record::load(&dir_of(root, id)?, id)?;
    let status = record.status_on(host)?;
    if !matches!(status, Status::Created | Status::Running) {
        // As `kill` says it.
        return Err(precondition(format!(
            "cannot pause container {id:?}: it is {status}: container not running"
        )));
    }
    let frozen = host.cgroups.freeze(&record.cgroup, PATIENCE);
    frozen.map_err(|error| {
        let made = cgroup_error(STEP, &error);
        if made.errno != libc::ETIMEDOUT {
            return made;
        }
        let hang = survivor(host, &record.cgroup).map(|hang| format!(": {hang}"));
        let message = format!(
            "cannot pause container {id:?}: not all of it has stopped within {PATIENCE:?}{}",
            hang.unwrap_or_default()
        );
        IsolateError::new(ErrorCode::DeadlineExceeded, STEP, message)
    })
}

/// Lets a paused container go on.
///
/// # Errors
/// `FailedPrecondition` unless it is paused.
pub fn resume(host: &Host, root: &Path, id: &str) -> Result<(), IsolateError> {
    let record = Record::load(&dir_of(root, id)?, id)?;
    let status = record.status_on(host)?;
    if status != Status::Paused {
        return Err(precondition(format!(
            "cannot resume container {id:?}: it is {status}: container not paused"
        )));
    }
    thaw(host, &record.cgroup)
}

pub(super) fn open_pidfd(pid: i32) -> Option<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(pid)?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(test)]
mod tests {
    use super::signal_number;

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
