//! Changes a container's limits, in a child: the kernel may take its time to give memory back.

use std::os::fd::{AsRawFd, OwnedFd};

use estiba_isolate::{IsolateError, update_limits, update_oom_score};
use estiba_wire::Message;
use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use crate::client::Address;
use crate::container::Phase;
use crate::convert;
use crate::monitor::{Answer, Monitor, no_container};
use crate::poller::{Key, Source, Watched};
use crate::process::{self, Ended};

/// An update under way.
#[derive(Debug)]
pub(crate) struct Update {
    container: Key,
    oom_score_adj: Option<i32>,
    pidfd: Watched,
    /// A fault, encoded, when the update was refused.
    report: OwnedFd,
    /// Who is told; nobody when it was canceled.
    pub(crate) waiters: Vec<Address>,
}

impl Monitor {
    pub(crate) fn update_container(
        &mut self,
        from: Address,
        update: &v1::UpdateContainer,
    ) -> Result<(), Fault> {
        let id = &update.container_id;
        let container = self.find(id)?;
        let refuse = |step, why: &str| {
            let message = format!("cannot update container {id:?}: {why}");
            Err(Fault::new(ErrorCode::FailedPrecondition, step, message))
        };
        match self.containers.get(&container).map(|found| found.phase) {
            Some(Phase::Created | Phase::Starting | Phase::Running) => {}
            Some(Phase::Draining | Phase::Exited) => return refuse("exited", "it has exited"),
            Some(Phase::Building | Phase::Wreck) | None => return Err(no_container(id)),
        }
        let is_busy = |other: &Update| other.container == container;
        if self.updates.values().any(is_busy) {
            return refuse("update", "another update of it is under way");
        }
        let key = self.new_key();
        let (pidfd, report) = self.fork_updater(key, container, update)?;
        let update = Update {
            container,
            oom_score_adj: update.oom_score_adj,
            pidfd,
            report,
            waiters: vec![from],
        };
        self.updates.insert(key, update);
        Ok(())
    }

    fn fork_updater(
        &mut self,
        key: Key,
        container: Key,
        update: &v1::UpdateContainer,
    ) -> Result<(Watched, OwnedFd), Fault> {
        let fault = |errno: Errno| {
            let what = "cannot fork the child that updates the container";
            Fault::from_errno("fork", what, errno.raw_os_error())
        };
        let (report, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(fault)?;
        let Some(child) = process::fork().map_err(fault)? else {
            rustix::thread::set_name(c"estiba-updater").ok();
            estiba_kernel::fd::close_all_except(&[theirs.as_raw_fd()]).ok();
            let updated = self.update_now(container, update);
            if let Err(fault) = &updated {
                rustix::io::write(&theirs, &fault.encode_to_vec()).ok();
            }
            process::exit_now(i32::from(updated.is_err()));
        };
        match self.poller.try_watch(child.pidfd, Source::Updater(key)) {
            Ok(pidfd) => Ok((pidfd, report)),
            Err(failed) => {
                // Killed it could leave half of an update: it is reaped when it has done its work.
                let (pidfd, fault) = *failed;
                self.add_stray(pidfd, None);
                Err(fault)
            }
        }
    }

    fn update_now(&self, key: Key, update: &v1::UpdateContainer) -> Result<(), Fault> {
        let id = &update.container_id;
        let container = self.containers.get(&key).ok_or_else(|| no_container(id))?;
        let host = &self.host;
        let refused = |error: IsolateError| {
            let mut fault = convert::fault(error);
            fault.message = format!("cannot update container {id:?}: {}", fault.message);
            fault
        };
        // The score first: it can be put back for sure.
        let old_score = self
            .set_oom_score(key, update.oom_score_adj)
            .map_err(refused)?;
        let updated = update_limits(host, &container.cgroup, &update.resources_json);
        updated.map_err(|error| {
            self.set_oom_score(key, old_score).ok();
            refused(error)
        })
    }

    /// Returns the score that it was.
    fn set_oom_score(&self, key: Key, value: Option<i32>) -> Result<Option<i32>, IsolateError> {
        let init = self
            .containers
            .get(&key)
            .and_then(|found| found.init.as_ref());
        let (Some(value), Some(init)) = (value, init) else {
            return Ok(None);
        };
        let cgroup = self.containers.get(&key).map_or("", |found| &found.cgroup);
        let old = std::fs::read_to_string(format!("/proc/{}/oom_score_adj", init.pid));
        update_oom_score(&self.host, cgroup, init.pid, value)?;
        Ok(old.ok().and_then(|text| text.trim().parse().ok()))
    }

    pub(crate) fn updater_ended(&mut self, key: Key) {
        let Some(update) = self.updates.get(&key) else {
            return;
        };
        let ended = match process::reap(&update.pidfd) {
            Ok(None) => return,
            Ok(Some(ended)) => ended,
            Err(_) => Ended::Exited(255),
        };
        let Some(update) = self.updates.remove(&key) else {
            return;
        };
        self.poller.unwatch(update.pidfd);
        let container = self.containers.get_mut(&update.container);
        if ended == Ended::Exited(0) {
            if let Some(container) = container {
                container.oom_score_adj = update.oom_score_adj.or(container.oom_score_adj);
            }
            return self.answer_all(update.waiters, &Answer::Updated(v1::Done {}));
        }
        let report = process::last_words(&update.report);
        let told = Fault::decode(report.as_slice()).ok();
        let fault = told.filter(|fault| fault.code != 0).unwrap_or_else(|| {
            let message = format!("cannot update container: the updater ended with {ended}");
            Fault::new(ErrorCode::Internal, "update", message)
        });
        self.answer_all(update.waiters, &Answer::Fault(fault));
    }
}
