//! Runs one hook to its end: fed from memory, its last words kept, killed with its process group when
//! its time is over.

#![allow(unsafe_code, reason = "fork point")]

use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use estiba_kernel::spawn::{Clone, Ended, Side, clone3, exit_now, send_signal, wait_pidfd};
use estiba_kernel::{Errno, fd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::MemfdFlags;
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal};

use super::child::become_hook;
use super::{Hook, STEP};
use crate::control::MAX_MESSAGE;
use crate::error::{ErrorCode, IsolateError, errno_text};
use crate::seccomp::Confinement;

/// After SIGKILL, for a process that hangs in the kernel.
const DEATH: Duration = Duration::from_secs(5);
/// What is kept of a hook's output: its end.
const LAST_WORDS: usize = 1024;

/// Where hooks of one kind are run.
pub(crate) struct Place<'a> {
    /// As the OCI runtime spec writes it.
    pub kind: &'static str,
    /// What fails when a hook does ("create container").
    pub purpose: &'static str,
    /// Cgroup v2 directory that they are born in.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// What it is confined by at the end.
    pub confinement: Option<&'a Confinement>,
    /// By a system call that filters which are in force may know.
    pub old_call: bool,
    /// A hook is killed when this is closed by its other side.
    pub until: Option<BorrowedFd<'a>>,
    /// Takes the new process to where it is to run; its descriptors are closed afterwards.
    pub enter: &'a dyn Fn() -> Result<(), IsolateError>,
}

/// Runs hooks one after the other, to the first that fails.
pub(crate) fn run_all(hooks: &[Hook], state: &[u8], place: &Place<'_>) -> Result<(), IsolateError> {
    hooks.iter().try_for_each(|hook| run(hook, state, place))
}

/// Why attendance ended.
enum End {
    Ended(Ended),
    TimedOut,
    Abandoned,
}

fn run(hook: &Hook, state: &[u8], place: &Place<'_>) -> Result<(), IsolateError> {
    let device = match hook.device.as_str() {
        "" => String::new(),
        device => format!(" of device {device:?}"),
    };
    let name = format!("{} hook {:?}{device}", place.kind, hook.path);
    let failed = |code, why: String| {
        let message = format!("cannot {}: {name} {why}", place.purpose);
        IsolateError::new(code, STEP, message)
    };
    let cannot_run = |errno| {
        let why = format!("cannot be run: {}", errno_text(errno));
        failed(ErrorCode::FailedPrecondition, why)
    };
    let patience = hook.patience();
    let mut running = Running::start(hook, state, place).map_err(cannot_run)?;
    let end = running.attend(patience, place.until).map_err(cannot_run)?;
    let said = running.last_words();
    match end {
        End::Ended(Ended::Exited(0)) => Ok(()),
        End::Ended(ended) => match running.report() {
            Some(error) => Err(IsolateError {
                message: format!(
                    "cannot {}: {name} cannot be run: {}",
                    place.purpose, error.message
                ),
                ..error
            }),
            None => Err(failed(
                ErrorCode::FailedPrecondition,
                format!("ended with {ended}{said}"),
            )),
        },
        End::TimedOut => {
            let seconds = patience.as_secs();
            let why = format!("was killed: its time of {seconds} s is over{said}");
            Err(failed(ErrorCode::DeadlineExceeded, why))
        }
        End::Abandoned => {
            let why = "was killed: nobody waits for it any more".to_owned();
            Err(failed(ErrorCode::FailedPrecondition, why))
        }
    }
}

struct Running {
    pid: i32,
    pidfd: OwnedFd,
    output: Option<OwnedFd>,
    kept: Vec<u8>,
    /// Why it never ran, when it did not.
    report: OwnedFd,
}

impl Running {
    fn start(hook: &Hook, state: &[u8], place: &Place<'_>) -> Result<Self, Errno> {
        let stdin = in_memory(state)?;
        let pipe = || rustix::pipe::pipe_with(PipeFlags::CLOEXEC);
        let ((output, their_output), (report, their_report)) = (pipe()?, pipe()?);
        for ours in [&output, &report] {
            rustix::io::ioctl_fionbio(ours, true)?;
        }
        let how = Clone {
            cgroup: place.cgroup,
            old_call: place.old_call,
            ..Clone::default()
        };
        // SAFETY: the caller of this crate has one thread (crate contract); the child below ends in
        // exit_now or execve.
        match unsafe { clone3(&how) }? {
            Side::Child => {
                // Of the pipe's readers only the parent is left, which tells whether it lives.
                drop(report);
                let error = become_hook(hook, &stdin, &their_output, &their_report, place);
                let text = serde_json::to_vec(&error.shortened()).unwrap_or_default();
                rustix::io::write(&their_report, &text).ok();
                exit_now(127)
            }
            Side::Parent { pid, pidfd } => Ok(Self {
                pid,
                pidfd,
                output: Some(output),
                kept: Vec::new(),
                report,
            }),
        }
    }

    /// Listens until the process has ended, its time is over or nobody waits for it.
    fn attend(&mut self, patience: Duration, until: Option<BorrowedFd<'_>>) -> Result<End, Errno> {
        let deadline = Instant::now().checked_add(patience);
        loop {
            let rest = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if rest.is_some_and(|rest| rest.is_zero()) {
                self.kill()?;
                return Ok(End::TimedOut);
            }
            let (ended, spoken, abandoned) = match self.wait(rest, until) {
                Ok(found) => found,
                Err(errno) => {
                    self.kill()?;
                    return Err(errno);
                }
            };
            if spoken {
                self.listen();
            }
            if ended {
                self.listen();
                let ended = wait_pidfd(&self.pidfd, true)?.ok_or(Errno::CHILD)?;
                return Ok(End::Ended(ended));
            }
            if abandoned {
                self.kill()?;
                return Ok(End::Abandoned);
            }
        }
    }

    fn wait(
        &self,
        rest: Option<Duration>,
        until: Option<BorrowedFd<'_>>,
    ) -> Result<(bool, bool, bool), Errno> {
        let timeout = rest.and_then(|rest| Timespec::try_from(rest).ok());
        let mut fds = vec![PollFd::new(&self.pidfd, PollFlags::IN)];
        fds.extend(
            self.output
                .iter()
                .map(|pipe| PollFd::new(pipe, PollFlags::IN)),
        );
        // A closed socket is reported whether asked for or not.
        fds.extend(until.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::empty())));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok((false, false, false)),
            Err(errno) => return Err(errno),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        let ended = ready.next() == Some(true);
        let spoken = self.output.is_some() && ready.next() == Some(true);
        Ok((ended, spoken, until.is_some() && ready.next() == Some(true)))
    }

    /// Takes what is in the pipe now and forgets all but the end of it.
    fn listen(&mut self) {
        let mut buffer = [0; 4096];
        // No more than a pipe holds: what never stops writing must not keep us here.
        for _ in 0..32 {
            let Some(pipe) = &self.output else { return };
            match rustix::io::read(pipe, &mut buffer) {
                Ok(count) if count > 0 => {
                    self.kept
                        .extend_from_slice(buffer.get(..count).unwrap_or_default());
                    let old = self.kept.len().saturating_sub(LAST_WORDS);
                    self.kept.drain(..old);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Ok(_) | Err(_) => self.output = None,
            }
        }
    }

    fn last_words(&self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        match text.trim() {
            "" => String::new(),
            text => format!("; it wrote {text:?}"),
        }
    }

    /// What kept the child from becoming the hook.
    fn report(&self) -> Option<IsolateError> {
        let mut buffer = [0; MAX_MESSAGE];
        let count = rustix::io::read(&self.report, &mut buffer).ok()?;
        serde_json::from_slice(buffer.get(..count)?).ok()
    }

    fn kill(&mut self) -> Result<(), Errno> {
        // It may not lead a group yet.
        send_signal(&self.pidfd, libc::SIGKILL).ok();
        if let Some(group) = Pid::from_raw(self.pid) {
            rustix::process::kill_process_group(group, Signal::KILL).ok();
        }
        if fd::is_readable_within(&self.pidfd, DEATH) {
            self.listen();
            wait_pidfd(&self.pidfd, true)?;
        }
        Ok(())
    }
}

/// A file that only we know of: nobody has to feed a hook that reads slowly, or not at all.
fn in_memory(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    let file = rustix::fs::memfd_create("state", MemfdFlags::CLOEXEC)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(&file, rest))?;
        rest = rest.get(written..).unwrap_or_default();
    }
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    /// The new process is still on its way to where it is to run.
    #[test]
    fn a_hook_does_not_begin_when_who_runs_it_is_dead() {
        let (begun, tell) = rustix::pipe::pipe().unwrap();
        let (wait, go) = rustix::pipe::pipe().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let place = Place {
            kind: "createContainer",
            purpose: "create container",
            cgroup: None,
            confinement: None,
            old_call: false,
            until: None,
            enter: &|| {
                rustix::io::write(&tell, b"x").ok();
                rustix::io::read(&wait, &mut [0_u8; 1]).ok();
                Ok(())
            },
        };
        let made = dir.path().join("made");
        let hook = Hook {
            path: "/bin/sh".to_owned(),
            args: vec![
                "sh".to_owned(),
                "-c".to_owned(),
                format!("echo >{}", made.display()),
            ],
            ..Hook::default()
        };
        // SAFETY: the child ends in exit_now.
        match unsafe { clone3(&Clone::default()) }.unwrap() {
            Side::Child => {
                run_all(&[hook], b"{}", &place).ok();
                exit_now(0)
            }
            Side::Parent { pidfd, .. } => {
                assert!(fd::is_readable_within(&begun, DEATH));
                send_signal(&pidfd, libc::SIGKILL).unwrap();
                wait_pidfd(&pidfd, true).unwrap();
            }
        }
        rustix::io::write(&go, b"x").unwrap();
        // Nobody is left to write it.
        drop(tell);
        rustix::io::ioctl_fionbio(&begun, false).unwrap();
        let mut rest = [0; 8];
        while rustix::io::read(&begun, &mut rest).unwrap() > 0 {}
        std::thread::sleep(Duration::from_millis(100));
        assert!(!made.exists());
    }

    #[test]
    fn a_hook_that_nobody_waits_for_is_killed() {
        let (ours, theirs) = estiba_kernel::socket::seqpacket_pair().unwrap();
        drop(theirs);
        let place = Place {
            kind: "prestart",
            purpose: "create container",
            cgroup: None,
            confinement: None,
            old_call: false,
            until: Some(ours.as_fd()),
            enter: &|| Ok(()),
        };
        let hook = Hook {
            path: "/bin/sleep".to_owned(),
            args: vec!["sleep".to_owned(), "100".to_owned()],
            ..Hook::default()
        };
        let error = run_all(&[hook], b"{}", &place).unwrap_err();
        assert!(
            error.message.ends_with("nobody waits for it any more"),
            "{error}"
        );
    }
}
