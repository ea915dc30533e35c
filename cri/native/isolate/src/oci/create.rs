//! `create`: builds a container from a bundle and leaves it parked.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use estiba_kernel::cgroup::is_cgroup_path;
use estiba_kernel::{process, socket, spawn};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

use super::state::{Record, claim, dir_of};
use crate::builder::spawn_create;
use crate::control::{Building, ControlMessage, Created, read_control};
use crate::error::IsolateError;
use crate::host::{Host, kill_cgroup, remove_cgroup};
use crate::request::{CreateRequest, Parking, Rootfs};
use crate::spec::Spec;

use super::commands::{PATIENCE, STEP, message_socket, precondition, start_address};

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

fn wait_message(building: &mut Building) -> Result<ControlMessage, IsolateError> {
    loop {
        match read_control(building)? {
            // The builders end by themselves, and nobody waits for them when this process has.
            Some(ControlMessage::Handed) => continue,
            Some(message) => return Ok(message),
            None => {}
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
    dir_of(options.root, options.id)?;
    // Before anything is recorded: whoever cleans up after us takes the record's word for it.
    spec.linux.cgroups_path = cgroup_of(&spec.linux.cgroups_path, options.id)?;
    let dir = claim(options.root, options.id)?;
    let result = create_claimed(host, options, &bundle, &spec, &dir);
    if result.is_err() {
        std::fs::remove_dir_all(&dir).ok();
    }
    result
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
    let message = wait_message(&mut building);
    spawn::wait_pidfd(&building.builder_pidfd, true).ok();
    let result = match message {
        Ok(ControlMessage::Created(created)) => publish(options, record, dir, &created)
            .inspect_err(|_| end(host, &created.cgroup, Some(&created.pidfd))),
        Ok(ControlMessage::Failed(error)) | Err(error) => Err(error),
        Ok(ControlMessage::Closed | ControlMessage::Handed) => Err(precondition(
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
