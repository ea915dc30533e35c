//! Children whose end interests nobody but the kernel. They are reaped whenever they end.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use estiba_wire::v1::Fault;

use crate::exec::LOOK_AGAIN;
use crate::monitor::Monitor;
use crate::poller::{Key, Source, Watched};
use crate::process;
use crate::stderr_log::Level;

#[derive(Debug)]
pub(crate) struct Stray {
    pidfd: OwnedFd,
    /// In the event loop; `None` when it cannot be watched.
    token: Option<u64>,
    /// The container that it belongs to.
    owner: Option<Key>,
    /// When to look again at one that no event tells of.
    pub(crate) look_at: Option<Instant>,
}

impl Monitor {
    /// Has a child reaped whenever it ends.
    pub(crate) fn add_stray(&mut self, pidfd: OwnedFd, owner: Option<Key>) {
        let key = self.new_key();
        let watched = self.poller.add(pidfd.as_fd(), Source::Stray(key));
        if let Err(fault) = &watched {
            let fields = [("why", fault.message.as_str())];
            self.log(Level::Warn, "cannot watch a child", &fields);
        }
        if let Some(container) = owner.and_then(|owner| self.containers.get_mut(&owner)) {
            container.strays += 1;
        }
        let stray = Stray {
            pidfd,
            look_at: watched.is_err().then(Instant::now),
            token: watched.ok(),
            owner,
        };
        self.strays.insert(key, stray);
    }

    /// A child's end, or the time to look whether that has come.
    pub(crate) fn look_at_stray(&mut self, key: Key) {
        let Some(stray) = self.strays.get_mut(&key) else {
            return;
        };
        if matches!(process::reap(&stray.pidfd), Ok(None)) {
            let again = Instant::now().checked_add(LOOK_AGAIN);
            stray.look_at = again.filter(|_| stray.token.is_none());
            return;
        }
        if let Some(stray) = self.strays.remove(&key) {
            if let Some(token) = stray.token {
                self.poller.remove(stray.pidfd.as_fd(), token);
            }
            self.stray_is_gone(stray.owner);
        }
    }

    /// Watches a process that has just been reported. One that cannot be watched is killed.
    pub(crate) fn watch_process(
        &mut self,
        pidfd: OwnedFd,
        source: Source,
        owner: Option<Key>,
    ) -> Result<Watched, Fault> {
        self.poller.try_watch(pidfd, source).map_err(|failed| {
            let (pidfd, fault) = *failed;
            process::send_signal(&pidfd, 9).ok();
            self.add_stray(pidfd, owner);
            fault
        })
    }
}
