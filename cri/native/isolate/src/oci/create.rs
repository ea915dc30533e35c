//! `create`: builds a container from a bundle and leaves it parked.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use estiba_kernel::cgroup::is_cgroup_path;
use estiba_kernel::{fd, process, spawn};
use rustix::net::{bind, listen};

use super::state::{Record, Status, claim, dir_of};
use crate::builder::spawn_create;
use crate::config;
use crate::control::{Building, ControlMessage, Created, read_control};
use crate::error::{ErrorCode, IsolateError};
use crate::execute::variable;
use crate::hooks::{self, Hooks};
use crate::host::{Host, kill_cgroup, remove_cgroup};
use crate::note::where_it_hangs;
use crate::request::{CreateRequest, Parking, Rootfs};
use crate::spec::Spec;

use super::commands::{
    BUILD_PATIENCE, PATIENCE, STEP, message_socket, precondition, start_address,
};
use super::foreground::callers_size;
use super::handover::{send_console, write_pid};
use super::neighbour::refuse_before_start;

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
    /// The current time, as RFC 3339 has it.
    pub now: &'a str,
}

/// The next message but `Handed`.
pub(super) fn wait_message(
    building: &mut Building,
    deadline: Instant,
) -> Result<ControlMessage, IsolateError> {
    loop {
        match read_control(building)? {
            // The builders end by themselves, and nobody waits for them when this process has.
            Some(ControlMessage::Handed) => continue,
            Some(message) => return Ok(message),
            None => {}
        }
        let rest = deadline.saturating_duration_since(Instant::now());
        if !fd::is_readable_within(&building.control, rest) {
            let message = format!("cannot wait any longer: {}", where_it_hangs(building));
            return Err(IsolateError::new(
                ErrorCode::DeadlineExceeded,
                STEP,
                message,
            ));
        }
    }
}

/// Kills the children of a build that has failed.
pub(super) fn abandon(building: &Building) {
    let process = building.process.as_ref().map(|(_, pidfd)| pidfd);
    for pidfd in std::iter::once(&building.builder_pidfd).chain(process) {
        spawn::send_signal(pidfd, libc::SIGKILL).ok();
    }
}

/// Builds the container and leaves it parked.
///
/// # Errors
/// `AlreadyExists` for an id in use; otherwise the step that failed. Nothing is left behind then.
pub fn create(host: &Host, options: &CreateOptions<'_>) -> Result<(), IsolateError> {
    build(host, options, false).map(drop)
}

/// The same; `keeps_terminal`: the caller attends to it, if there is one.
pub(super) fn build(
    host: &Host,
    options: &CreateOptions<'_>,
    keeps_terminal: bool,
) -> Result<Created, IsolateError> {
    let caller = rustix::process::geteuid();
    if !caller.is_root() {
        let message = format!(
            "cannot create container: user {} calls, and only root can: this runtime has no \
             containers of other users",
            caller.as_raw()
        );
        return Err(IsolateError::new(
            ErrorCode::PermissionDenied,
            STEP,
            message,
        ));
    }
    let bundle = std::fs::canonicalize(options.bundle).map_err(|error| {
        IsolateError::io(STEP, format!("open bundle {:?}", options.bundle), &error)
    })?;
    let mut spec = config::read(&bundle.join("config.json"))?;
    if keeps_terminal {
        spec.process.console_size = callers_size().or(spec.process.console_size);
    }
    check_terminal(
        spec.process.terminal,
        keeps_terminal,
        options.console_socket,
    )
    .map_err(|why| IsolateError::invalid(STEP, format!("cannot create container: {why}")))?;
    refuse_before_start(&spec)?;
    dir_of(options.root, options.id)?;
    // Before anything is recorded: whoever cleans up after us takes the record's word for it.
    spec.linux.cgroups_path = cgroup_of(&spec.linux.cgroups_path, options.id)?;
    let dir = claim(options.root, options.id)?;
    let result = create_claimed(host, options, &bundle, &spec, &dir);
    let result = result.map_err(|failed| match failed {
        Failed::Early(error) => error,
        // The container has been, if only for a moment.
        Failed::Late(mut error) => {
            let more = std::cell::RefCell::new(&mut error.chain);
            let warn = |warning: IsolateError| more.borrow_mut().push(warning.message);
            hooks::after(&spec, options.id, &bundle, Status::Stopped, 0, &warn);
            error
        }
    });
    if result.is_err() {
        std::fs::remove_dir_all(&dir).ok();
    }
    result
}

/// Why a creation has failed.
enum Failed {
    /// Before there was anything of the container.
    Early(IsolateError),
    Late(IsolateError),
}

impl From<IsolateError> for Failed {
    fn from(error: IsolateError) -> Self {
        Self::Early(error)
    }
}

/// Somebody must get the terminal, and only one that there is.
pub(super) fn check_terminal(
    has_terminal: bool,
    is_kept: bool,
    socket: Option<&Path>,
) -> Result<(), &'static str> {
    match (has_terminal && !is_kept, socket.is_some()) {
        (true, true) | (false, false) => Ok(()),
        (true, false) => Err("process.terminal and --console-socket need each other"),
        (false, true) if has_terminal => Err("--console-socket is for what is detached"),
        (false, true) => Err("process.terminal and --console-socket need each other"),
    }
}

/// Relative paths start at the root of the hierarchies.
fn cgroup_of(path: &str, id: &str) -> Result<String, IsolateError> {
    let absolute = if path.is_empty() {
        format!("{DEFAULT_CGROUP}{id}")
    } else {
        format!("/{}", path.trim_start_matches('/'))
    };
    if is_cgroup_path(&absolute) {
        return Ok(absolute);
    }
    let message =
        format!("cannot create container: linux.cgroupsPath {path:?} is not the path of a cgroup");
    Err(IsolateError::invalid(STEP, message))
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
) -> Result<Created, Failed> {
    let listener = listen_in(dir)?;
    // Whoever cleans up after a creator that was killed finds the cgroup here.
    let mut record = Record::new(options.id, bundle, &spec.linux.cgroups_path, &host.boot_id);
    record.annotations.clone_from(&spec.annotations);
    record.rootfs = root_of(bundle, spec)?;
    options.now.clone_into(&mut record.created);
    record.has_home = variable(&spec.process.env, "HOME").is_some();
    record.save(dir)?;
    let json = serde_json::to_vec(spec)
        .map_err(|error| IsolateError::invalid(STEP, format!("cannot encode spec: {error}")))?;
    let inherit = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned().ok();
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let config_path = dir.join("config.json");
    let mut building = spawn_create(
        host,
        CreateRequest {
            id: options.id,
            bundle,
            spec_json: &json,
            rootfs: Rootfs::Directory(root_of(bundle, spec)?),
            seccomp: None,
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
    let patience = BUILD_PATIENCE
        + spec
            .hooks
            .as_ref()
            .map_or(Duration::ZERO, Hooks::create_time);
    let message = wait_message(&mut building, Instant::now() + patience);
    if message.is_err() {
        abandon(&building);
    }
    if fd::is_readable_within(&building.builder_pidfd, PATIENCE) {
        spawn::wait_pidfd(&building.builder_pidfd, true).ok();
    }
    let result = match message {
        Ok(ControlMessage::Created(created)) => publish(options, record, dir, &created)
            .inspect_err(|_| end(host, &created.cgroup, Some(&created.pidfd)))
            .map(|()| created),
        Ok(ControlMessage::Failed(error)) | Err(error) => Err(error),
        Ok(ControlMessage::Closed | ControlMessage::Handed) => Err(precondition(
            "cannot create container: its init died without a word".to_owned(),
        )),
    };
    let error = match result {
        Ok(created) => return Ok(created),
        Err(error) => error,
    };
    let Some(cgroup) = &building.cgroup else {
        return Err(Failed::Early(error));
    };
    let process = building.process.as_ref().map(|(_, pidfd)| pidfd);
    end(host, cgroup, process);
    Err(Failed::Late(error))
}

/// Kills and removes what a failed creation has made; its own failures change nothing any more.
fn end(host: &Host, cgroup: &str, pidfd: Option<&OwnedFd>) {
    kill_cgroup(host, cgroup).ok();
    if let Some(pidfd) = pidfd.filter(|pidfd| fd::is_readable_within(pidfd, PATIENCE)) {
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
        send_console(path, console.as_fd())?;
    }
    if let Some(path) = options.pid_file {
        write_pid(path, created.pid)?;
    }
    record.pid = created.pid;
    record.start_time_ticks = process::start_time_ticks(created.pid).unwrap_or(0);
    record.save(dir)
}

fn listen_in(dir: &Path) -> Result<OwnedFd, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("listen in {dir:?}"), errno);
    let socket = message_socket()?;
    let (_dir, address) = start_address(dir)?;
    bind(&socket, &address).map_err(fail)?;
    listen(&socket, 1).map_err(fail)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::cgroup_of;

    #[test]
    fn a_cgroup_path_starts_at_the_root() {
        assert_eq!(cgroup_of("", "x").unwrap(), "/estiba-oci-x");
        assert_eq!(cgroup_of("a/b", "x").unwrap(), "/a/b");
        assert_eq!(cgroup_of("/a/b", "x").unwrap(), "/a/b");
        assert!(cgroup_of("/a/../b", "x").is_err());
    }
}
