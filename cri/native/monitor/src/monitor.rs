//! The event loop of one pod.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use estiba_isolate::{Host, OomAncestors, PodNamespaces, Program};
use estiba_wire::v1::{self, ErrorCode, Fault, monitor_reply};
use rustix::event::epoll::EventFlags;

use crate::abandoned::Abandoned;
use crate::client::{Address, Client};
use crate::container::Container;
use crate::exec::Exec;
use crate::hooks::Poststart;
use crate::log::Scratch;
use crate::poller::{Key, Poller, Source, Watched};
use crate::process;
use crate::record::Identity;
use crate::stderr_log::{self, Level};
use crate::strays::Stray;
use crate::update::Update;

pub(crate) type Answer = monitor_reply::Result;

/// The read and write buffers are given back after so long without traffic.
const KEEP_SCRATCH: Duration = Duration::from_secs(2);
const EVENTS: usize = 64;
/// Reads of one stream at a time: a program that never stops writing must not stop all others.
pub(crate) const PUMPS: usize = 32;

#[derive(Debug)]
pub(crate) struct Monitor {
    pub(crate) host: Host,
    pub(crate) identity: Identity,
    pub(crate) namespaces: PodNamespaces,
    pub(crate) legacy_mounts: bool,
    /// Makes the containers, where that is not this helper.
    pub(crate) program: Option<Program>,
    pub(crate) poller: Poller,
    pub(crate) listener: Watched,
    /// When connections are accepted again.
    pub(crate) accept_at: Option<Instant>,
    pub(crate) pod_init: Option<Watched>,
    pub(crate) clients: BTreeMap<Key, Client>,
    pub(crate) containers: BTreeMap<Key, Container>,
    pub(crate) execs: BTreeMap<Key, Exec>,
    pub(crate) strays: BTreeMap<Key, Stray>,
    pub(crate) updates: BTreeMap<Key, Update>,
    pub(crate) poststarts: BTreeMap<Key, Poststart>,
    /// What is above the containers' cgroups, by their parent.
    pub(crate) oom_ancestors: BTreeMap<String, OomAncestors>,
    pub(crate) abandoned: BTreeMap<Key, Abandoned>,
    next_key: Key,
    scratch: Option<Scratch>,
    scratch_used: Instant,
    pub(crate) stop_waiters: Vec<Address>,
    pub(crate) release: Option<Address>,
    /// When the pod's killed pid 1 should be dead.
    pub(crate) release_by: Option<Instant>,
    pub(crate) is_pod_init_killed: bool,
    /// The namespaces are gone: no container can be made any more.
    pub(crate) is_taken_down: bool,
    pub(crate) released: bool,
}

impl Monitor {
    pub(crate) fn new(
        host: Host,
        identity: Identity,
        namespaces: PodNamespaces,
        legacy_mounts: bool,
        program: Option<Program>,
        listener: OwnedFd,
    ) -> Result<Self, Box<(Fault, Host, PodNamespaces)>> {
        let (poller, listener, pod_init) = match watch(listener, &namespaces) {
            Ok(watched) => watched,
            Err(fault) => return Err(Box::new((fault, host, namespaces))),
        };
        Ok(Self {
            host,
            identity,
            namespaces,
            legacy_mounts,
            program,
            poller,
            listener,
            accept_at: None,
            pod_init,
            clients: BTreeMap::new(),
            containers: BTreeMap::new(),
            execs: BTreeMap::new(),
            updates: BTreeMap::new(),
            poststarts: BTreeMap::new(),
            oom_ancestors: BTreeMap::new(),
            strays: BTreeMap::new(),
            abandoned: BTreeMap::new(),
            next_key: 1,
            scratch: None,
            scratch_used: Instant::now(),
            stop_waiters: Vec::new(),
            release: None,
            release_by: None,
            is_pod_init_killed: false,
            is_taken_down: false,
            released: false,
        })
    }

    /// Removes what was made for a pod that nobody wants any more, before it had containers.
    pub(crate) fn undo_start(mut self) {
        let namespaces = std::mem::take(&mut self.namespaces);
        crate::start::undo(&self.host, namespaces, &self.identity.netns_path);
    }

    /// Runs until the pod is released.
    pub(crate) fn run(mut self) -> ExitCode {
        let mut events = Vec::with_capacity(EVENTS);
        while !self.released {
            let timeout = self
                .next_deadline()
                .map(|at| at.saturating_duration_since(Instant::now()));
            if let Err(errno) = self.poller.wait(&mut events, timeout) {
                self.log(
                    Level::Error,
                    "cannot wait for events",
                    &[("why", &errno.to_string())],
                );
                return ExitCode::FAILURE;
            }
            for event in &events {
                let flags = event.flags;
                if let Some(source) = self.poller.source(event) {
                    self.serve(source, flags);
                }
            }
            self.expire(Instant::now());
            self.drop_broken_clients();
            self.progress_of_the_whole();
        }
        ExitCode::SUCCESS
    }

    fn serve(&mut self, source: Source, flags: EventFlags) {
        match source {
            Source::Listener => self.accept(),
            Source::Client(key) => self.serve_client(key, flags),
            Source::Control(key) => self.container_control(key),
            Source::Init(key) => self.init_ended(key),
            Source::Output(key, index) => self.container_output(key, index),
            Source::Remover(key) => self.remover_ended(key),
            Source::Oom(key) => self.oom_event(key),
            Source::Poststart(key) => self.poststart_ended(key),
            Source::Updater(key) => self.updater_ended(key),
            Source::ExecControl(key) => self.exec_control(key),
            Source::ExecProcess(key) => self.exec_process_ended(key),
            Source::ExecOutput(key, index) => self.exec_output(key, index),
            Source::Abandoned(key) => self.look_at_abandoned(key),
            Source::Stray(key) => self.look_at_stray(key),
            Source::PodInit => self.pod_init_ended(),
        }
    }

    pub(crate) fn new_key(&mut self) -> Key {
        let key = self.next_key;
        self.next_key += 1;
        key
    }

    pub(crate) fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let mut all = vec![("pod", self.identity.pod_id.as_str())];
        all.extend_from_slice(fields);
        stderr_log::line(level, "monitor", message, &all);
    }

    fn pod_init_ended(&mut self) {
        let Some(watched) = &self.pod_init else {
            return;
        };
        let ended = match process::reap(watched) {
            Ok(None) => return,
            Ok(Some(ended)) => ended,
            Err(_) => process::Ended::Exited(255),
        };
        if let Some(watched) = self.pod_init.take() {
            self.poller.unwatch(watched);
        }
        self.release_by = None;
        if self.is_pod_init_killed {
            return;
        }
        self.log(
            Level::Error,
            "pid 1 of the pod died",
            &[("how", &ended.to_string())],
        );
        let ooms = |cgroup| estiba_isolate::oom_kill_count(&self.host, cgroup).unwrap_or(0);
        let cgroup = self.namespaces.init_cgroup.as_deref();
        let exit = v1::ExitRecord {
            exit_code: ended.exit_code(),
            signal: ended.signal(),
            oom_killed: cgroup.map_or(0, ooms) > 0,
            finished_at_ns: crate::timestamp::now_ns(),
            ..Default::default()
        };
        self.publish(&Answer::PodInitDied(v1::PodInitDied { exit: Some(exit) }));
    }

    // Buffers and time

    /// The shared buffers, to be given back with [`Self::return_scratch`].
    pub(crate) fn take_scratch(&mut self) -> Scratch {
        self.scratch.take().unwrap_or_else(Scratch::new)
    }

    pub(crate) fn return_scratch(&mut self, scratch: Scratch) {
        self.scratch = Some(scratch);
        self.scratch_used = Instant::now();
    }

    fn next_deadline(&self) -> Option<Instant> {
        let scratch = self
            .scratch
            .as_ref()
            .map(|_| self.scratch_used + KEEP_SCRATCH);
        let containers = self.containers.values().flat_map(|container| {
            [
                container.build_deadline,
                container.kill_at,
                container.drain_until,
                container.dead_by,
                container.oom.as_ref().and_then(|oom| oom.look_at),
            ]
        });
        let execs = self.execs.values().map(Exec::next_deadline);
        let abandoned = self.abandoned.values().map(|abandoned| abandoned.look_at);
        let strays = self.strays.values().map(|stray| stray.look_at);
        let others = abandoned
            .chain(strays)
            .chain([scratch, self.release_by, self.accept_at]);
        containers.chain(execs).chain(others).flatten().min()
    }

    fn expire(&mut self, now: Instant) {
        if self.scratch.is_some() && now >= self.scratch_used + KEEP_SCRATCH {
            self.scratch = None;
        }
        let due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        let containers: Vec<(Key, [bool; 4])> = self
            .containers
            .iter()
            .map(|(key, container)| {
                let (build, kill) = (container.build_deadline, container.kill_at);
                let (drain, dead) = (container.drain_until, container.dead_by);
                (*key, [due(build), due(kill), due(drain), due(dead)])
            })
            .filter(|(_, due)| due.contains(&true))
            .collect();
        for (key, [build, kill, drain, dead]) in containers {
            if build {
                self.build_is_late(key);
            }
            if kill {
                self.kill_container(key);
            }
            if drain {
                self.end_draining(key);
            }
            if dead {
                self.give_up_waiting(key);
            }
        }
        let ooms = self
            .containers
            .iter()
            .filter(|(_, container)| due(container.oom.as_ref().and_then(|oom| oom.look_at)));
        for key in ooms.map(|(key, _)| *key).collect::<Vec<Key>>() {
            self.look_at_oom(key);
        }
        let execs: Vec<Key> = self
            .execs
            .iter()
            .filter(|(_, exec)| due(exec.next_deadline()))
            .map(|(key, _)| *key)
            .collect();
        for key in execs {
            self.exec_deadline(key, now);
        }
        let abandoned: Vec<Key> = self
            .abandoned
            .iter()
            .filter(|(_, abandoned)| due(abandoned.look_at))
            .map(|(key, _)| *key)
            .collect();
        for key in abandoned {
            self.look_at_abandoned(key);
        }
        if due(self.accept_at) {
            self.accept_again();
        }
        if due(self.release_by) {
            self.release_is_late();
        }
        let strays = self.strays.iter().filter(|(_, stray)| due(stray.look_at));
        for key in strays.map(|(key, _)| *key).collect::<Vec<Key>>() {
            self.look_at_stray(key);
        }
    }
}

fn watch(
    listener: OwnedFd,
    namespaces: &PodNamespaces,
) -> Result<(Poller, Watched, Option<Watched>), Fault> {
    let mut poller = Poller::new()?;
    let listener = poller.watch(listener, Source::Listener)?;
    let pod_init = match &namespaces.init {
        Some((_, pidfd)) => {
            let pidfd = pidfd
                .try_clone()
                .map_err(|error| Fault::from_io("watch", "cannot watch the pod's pid 1", &error))?;
            Some(poller.watch(pidfd, Source::PodInit)?)
        }
        None => None,
    };
    Ok((poller, listener, pod_init))
}

/// `cannot find container "…"`.
pub(crate) fn no_container(id: &str) -> Fault {
    let message = format!("cannot find container {id:?}: this pod has none of that id");
    Fault::new(ErrorCode::NotFound, "find-container", message)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A monitor without a pod, to be called by its functions; `None` on a host without cgroups.
    pub(crate) fn monitor(pod_dir: &std::path::Path) -> Option<Monitor> {
        let host = Host::probe().ok()?;
        let identity = Identity {
            pod_id: "p".into(),
            pod_dir: pod_dir.to_owned(),
            netns_path: String::new(),
            boot_id: host.boot_id.clone(),
            pid: 0,
            start_time_ticks: 0,
        };
        let (listener, _) = estiba_kernel::socket::seqpacket_pair().unwrap();
        let namespaces = PodNamespaces::default();
        Some(Monitor::new(host, identity, namespaces, false, None, listener).unwrap())
    }
}
