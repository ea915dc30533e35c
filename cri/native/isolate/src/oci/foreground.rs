//! Standing for a process in the foreground: its signals, its terminal, its exit code.

use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use estiba_kernel::signal::Signals;
use estiba_kernel::{Errno, spawn, terminal};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::commands::STEP;
use crate::error::IsolateError;
use crate::spec::ConsoleSize;

/// No pipe or terminal that is ready for output takes less than this without waiting.
const PIECE: usize = 4096;
/// What a process has written before its end is shown; those that it has left behind may go on.
const LAST_WORDS: Duration = Duration::from_secs(1);

fn failed(action: &str) -> impl Fn(Errno) -> IsolateError + '_ {
    move |errno| IsolateError::kernel(STEP, action, errno)
}

/// This process, ready to stand for another one.
#[derive(Debug)]
pub(super) struct Foreground(Signals);

impl Foreground {
    /// Before the other one is made: no signal gets lost from here on.
    pub(super) fn prepare() -> Result<Self, IsolateError> {
        let signals = Signals::take_over().map_err(failed("hold back signals"))?;
        Ok(Self(signals))
    }

    /// Passes signals on to the child until it ends; with a terminal, also what is typed and shown.
    /// Its exit code, 128 and the number where a signal has ended it.
    pub(super) fn attend(
        &self,
        pidfd: &OwnedFd,
        master: Option<&OwnedFd>,
    ) -> Result<i32, IsolateError> {
        let _raw = master.and_then(|_| Raw::enter());
        let mut pipes = match master {
            Some(master) => Pipes::of(master)?,
            None => Pipes::default(),
        };
        loop {
            let is_over = self.wait(pidfd, &mut pipes)?;
            while let Some(number) = self.0.next() {
                match (number, master) {
                    (libc::SIGCHLD, _) => {}
                    (libc::SIGWINCH, Some(master)) => copy_size(master),
                    // Gone is what the next look at the pidfd says.
                    _ => drop(spawn::send_signal(pidfd, number)),
                }
            }
            if is_over {
                break;
            }
        }
        pipes.finish();
        let ended = spawn::wait_pidfd(pidfd, true).map_err(failed("wait for the process"))?;
        Ok(ended.map_or(255, spawn::Ended::exit_code))
    }

    /// Waits for anything to do; true at the end of the process.
    fn wait(&self, pidfd: &OwnedFd, pipes: &mut Pipes<'_>) -> Result<bool, IsolateError> {
        let mut fds = vec![
            PollFd::new(pidfd, PollFlags::IN),
            PollFd::new(&self.0, PollFlags::IN),
        ];
        fds.extend(pipes.both().filter_map(|pipe| pipe.awaited()));
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(failed("wait for the process")(errno)),
        }
        let is_ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        let mut others = is_ready.iter().skip(2);
        for pipe in pipes.both_mut().filter(|pipe| pipe.awaited().is_some()) {
            if others.next() == Some(&true) {
                pipe.go_on();
            }
        }
        Ok(is_ready.first() == Some(&true))
    }
}

/// One direction of a terminal.
#[derive(Debug)]
struct Pipe<'a> {
    /// `None` at the end of the input.
    from: Option<BorrowedFd<'a>>,
    to: BorrowedFd<'a>,
    waiting: Vec<u8>,
}

impl<'a> Pipe<'a> {
    fn new(from: BorrowedFd<'a>, to: BorrowedFd<'a>) -> Self {
        Self {
            from: Some(from),
            to,
            waiting: Vec::new(),
        }
    }

    fn awaited(&self) -> Option<PollFd<'a>> {
        match (self.waiting.is_empty(), self.from) {
            (false, _) => Some(PollFd::from_borrowed_fd(self.to, PollFlags::OUT)),
            (true, Some(from)) => Some(PollFd::from_borrowed_fd(from, PollFlags::IN)),
            (true, None) => None,
        }
    }

    fn go_on(&mut self) {
        if self.waiting.is_empty() {
            let mut piece = vec![0; PIECE];
            let count = match self.from.map(|from| rustix::io::read(from, &mut piece)) {
                Some(Err(Errno::INTR | Errno::AGAIN)) => return,
                // A master that nobody has the slave of answers EIO.
                Some(Err(_)) | None => 0,
                Some(Ok(count)) => count,
            };
            if count == 0 {
                self.from = None;
            }
            piece.truncate(count);
            self.waiting = piece;
            return;
        }
        match rustix::io::write(self.to, &self.waiting) {
            Ok(count) => drop(self.waiting.drain(..count.min(self.waiting.len()))),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => {
                // Nobody looks any more; the process is not to stop for that.
                self.waiting.clear();
                self.from = None;
            }
        }
    }
}

/// Both directions.
#[derive(Debug, Default)]
struct Pipes<'a> {
    typed: Option<Pipe<'a>>,
    shown: Option<Pipe<'a>>,
}

impl<'a> Pipes<'a> {
    fn of(master: &'a OwnedFd) -> Result<Self, IsolateError> {
        let fail = failed("use the terminal");
        let flags = rustix::fs::fcntl_getfl(master).map_err(&fail)?;
        rustix::fs::fcntl_setfl(master, flags | rustix::fs::OFlags::NONBLOCK).map_err(&fail)?;
        Ok(Self {
            typed: Some(Pipe::new(rustix::stdio::stdin(), master.as_fd())),
            shown: Some(Pipe::new(master.as_fd(), rustix::stdio::stdout())),
        })
    }

    fn both(&self) -> impl Iterator<Item = &Pipe<'a>> {
        self.typed.iter().chain(&self.shown)
    }

    fn both_mut(&mut self) -> impl Iterator<Item = &mut Pipe<'a>> {
        self.typed.iter_mut().chain(&mut self.shown)
    }

    /// Shows what is left.
    fn finish(&mut self) {
        let deadline = Instant::now() + LAST_WORDS;
        let Some(pipe) = &mut self.shown else { return };
        while Instant::now() < deadline {
            let Some(fd) = pipe.awaited() else { return };
            let mut fds = [fd];
            let at_once = rustix::event::Timespec::default();
            // Output may be slow to be taken; input that is not there will not come.
            let limit = rustix::event::Timespec::try_from(LAST_WORDS).unwrap_or(at_once);
            let patience = if pipe.waiting.is_empty() {
                at_once
            } else {
                limit
            };
            match poll(&mut fds, Some(&patience)) {
                Ok(0) => return,
                Ok(_) | Err(Errno::INTR) => pipe.go_on(),
                Err(_) => return,
            }
        }
    }
}

/// The caller's terminal, which passes everything on as it is typed until this is dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> Option<Self> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Flush, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &self.0).ok();
    }
}

/// Size of the caller's terminal, where that is one.
pub(super) fn callers_size() -> Option<ConsoleSize> {
    let size = tcgetwinsize(rustix::stdio::stdin()).ok()?;
    Some(ConsoleSize {
        height: size.ws_row,
        width: size.ws_col,
    })
}

fn copy_size(master: &OwnedFd) {
    if let Some(size) = callers_size() {
        terminal::set_size(master, size.height, size.width).ok();
    }
}
