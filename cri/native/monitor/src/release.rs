//! The end of the whole pod.

use std::time::Duration;

use estiba_isolate::PodNamespaces;
use estiba_wire::v1::{self, ErrorCode, Fault};

use crate::client::Address;
use crate::container::Container;
use crate::monitor::{Answer, Monitor};
use crate::process;
use crate::stderr_log::Level;

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
        let busy = removing || !self.updates.is_empty();
        if let Some(address) = self.release.filter(|_| !busy) {
            self.finish_release(address);
        }
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
