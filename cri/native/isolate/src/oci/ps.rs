//! `ps`: the processes of a container.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use estiba_kernel::fd;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags};

use super::commands::{STEP, precondition};
use super::state::{Record, dir_of};
use crate::error::{ErrorCode, IsolateError};
use crate::host::{Host, cgroup_error};

/// Longest wait for the host's `ps`.
const PS_PATIENCE: Duration = Duration::from_secs(10);
/// The same after SIGKILL.
const DEATH: Duration = Duration::from_secs(5);
/// Most of its output that is read.
const MAX_OUTPUT: u64 = 64 << 20;

/// Pids of all processes of the container, as the host sees them.
///
/// # Errors
/// `NotFound` when there is no such container.
pub fn processes(host: &Host, root: &Path, id: &str) -> Result<Vec<i32>, IsolateError> {
    let record = Record::load(&dir_of(root, id)?, id)?;
    let pids = host.cgroups.processes(&record.cgroup);
    pids.map_err(|error| cgroup_error(STEP, &error))
}

/// What the host's `ps` shows with these arguments ("-ef" without any) of the processes of a
/// container.
///
/// # Errors
/// When there is no `ps`, it fails or does not end; without a column PID.
pub fn table(
    host: &Host,
    root: &Path,
    id: &str,
    arguments: &[String],
) -> Result<String, IsolateError> {
    let pids = processes(host, root, id)?;
    let default = ["-ef".to_owned()];
    let output = run_ps(if arguments.is_empty() {
        &default
    } else {
        arguments
    })?;
    only(&output, &pids)
        .ok_or_else(|| precondition("cannot show processes: ps shows no column PID".to_owned()))
}

fn run_ps(arguments: &[String]) -> Result<String, IsolateError> {
    let fail = |error: &std::io::Error| IsolateError::io(STEP, "run ps", error);
    let output = memfd_create("estiba-ps", MemfdFlags::CLOEXEC)
        .map_err(|errno| IsolateError::kernel(STEP, "make a file for the output of ps", errno))?;
    let mut output = File::from(output);
    let stdout = output.try_clone().map_err(|error| fail(&error))?;
    let mut command = Command::new("ps");
    command.args(arguments).stdin(Stdio::null()).stdout(stdout);
    let mut child = command.spawn().map_err(|error| fail(&error))?;
    let status = end_of(&mut child, PS_PATIENCE)?;
    if !status.success() {
        return Err(precondition(format!("cannot run ps: {status}")));
    }
    let mut text = Vec::new();
    output.rewind().map_err(|error| fail(&error))?;
    let mut bounded = output.take(MAX_OUTPUT);
    bounded
        .read_to_end(&mut text)
        .map_err(|error| fail(&error))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// How a child ends; one that does not within its time is killed and reaped.
fn end_of(child: &mut Child, patience: Duration) -> Result<ExitStatus, IsolateError> {
    let pid = child.id();
    let held = rustix::process::pidfd_open(Pid::from_child(child), PidfdFlags::empty());
    let error = match held {
        Ok(pidfd) if fd::is_readable_within(&pidfd, patience) => {
            let status = child.wait();
            return status.map_err(|error| IsolateError::io(STEP, "run ps", &error));
        }
        Ok(_) => {
            let why = format!("cannot run ps: process {pid} has not ended within {patience:?}");
            IsolateError::new(ErrorCode::DeadlineExceeded, STEP, why)
        }
        Err(errno) => IsolateError::kernel(STEP, format!("hold ps, process {pid}"), errno),
    };
    child.kill().ok();
    // One that hangs in the kernel is not waited for: it is left to the host's init.
    let deadline = Instant::now() + DEATH;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    Err(error)
}

/// The title and the lines of these processes.
fn only(output: &str, pids: &[i32]) -> Option<String> {
    let mut lines = output.lines();
    let title = lines.next()?;
    let column = title.split_whitespace().position(|name| name == "PID")?;
    let is_one = |line: &&str| {
        let pid = line.split_whitespace().nth(column);
        pid.and_then(|pid| pid.parse().ok())
            .is_some_and(|pid| pids.contains(&pid))
    };
    let shown = std::iter::once(title).chain(lines.filter(is_one));
    Some(shown.map(|line| format!("{line}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_does_not_end_is_killed_and_reaped() {
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        let error = end_of(&mut child, Duration::from_millis(5)).unwrap_err();
        assert_eq!(error.code, ErrorCode::DeadlineExceeded);
        let pid = child.id();
        assert_eq!(
            error.message,
            format!("cannot run ps: process {pid} has not ended within 5ms")
        );
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn lines_are_chosen_by_the_column_that_the_title_names() {
        let output = "USER  PID CMD\nroot    1 init 7\nroot   71 x\nroot    7 y\n";
        let shown = only(output, &[7, 8]).unwrap();
        assert_eq!(shown, "USER  PID CMD\nroot    7 y\n");
        assert_eq!(only("CMD\nx\n", &[7]), None);
        assert_eq!(only("", &[7]), None);
    }
}
