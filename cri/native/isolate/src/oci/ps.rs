//! `ps`: the processes of a container.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use estiba_kernel::fd;
use rustix::fs::{MemfdFlags, memfd_create};

use super::commands::{STEP, open_pidfd, precondition};
use super::state::{Record, dir_of};
use crate::error::{ErrorCode, IsolateError};
use crate::host::{Host, cgroup_error};

/// Longest wait for the host's `ps`.
const PS_PATIENCE: Duration = Duration::from_secs(10);
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
    let pidfd: Option<OwnedFd> = i32::try_from(child.id()).ok().and_then(open_pidfd);
    if !pidfd.is_some_and(|pidfd| fd::is_readable_within(pidfd, PS_PATIENCE)) {
        child.kill().ok();
        let message = format!("cannot run ps: it has not ended within {PS_PATIENCE:?}");
        return Err(IsolateError::new(
            ErrorCode::DeadlineExceeded,
            STEP,
            message,
        ));
    }
    let status = child.wait().map_err(|error| fail(&error))?;
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
    use super::only;

    #[test]
    fn lines_are_chosen_by_the_column_that_the_title_names() {
        let output = "USER  PID CMD\nroot    1 init 7\nroot   71 x\nroot    7 y\n";
        let shown = only(output, &[7, 8]).unwrap();
        assert_eq!(shown, "USER  PID CMD\nroot    7 y\n");
        assert_eq!(only("CMD\nx\n", &[7]), None);
        assert_eq!(only("", &[7]), None);
    }
}
