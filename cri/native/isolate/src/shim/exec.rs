//! The shim of one exec.

#![allow(unsafe_code, reason = "waiting for signals has no safe wrapper")]

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::builder::report;
use crate::control::{Stopwatch, Wire};
use crate::error::IsolateError;
use crate::request::ExecRequest;
use crate::shim::program::{LONG, Program, Streams};
use crate::shim::waiting::{self, Ended, Process};
use crate::shim::{bundle, document};

/// Files of one exec; they go with it.
struct Files {
    process: PathBuf,
    pid: PathBuf,
    log: PathBuf,
}

impl Files {
    fn new(dir: &Path) -> Self {
        let own = rustix::process::getpid().as_raw_nonzero();
        let file = |what: &str| dir.join(format!("exec-{own}.{what}"));
        Self {
            process: file("json"),
            pid: file("pid"),
            log: file("log"),
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in [&self.process, &self.pid, &self.log] {
            std::fs::remove_file(path).ok();
        }
    }
}

pub(super) fn run(
    mut request: ExecRequest<'_>,
    program: &Program,
    id: &str,
    control: OwnedFd,
) -> i32 {
    let dir = request.config_path.parent().unwrap_or(Path::new("/"));
    let files = Files::new(dir);
    let signals = Signals::block();
    let mut clock = Stopwatch::start();
    let begun = begin(&mut request, program, id, &files).and_then(|process| {
        clock.lap("program");
        let ready = Wire::Ready {
            user: None,
            program: Some(process.pid),
            steps: clock.steps,
        };
        ready.send(&control, &[]).map(|()| process)
    });
    let process = match begun {
        Ok(process) => process,
        Err(error) => return report(&error, &control),
    };
    drop(control);
    let ended = wait_or_kill(&process, &signals);
    drop(files);
    waiting::end_as(ended)
}

fn begin(
    request: &mut ExecRequest<'_>,
    program: &Program,
    id: &str,
    files: &Files,
) -> Result<Process, IsolateError> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|errno| IsolateError::kernel("shim", "become a subreaper", errno))?;
    bundle::write(&files.process, &process_of(request)?)?;
    let arguments = [
        OsStr::new("exec"),
        OsStr::new("--process"),
        files.process.as_os_str(),
        OsStr::new("--pid-file"),
        files.pid.as_os_str(),
        OsStr::new("--detach"),
        OsStr::new(id),
    ];
    let streams = Streams {
        stdin: request.stdin.take(),
        stdout: request.stdout.take(),
        stderr: request.stderr.take(),
    };
    program.run(&arguments, &files.log, streams, Some(LONG))?;
    Process::of(&files.pid)
}

/// What an exec needs of the container's document: the rest is long.
#[derive(Deserialize)]
struct Document {
    process: Map<String, Value>,
}

/// The container's process with another command.
fn process_of(request: &ExecRequest<'_>) -> Result<Value, IsolateError> {
    let path = request.config_path;
    let bytes = std::fs::read(path)
        .map_err(|error| IsolateError::io("read-config", format!("read {path:?}"), &error))?;
    let document = serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("cannot read the process of {path:?}: {error}");
        IsolateError::invalid("read-config", message)
    })?;
    let Document { mut process } = document;
    process.insert("args".to_owned(), json!(request.argv));
    process.insert("terminal".to_owned(), json!(false));
    document::set_user(&mut process, request.user);
    if let Some(score) = request.oom_score_adj {
        process.insert("oomScoreAdj".to_owned(), json!(score));
    }
    Ok(Value::Object(process))
}

fn wait_or_kill(process: &Process, signals: &Signals) -> Ended {
    loop {
        if let Some(ended) = process.look() {
            return ended;
        }
        if signals.wait() == Some(libc::SIGTERM) {
            waiting::kill_tree(process.pid);
        }
    }
}

/// The signals that this process waits for instead of being interrupted or ended by them.
struct Signals(libc::sigset_t);

impl Signals {
    fn block() -> Self {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset fills the set that it is given.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: filled above.
        let mut set = unsafe { set.assume_init() };
        for signal in [libc::SIGCHLD, libc::SIGTERM] {
            // SAFETY: the set is initialised.
            unsafe { libc::sigaddset(&raw mut set, signal) };
        }
        // SAFETY: the set is initialised; the old mask is not asked for.
        unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        Self(set)
    }

    /// The next of them; `None` after a second without: who never became a child of this process
    /// ends without a signal.
    fn wait(&self) -> Option<i32> {
        let second = libc::timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        let nobody = std::ptr::null_mut();
        // SAFETY: set and time are initialised; no siginfo is asked for.
        let signal = unsafe { libc::sigtimedwait(&raw const self.0, nobody, &raw const second) };
        Some(signal).filter(|signal| *signal > 0)
    }
}
