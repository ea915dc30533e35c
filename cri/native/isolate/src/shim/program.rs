//! An OCI runtime program and how it is called.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use estiba_kernel::fd;
use estiba_kernel::hang::Hang;
use rustix::process::{Pid, PidfdFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::host_proc;
use crate::shim::waiting;

/// What the program and what it runs on the host find in their environment.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What is read of a log, at its end.
const MAX_LOG: u64 = 64 * 1024;
/// For a signal to be sent or a container to be forgotten. runc gives what it has killed ten seconds
/// to die.
const SHORT: Duration = Duration::from_secs(20);
/// For a program to be started, hooks included.
pub(super) const LONG: Duration = Duration::from_secs(100);
/// For a killed call to end.
const DEATH: Duration = Duration::from_secs(2);

/// A program with the OCI runtime's command line, as runc has it.
#[derive(Debug, Clone)]
pub struct Program {
    /// Absolute.
    pub path: PathBuf,
    /// Before the command, for every call.
    pub arguments: Vec<String>,
    /// Where it keeps what it knows of its containers (`--root`): one directory for each.
    pub state_dir: PathBuf,
}

/// Standard streams of a call; `None` = /dev/null.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    pub stdin: Option<OwnedFd>,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
}

impl Program {
    /// Sends a signal to the container's process.
    ///
    /// # Errors
    /// What the program says.
    pub fn kill(&self, id: &str, signal: i32, log: &Path) -> Result<(), IsolateError> {
        let signal = signal.to_string();
        let arguments = ["kill", id, &signal].map(OsStr::new);
        self.run(&arguments, log, Streams::default(), Some(SHORT))
    }

    /// Ends the container and makes the program forget it; one that it does not know is fine.
    ///
    /// # Errors
    /// What the program says.
    pub fn delete(&self, id: &str, log: &Path) -> Result<(), IsolateError> {
        if !self.state_dir.join(id).exists() {
            return Ok(());
        }
        let arguments = ["delete", "--force", id].map(OsStr::new);
        self.run(&arguments, log, Streams::default(), Some(SHORT))
    }

    /// Runs one command to its end, or kills it with all that it has started.
    /// Without `patience` somebody else ends this process in time, and the command with it.
    pub(crate) fn run(
        &self,
        arguments: &[&OsStr],
        log: &Path,
        streams: Streams,
        patience: Option<Duration>,
    ) -> Result<(), IsolateError> {
        let verb = arguments
            .first()
            .map_or("", |first| first.to_str().unwrap_or(""));
        let what = format!("{verb} container by {:?}", self.path);
        std::fs::remove_file(log).ok();
        let stream = |fd: Option<OwnedFd>| fd.map_or_else(Stdio::null, Stdio::from);
        let mut command = Command::new(&self.path);
        command
            .env_clear()
            .env("PATH", PATH)
            .current_dir("/")
            .args(&self.arguments)
            .arg("--root")
            .arg(&self.state_dir)
            .arg("--log")
            .arg(log)
            .args(["--log-format", "json"])
            .args(arguments)
            .stdin(stream(streams.stdin))
            .stdout(stream(streams.stdout))
            .stderr(stream(streams.stderr));
        // SAFETY: the closure makes system calls on nothing but the new process itself; the caller
        // of this crate has one thread, so that allocating is safe in it too.
        unsafe { command.pre_exec(prepare_child) };
        let fail =
            |error: std::io::Error| IsolateError::io(verb, format!("run {:?}", self.path), &error);
        let mut child = command.spawn().map_err(fail)?;
        let ended = match patience {
            None => Some(child.wait().map_err(fail)?),
            Some(patience) => wait_within(&mut child, patience).map_err(fail)?,
        };
        let Some(ended) = ended else {
            return Err(late(&mut child, verb, &what));
        };
        if ended.success() {
            return Ok(());
        }
        let said = last_error(log);
        let why = said.unwrap_or_else(|| format!("it ended with {ended}"));
        let message = format!("cannot {what}: {why}");
        Err(IsolateError::new(code_of(&why), verb, message))
    }
}

/// `None` when it has not ended in time.
fn wait_within(child: &mut Child, patience: Duration) -> std::io::Result<Option<ExitStatus>> {
    // Not reaped yet: nobody else can have its pid.
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(std::io::ErrorKind::NotFound)?;
    let pidfd = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(errno) => {
            // What cannot be waited for must not go on.
            child.kill().and_then(|()| child.wait()).ok();
            return Err(errno.into());
        }
    };
    if fd::is_readable_within(&pidfd, patience) {
        return child.wait().map(Some);
    }
    Ok(None)
}

/// Kills a call whose time is over. One that hangs in the kernel is left to whoever reaps it.
fn late(child: &mut Child, verb: &str, what: &str) -> IsolateError {
    let pid = i32::try_from(child.id()).unwrap_or_default();
    let message = format!(
        "cannot {what}: the time for it is over while {}",
        Hang::of(pid)
    );
    waiting::kill_tree(pid);
    wait_within(child, DEATH).ok();
    IsolateError::new(ErrorCode::DeadlineExceeded, verb, message)
}

/// A call does not outlive the shim that made it, and what it makes is as likely to be picked by the
/// OOM killer as anybody.
fn prepare_child() -> std::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    host_proc::write("self/oom_score_adj", "0").ok();
    Ok(())
}

/// The last error of a JSON log.
fn last_error(log: &Path) -> Option<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut text = Vec::new();
    let mut file = std::fs::File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_LOG)))
        .ok()?;
    file.take(MAX_LOG).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().rev().find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let level = line.get("level").and_then(serde_json::Value::as_str)?;
        let message = line.get("msg").and_then(serde_json::Value::as_str)?;
        matches!(level, "error" | "fatal").then(|| message.trim().to_owned())
    })
}

/// Programs that cannot be run are the image's or the request's fault, not ours.
fn code_of(why: &str) -> ErrorCode {
    let why = why.to_lowercase();
    if why.contains("no such file or directory") || why.contains("executable file not found") {
        ErrorCode::NotFound
    } else if why.contains("permission denied") {
        ErrorCode::PermissionDenied
    } else {
        ErrorCode::Internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(dir: &tempfile::TempDir, script: &str) -> Program {
        let path = dir.path().join("runtime");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Program {
            path,
            arguments: vec!["--debug".to_owned()],
            state_dir: dir.path().join("state"),
        }
    }

    #[test]
    fn a_failure_is_told_in_the_programs_own_words() {
        let dir = tempfile::tempdir().unwrap();
        let script = r#"echo '{"level":"warning","msg":"w"}
{"level":"error","msg":"runc create failed: exec: \"x\": executable file not found in $PATH"}' >"$5"; exit 1"#;
        let program = program(&dir, script);
        let log = dir.path().join("log");
        let error = program.kill("c", 9, &log).unwrap_err();
        assert!(error.message.ends_with("not found in $PATH"), "{error}");
        assert_eq!((error.code, &*error.step), (ErrorCode::NotFound, "kill"));
    }

    #[test]
    fn the_last_words_of_a_long_log_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let script = r#"i=0; while [ $i -lt 2000 ]; do i=$((i+1))
echo '{"level":"debug","msg":"\303\244 much is told of what goes on, and none of it matters"}'
done >"$5"; echo '{"level":"error","msg":"at last"}' >>"$5"; exit 1"#;
        let program = program(&dir, script);
        let error = program.kill("c", 9, &dir.path().join("log")).unwrap_err();
        assert!(error.message.ends_with(": at last"), "{error}");
    }

    #[test]
    fn a_failure_without_words_tells_the_exit_status() {
        let dir = tempfile::tempdir().unwrap();
        let program = program(&dir, "exit 3");
        let error = program.kill("c", 9, &dir.path().join("log")).unwrap_err();
        assert!(error.message.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_call_that_does_not_end_is_killed_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let pids = dir.path().join("pids");
        let script = format!(
            "sleep 1000 & echo $$ $! >{0}.new; mv {0}.new {0}; wait",
            pids.display()
        );
        let program = program(&dir, &script);
        let log = dir.path().join("log");
        let arguments = [OsStr::new("kill"), OsStr::new("c")];
        let patience = Some(Duration::from_secs(2));
        let error = program
            .run(&arguments, &log, Streams::default(), patience)
            .unwrap_err();
        assert_eq!(error.code, ErrorCode::DeadlineExceeded, "{error}");
        let words = std::fs::read_to_string(pids).unwrap();
        let mut pids = words
            .split_ascii_whitespace()
            .map(|pid| pid.parse::<i32>().unwrap());
        let (own, child) = (pids.next().unwrap(), pids.next().unwrap());
        let named = format!("is over while process {own} (");
        assert!(error.message.contains(&named), "{error}");
        let is_dead = |pid| matches!(estiba_kernel::process::state_letter(pid), None | Some('Z'));
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while !is_dead(own) || !is_dead(child) {
            assert!(std::time::Instant::now() < deadline, "they live on");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn the_call_is_as_runc_has_it_and_unknown_containers_are_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let calls = dir.path().join("calls");
        let program = program(&dir, &format!("echo \"$@\" >>{}", calls.display()));
        let log = dir.path().join("log");
        program.delete("c", &log).unwrap();
        assert!(!calls.exists());
        std::fs::create_dir_all(program.state_dir.join("c")).unwrap();
        program.delete("c", &log).unwrap();
        let state = program.state_dir.display();
        let expected = format!(
            "--debug --root {state} --log {} --log-format json delete --force c\n",
            log.display()
        );
        assert_eq!(std::fs::read_to_string(calls).unwrap(), expected);
    }
}
