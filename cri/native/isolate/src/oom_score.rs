//! Changing the score by which the kernel picks whom to kill, of processes that run.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use estiba_kernel::Errno;
use rustix::fs::{Mode, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::host::{Host, cgroup_error};

const STEP: &str = "oom-score";
const FILE: &str = "oom_score_adj";
/// Rounds: every one can find processes that were forked with the old score since the one before.
const ROUNDS: usize = 16;

/// Gives every process of the cgroup that has the score of `init` the score `value`: those that have
/// chosen another one for themselves keep it. All or none.
///
/// # Errors
/// `PermissionDenied` when the kernel does not let this runtime lower the score.
pub fn update_oom_score(
    host: &Host,
    cgroup: &str,
    init: i32,
    value: i32,
) -> Result<(), IsolateError> {
    if !(-1000..=1000).contains(&value) {
        let message = format!("cannot set oom_score_adj to {value}: it is not -1000 to 1000");
        return Err(IsolateError::invalid(STEP, message));
    }
    let fail = |errno| {
        let action = format!("set oom_score_adj to {value}");
        IsolateError::kernel(STEP, action, errno)
    };
    let Some(old) = open_process(init).and_then(|process| score(&process)) else {
        let message = "cannot set oom_score_adj: the container is over";
        return Err(IsolateError::new(
            ErrorCode::FailedPrecondition,
            STEP,
            message,
        ));
    };
    let mut changed: Vec<OwnedFd> = Vec::new();
    for _ in 0..ROUNDS {
        let found = processes(host, cgroup)?;
        let old_ones = found
            .into_iter()
            .filter(|process| score(process) == Some(old));
        let mut any = false;
        for process in old_ones {
            match set_score(&process, value) {
                // It has just ended.
                Err(Errno::SRCH | Errno::NOENT) => {}
                Err(errno) => {
                    for process in &changed {
                        set_score(process, old).ok();
                    }
                    return Err(fail(errno));
                }
                Ok(()) => {
                    any = true;
                    changed.push(process);
                }
            }
        }
        if !any || old == value {
            break;
        }
    }
    Ok(())
}

/// The directories of the cgroup's processes in /proc. A pid may have become another process's
/// between the list and the look at it: whoever is on a later list is the one that was opened.
fn processes(host: &Host, cgroup: &str) -> Result<Vec<OwnedFd>, IsolateError> {
    let list = || {
        let listed = host.cgroups.processes(cgroup);
        listed.map_err(|error| cgroup_error(STEP, &error))
    };
    let opened: Vec<(i32, OwnedFd)> = list()?
        .into_iter()
        .filter_map(|pid| Some((pid, open_process(pid)?)))
        .collect();
    let there = list()?;
    let opened = opened.into_iter().filter(|(pid, _)| there.contains(pid));
    Ok(opened.map(|(_, process)| process).collect())
}

fn open_process(pid: i32) -> Option<OwnedFd> {
    let path = PathBuf::from(format!("/proc/{pid}"));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).ok()
}

fn score(process: &OwnedFd) -> Option<i32> {
    let file = open_score(process, OFlags::RDONLY).ok()?;
    let mut buffer = [0; 16];
    let count = rustix::io::read(&file, &mut buffer).ok()?;
    let text = std::str::from_utf8(buffer.get(..count)?).ok()?;
    text.trim().parse().ok()
}

fn set_score(process: &OwnedFd, value: i32) -> Result<(), Errno> {
    let file = open_score(process, OFlags::WRONLY)?;
    rustix::io::write(&file, value.to_string().as_bytes())?;
    Ok(())
}

fn open_score(process: &OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(process, FILE, flags | OFlags::CLOEXEC, Mode::empty())
}
