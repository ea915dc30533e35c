//! The commands on containers that exist.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use estiba_kernel::hang::Hang;
use estiba_kernel::{fd, socket, spawn};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::state::{Record, State, Status, dir_of};
use crate::config;
use crate::control::{MAX_MESSAGE, Wire, send_go_on};
use crate::error::{ErrorCode, IsolateError};
use crate::hooks::{self, Hooks};
use crate::host::{Host, cgroup_error, kill_cgroup, remove_cgroup, survivor};

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
    if !fd::is_readable_within(&socket, patience) {
        return Err(IsolateError::new(
            ErrorCode::DeadlineExceeded,
            STEP,
            format!(
                "cannot start container {id:?}: its program is not executed after \
                 {patience:?}: {}",
                Hang::of(record.pid)
            ),
        ));
    }
    let message = socket::receive(&socket, MAX_MESSAGE, true)
        .map_err(|errno| IsolateError::kernel(STEP, format!("start container {id:?}"), errno))?;
    record.started = true;
    record.save(&dir)?;
    if message.bytes.is_empty() {
        let (bundle, pid) = (&record.bundle, record.pid);
        hooks::after(&spec, id, bundle, Status::Running, pid, warn);
        return Ok(());
    }
    if let Ok(Wire::Failed(error)) = serde_json::from_slice(&message.bytes) {
        return Err(error);
    }
    Err(precondition(format!(
        "cannot start container {id:?}: unexpected answer"
    )))
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
        let pids = host.cgroups.processes(&record.cgroup);
        let pids = pids.map_err(|error| cgroup_error(STEP, &error))?;
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

/// What v1 has frozen dies when it is thawed.
fn kill_frozen(host: &Host, cgroup: &str) -> Result<(), IsolateError> {
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

/// Removes a stopped container, or with `force` any: cgroup and state. Then come its poststop hooks.
///
/// # Errors
/// `FailedPrecondition` when it lives and `force` is not given.
pub fn delete(
    host: &Host,
    root: &Path,
    id: &str,
    force: bool,
    warn: Warn<'_>,
) -> Result<(), IsolateError> {
    let dir = dir_of(root, id)?;
    let record = match Record::load(&dir, id) {
        Err(error) if force && error.code == ErrorCode::NotFound => {
            // A creation that was cut short leaves a directory without a record.
            std::fs::remove_dir_all(&dir).ok();
            return Ok(());
        }
        result => result?,
    };
    let status = record.status_on(host)?;
    if status != Status::Stopped && !force {
        let message = format!("cannot delete container {id:?}: it is {status}, not stopped");
        return Err(precondition(message));
    }
    if record.boot_id == host.boot_id {
        kill_frozen(host, &record.cgroup)?;
        let deadline = Instant::now() + PATIENCE;
        while record.is_alive(&host.boot_id) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        remove_cgroup(host, &record.cgroup, PATIENCE)?;
    }
    let stopped = hooks::Stopped::read(&dir.join("config.json"));
    std::fs::remove_dir_all(&dir)
        .map_err(|error| IsolateError::io(STEP, format!("remove {dir:?}"), &error))?;
    stopped.run(id, &record.bundle, warn);
    Ok(())
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
