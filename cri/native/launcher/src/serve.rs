//! The launcher's loop: accept, fork, reap.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use estiba_monitor::process::{self, Child, Ended};
use estiba_monitor::stderr_log::{self, Level};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::fs::inotify;
use rustix::io::Errno;
use rustix::net::SocketFlags;

use crate::LauncherError;
use crate::job::{self, Context};
use crate::place::COMPONENT;
use crate::rendezvous::Rendezvous;

const LISTENER: u64 = 0;
const RUN_DIR: u64 = 1;
const FIRST_CHILD: u64 = 2;
/// How long no connection is accepted after the host refused a descriptor or a process.
const SCARCE: Duration = Duration::from_millis(100);

struct Loop {
    epoll: OwnedFd,
    watch: OwnedFd,
    rendezvous: Rendezvous,
    children: BTreeMap<u64, Child>,
    next_token: u64,
}

/// What an accepted connection led to.
enum Accepted {
    /// This process is the child: it owns the connection and nothing of the launcher.
    Child(OwnedFd),
    /// The launcher goes on.
    Parent,
}

/// Serves until the run directory disappears. In forked children it returns after their job.
pub(crate) fn run(rendezvous: Rendezvous, context: Context) -> Result<ExitCode, LauncherError> {
    let run_dir = rendezvous.run_dir.to_string_lossy().into_owned();
    let gone = || {
        let message = "run directory or socket is gone, launcher ends";
        stderr_log::line(Level::Info, COMPONENT, message, &[("run_dir", &run_dir)]);
        Ok(ExitCode::SUCCESS)
    };
    let mut state = match Loop::new(rendezvous) {
        Err(Errno::NOENT) => return gone(),
        other => other?,
    };
    // What happened before the directory was watched.
    if state.has_lost_its_place() {
        return gone();
    }
    stderr_log::line(
        Level::Info,
        COMPONENT,
        "launcher is ready",
        &[("run_dir", &run_dir)],
    );
    let mut events = Vec::with_capacity(32);
    loop {
        events.clear();
        match epoll::wait(&state.epoll, spare_capacity(&mut events), None) {
            Err(Errno::INTR) => continue,
            other => other?,
        };
        let tokens: Vec<u64> = events.iter().map(|event| event.data.u64()).collect();
        for token in tokens {
            match token {
                LISTENER => {
                    if let Accepted::Child(connection) = state.accept(&context)? {
                        drop(state);
                        drop(events);
                        return Ok(job::run(connection, context));
                    }
                }
                RUN_DIR => {
                    if state.has_lost_its_place() {
                        return gone();
                    }
                }
                child => state.reap(child),
            }
        }
    }
}

impl Loop {
    fn new(rendezvous: Rendezvous) -> Result<Self, Errno> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        let gone = inotify::WatchFlags::DELETE
            | inotify::WatchFlags::DELETE_SELF
            | inotify::WatchFlags::MOVED_FROM
            | inotify::WatchFlags::MOVE_SELF;
        inotify::add_watch(&watch, &rendezvous.run_dir, gone)?;
        add(&epoll, rendezvous.listener.as_fd(), LISTENER)?;
        add(&epoll, watch.as_fd(), RUN_DIR)?;
        let children = BTreeMap::new();
        Ok(Self {
            epoll,
            watch,
            rendezvous,
            children,
            next_token: FIRST_CHILD,
        })
    }

    fn accept(&mut self, context: &Context) -> Result<Accepted, Errno> {
        let flags = SocketFlags::CLOEXEC;
        let connection = match rustix::net::accept_with(&self.rendezvous.listener, flags) {
            Ok(connection) => connection,
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => return Ok(Accepted::Parent),
            Err(errno @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS)) => {
                complain("cannot accept a connection", &errno.to_string());
                std::thread::sleep(SCARCE);
                return Ok(Accepted::Parent);
            }
            Err(errno) => return Err(errno),
        };
        if !estiba_monitor::is_trusted(&connection) {
            complain("connection refused", "the peer is not root");
            return Ok(Accepted::Parent);
        }
        match process::fork_into(context.monitors_cgroup()) {
            Ok(None) => return Ok(Accepted::Child(connection)),
            Ok(Some(child)) => self.watch_child(child),
            Err(errno) => {
                job::refuse(&connection, errno);
                complain("cannot fork a child for a job", &errno.to_string());
            }
        }
        Ok(Accepted::Parent)
    }

    fn watch_child(&mut self, child: Child) {
        let token = self.next_token;
        self.next_token += 1;
        if let Err(errno) = add(&self.epoll, child.pidfd.as_fd(), token) {
            complain("cannot watch a child", &errno.to_string());
        }
        self.children.insert(token, child);
    }

    fn reap(&mut self, token: u64) {
        let Some(child) = self.children.get(&token) else {
            return;
        };
        match process::reap(&child.pidfd) {
            Ok(None) => return,
            Ok(Some(Ended::Exited(0))) => {}
            Ok(Some(ended)) => complain("a job's process ended badly", &ended.to_string()),
            Err(errno) => complain("cannot reap a child", &errno.to_string()),
        }
        self.children.remove(&token);
    }

    fn has_lost_its_place(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.watch, &mut buffer);
        while events.next().is_ok() {}
        !self.rendezvous.is_reachable()
    }
}

fn add(epoll: &OwnedFd, source: BorrowedFd<'_>, token: u64) -> Result<(), Errno> {
    epoll::add(
        epoll,
        source,
        epoll::EventData::new_u64(token),
        epoll::EventFlags::IN,
    )
}

fn complain(message: &str, why: &str) {
    stderr_log::line(Level::Warn, COMPONENT, message, &[("why", why)]);
}
