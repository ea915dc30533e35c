//! `update`: changes the limits of a container.

#![allow(unsafe_code, reason = "fork point")]

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use estiba_kernel::hang::Hang;
use estiba_kernel::spawn::{Clone, Side, clone3, exit_now};
use estiba_kernel::{fd, process, signal, spawn};
use rustix::fs::OFlags;
use rustix::pipe::{PipeFlags, pipe_with};

use super::commands::{STEP, precondition};
use super::state::{Record, Status, dir_of};
use crate::control::MAX_MESSAGE;
use crate::error::{ErrorCode, IsolateError};
use crate::host::Host;
use crate::limits::update_resources;
use crate::masks::open_null;
use crate::spec::Resources;
use crate::spec_check::is_set;

/// Longest wait for memory to be given back.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a write is told to end then, one after the other, and the wait for each.
const INTERRUPTIONS: u32 = 10;
const BETWEEN: Duration = Duration::from_millis(100);

/// Changes the limits that are given, all of them or none. `resources` is the part of that name of an
/// OCI runtime spec; device rules in it have no effect, as in other runtimes.
///
/// # Errors
/// `FailedPrecondition` when the container is over, or more is in use than a limit allows, after a
/// minute of asking for it; `DeadlineExceeded` when the kernel does not come back from that;
/// `Unimplemented` for what is not limited here; the limit that was refused.
pub fn update(host: &Host, root: &Path, id: &str, resources: &[u8]) -> Result<(), IsolateError> {
    let record = Record::load(&dir_of(root, id)?, id)?;
    let status = record.status_on(host)?;
    if matches!(status, Status::Creating | Status::Stopped) {
        return Err(precondition(format!(
            "cannot update container {id:?}: it is {status}: container not running"
        )));
    }
    let mut resources: Resources = serde_json::from_slice(resources).map_err(|error| {
        let message = format!("cannot update container {id:?}: cannot read resources: {error}");
        IsolateError::invalid(STEP, message)
    })?;
    if let Some(what) = unsupported(&resources) {
        let message = format!("cannot update container {id:?}: {what} is not supported yet");
        return Err(IsolateError::new(ErrorCode::Unimplemented, STEP, message));
    }
    // Here 0 says that nothing was said.
    resources.pids.limit = resources.pids.limit.filter(|limit| *limit != 0);
    in_time(PATIENCE, || {
        update_resources(host, &record.cgroup, &resources)
    })
}

/// Has a child do what may wait for the kernel to give memory back. A write that has no more time is
/// broken off, which undoes the update. What hears nothing is left to end by itself, with nothing open
/// that is the caller's: killed it could leave half of an update.
fn in_time(
    patience: Duration,
    work: impl FnOnce() -> Result<(), IsolateError>,
) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, "fork the child that updates limits", errno);
    let (report, theirs) = pipe_with(PipeFlags::CLOEXEC).map_err(fail)?;
    // SAFETY: the caller of this crate has one thread (crate contract); the child ends in exit_now.
    let (pid, pidfd) = match unsafe { clone3(&Clone::default()) }.map_err(fail)? {
        Side::Child => {
            process::set_name(c"estiba-updater").ok();
            signal::let_interrupt(libc::SIGALRM);
            let done = keep_only(&theirs).and_then(|()| work());
            let done = done.map_err(|error| error.shortened());
            let told = serde_json::to_vec(&done).unwrap_or_default();
            rustix::io::write(&theirs, &told).ok();
            exit_now(0)
        }
        Side::Parent { pid, pidfd } => (pid, pidfd),
    };
    drop(theirs);
    let mut has_ended = fd::is_readable_within(&pidfd, patience);
    for _ in 0..INTERRUPTIONS {
        if has_ended {
            break;
        }
        spawn::send_signal(&pidfd, libc::SIGALRM).ok();
        has_ended = fd::is_readable_within(&pidfd, BETWEEN);
    }
    if !has_ended {
        let hang = Hang::of(pid);
        let message = format!("cannot update limits: it takes longer than {patience:?}: {hang}");
        let code = ErrorCode::DeadlineExceeded;
        return Err(IsolateError::new(code, STEP, message));
    }
    let ended = spawn::wait_pidfd(&pidfd, true).map_err(fail)?;
    let mut told = [0; MAX_MESSAGE];
    let count = rustix::io::read(&report, &mut told).map_err(fail)?;
    let done = serde_json::from_slice(told.get(..count).unwrap_or_default());
    done.unwrap_or_else(|_silent| {
        let how = ended.map_or_else(String::new, |ended| format!(" with {ended}"));
        let message = format!("cannot update limits: the child that does it has ended{how}");
        Err(IsolateError::new(ErrorCode::Internal, STEP, message))
    })
}

/// Leaves the caller's streams, and whatever else is open, to the parent: who reads one until its end
/// would otherwise wait as long as this process hangs.
fn keep_only(answer: &OwnedFd) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, "close what the caller has open", errno);
    let null = open_null("/dev/null", OFlags::RDWR)?;
    for number in 0..3 {
        fd::duplicate_to(&null, number).map_err(fail)?;
    }
    drop(null);
    fd::close_all_except(&[answer.as_raw_fd()]).map_err(fail)
}

fn unsupported(resources: &Resources) -> Option<&'static str> {
    let cpu = &resources.cpu;
    let has_realtime = cpu.realtime_runtime.is_some_and(|us| us != 0)
        || cpu.realtime_period.is_some_and(|us| us != 0);
    [
        ("resources.blockIO", is_set(resources.block_io.as_ref())),
        ("resources.network", is_set(resources.network.as_ref())),
        ("resources.rdma", is_set(resources.rdma.as_ref())),
        (
            "resources.memory.disableOOMKiller",
            resources.memory.disable_oom_killer == Some(true),
        ),
        ("resources.cpu.realtime*", has_realtime),
    ]
    .into_iter()
    .find_map(|(what, is_used)| is_used.then_some(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const SHORT: Duration = Duration::from_millis(50);
    const PATIENT: Duration = Duration::from_secs(10);

    fn nap() -> rustix::io::Result<usize> {
        let for_ever = rustix::event::Timespec {
            tv_sec: 1000,
            tv_nsec: 0,
        };
        rustix::event::poll(&mut [], Some(&for_ever))
    }

    #[test]
    fn what_an_update_says_is_heard() {
        in_time(Duration::from_secs(10), || Ok(())).unwrap();
        let error = in_time(Duration::from_secs(10), || {
            Err(precondition("in use".to_owned()))
        });
        assert_eq!(error.unwrap_err().message, "in use");
        let error = in_time(Duration::from_secs(10), || exit_now(3));
        let message = error.unwrap_err().message;
        assert!(
            message.ends_with("has ended with exit status 3"),
            "{message}"
        );
    }

    #[test]
    fn a_write_that_takes_too_long_is_broken_off() {
        let error = in_time(SHORT, || match nap() {
            Ok(_) => Ok(()),
            Err(errno) => Err(precondition(errno.to_string())),
        });
        assert!(error.unwrap_err().message.contains("nterrupted"));
    }

    /// What it says is heard at once: whoever reads the streams of the command until their end.
    #[test]
    fn an_update_that_hears_nothing_is_named_and_holds_up_nobody() {
        let (said, theirs) = rustix::pipe::pipe().unwrap();
        // SAFETY: the child ends in exit_now.
        let command = match unsafe { clone3(&Clone::default()) }.unwrap() {
            Side::Child => {
                for number in 0..3 {
                    fd::duplicate_to(&theirs, number).ok();
                }
                let hang = || {
                    // Goes on after signals.
                    std::thread::sleep(2 * PATIENT);
                    exit_now(0)
                };
                let text = match in_time(SHORT, hang) {
                    Err(error) => format!("{:?} {error}", error.code),
                    Ok(()) => String::new(),
                };
                rustix::io::write(&theirs, text.as_bytes()).ok();
                exit_now(0)
            }
            Side::Parent { pidfd, .. } => pidfd,
        };
        drop(theirs);
        let mut text = Vec::new();
        let end = Instant::now() + PATIENT;
        let mut part = [0; 1024];
        let is_all = loop {
            let rest = end.saturating_duration_since(Instant::now());
            match fd::is_readable_within(&said, rest) {
                true => match rustix::io::read(&said, &mut part).unwrap() {
                    0 => break true,
                    count => text.extend_from_slice(&part[..count]),
                },
                false => break false,
            }
        };
        spawn::wait_pidfd(&command, true).unwrap();
        let text = String::from_utf8(text).unwrap();
        let (_, hanging) = text
            .split_once(
                "DeadlineExceeded cannot update limits: it takes longer than 50ms: process ",
            )
            .unwrap_or_else(|| panic!("{text:?}"));
        let pid: i32 = hanging.split(' ').next().unwrap().parse().unwrap();
        let left = crate::oci::commands::open_pidfd(pid).unwrap();
        assert!(!fd::is_readable_within(&left, Duration::ZERO));
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let mut open: Vec<_> = open
            .map(|entry| std::fs::read_link(entry.unwrap().path()).unwrap())
            .filter(|file| file != Path::new("/dev/null"))
            .collect();
        spawn::send_signal(&left, libc::SIGKILL).unwrap();
        let answer = open.pop().unwrap();
        assert!(answer.to_string_lossy().starts_with("pipe:"), "{answer:?}");
        assert_eq!(open, Vec::<std::path::PathBuf>::new());
        assert!(is_all, "the streams are open as long as it hangs");
    }
}
