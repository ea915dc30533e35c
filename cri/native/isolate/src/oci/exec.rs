//! `exec`: runs a command in a container that runs.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use estiba_kernel::{fd, spawn};

use super::commands::{BUILD_PATIENCE, PATIENCE, STEP, open_pidfd, precondition};
use super::create::{abandon, check_terminal, wait_message};
use super::foreground::{Foreground, callers_size};
use super::handover::{send_console, write_pid};
use super::state::{Record, Status, dir_of};
use crate::config;
use crate::control::{Building, ControlMessage, Created};
use crate::error::{ErrorCode, IsolateError};
use crate::exec::spawn_exec;
use crate::execute::variable;
use crate::host::Host;
use crate::request::{ExecProcess, ExecRequest, ResolvedUser};
use crate::spec::{Capabilities, Process};

/// Arguments of `exec`.
#[derive(Debug)]
pub struct ExecOptions<'a> {
    /// Directory of all containers' state.
    pub root: &'a Path,
    /// Id of the container.
    pub id: &'a str,
    /// What to run.
    pub command: &'a ExecCommand,
    /// File that gets the pid.
    pub pid_file: Option<&'a Path>,
    /// Unix socket that gets the terminal master.
    pub console_socket: Option<&'a Path>,
    /// Return when the command runs, not when it has ended.
    pub detach: bool,
    /// In a paused container too; the command begins when that is resumed.
    pub ignore_paused: bool,
}

/// What to run in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecCommand {
    /// A file with the `process` of an OCI runtime spec. What it leaves out of capabilities, limits,
    /// profiles and labels is the container's.
    Document(std::path::PathBuf),
    /// The container's own process with changes.
    Changes(Changes),
}

/// Changes to the container's own process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The command.
    pub argv: Vec<String>,
    /// Working directory.
    pub cwd: Option<String>,
    /// Added; the last value of a variable counts.
    pub env: Vec<String>,
    /// Give it a terminal.
    pub tty: bool,
    /// Uid and gid.
    pub user: Option<(u32, Option<u32>)>,
    /// Added.
    pub additional_gids: Vec<u32>,
    /// SELinux label.
    pub process_label: Option<String>,
    /// AppArmor profile.
    pub apparmor: Option<String>,
    /// Forbid gains of privileges, whatever the container does.
    pub no_new_privs: bool,
    /// Added.
    pub capabilities: Vec<String>,
}

impl Changes {
    fn apply(&self, mut process: Process, has_home: bool) -> Process {
        process.args.clone_from(&self.argv);
        process.terminal = self.tty;
        process.console_size = None;
        if let Some(cwd) = &self.cwd {
            process.cwd.clone_from(cwd);
        }
        if let Some((uid, gid)) = self.user {
            if uid != process.user.uid && !has_home {
                process
                    .env
                    .retain(|entry| !entry.as_bytes().starts_with(b"HOME="));
            }
            process.user.uid = uid;
            process.user.gid = gid.unwrap_or(process.user.gid);
        }
        process.user.additional_gids.extend(&self.additional_gids);
        process.env.extend(self.env.iter().map(OsString::from));
        if let Some(label) = &self.process_label {
            process.selinux_label.clone_from(label);
        }
        if let Some(profile) = &self.apparmor {
            process.apparmor_profile.clone_from(profile);
        }
        process.no_new_privileges |= self.no_new_privs;
        if !self.capabilities.is_empty() {
            let sets = process.capabilities.get_or_insert_default();
            let Capabilities {
                bounding,
                effective,
                permitted,
                ..
            } = sets;
            for set in [bounding, effective, permitted] {
                set.extend(self.capabilities.iter().cloned());
            }
        }
        process
    }
}

/// Where the document says nothing, what the container has.
fn complete(mut process: Process, container: Process) -> Process {
    if process.capabilities.is_none() {
        process.capabilities = container.capabilities;
    }
    if process.rlimits.is_empty() {
        process.rlimits = container.rlimits;
    }
    if process.apparmor_profile.is_empty() {
        process.apparmor_profile = container.apparmor_profile;
    }
    if process.selinux_label.is_empty() {
        process.selinux_label = container.selinux_label;
    }
    process.oom_score_adj = process.oom_score_adj.or(container.oom_score_adj);
    process
}

/// Programs look at the first value of a variable; meant is the last.
fn without_repetitions(env: &[OsString]) -> Vec<OsString> {
    let is_last = |entry: &OsString| {
        let mut parts = entry.as_bytes().splitn(2, |byte| *byte == b'=');
        let key = parts.next().unwrap_or_default();
        let value = parts.next().map(OsStr::from_bytes);
        key.is_empty() || value.is_none() || variable(env, key) == value
    };
    let mut kept: Vec<OsString> = Vec::new();
    for entry in env.iter().filter(|entry| is_last(entry)) {
        if !kept.contains(entry) {
            kept.push(entry.clone());
        }
    }
    kept
}

fn process_of(command: &ExecCommand, record: &Record, dir: &Path) -> Result<Process, IsolateError> {
    let container = config::read(&dir.join("config.json"))?.process;
    let mut process = match command {
        ExecCommand::Document(path) => complete(read_document(path)?, container),
        ExecCommand::Changes(changes) => changes.apply(container, record.has_home),
    };
    process.env = without_repetitions(&process.env);
    Ok(process)
}

fn read_document(path: &Path) -> Result<Process, IsolateError> {
    let fail = |error: &std::io::Error| IsolateError::io(STEP, format!("read {path:?}"), error);
    let file = std::fs::File::open(path).map_err(|error| fail(&error))?;
    let bytes = config::read_whole(file, &format!("{path:?}"))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        IsolateError::invalid(STEP, format!("cannot read process of {path:?}: {error}"))
    })
}

/// Runs a command. Returns its exit code, 128 and the number where a signal has ended it; 0 at once
/// when it is detached.
///
/// # Errors
/// `FailedPrecondition` unless the container's program runs and is not paused; otherwise the step that failed.
pub fn exec(host: &Host, options: &ExecOptions<'_>) -> Result<i32, IsolateError> {
    let dir = dir_of(options.root, options.id)?;
    let record = Record::load(&dir, options.id)?;
    let pidfd = init_of(host, &record, options)?;
    let mut process = process_of(options.command, &record, &dir)?;
    check_terminal(process.terminal, !options.detach, options.console_socket)
        .map_err(|why| IsolateError::invalid(STEP, format!("cannot run a command: {why}")))?;
    let foreground = match options.detach {
        true => None,
        false => Some(Foreground::prepare()?),
    };
    if foreground.is_some() {
        process.console_size = callers_size().or(process.console_size);
    }
    let mut building = spawn(host, &process, &record.cgroup, &dir, pidfd.as_fd());
    if building
        .as_ref()
        .is_err_and(|error| error.errno == libc::EBUSY)
    {
        if let Some(below) = inner_cgroup(&record) {
            building = spawn(host, &process, &below, &dir, pidfd.as_fd());
        }
    }
    let mut building = building?;
    let created = converse(host, options, &record, &mut building);
    let created = created.inspect_err(|_| abandon(&building))?;
    match foreground {
        Some(foreground) => foreground.attend(&created.pidfd, created.console.as_ref()),
        None => Ok(0),
    }
}

fn init_of(
    host: &Host,
    record: &Record,
    options: &ExecOptions<'_>,
) -> Result<OwnedFd, IsolateError> {
    let status = record.status_on(host)?;
    let refuse = |why: &str| {
        let id = options.id;
        precondition(format!(
            "cannot run a command in container {id:?}: it is {status}{why}"
        ))
    };
    match status {
        Status::Creating | Status::Stopped => return Err(refuse(": container not running")),
        // Its init may still have rights that the container will not have.
        _ if !record.started => return Err(refuse(", and its program has not been started")),
        Status::Paused if !options.ignore_paused => {
            return Err(refuse(" (use --ignore-paused to wait until it goes on)"));
        }
        Status::Created | Status::Running | Status::Paused => {}
    }
    // The pidfd first, the check of its identity second.
    let pidfd = open_pidfd(record.pid);
    pidfd
        .filter(|_| record.is_alive(&host.boot_id))
        .ok_or_else(|| refuse(", but its process has just ended"))
}

/// Where the container's process has gone below its own cgroup. One that has handed controllers down,
/// as an init system does, takes no processes itself (v2).
fn inner_cgroup(record: &Record) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{}/cgroup", record.pid)).ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    let rest = path.strip_prefix(&record.cgroup)?;
    rest.starts_with('/').then(|| path.to_owned())
}

fn spawn(
    host: &Host,
    process: &Process,
    cgroup: &str,
    dir: &Path,
    init_pidfd: BorrowedFd<'_>,
) -> Result<Building, IsolateError> {
    let user = ResolvedUser {
        uid: process.user.uid,
        gid: process.user.gid,
        additional_gids: process.user.additional_gids.clone(),
    };
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let inherit = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().ok();
    spawn_exec(
        host,
        ExecRequest {
            config_path: &dir.join("config.json"),
            argv: &process.args,
            user: &user,
            seccomp: None,
            // Who else has joined the container's pid namespace is not known here.
            shares_pids: true,
            init_pidfd,
            cgroup,
            oom_score_adj: None,
            leaf: None,
            stdin: inherit(stdin.as_fd()),
            stdout: inherit(stdout.as_fd()),
            stderr: inherit(stderr.as_fd()),
            tty: process.terminal,
            process: Some(ExecProcess(process.clone())),
        },
    )
}

/// Until the command runs and everybody knows of it.
fn converse(
    host: &Host,
    options: &ExecOptions<'_>,
    record: &Record,
    building: &mut Building,
) -> Result<Created, IsolateError> {
    let died = || precondition("cannot run the command: it died without a word".to_owned());
    let created = match next_message(host, record, building)? {
        ControlMessage::Created(created) => created,
        ControlMessage::Failed(error) => return Err(error),
        ControlMessage::Closed | ControlMessage::Handed => return Err(died()),
    };
    let finished = hand_over(host, options, record, building, &created);
    if finished.is_err() {
        spawn::send_signal(&created.pidfd, libc::SIGKILL).ok();
    }
    if fd::is_readable_within(&building.builder_pidfd, PATIENCE) {
        spawn::wait_pidfd(&building.builder_pidfd, true).ok();
    }
    finished.map(|()| created)
}

fn hand_over(
    host: &Host,
    options: &ExecOptions<'_>,
    record: &Record,
    building: &mut Building,
    created: &Created,
) -> Result<(), IsolateError> {
    if let (Some(path), Some(console)) = (options.console_socket, &created.console) {
        send_console(path, console.as_fd())?;
    }
    if let ControlMessage::Failed(error) = next_message(host, record, building)? {
        return Err(error);
    }
    match options.pid_file {
        Some(path) => write_pid(path, created.pid),
        None => Ok(()),
    }
}

/// In a paused container nothing begins, and no time passes.
fn next_message(
    host: &Host,
    record: &Record,
    building: &mut Building,
) -> Result<ControlMessage, IsolateError> {
    loop {
        match wait_message(building, Instant::now() + BUILD_PATIENCE) {
            Err(error)
                if error.code == ErrorCode::DeadlineExceeded
                    && host.cgroups.is_frozen(&record.cgroup).unwrap_or(false) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> Process {
        Process {
            env: vec!["PATH=/bin".into(), "HOME=/root".into()],
            cwd: "/".to_owned(),
            ..Process::default()
        }
    }

    #[test]
    fn another_user_has_another_home_unless_the_spec_names_one() {
        let changes = Changes {
            user: Some((7, None)),
            ..Changes::default()
        };
        let process = changes.apply(container(), false);
        assert_eq!(process.user.uid, 7);
        assert_eq!(process.env, ["PATH=/bin"]);
        let process = changes.apply(container(), true);
        assert_eq!(process.env, ["PATH=/bin", "HOME=/root"]);
    }

    #[test]
    fn the_last_value_of_a_variable_is_the_only_one() {
        let env = ["A=1", "B=2", "A=3", "B=2", "odd"].map(OsString::from);
        assert_eq!(without_repetitions(&env), ["B=2", "A=3", "odd"]);
    }

    #[test]
    fn what_a_document_leaves_out_is_the_containers() {
        let mut container = container();
        container.capabilities = Some(Capabilities::default());
        container.oom_score_adj = Some(5);
        let process = complete(Process::default(), container);
        assert!(process.capabilities.is_some());
        assert_eq!(process.oom_score_adj, Some(5));
        assert!(process.env.is_empty());
    }
}
