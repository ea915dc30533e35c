//! The end of the whole pod.

use std::time::{Duration, Instant};

use estiba_isolate::PodNamespaces;
use estiba_wire::v1::{self, ErrorCode, Fault};

use crate::client::Address;
use crate::container::{Container, Phase};
use crate::monitor::{Answer, Monitor};
use crate::process;
use crate::stderr_log::Level;

/// For the pod's pid 1 to die, and with it all in its pid namespace.
const DEATH: Duration = Duration::from_secs(10);

impl Monitor {
    /// Answers those who wait for the whole pod.
    pub(crate) fn progress_of_the_whole(&mut self) {
        if self.stop_waiters.is_empty() && self.release.is_none() {
            return;
        }
        if self.containers.values().any(Container::is_waited_for) {
            return;
        }
        if let Some(fault) = self.hung() {
            // To be asked for again: all others are dead.
            let mut waiters = std::mem::take(&mut self.stop_waiters);
            waiters.extend(self.release.take());
            return self.answer_all(waiters, &Answer::Fault(fault));
        }
        let waiters = std::mem::take(&mut self.stop_waiters);
        self.answer_all(waiters, &Answer::PodStopped(v1::Done {}));
        let removing = self
            .containers
            .values()
            .any(|container| container.remover.is_some());
        // Their containers are dead: they fail soon.
        let busy = removing || !self.updates.is_empty() || !self.poststarts.is_empty();
        let Some(address) = self.release.filter(|_| !busy) else {
            return;
        };
        match self.half_built() {
            Some(fault) => {
                self.release = None;
                self.answer(address, Answer::Fault(fault));
            }
            None => self.finish_release(address),
        }
    }

    /// Why the pod cannot be released: children of a failed build that live on.
    fn half_built(&self) -> Option<Fault> {
        let mut wrecks = self.containers.iter();
        let (key, wreck) = wrecks.find(|(_, one)| one.phase == Phase::Wreck && one.strays > 0)?;
        let message = format!(
            "cannot release pod: container {:?} could not be built, but {}",
            wreck.id,
            self.obstacle_of(*key)
        );
        Some(Fault::new(
            ErrorCode::FailedPrecondition,
            "abandoned",
            message,
        ))
    }

    /// The pod's pid 1 was killed and does not end: it waits for whoever is in its pid namespace.
    pub(crate) fn release_is_late(&mut self) {
        self.release_by = None;
        let Some(address) = self.release.take() else {
            return;
        };
        let hang = self
            .containers
            .values()
            .find_map(|container| estiba_isolate::survivor(&self.host, &container.cgroup));
        let why = hang.map_or_else(|| "it does not die".to_owned(), |hang| hang.to_string());
        let message = format!("cannot release pod: its pid 1 was killed, but {why}");
        let fault = Fault::new(ErrorCode::FailedPrecondition, "abandoned", message);
        self.answer(address, Answer::Fault(fault));
    }

    /// Why the pod cannot end: containers that were killed and live on.
    fn hung(&self) -> Option<Fault> {
        let hung = self.containers.values().filter(|one| one.is_hung());
        let mut reasons = hung.map(|container| {
            let (id, survivor) = (&container.id, self.survivor_of(container));
            format!("container {id:?} was killed, but {survivor}")
        });
        let message = format!("cannot stop pod: {}", reasons.next()?);
        let mut fault = Fault::new(ErrorCode::FailedPrecondition, "abandoned", message);
        fault.chain = reasons.collect();
        Some(fault)
    }

    fn finish_release(&mut self, address: Address) {
        match &self.pod_init {
            // The answer comes when it is reaped.
            Some(pod_init) => {
                process::send_signal(pod_init, 9).ok();
                let by = Instant::now().checked_add(DEATH);
                self.release_by = self.release_by.or(by);
                self.is_pod_init_killed = true;
            }
            None => {
                if let Some(fault) = self.take_down().into_iter().reduce(merge) {
                    // To be asked for again: nobody else knows what is left.
                    self.release = None;
                    let fields = [("why", fault.message.as_str())];
                    self.log(Level::Error, "cannot release the pod", &fields);
                    return self.answer(address, Answer::Fault(fault));
                }
                self.answer(address, Answer::PodReleased(v1::Done {}));
                if let Some(client) = self.clients.get_mut(&address.client) {
                    client.flush_blocking(Duration::from_secs(2));
                }
                self.released = true;
            }
        }
    }

    /// Removes what the pod has outside its directory. What has failed can be tried again.
    fn take_down(&mut self) -> Vec<Fault> {
        let patience = Duration::from_secs(2);
        self.is_taken_down = true;
        let own = self.namespaces.init_cgroup.take();
        let cgroups = self
            .containers
            .values()
            .map(|container| container.cgroup.clone())
            .chain(own.clone());
        let mut failures = Vec::new();
        for cgroup in cgroups.collect::<Vec<_>>() {
            let removed = estiba_isolate::remove_cgroup(&self.host, &cgroup, patience);
            failures.extend(removed.map_err(crate::convert::fault).err());
        }
        // Removing what is gone already is no failure.
        self.namespaces = PodNamespaces {
            init_cgroup: own,
            ..PodNamespaces::default()
        };
        if !self.identity.netns_path.is_empty() {
            let unpinned = estiba_isolate::unpin_network(self.identity.netns_path.as_ref());
            failures.extend(unpinned.map_err(crate::convert::fault).err());
        }
        failures
    }
}

fn merge(mut first: Fault, next: Fault) -> Fault {
    first.chain.push(next.message);
    first
}
