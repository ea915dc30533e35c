//! What the monitor knows about one container.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Instant;

use estiba_isolate::{Building, ResolvedUser, SeccompFilter};
use estiba_wire::v1::{self, ContainerPhase};

use crate::client::Address;
use crate::hooks::After;
use crate::log::{LogFile, Splitter};
use crate::oom::Oom;
use crate::poller::Watched;
use crate::process::Ended;

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Children prepare it.
    Building,
    /// Parked before execve.
    Created,
    /// Told to go, execve not yet confirmed.
    Starting,
    /// The program runs.
    Running,
    /// Its init is dead; output is still being taken from the pipes.
    Draining,
    /// Over; the exit record is written.
    Exited,
    /// Could not be built; its children are waited for and its traces removed.
    Wreck,
}

/// A container or exec that is being built.
#[derive(Debug)]
pub(crate) struct Construction {
    pub(crate) building: Building,
    /// What the event loop calls `building.control`.
    pub(crate) token: u64,
}

/// The container's init.
#[derive(Debug)]
pub(crate) struct Init {
    pub(crate) pid: i32,
    pub(crate) start_time_ticks: u64,
    /// Of the init, or of the shim that ends as it does.
    pub(crate) pidfd: Watched,
    /// It was a shim that nobody was left to stand for.
    pub(crate) is_killed: bool,
}

/// One output stream and the records made of it.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) pipe: Option<Watched>,
    pub(crate) splitter: Splitter,
}

/// How the init ended, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Death {
    pub(crate) ended: Ended,
    pub(crate) finished_at_ns: i64,
}

/// A cgroup leaf that execs run in.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) name: String,
    pub(crate) busy: bool,
    /// Left-overs of an earlier exec may still be in it.
    pub(crate) retired: bool,
}

#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) phase: Phase,
    pub(crate) created_at_ns: i64,
    pub(crate) started_at_ns: i64,
    pub(crate) cgroup: String,
    pub(crate) writable_dir: PathBuf,
    /// SELinux label of its files; "" = none.
    pub(crate) mount_label: String,
    pub(crate) user: ResolvedUser,
    /// What its execs are confined by, as it is itself.
    pub(crate) seccomp: Option<SeccompFilter>,
    /// Hooks that are run beside it.
    pub(crate) after: After,
    /// Another container of the pod has joined its pid namespace, or it has joined another's.
    pub(crate) shares_pids: bool,
    pub(crate) oom: Option<Oom>,
    /// All that were killed for lack of memory so far.
    pub(crate) oom_kills: Option<v1::OomKills>,
    /// Set by an update; the spec's otherwise.
    pub(crate) oom_score_adj: Option<i32>,
    /// The conversation with its children, from the fork until execve.
    pub(crate) construction: Option<Construction>,
    pub(crate) build_deadline: Option<Instant>,
    pub(crate) init: Option<Init>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) log: Option<LogFile>,
    /// Write end of the standard input, kept open until somebody attaches.
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) kill_at: Option<Instant>,
    pub(crate) drain_until: Option<Instant>,
    pub(crate) death: Option<Death>,
    /// Why the program never ran.
    pub(crate) start_fault: Option<v1::Fault>,
    pub(crate) exit: Option<v1::ExitRecord>,
    pub(crate) create_reply: Option<Address>,
    pub(crate) start_reply: Option<Address>,
    pub(crate) stop_waiters: Vec<Address>,
    pub(crate) remove_waiters: Vec<Address>,
    pub(crate) remover: Option<Remover>,
    pub(crate) leaves: Vec<Leaf>,
    /// Children of the build that are not reaped yet.
    pub(crate) strays: u32,
    /// When what was killed should be dead: the children of a wreck, or the whole container.
    pub(crate) dead_by: Option<Instant>,
    /// It was not: nobody waits for it any more.
    pub(crate) is_hopeless: bool,
    /// The stop signal is sent once; later stops can only shorten the grace.
    pub(crate) is_stopping: bool,
}

/// The child that removes a container's traces.
#[derive(Debug)]
pub(crate) struct Remover {
    pub(crate) pidfd: Watched,
    /// A fault, encoded, when something stays.
    pub(crate) report: OwnedFd,
}

impl Container {
    pub(crate) fn new(id: String, cgroup: String, writable_dir: PathBuf) -> Self {
        Self {
            id,
            phase: Phase::Building,
            created_at_ns: 0,
            started_at_ns: 0,
            cgroup,
            writable_dir,
            mount_label: String::new(),
            user: ResolvedUser::default(),
            seccomp: None,
            after: After::default(),
            shares_pids: false,
            oom: None,
            oom_kills: None,
            oom_score_adj: None,
            construction: None,
            build_deadline: None,
            init: None,
            streams: Vec::new(),
            log: None,
            stdin: None,
            kill_at: None,
            drain_until: None,
            death: None,
            start_fault: None,
            exit: None,
            create_reply: None,
            start_reply: None,
            stop_waiters: Vec::new(),
            remove_waiters: Vec::new(),
            remover: None,
            leaves: Vec::new(),
            strays: 0,
            dead_by: None,
            is_hopeless: false,
            is_stopping: false,
        }
    }

    /// Whether the end of the pod waits for processes of it. What hangs in the kernel is not waited
    /// for, nor what could not be removed.
    pub(crate) fn is_waited_for(&self) -> bool {
        match self.phase {
            Phase::Exited => false,
            Phase::Wreck => self.strays > 0 && !self.is_hopeless,
            Phase::Created | Phase::Starting | Phase::Running => !self.is_hopeless,
            Phase::Building | Phase::Draining => true,
        }
    }

    /// Whether it was killed and lives on.
    pub(crate) fn is_hung(&self) -> bool {
        let may_live = matches!(
            self.phase,
            Phase::Created | Phase::Starting | Phase::Running
        );
        self.is_hopeless && may_live
    }

    /// Whether clients see it.
    pub(crate) fn is_listed(&self) -> bool {
        !matches!(self.phase, Phase::Building | Phase::Wreck)
    }

    pub(crate) fn state(&self) -> v1::ContainerState {
        let phase = match self.phase {
            Phase::Building | Phase::Created | Phase::Wreck => ContainerPhase::Created,
            // A dying container is running until its exit record is written.
            Phase::Starting | Phase::Running | Phase::Draining => ContainerPhase::Running,
            Phase::Exited => ContainerPhase::Exited,
        };
        let init = self.init.as_ref();
        v1::ContainerState {
            container_id: self.id.clone(),
            phase: phase.into(),
            pid: init.map_or(0, |init| init.pid),
            start_time_ticks: init.map_or(0, |init| init.start_time_ticks),
            created_at_ns: self.created_at_ns,
            started_at_ns: self.started_at_ns,
            exit: self.exit.clone(),
            user: Some(crate::convert::resolved_user(&self.user)),
            oom: self.oom_kills.clone(),
        }
    }

    /// A leaf that no exec is in: "exec", then "exec1", "exec2" while others are busy.
    pub(crate) fn take_leaf(&mut self, mut has_leftovers: impl FnMut(&str) -> bool) -> String {
        for leaf in self.leaves.iter_mut().filter(|leaf| !leaf.busy) {
            if leaf.retired && has_leftovers(&leaf.name) {
                continue;
            }
            leaf.retired = false;
            leaf.busy = true;
            return leaf.name.clone();
        }
        let name = match self.leaves.len() {
            0 => "exec".to_owned(),
            number => format!("exec{number}"),
        };
        self.leaves.push(Leaf {
            name: name.clone(),
            busy: true,
            retired: false,
        });
        name
    }

    /// Gives a leaf back.
    pub(crate) fn return_leaf(&mut self, name: &str, retired: bool) {
        if let Some(leaf) = self.leaves.iter_mut().find(|leaf| leaf.name == name) {
            leaf.busy = false;
            leaf.retired = retired;
        }
    }

    /// A nearer deadline wins over one that is set.
    pub(crate) fn kill_no_later_than(&mut self, deadline: Option<Instant>) {
        self.kill_at = match (self.kill_at, deadline) {
            (Some(old), Some(new)) => Some(old.min(new)),
            (old, new) => old.or(new),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn container() -> Container {
        Container::new("c".into(), "/c".into(), PathBuf::new())
    }

    #[test]
    fn a_nearer_kill_deadline_wins_and_a_later_one_does_not() {
        let (mut container, now) = (container(), Instant::now());
        container.kill_no_later_than(Some(now + Duration::from_secs(30)));
        container.kill_no_later_than(Some(now + Duration::from_secs(60)));
        assert_eq!(container.kill_at, Some(now + Duration::from_secs(30)));
        container.kill_no_later_than(Some(now));
        assert_eq!(container.kill_at, Some(now));
        container.kill_no_later_than(None);
        assert_eq!(container.kill_at, Some(now));
    }

    #[test]
    fn leaves_are_reused_and_a_retired_one_only_when_it_is_empty() {
        let mut container = container();
        let first = container.take_leaf(|_| false);
        let second = container.take_leaf(|_| false);
        assert_eq!((first.as_str(), second.as_str()), ("exec", "exec1"));
        container.return_leaf(&first, true);
        container.return_leaf(&second, false);
        assert_eq!(container.take_leaf(|_| true), "exec1");
        assert_eq!(container.take_leaf(|_| true), "exec2");
        assert_eq!(container.take_leaf(|_| false), "exec");
    }

    #[test]
    fn a_wreck_is_waited_for_until_its_children_are_given_up() {
        let mut container = container();
        container.phase = Phase::Wreck;
        assert!(!container.is_waited_for());
        container.strays = 1;
        assert!(container.is_waited_for());
        container.is_hopeless = true;
        assert!(!container.is_waited_for() && !container.is_hung());
    }

    #[test]
    fn a_container_that_does_not_die_is_waited_for_until_it_is_given_up() {
        let mut container = container();
        container.phase = Phase::Running;
        assert!(container.is_waited_for() && !container.is_hung());
        container.is_hopeless = true;
        assert!(!container.is_waited_for() && container.is_hung());
        container.phase = Phase::Draining;
        assert!(container.is_waited_for() && !container.is_hung());
    }

    #[test]
    fn a_dying_container_is_running_until_its_record_is_written() {
        let mut container = container();
        container.phase = Phase::Draining;
        assert_eq!(container.state().phase(), ContainerPhase::Running);
        container.phase = Phase::Exited;
        assert_eq!(container.state().phase(), ContainerPhase::Exited);
    }
}
