//! Builds that nobody waits for any more. They are remembered until their last child is reaped: one
//! that stayed a zombie in a container's pid namespace would keep that, and the pod, from ending.

use std::os::fd::AsFd;
use std::time::Instant;

use estiba_isolate::{Building, ControlMessage, where_it_hangs};
use estiba_wire::v1::Fault;
use rustix::process::{Pid, Signal};

use crate::container::{Construction, Phase};
use crate::exec::LOOK_AGAIN;
use crate::monitor::Monitor;
use crate::poller::{Key, Source};
use crate::process;
use crate::stderr_log::Level;

#[derive(Debug)]
pub(crate) struct Abandoned {
    building: Building,
    /// Of `building.control` in the event loop; `None` when it has closed, or cannot be watched.
    token: Option<u64>,
    owner: Option<Key>,
    /// When to look again at what no event tells of.
    pub(crate) look_at: Option<Instant>,
}

const SIGKILL: i32 = 9;

/// SIGKILL to whoever is at work on a build, and `signal` to the process that it is about.
pub(crate) fn kill(building: &Building, signal: i32) {
    process::send_signal(&building.builder_pidfd, 9).ok();
    if let Some((pid, pidfd)) = &building.process {
        process::send_signal(pidfd, signal).ok();
        // What a shim's program has started leads no group of its own. The pid is not reaped yet.
        if let Some(group) = Pid::from_raw(*pid).filter(|_| signal == SIGKILL) {
            rustix::process::kill_process_group(group, Signal::KILL).ok();
        }
    }
}

impl Monitor {
    /// Takes a fresh build into the event loop, and its first child among the strays. One for which
    /// that cannot be done is killed; what is left of it then counts for `owner`, as with `abandon`.
    pub(crate) fn adopt(
        &mut self,
        building: Building,
        source: Source,
        owner: Option<Key>,
    ) -> Result<Construction, Fault> {
        let builder = building
            .builder_pidfd
            .try_clone()
            .map_err(|error| Fault::from_io("adopt", "cannot watch the builder", &error));
        let watched = builder
            .and_then(|builder| Ok((builder, self.poller.add(building.control.as_fd(), source)?)));
        match watched {
            Ok((builder, token)) => {
                self.add_stray(builder, owner);
                Ok(Construction { building, token })
            }
            Err(fault) => {
                self.give_up(building, owner);
                Err(fault)
            }
        }
    }

    /// Kills what is being built. `owner` is removed when it was a wreck's last.
    pub(crate) fn abandon(&mut self, construction: Construction, owner: Option<Key>) {
        let Construction { building, token } = construction;
        self.poller.remove(building.control.as_fd(), token);
        self.give_up(building, owner);
    }

    fn give_up(&mut self, building: Building, owner: Option<Key>) {
        kill(&building, SIGKILL);
        if let Some(container) = owner.and_then(|owner| self.containers.get_mut(&owner)) {
            container.strays += 1;
        }
        let key = self.new_key();
        let watched = self
            .poller
            .add(building.control.as_fd(), Source::Abandoned(key));
        let token = match watched {
            Ok(token) => Some(token),
            Err(fault) => {
                self.log(
                    Level::Warn,
                    "cannot watch a build",
                    &[("why", &fault.message)],
                );
                None
            }
        };
        let look_at = token.is_none().then(Instant::now);
        let abandoned = Abandoned {
            building,
            token,
            owner,
            look_at,
        };
        self.abandoned.insert(key, abandoned);
        self.look_at_abandoned(key);
    }

    /// Hears the last words of a build and reaps whom they name; then whom nobody has named.
    pub(crate) fn look_at_abandoned(&mut self, key: Key) {
        loop {
            let Some(abandoned) = self.abandoned.get_mut(&key) else {
                return;
            };
            let owner = abandoned.owner;
            let building = &mut abandoned.building;
            let message = estiba_isolate::read_control(building);
            let mut children = Vec::new();
            children.extend(building.process.take().map(|(_, pidfd)| pidfd));
            let is_over = match message {
                Ok(None) => None,
                Ok(Some(ControlMessage::Created(created))) => {
                    children.push(created.pidfd);
                    Some(false)
                }
                Ok(Some(ControlMessage::Handed)) => {
                    children.extend(building.builder_pidfd.try_clone().ok());
                    Some(false)
                }
                Ok(Some(ControlMessage::Failed(_))) => Some(false),
                Ok(Some(ControlMessage::Closed)) | Err(_) => Some(true),
            };
            for pidfd in children {
                process::send_signal(&pidfd, 9).ok();
                self.add_stray(pidfd, owner);
            }
            match is_over {
                None => return self.look_again(key, false),
                Some(true) => return self.reap_abandoned(key),
                Some(false) => {}
            }
        }
    }

    /// The conversation is over: what is left can only be children that were never reported.
    fn reap_abandoned(&mut self, key: Key) {
        let Some(abandoned) = self.abandoned.get_mut(&key) else {
            return;
        };
        if let Some(token) = abandoned.token.take() {
            self.poller
                .remove(abandoned.building.control.as_fd(), token);
        }
        // Somebody else's business, too, unless it could not be made that.
        let builder_lives = matches!(process::reap(&abandoned.building.builder_pidfd), Ok(None));
        match estiba_isolate::reap_unreported(&abandoned.building) {
            Ok(others_live) if others_live || builder_lives => return self.look_again(key, true),
            Ok(_) => {}
            Err(error) => {
                let fields = [("why", error.message.as_str())];
                self.log(Level::Warn, "cannot reap children of a build", &fields);
            }
        }
        if let Some(abandoned) = self.abandoned.remove(&key) {
            self.stray_is_gone(abandoned.owner);
        }
    }

    /// Without an event to wait for, time has to do.
    fn look_again(&mut self, key: Key, is_over: bool) {
        if let Some(abandoned) = self.abandoned.get_mut(&key) {
            let blind = is_over || abandoned.token.is_none();
            let at = Instant::now().checked_add(LOOK_AGAIN);
            abandoned.look_at = at.filter(|_| blind);
        }
    }

    /// One child less of a build; the last one takes the wreck along.
    pub(crate) fn stray_is_gone(&mut self, owner: Option<Key>) {
        let Some(owner) = owner else { return };
        if let Some(container) = self.containers.get_mut(&owner) {
            container.strays = container.strays.saturating_sub(1);
            if container.phase == Phase::Wreck && container.strays == 0 {
                self.start_removal(owner);
            }
        }
    }

    /// What keeps a wreck from being removed.
    pub(crate) fn obstacle_of(&self, owner: Key) -> String {
        let build = self
            .abandoned
            .values()
            .find(|abandoned| abandoned.owner == Some(owner));
        build.map_or_else(
            || "a process of it does not die".to_owned(),
            |abandoned| where_it_hangs(&abandoned.building),
        )
    }
}
