//! What the event loop waits for.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use estiba_wire::v1::Fault;
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;

/// Key of a client, container or exec: never used twice in the life of a monitor.
pub(crate) type Key = u64;

/// What a ready descriptor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Listener,
    Client(Key),
    /// Conversation with the children that build a container.
    Control(Key),
    /// A container's init ended.
    Init(Key),
    /// The first or second output stream of a container.
    Output(Key, usize),
    /// The child that removes a container ended.
    Remover(Key),
    /// Processes of a container may have been killed for lack of memory.
    Oom(Key),
    /// The child that runs poststart hooks ended.
    Poststart(Key),
    /// The child that changes a container's limits ended.
    Updater(Key),
    ExecControl(Key),
    ExecProcess(Key),
    ExecOutput(Key, usize),
    /// Conversation with the children of a build that was given up.
    Abandoned(Key),
    /// A builder, or a child that was given up, ended.
    Stray(Key),
    /// The pod's own pid 1 ended.
    PodInit,
}

/// An epoll instance that knows what its descriptors mean. Descriptors must be removed before they
/// are closed: forked children hold copies, which would keep them in the set.
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
    sources: BTreeMap<u64, Source>,
    next: u64,
}

/// A descriptor in the set.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) fd: OwnedFd,
    token: u64,
}

impl Poller {
    pub(crate) fn new() -> Result<Self, Fault> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(fault)?;
        Ok(Self {
            epoll,
            sources: BTreeMap::new(),
            next: 1,
        })
    }

    /// Waits for input on `fd`, until [`Self::unwatch`].
    pub(crate) fn watch(&mut self, fd: OwnedFd, source: Source) -> Result<Watched, Fault> {
        self.try_watch(fd, source).map_err(|failed| failed.1)
    }

    /// The same for descriptors that are wanted back when they cannot be watched.
    pub(crate) fn try_watch(
        &mut self,
        fd: OwnedFd,
        source: Source,
    ) -> Result<Watched, Box<(OwnedFd, Fault)>> {
        match self.add(fd.as_fd(), source) {
            Ok(token) => Ok(Watched { fd, token }),
            Err(fault) => Err(Box::new((fd, fault))),
        }
    }

    /// Waits for input on a descriptor that stays where it is, until [`Self::remove`].
    pub(crate) fn add(&mut self, fd: BorrowedFd<'_>, source: Source) -> Result<u64, Fault> {
        self.add_for(fd, source, EventFlags::IN)
    }

    /// The same for other conditions.
    pub(crate) fn add_for(
        &mut self,
        fd: BorrowedFd<'_>,
        source: Source,
        flags: EventFlags,
    ) -> Result<u64, Fault> {
        let token = self.next;
        let data = EventData::new_u64(token);
        epoll::add(&self.epoll, fd, data, flags).map_err(fault)?;
        self.next += 1;
        self.sources.insert(token, source);
        Ok(token)
    }

    /// Undoes [`Self::add`].
    pub(crate) fn remove(&mut self, fd: BorrowedFd<'_>, token: u64) {
        epoll::delete(&self.epoll, fd).ok();
        self.sources.remove(&token);
    }

    /// Changes what is waited for; hang-ups and errors always are.
    pub(crate) fn change(&self, watched: &Watched, flags: EventFlags) {
        let data = EventData::new_u64(watched.token);
        epoll::modify(&self.epoll, &watched.fd, data, flags).ok();
    }

    /// Stops waiting and hands the descriptor back.
    pub(crate) fn unwatch(&mut self, watched: Watched) -> OwnedFd {
        self.remove(watched.fd.as_fd(), watched.token);
        watched.fd
    }

    /// Waits; `None` waits for ever. Sources that were unwatched meanwhile are to be looked up
    /// with [`Self::source`] just before they are served.
    pub(crate) fn wait(
        &self,
        ready: &mut Vec<epoll::Event>,
        timeout: Option<Duration>,
    ) -> Result<(), Errno> {
        ready.clear();
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match epoll::wait(&self.epoll, spare_capacity(ready), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Makes it refuse all descriptors, as it does at a limit of the host, until [`Self::repair`].
    #[cfg(test)]
    pub(crate) fn break_down(&mut self) -> OwnedFd {
        let file = std::fs::File::open("/dev/null").unwrap();
        std::mem::replace(&mut self.epoll, file.into())
    }

    #[cfg(test)]
    pub(crate) fn repair(&mut self, epoll: OwnedFd) {
        self.epoll = epoll;
    }

    pub(crate) fn source(&self, event: &epoll::Event) -> Option<Source> {
        self.sources.get(&event.data.u64()).copied()
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn fault(errno: Errno) -> Fault {
    Fault::from_errno("epoll", "cannot watch a descriptor", errno.raw_os_error())
}
