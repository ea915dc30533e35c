//! What happens to a container that is being built: birth, start, failure.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use estiba_isolate::{ControlMessage, Host, where_it_hangs};
use estiba_wire::v1::{self, ErrorCode, Fault};

use crate::calls::AGAIN;
use crate::container::{Construction, Container, Phase};
use crate::convert;
use crate::monitor::{Answer, Monitor};
use crate::poller::Key;
use crate::process::{self};
use crate::stderr_log::Level;
use crate::timestamp;

/// For the killed children of a wreck to die.
const PATIENCE: Duration = Duration::from_secs(2);

impl Monitor {
    pub(crate) fn container_control(&mut self, key: Key) {
        loop {
            let container = self.containers.get_mut(&key);
            let construction = container.and_then(|container| container.construction.as_mut());
            let Some(construction) = construction else {
                return;
            };
            match estiba_isolate::read_control(&mut construction.building) {
                Ok(None) => return,
                Ok(Some(ControlMessage::Handed)) => {
                    let successor = construction.building.builder_pidfd.try_clone();
                    match successor {
                        Ok(pidfd) => self.add_stray(pidfd, Some(key)),
                        Err(error) => {
                            let what = "cannot watch the assembler";
                            let fault = Fault::from_io("adopt", what, &error);
                            self.construction_failed(key, fault);
                        }
                    }
                }
                Ok(Some(ControlMessage::Created(created))) => self.container_created(key, created),
                Ok(Some(ControlMessage::Failed(error))) => {
                    self.construction_failed(key, convert::fault(error));
                }
                Ok(Some(ControlMessage::Closed)) => return self.control_closed(key),
                Err(error) => {
                    self.construction_failed(key, convert::fault(error));
                    return self.control_closed(key);
                }
            }
        }
    }

    fn construction_failed(&mut self, key: Key, fault: Fault) {
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        match container.phase {
            Phase::Building => self.make_wreck(key, fault),
            // The init ends by itself; its death is reported with this reason.
            Phase::Created | Phase::Starting => container.start_fault = Some(fault),
            Phase::Running | Phase::Draining | Phase::Exited | Phase::Wreck => {}
        }
    }

    /// After "go" this is the good news: execve has closed the socket.
    fn control_closed(&mut self, key: Key) {
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        if container.phase == Phase::Building {
            let fault = died_without_a_word(&self.host, container);
            return self.make_wreck(key, fault);
        }
        let construction = container.construction.take();
        if container.phase == Phase::Starting && container.start_fault.is_none() {
            container.phase = Phase::Running;
            container.started_at_ns = timestamp::now_ns();
            let started = v1::ContainerStarted {
                pid: container.init.as_ref().map_or(0, |init| init.pid),
                started_at_ns: container.started_at_ns,
            };
            let waiter = container.start_reply.take();
            self.end_construction(construction);
            return self.container_started(key, waiter, started);
        }
        self.end_construction(construction);
    }

    pub(crate) fn end_construction(&mut self, construction: Option<Construction>) {
        if let Some(Construction { building, token }) = construction {
            self.poller.remove(building.control.as_fd(), token);
        }
    }

    /// The time for building is over: says where it hangs and gives it up.
    pub(crate) fn build_is_late(&mut self, key: Key) {
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        container.build_deadline = None;
        let Some(construction) = &container.construction else {
            return;
        };
        let message = format!(
            "cannot create container {:?}: its time is over while {}",
            container.id,
            where_it_hangs(&construction.building),
        );
        self.make_wreck(
            key,
            Fault::new(ErrorCode::DeadlineExceeded, "build-deadline", message),
        );
    }

    /// What was killed does not die: it is told, and nobody waits for it any more.
    pub(crate) fn give_up_waiting(&mut self, key: Key) {
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        container.dead_by = None;
        let is_over = match container.phase {
            Phase::Wreck => container.strays == 0,
            Phase::Created | Phase::Starting | Phase::Running => false,
            Phase::Building | Phase::Draining | Phase::Exited => true,
        };
        if is_over || self.end_forsaken_shim(key) {
            return;
        }
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        container.is_hopeless = true;
        let stop_waiters = std::mem::take(&mut container.stop_waiters);
        let remove_waiters = std::mem::take(&mut container.remove_waiters);
        let fault = self.hopeless(key, "stop");
        let fields = [("why", fault.message.as_str())];
        self.log(Level::Warn, "what was killed does not die", &fields);
        self.answer_all(stop_waiters, &Answer::Fault(fault));
        if !remove_waiters.is_empty() {
            let fault = self.hopeless(key, "remove");
            self.answer_all(remove_waiters, &Answer::Fault(fault));
        }
    }

    /// Kills a shim of which the whole container is dead: its own way to the end takes too long.
    fn end_forsaken_shim(&mut self, key: Key) -> bool {
        if self.program.is_none() {
            return false;
        }
        let Some(container) = self.containers.get_mut(&key) else {
            return false;
        };
        let is_empty = estiba_isolate::is_deserted(&self.host, &container.cgroup);
        let Some(init) = container.init.as_mut().filter(|init| !init.is_killed) else {
            return false;
        };
        if !is_empty {
            return false;
        }
        init.is_killed = true;
        process::send_signal(&init.pidfd, 9).ok();
        container.dead_by = Instant::now().checked_add(AGAIN);
        true
    }

    /// Why a container cannot be stopped or removed yet.
    pub(crate) fn hopeless(&self, key: Key, verb: &str) -> Fault {
        let container = self.containers.get(&key);
        let id = container.map_or("", |container| &container.id);
        let message = match container {
            Some(container) if container.phase != Phase::Wreck => format!(
                "cannot {verb} container {id:?}: it was killed, but {}",
                self.survivor_of(container)
            ),
            _ => format!(
                "cannot remove container {id:?} yet: {}; it is removed when that ends",
                self.obstacle_of(key)
            ),
        };
        Fault::new(ErrorCode::FailedPrecondition, "abandoned", message)
    }

    /// Which process of a killed container lives on, and where.
    pub(crate) fn survivor_of(&self, container: &Container) -> String {
        let survivor = estiba_isolate::survivor(&self.host, &container.cgroup);
        survivor.map_or_else(
            || "its first process does not end".to_owned(),
            |hang| hang.to_string(),
        )
    }

    /// Gives a container up that is not built: kills its children, and removes its traces when
    /// they are reaped.
    pub(crate) fn make_wreck(&mut self, key: Key, fault: Fault) {
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        container.phase = Phase::Wreck;
        container.dead_by = Instant::now().checked_add(PATIENCE);
        container.build_deadline = None;
        container.kill_at = None;
        let waiters = container.create_reply.take();
        let construction = container.construction.take();
        let init = container.init.take();
        let streams = std::mem::take(&mut container.streams);
        container.log = None;
        container.stdin = None;
        for pipe in streams.into_iter().filter_map(|stream| stream.pipe) {
            self.poller.unwatch(pipe);
        }
        if let Some(init) = init {
            let pidfd = self.poller.unwatch(init.pidfd);
            process::send_signal(&pidfd, 9).ok();
            self.add_stray(pidfd, Some(key));
        }
        let was_building = construction.is_some();
        if let Some(construction) = construction {
            self.abandon(construction, Some(key));
        }
        if let Some(address) = waiters {
            self.answer(address, Answer::Fault(fault));
        }
        let container = self.containers.get(&key);
        if !was_building && container.is_some_and(|container| container.strays == 0) {
            self.start_removal(key);
        }
    }
}

fn died_without_a_word(host: &Host, container: &Container) -> Fault {
    let ooms = estiba_isolate::oom_kill_count(host, &container.cgroup).unwrap_or(0);
    let (code, why) = match ooms {
        0 => (ErrorCode::Internal, "died without a word"),
        _ => (
            ErrorCode::ResourceExhausted,
            "was killed for lack of memory: is its limit large enough?",
        ),
    };
    let id = &container.id;
    let message = format!("cannot create container {id:?}: the process that built it {why}");
    Fault::new(code, "build", message)
}
