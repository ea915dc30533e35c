//! The shim of one container.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use estiba_kernel::socket;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::builder::report;
use crate::control::{Stopwatch, Wire, wait_for_go};
use crate::error::{ErrorCode, IsolateError};
use crate::host::Host;
use crate::request::{CreateRequest, ResolvedUser};
use crate::rootfs::open_path;
use crate::shim::bundle::{self, PidTarget};
use crate::shim::program::{LONG, Program, Streams};
use crate::shim::waiting::{self, Process};

/// For the terminal, after `create` has ended.
const CONSOLE_PATIENCE: Duration = Duration::from_secs(5);

/// A container that waits to be started.
struct Made {
    process: Process,
    user: ResolvedUser,
    console: Option<OwnedFd>,
}

pub(super) fn run(
    host: &Host,
    mut request: CreateRequest<'_>,
    program: &Program,
    id: &str,
    pid_target: Option<PidTarget>,
    control: OwnedFd,
) -> i32 {
    let log = request
        .config_path
        .and_then(Path::parent)
        .map(|dir| dir.join("runtime.log"));
    let log = log.unwrap_or_default();
    let mut clock = Stopwatch::start();
    let made = make(
        host,
        &mut request,
        (program, id),
        pid_target,
        &log,
        &mut clock,
    )
    .and_then(|made| tell(&made, clock, &control).map(|()| made.process));
    let process = match made {
        Ok(process) => process,
        Err(error) => {
            let code = report(&error, &control);
            program.delete(id, &log).ok();
            return code;
        }
    };
    match first_to_speak(&control, &process.pidfd) {
        First::Process => waiting::end_as(process.wait()),
        First::Control if !wait_for_go(&control) => {
            // Nobody wants it any more.
            program.delete(id, &log).ok();
            return 1;
        }
        First::Control => {}
    }
    let start = ["start", id].map(OsStr::new);
    match program.run(&start, &log, Streams::default(), Some(LONG)) {
        // What the monitor takes for the success of execve.
        Ok(()) => drop(control),
        Err(error) => {
            let code = report(&error, &control);
            program.delete(id, &log).ok();
            return code;
        }
    }
    waiting::end_as(process.wait())
}

fn make(
    host: &Host,
    request: &mut CreateRequest<'_>,
    (program, id): (&Program, &str),
    pid_target: Option<PidTarget>,
    log: &Path,
    clock: &mut Stopwatch,
) -> Result<Made, IsolateError> {
    let monitor = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    // The program ends before the container does: its process is to become a child of this one.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|errno| IsolateError::kernel("shim", "become a subreaper", errno))?;
    let made = bundle::make(host, request, monitor, pid_target)?;
    clock.lap("bundle");
    let pid_file = made.dir.join("pid");
    let dir = open_path(&made.dir)?;
    let console = request.tty.then(|| Console::listen(&dir)).transpose()?;
    let mut arguments = vec![
        OsStr::new("create"),
        OsStr::new("--bundle"),
        made.dir.as_os_str(),
    ];
    arguments.extend([OsStr::new("--pid-file"), pid_file.as_os_str()]);
    if let Some(console) = &console {
        arguments.extend([OsStr::new("--console-socket"), OsStr::new(&console.path)]);
    }
    arguments.push(OsStr::new(id));
    let streams = Streams {
        stdin: request.stdin.take(),
        stdout: request.stdout.take(),
        stderr: request.stderr.take(),
    };
    // The monitor ends this process when the time for the build is over.
    program.run(&arguments, log, streams, None)?;
    drop(made.pids);
    clock.lap("program");
    Ok(Made {
        process: Process::of(&pid_file)?,
        user: made.user,
        console: console.map(|console| console.take()).transpose()?,
    })
}

fn tell(made: &Made, clock: Stopwatch, control: &OwnedFd) -> Result<(), IsolateError> {
    Wire::send_groups(&made.user.additional_gids, control)?;
    let ready = Wire::Ready {
        user: Some((made.user.uid, made.user.gid)),
        program: Some(made.process.pid),
        steps: clock.steps,
    };
    let console = made.console.as_ref().map(AsFd::as_fd);
    ready.send(control, console.as_slice())
}

/// Who is heard of first: the monitor, or the process that waits to be started, by its death.
enum First {
    Control,
    Process,
}

fn first_to_speak(control: &OwnedFd, pidfd: &OwnedFd) -> First {
    loop {
        let mut fds = [control, pidfd].map(|fd| PollFd::new(fd, PollFlags::IN));
        let waited = poll(&mut fds, None);
        let [_, process] = &fds;
        match waited {
            Err(Errno::INTR) => {}
            Ok(_) if process.revents().contains(PollFlags::IN) => return First::Process,
            _ => return First::Control,
        }
    }
}

/// Where the program sends the terminal's master to.
struct Console {
    listener: UnixListener,
    path: String,
}

impl Console {
    /// A socket's path has 107 bytes at most, and the bundle's alone is longer.
    fn listen(dir: &OwnedFd) -> Result<Self, IsolateError> {
        let own = rustix::process::getpid().as_raw_nonzero();
        let path = format!("/proc/{own}/fd/{}/console.sock", dir.as_raw_fd());
        let fail =
            |error: std::io::Error| IsolateError::io("console", "listen for a terminal", &error);
        let listener = UnixListener::bind(&path).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        Ok(Self { listener, path })
    }

    fn take(self) -> Result<OwnedFd, IsolateError> {
        let none = |why: &str| {
            let message = format!("cannot take the container's terminal: {why}");
            IsolateError::new(ErrorCode::Internal, "console", message)
        };
        wait_readable(&self.listener).map_err(none)?;
        let (connection, _) = self
            .listener
            .accept()
            .map_err(|error| none(&error.to_string()))?;
        std::fs::remove_file(&self.path).ok();
        wait_readable(&connection).map_err(none)?;
        let message =
            socket::receive(&connection, 4096, false).map_err(|errno| none(&errno.to_string()))?;
        message
            .fds
            .into_iter()
            .next()
            .ok_or_else(|| none("the program sent none"))
    }
}

fn wait_readable(fd: impl AsFd) -> Result<(), &'static str> {
    let patience = Timespec::try_from(CONSOLE_PATIENCE).map_err(|_never| "no time")?;
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    match poll(&mut fds, Some(&patience)) {
        Ok(count) if count > 0 => Ok(()),
        _ => Err("the program did not send it in time"),
    }
}
