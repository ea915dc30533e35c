//! Runs one host program to its end: own session, fed, drained, and killed as a group when its time
//! is over or nobody waits for it any more.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use estiba_kernel::hang::Hang;
use estiba_monitor::process::{self, Child, Ended};
use estiba_wire::MAX_FRAME_BYTES;
use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal};

use crate::job::{Context, Reply};
use crate::program_start::{become_program, read_report};

const DEFAULT_DEADLINE: Duration = Duration::from_secs(120);
/// After the end of the program, for output that others still hold open.
const DRAIN: Duration = Duration::from_millis(100);
/// After SIGKILL, for a process that hangs in the kernel.
const DEATH: Duration = Duration::from_secs(5);
/// For each output of a program that the client set no limit for.
const DEFAULT_LIMIT: usize = 1 << 20;
/// Both outputs together, so that the answer fits into one frame.
const TOTAL_LIMIT: usize = MAX_FRAME_BYTES - 4096;

/// Runs the program. `None`: the client has gone away, the program is dead.
pub(crate) fn run(
    request: &v1::RunProgram,
    connection: &OwnedFd,
    context: &Context,
) -> Result<Option<Reply>, Fault> {
    check(request)?;
    let launcher = context.launcher_pidfd()?;
    let started = Instant::now();
    let mut running = Running::start(request)?;
    let deadline = match request.deadline_ms {
        0 => DEFAULT_DEADLINE,
        milliseconds => Duration::from_millis(milliseconds),
    };
    let end = running.attend(connection, &launcher, started.checked_add(deadline))?;
    let elapsed = started.elapsed();
    let timed_out = match end {
        End::Abandoned => return Ok(None),
        End::NeverRan(hang) => {
            let message = format!("{}: its time is over while {hang}", running.what);
            return Err(Fault::new(ErrorCode::DeadlineExceeded, "execve", message));
        }
        End::TimedOut => true,
        End::Ended => false,
    };
    Ok(Some(Reply::ProgramEnded(
        running.result(timed_out, elapsed),
    )))
}

fn check(request: &v1::RunProgram) -> Result<(), Fault> {
    let invalid = |message| Err(Fault::new(ErrorCode::InvalidArgument, "check", message));
    let Some(program) = request.argv.first() else {
        return invalid("cannot run program: argv is empty".to_owned());
    };
    if !program.starts_with('/') {
        return invalid(format!(
            "cannot run program {program:?}: the path is not absolute"
        ));
    }
    if let Some(entry) = request
        .env
        .iter()
        .find(|entry| !matches!(entry.find('='), Some(1..)))
    {
        let name = entry.split('=').next().unwrap_or_default();
        return invalid(format!(
            "cannot run program {program:?}: environment entry {name:?} is not NAME=value"
        ));
    }
    let strings = request
        .argv
        .iter()
        .chain(&request.env)
        .chain([&request.cwd]);
    if strings.into_iter().any(|string| string.contains('\0')) {
        return invalid(format!(
            "cannot run program {program:?}: a string holds a NUL byte"
        ));
    }
    Ok(())
}

/// Why attendance ended.
enum End {
    Ended,
    TimedOut,
    /// Its time was over before the program was executed.
    NeverRan(Hang),
    Abandoned,
}

/// One output stream.
struct Output {
    pipe: Option<OwnedFd>,
    bytes: Vec<u8>,
    limit: usize,
    cut: bool,
}

impl Output {
    /// Takes what is there; the rest is drained and dropped.
    fn read(&mut self, buffer: &mut [u8]) {
        let Some(pipe) = &self.pipe else { return };
        match rustix::io::read(pipe, &mut *buffer) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                let room = self.limit.saturating_sub(self.bytes.len()).min(count);
                self.bytes
                    .extend_from_slice(buffer.get(..room).unwrap_or_default());
                self.cut |= room < count;
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.pipe = None,
        }
    }
}

struct Running {
    /// `cannot run program "…"`.
    what: String,
    child: Child,
    /// What the child has to say about its execve, until that has happened.
    report: Option<OwnedFd>,
    ended: Option<Ended>,
    stdin: Option<OwnedFd>,
    input: Vec<u8>,
    written: usize,
    outputs: [Output; 2],
}

impl Running {
    fn start(request: &v1::RunProgram) -> Result<Self, Fault> {
        let program = request.argv.first().map_or("", String::as_str);
        let what = format!("cannot run program {program:?}");
        let fail = |step| move |errno: Errno| (step, errno.raw_os_error());
        let launch = || -> Result<_, (&str, i32)> {
            let pipe = || rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(fail("pipe"));
            let (stdin, stdout, stderr, report) = (pipe()?, pipe()?, pipe()?, pipe()?);
            for fd in [&stdin.1, &stdout.0, &stderr.0, &report.0] {
                rustix::io::ioctl_fionbio(fd, true).map_err(fail("pipe"))?;
            }
            match process::fork().map_err(fail("fork"))? {
                None => {
                    drop((stdin.1, stdout.0, stderr.0, report.0));
                    become_program(request, [stdin.0, stdout.1, stderr.1], &report.1)
                }
                Some(child) => {
                    drop((stdin.0, stdout.1, stderr.1, report.1));
                    Ok((child, stdin.1, stdout.0, stderr.0, report.0))
                }
            }
        };
        let (child, stdin, stdout, stderr, report) =
            launch().map_err(|(step, errno)| Fault::from_errno(step, &what, errno))?;
        let limit = match request.output_limit_bytes {
            0 => DEFAULT_LIMIT,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        let output = |pipe| Output {
            pipe: Some(pipe),
            bytes: Vec::new(),
            limit: limit.min(TOTAL_LIMIT),
            cut: false,
        };
        let mut running = Self {
            what,
            child,
            report: Some(report),
            ended: None,
            stdin: Some(stdin),
            input: request.stdin.to_vec(),
            written: 0,
            outputs: [output(stdout), output(stderr)],
        };
        running.feed();
        Ok(running)
    }

    /// Feeds and drains until the program has ended and its output is complete.
    fn attend(
        &mut self,
        connection: &OwnedFd,
        launcher: &OwnedFd,
        deadline: Option<Instant>,
    ) -> Result<End, Fault> {
        let mut end = None;
        let mut until = deadline;
        loop {
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) {
                match end {
                    Some(end) => return Ok(end),
                    None => {
                        end = Some(match &self.report {
                            Some(_) => End::NeverRan(Hang::of(self.child.pid)),
                            None => End::TimedOut,
                        });
                        self.kill();
                        until = now.checked_add(DEATH);
                    }
                }
            }
            if self.ended.is_some() && self.outputs.iter().all(|output| output.pipe.is_none()) {
                return Ok(end.unwrap_or(End::Ended));
            }
            let ready = self.wait(connection, launcher, until)?;
            if ready.abandoned && !matches!(end, Some(End::Abandoned)) {
                self.kill();
                end = Some(End::Abandoned);
                until = Instant::now().checked_add(DEATH);
            }
            if ready.report {
                self.hear_of_execve()?;
            }
            if ready.stdin {
                self.feed();
            }
            let mut buffer = [0_u8; 64 << 10];
            for (output, readable) in self.outputs.iter_mut().zip(ready.outputs) {
                if readable {
                    output.read(&mut buffer);
                }
            }
            if ready.ended && self.ended.is_none() {
                // Before the status is taken: until then the process group's id is ours.
                self.kill();
                self.ended = process::reap(&self.child.pidfd).ok().flatten();
                self.stdin = None;
                end = end.or(Some(End::Ended));
                until = Instant::now().checked_add(DRAIN);
            }
        }
    }

    fn wait(
        &self,
        connection: &OwnedFd,
        launcher: &OwnedFd,
        until: Option<Instant>,
    ) -> Result<Ready, Fault> {
        let mut fds: Vec<(Source, PollFd<'_>)> = Vec::with_capacity(6);
        // A closed connection is reported whether asked for or not.
        fds.push((
            Source::Connection,
            poll_fd(connection.as_fd(), PollFlags::empty()),
        ));
        fds.push((Source::Launcher, poll_fd(launcher.as_fd(), PollFlags::IN)));
        if self.ended.is_none() {
            fds.push((
                Source::Child,
                poll_fd(self.child.pidfd.as_fd(), PollFlags::IN),
            ));
        }
        if let Some(report) = &self.report {
            fds.push((Source::Report, poll_fd(report.as_fd(), PollFlags::IN)));
        }
        if let Some(stdin) = &self.stdin {
            fds.push((Source::Stdin, poll_fd(stdin.as_fd(), PollFlags::OUT)));
        }
        for (index, output) in self.outputs.iter().enumerate() {
            if let Some(pipe) = &output.pipe {
                fds.push((Source::Output(index), poll_fd(pipe.as_fd(), PollFlags::IN)));
            }
        }
        let (sources, mut polled): (Vec<_>, Vec<_>) = fds.into_iter().unzip();
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => {
                let what = "cannot wait for the program";
                return Err(Fault::from_errno("poll", what, errno.raw_os_error()));
            }
        }
        let mut ready = Ready::default();
        for (source, fd) in sources.iter().zip(&polled) {
            if fd.revents().is_empty() {
                continue;
            }
            match source {
                Source::Connection | Source::Launcher => ready.abandoned = true,
                Source::Child => ready.ended = true,
                Source::Report => ready.report = true,
                Source::Stdin => ready.stdin = true,
                Source::Output(index) => {
                    if let Some(output) = ready.outputs.get_mut(*index) {
                        *output = true;
                    }
                }
            }
        }
        Ok(ready)
    }

    /// Before anything else that the child does: a failure is told and then the child ends.
    fn hear_of_execve(&mut self) -> Result<(), Fault> {
        let told = self.report.as_ref().and_then(read_report);
        let Some(outcome) = told else { return Ok(()) };
        self.report = None;
        outcome.map_err(|(step, errno)| {
            process::wait_within(&self.child.pidfd, DEATH).ok();
            Fault::from_errno(step, &self.what, errno)
        })
    }

    /// Writes input while the pipe takes it; closes it behind the last byte.
    fn feed(&mut self) {
        while let Some(stdin) = &self.stdin {
            let rest = self.input.get(self.written..).unwrap_or_default();
            if rest.is_empty() {
                self.stdin = None;
                return;
            }
            match rustix::io::write(stdin, rest) {
                Ok(count) => self.written += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // The program does not read its input: its own affair.
                Err(_) => self.stdin = None,
            }
        }
    }

    fn kill(&self) {
        if self.ended.is_some() {
            return;
        }
        // Before its execve it may not lead a group yet.
        process::send_signal(&self.child.pidfd, Signal::KILL.as_raw()).ok();
        if let Some(group) = Pid::from_raw(self.child.pid) {
            rustix::process::kill_process_group(group, Signal::KILL).ok();
        }
    }

    fn result(self, timed_out: bool, elapsed: Duration) -> v1::ProgramEnded {
        let [stdout, mut stderr] = self.outputs;
        let room = TOTAL_LIMIT.saturating_sub(stdout.bytes.len());
        stderr.cut |= stderr.bytes.len() > room;
        stderr.bytes.truncate(room);
        let (exit_code, signal) = match self.ended {
            Some(Ended::Exited(code)) => (code, 0),
            Some(Ended::Killed(signal)) => (-1, signal),
            // SIGKILL was sent; the process hangs in the kernel and is reaped by init one day.
            None => (-1, Signal::KILL.as_raw()),
        };
        v1::ProgramEnded {
            exit_code,
            signal,
            stdout: stdout.bytes,
            stderr: stderr.bytes,
            timed_out,
            output_cut: stdout.cut || stderr.cut,
            elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        }
    }
}

enum Source {
    Connection,
    Launcher,
    Child,
    Report,
    Stdin,
    Output(usize),
}

#[derive(Default)]
struct Ready {
    abandoned: bool,
    ended: bool,
    report: bool,
    stdin: bool,
    outputs: [bool; 2],
}

fn poll_fd(fd: BorrowedFd<'_>, flags: PollFlags) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd, flags)
}
