//! What clients ask for.

use std::time::{Duration, Instant};

use estiba_wire::v1::{self, ErrorCode, Fault, MonitorRequest, monitor_request::Call};

use crate::client::Address;
use crate::container::{Container, Phase};
use crate::exec::Killed;
use crate::monitor::{Answer, Monitor, no_container};
use crate::poller::Key;
use crate::process;
use crate::stderr_log::Level;

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;
/// For a killed container to die; much memory takes seconds to be given back.
const DEATH: Duration = Duration::from_secs(10);
/// The same for one that was killed before and has not died.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);

impl Monitor {
    /// Serves one request; what cannot be answered now is answered by later events.
    pub(crate) fn call(&mut self, client: Key, request: MonitorRequest) {
        let from = Address {
            client,
            request: request.id,
        };
        let served = match request.call {
            _ if request.id == 0 => Err(Fault::new(
                ErrorCode::InvalidArgument,
                "dispatch",
                "cannot serve request: its id is 0",
            )),
            Some(Call::Subscribe(_)) => {
                self.subscribe(from);
                Ok(())
            }
            Some(Call::GetPod(_)) => {
                self.get_pod(from);
                Ok(())
            }
            Some(Call::CreateContainer(create)) => self.create_container(from, &create),
            Some(Call::StartContainer(start)) => self.start_container(from, &start),
            Some(Call::StopContainer(stop)) => self.stop_container(from, &stop),
            Some(Call::RemoveContainer(remove)) => self.remove_container(from, &remove),
            Some(Call::ExecSync(exec)) => self.exec_sync(from, &exec),
            Some(Call::ReopenLog(reopen)) => self.reopen_log(from, &reopen),
            Some(Call::UpdateContainer(update)) => self.update_container(from, &update),
            Some(Call::StopPod(_)) => {
                self.stop_pod(from);
                Ok(())
            }
            Some(Call::ReleasePod(_)) => self.release_pod(from),
            Some(Call::Cancel(cancel)) => {
                self.cancel(from, &cancel);
                Ok(())
            }
            None => Err(Fault::new(
                ErrorCode::Unimplemented,
                "dispatch",
                "cannot serve request: this build does not know it",
            )),
        };
        if let Err(fault) = served {
            self.answer(from, Answer::Fault(fault));
        }
    }

    pub(crate) fn find(&self, id: &str) -> Result<Key, Fault> {
        let found = self
            .containers
            .iter()
            .find(|(_, container)| container.id == id);
        found.map(|(key, _)| *key).ok_or_else(|| no_container(id))
    }

    fn subscribe(&mut self, from: Address) {
        if let Some(client) = self.clients.get_mut(&from.client) {
            client.subscribed = true;
        }
        self.answer(from, Answer::Subscribed(v1::Done {}));
    }

    fn get_pod(&mut self, from: Address) {
        let listed = self
            .containers
            .values()
            .filter(|container| container.is_listed());
        let alive = self.pod_init.is_some();
        let init_pid = self.namespaces.init.as_ref().map_or(0, |(pid, _)| *pid);
        let state = v1::PodState {
            pod_id: self.identity.pod_id.clone(),
            monitor_pid: self.identity.pid,
            monitor_start_time_ticks: self.identity.start_time_ticks,
            build: crate::BUILD.to_owned(),
            containers: listed.map(Container::state).collect(),
            init_pid: if alive { init_pid } else { 0 },
            boot_id: self.identity.boot_id.clone(),
        };
        self.answer(from, Answer::Pod(state));
    }

    fn start_container(&mut self, from: Address, start: &v1::StartContainer) -> Result<(), Fault> {
        let key = self.find(&start.container_id)?;
        let Some(container) = self.containers.get_mut(&key) else {
            return Err(no_container(&start.container_id));
        };
        let wrong = |why: &str| {
            let message = format!("cannot start container {:?}: {why}", start.container_id);
            Err(Fault::new(ErrorCode::FailedPrecondition, "start", message))
        };
        match container.phase {
            Phase::Created => {}
            Phase::Building | Phase::Wreck => return wrong("it is not built"),
            Phase::Starting | Phase::Running => return wrong("it has been started"),
            Phase::Draining | Phase::Exited => return wrong("it has exited"),
        }
        let Some(construction) = &container.construction else {
            return wrong("its init has died");
        };
        estiba_isolate::send_go(&construction.building).map_err(crate::convert::fault)?;
        container.phase = Phase::Starting;
        container.start_reply = Some(from);
        Ok(())
    }

    fn stop_container(&mut self, from: Address, stop: &v1::StopContainer) -> Result<(), Fault> {
        let key = self.find(&stop.container_id)?;
        let Some(container) = self.containers.get_mut(&key) else {
            return Err(no_container(&stop.container_id));
        };
        match container.phase {
            Phase::Exited => {
                let state = container.state();
                self.answer(from, Answer::ContainerStopped(state));
                return Ok(());
            }
            Phase::Building | Phase::Wreck => return Err(no_container(&stop.container_id)),
            Phase::Draining => {}
            // A parked init runs nothing that could end itself.
            Phase::Created => container.kill_no_later_than(Some(Instant::now())),
            Phase::Starting | Phase::Running => {
                let signal = if stop.signal == 0 {
                    SIGTERM
                } else {
                    stop.signal
                };
                if stop.grace_ms > 0 && !container.is_stopping {
                    self.signal_init(key, signal)?;
                }
                if let Some(container) = self.containers.get_mut(&key) {
                    container.is_stopping = true;
                    // What has been killed and hangs has no use for grace.
                    let grace = if container.is_hopeless {
                        0
                    } else {
                        stop.grace_ms
                    };
                    let grace = Duration::from_millis(grace);
                    container.kill_no_later_than(Instant::now().checked_add(grace));
                }
            }
        }
        if let Some(container) = self.containers.get_mut(&key) {
            container.stop_waiters.push(from);
        }
        Ok(())
    }

    fn remove_container(
        &mut self,
        from: Address,
        remove: &v1::RemoveContainer,
    ) -> Result<(), Fault> {
        let Ok(key) = self.find(&remove.container_id) else {
            self.answer(from, Answer::Removed(v1::Done {}));
            return Ok(());
        };
        let Some(container) = self.containers.get_mut(&key) else {
            return Ok(());
        };
        if container.phase == Phase::Wreck && container.is_hopeless && container.strays > 0 {
            return Err(self.hopeless(key, "remove"));
        }
        container.remove_waiters.push(from);
        match container.phase {
            Phase::Exited => self.start_removal(key),
            Phase::Wreck if container.strays == 0 => self.start_removal(key),
            Phase::Wreck | Phase::Draining => {}
            Phase::Building => {
                let message = "cannot create container: it is being removed";
                self.make_wreck(key, Fault::new(ErrorCode::Canceled, "create", message));
            }
            Phase::Created | Phase::Starting | Phase::Running => self.kill_container(key),
        }
        Ok(())
    }

    fn reopen_log(&mut self, from: Address, reopen: &v1::ReopenLog) -> Result<(), Fault> {
        let key = self.find(&reopen.container_id)?;
        let Some(container) = self.containers.get_mut(&key) else {
            return Err(no_container(&reopen.container_id));
        };
        if !matches!(
            container.phase,
            Phase::Created | Phase::Starting | Phase::Running
        ) {
            let message = format!(
                "cannot reopen log of container {:?}: it is not running",
                container.id
            );
            return Err(Fault::new(
                ErrorCode::FailedPrecondition,
                "reopen-log",
                message,
            ));
        }
        if let Some(log) = &mut container.log {
            log.reopen()?;
        }
        self.answer(from, Answer::Reopened(v1::Done {}));
        Ok(())
    }

    /// Kills everything; answered by the event loop when all are dead.
    fn stop_pod(&mut self, from: Address) {
        self.stop_waiters.push(from);
        self.kill_all();
    }

    fn release_pod(&mut self, from: Address) -> Result<(), Fault> {
        if self.release.is_some() {
            let message = "cannot release pod: that is under way";
            return Err(Fault::new(
                ErrorCode::FailedPrecondition,
                "release",
                message,
            ));
        }
        self.release = Some(from);
        self.kill_all();
        Ok(())
    }

    fn kill_all(&mut self) {
        let keys: Vec<(Key, Phase)> = self
            .containers
            .iter()
            .map(|(key, container)| (*key, container.phase))
            .collect();
        for (key, phase) in keys {
            match phase {
                Phase::Building => {
                    let message = "cannot create container: the pod is being stopped";
                    self.make_wreck(key, Fault::new(ErrorCode::Canceled, "create", message));
                }
                Phase::Created | Phase::Starting | Phase::Running => self.kill_container(key),
                Phase::Draining | Phase::Exited | Phase::Wreck => {}
            }
        }
    }

    /// SIGKILL to the whole container, now.
    pub(crate) fn kill_container(&mut self, key: Key) {
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        container.kill_at = None;
        let patience = if container.is_hopeless { AGAIN } else { DEATH };
        container.is_hopeless = false;
        container.dead_by = Instant::now().checked_add(patience);
        let killed = estiba_isolate::kill_cgroup(&self.host, &container.cgroup);
        // A shim ends when what it stands for has ended: until then that is not to be told as dead.
        if let Some(init) = container.init.as_ref().filter(|_| self.program.is_none()) {
            process::send_signal(&init.pidfd, SIGKILL).ok();
        }
        if let Err(error) = killed {
            let id = container.id.clone();
            let fields = [("container", &*id), ("why", &*error.message)];
            self.log(Level::Warn, "cannot kill cgroup of container", &fields);
        }
    }

    fn cancel(&mut self, from: Address, cancel: &v1::CancelRequest) {
        let target = Address {
            client: from.client,
            request: cancel.target_id,
        };
        let exec = self
            .execs
            .iter()
            .find(|(_, exec)| exec.reply_to == target)
            .map(|(key, _)| *key);
        if let Some(key) = exec {
            self.kill_exec(key, Killed::Canceled);
        } else if self.forget_waiter(target) {
            let fault = Fault::new(ErrorCode::Canceled, "cancel", "cannot wait: canceled");
            self.answer(target, Answer::Fault(fault));
        }
        self.answer(from, Answer::Canceled(v1::Done {}));
    }

    fn forget_waiter(&mut self, target: Address) -> bool {
        let mut found = false;
        let mut forget = |waiters: &mut Vec<Address>| {
            found |= waiters.contains(&target);
            waiters.retain(|waiter| *waiter != target);
        };
        forget(&mut self.stop_waiters);
        self.updates
            .values_mut()
            .for_each(|update| forget(&mut update.waiters));
        for container in self.containers.values_mut() {
            forget(&mut container.stop_waiters);
            forget(&mut container.remove_waiters);
        }
        for run in self.poststarts.values_mut() {
            found |= run.waiter.take_if(|address| *address == target).is_some();
        }
        for container in self.containers.values_mut() {
            for reply in [&mut container.create_reply, &mut container.start_reply] {
                found |= reply.take_if(|address| *address == target).is_some();
            }
        }
        found
    }
}
