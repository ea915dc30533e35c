//! What happens to a container once it is being built: start, output, death, removal.

use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use estiba_isolate::{ControlMessage, remove_cgroup};
use estiba_wire::Message;
use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use crate::container::{Construction, Death, Phase, Remover};
use crate::convert;
use crate::monitor::{Answer, Monitor};
use crate::poller::{Key, Source};
use crate::process::{self, Ended};
use crate::record::container_dir;
use crate::stderr_log::Level;
use crate::timestamp;

/// After the init's death, for output that other processes hold open.
const DRAIN: Duration = Duration::from_secs(1);
/// For processes of a dead container to leave their cgroup.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(10);
/// What the exit code is when the program never ran.
const START_FAILED: i32 = 128;

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
            let message = format!(
                "cannot create container {:?}: the process that built it died without a word",
                container.id
            );
            return self.make_wreck(key, Fault::new(ErrorCode::Internal, "build", message));
        }
        let construction = container.construction.take();
        if container.phase == Phase::Starting && container.start_fault.is_none() {
            container.phase = Phase::Running;
            container.started_at_ns = timestamp::now_ns();
            let started = v1::ContainerStarted {
                pid: container.init.as_ref().map_or(0, |init| init.pid),
                started_at_ns: container.started_at_ns,
            };
            if let Some(address) = container.start_reply.take() {
                self.answer(address, Answer::ContainerStarted(started));
            }
        }
        self.end_construction(construction);
    }

    fn end_construction(&mut self, construction: Option<Construction>) {
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
        let building = &construction.building;
        let pid = building
            .process
            .as_ref()
            .map_or(building.builder_pid, |(pid, _)| *pid);
        let wchan = std::fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
        let wchan = Some(wchan.trim()).filter(|name| !matches!(*name, "" | "0"));
        let message = format!(
            "cannot create container {:?}: its time is over while process {pid} hangs in {}",
            container.id,
            wchan.unwrap_or("user space"),
        );
        self.make_wreck(
            key,
            Fault::new(ErrorCode::DeadlineExceeded, "build-deadline", message),
        );
    }

    /// Gives a container up that is not built: kills its children, and removes its traces when
    /// they are reaped.
    pub(crate) fn make_wreck(&mut self, key: Key, fault: Fault) {
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        container.phase = Phase::Wreck;
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
        let mut children = Vec::new();
        if let Some(Construction { building, token }) = construction {
            self.poller.remove(building.control.as_fd(), token);
            process::send_signal(&building.builder_pidfd, 9).ok();
            children.extend(building.process.map(|(_, pidfd)| pidfd));
        }
        if let Some(init) = init {
            children.push(self.poller.unwatch(init.pidfd));
        }
        for pidfd in children {
            process::send_signal(&pidfd, 9).ok();
            self.add_stray(pidfd, Some(key));
        }
        if let Some(address) = waiters {
            self.answer(address, Answer::Fault(fault));
        }
        if self
            .containers
            .get(&key)
            .is_some_and(|container| container.strays == 0)
        {
            self.start_removal(key);
        }
    }

    /// One read of one stream.
    pub(crate) fn container_output(&mut self, key: Key, index: usize) {
        if !self.pump(key, index) {
            self.finish_when_drained(key);
        }
    }

    /// Reads once; false when there is nothing more to read now.
    fn pump(&mut self, key: Key, index: usize) -> bool {
        let mut scratch = self.take_scratch();
        let container = self.containers.get_mut(&key);
        let Some((stream, log)) = container.and_then(|container| {
            let log = &mut container.log;
            container.streams.get_mut(index).map(|stream| (stream, log))
        }) else {
            return false;
        };
        let Some(pipe) = &stream.pipe else {
            self.return_scratch(scratch);
            return false;
        };
        let more = match scratch.read(pipe) {
            Ok(count) if count > 0 => {
                if let Some(log) = log {
                    stream.splitter.push(&mut scratch, count, log);
                }
                true
            }
            Err(Errno::AGAIN) => false,
            // A terminal whose other side is closed answers EIO.
            Ok(_) | Err(_) => {
                if let Some(pipe) = stream.pipe.take() {
                    self.poller.unwatch(pipe);
                }
                false
            }
        };
        self.return_scratch(scratch);
        more
    }

    pub(crate) fn init_ended(&mut self, key: Key) {
        // A failure that the init reported before it ended comes first.
        self.container_control(key);
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        let Some(init) = &container.init else { return };
        let ended = match process::reap(&init.pidfd) {
            Ok(None) => return,
            Ok(Some(ended)) => ended,
            Err(_) => Ended::Exited(255),
        };
        let finished_at_ns = timestamp::now_ns();
        if let Some(init) = container.init.take() {
            self.poller.unwatch(init.pidfd);
        }
        container.phase = Phase::Draining;
        container.kill_at = None;
        container.stdin = None;
        container.drain_until = Instant::now().checked_add(DRAIN);
        let construction = container.construction.take();
        // Read now: the counter goes with the cgroup.
        let ooms = estiba_isolate::oom_kill_count(&self.host, &container.cgroup);
        let oom_killed = ooms.is_ok_and(|count| count > 0);
        container.death = Some(Death {
            ended,
            finished_at_ns,
            oom_killed,
        });
        // Left-over processes of a container without its own pid namespace.
        let killed = estiba_isolate::kill_cgroup(&self.host, &container.cgroup);
        let (id, streams) = (container.id.clone(), container.streams.len());
        if let Err(error) = killed {
            let fields = [("container", &*id), ("why", &*error.message)];
            self.log(
                Level::Warn,
                "cannot kill left-over processes of container",
                &fields,
            );
        }
        self.end_construction(construction);
        for index in 0..streams {
            // What is in the pipes now; more can come only from processes that are being killed.
            for _ in 0..32 {
                if !self.pump(key, index) {
                    break;
                }
            }
        }
        self.finish_when_drained(key);
    }

    fn finish_when_drained(&mut self, key: Key) {
        let Some(container) = self.containers.get(&key) else {
            return;
        };
        let drained = container.streams.iter().all(|stream| stream.pipe.is_none());
        if container.phase == Phase::Draining && drained {
            self.finish_container(key);
        }
    }

    /// Somebody holds the pipes open: what is in them is taken, and that is it.
    pub(crate) fn end_draining(&mut self, key: Key) {
        let streams = self
            .containers
            .get(&key)
            .map_or(0, |container| container.streams.len());
        for index in 0..streams {
            for _ in 0..32 {
                if !self.pump(key, index) {
                    break;
                }
            }
        }
        self.finish_container(key);
    }

    /// Writes the last of the log, then the exit record, and only then tells.
    fn finish_container(&mut self, key: Key) {
        let mut scratch = self.take_scratch();
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        if container.phase != Phase::Draining {
            return self.return_scratch(scratch);
        }
        for mut stream in std::mem::take(&mut container.streams) {
            if let Some(log) = &mut container.log {
                stream.splitter.finish(&mut scratch, log);
            }
            if let Some(pipe) = stream.pipe.take() {
                self.poller.unwatch(pipe);
            }
        }
        container.log = None;
        container.drain_until = None;
        container.phase = Phase::Exited;
        let start_reply = container.start_reply.take();
        if start_reply.is_some() && container.start_fault.is_none() {
            let message = format!("cannot start container {:?}: its init died", container.id);
            container.start_fault = Some(Fault::new(ErrorCode::Internal, "execve", message));
        }
        let exit = exit_record(
            container.death,
            container.started_at_ns,
            container.start_fault.as_ref(),
        );
        container.exit = Some(exit.clone());
        let id = container.id.clone();
        let start_fault = container.start_fault.take();
        let stop_waiters = std::mem::take(&mut container.stop_waiters);
        let wanted_away = !container.remove_waiters.is_empty();
        let state = container.state();
        self.return_scratch(scratch);
        if let Err(fault) = self.identity.write_exit(&id, &exit) {
            let fields = [("container", &*id), ("why", &*fault.message)];
            self.log(Level::Error, "cannot write exit record", &fields);
        }
        if let (Some(address), Some(fault)) = (start_reply, start_fault) {
            self.answer(address, Answer::Fault(fault));
        }
        self.answer_all(stop_waiters, &Answer::ContainerStopped(state.clone()));
        self.publish(&Answer::ContainerExited(state));
        if wanted_away {
            self.start_removal(key);
        }
    }

    /// Forks a child that removes what the container has left: that may take its time.
    pub(crate) fn start_removal(&mut self, key: Key) {
        let Some(container) = self.containers.get(&key) else {
            return;
        };
        if container.remover.is_some() {
            return;
        }
        let cgroup = container.cgroup.clone();
        let directory = container_dir(&self.identity.pod_dir, &container.id);
        // A writable directory goes before the record that somebody could find it by.
        let trees = [container.writable_dir.clone(), directory];
        let started = self.fork_remover(key, &cgroup, &trees);
        match (started, self.containers.get_mut(&key)) {
            (Ok(remover), Some(container)) => container.remover = Some(remover),
            (Err(fault), Some(container)) => {
                let waiters = std::mem::take(&mut container.remove_waiters);
                self.answer_all(waiters, &Answer::Fault(fault));
            }
            (_, None) => {}
        }
    }

    fn fork_remover(
        &mut self,
        key: Key,
        cgroup: &str,
        trees: &[std::path::PathBuf],
    ) -> Result<Remover, Fault> {
        let fault = |errno: Errno| {
            Fault::from_errno("fork", "cannot fork the remover", errno.raw_os_error())
        };
        let (report, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(fault)?;
        let Some(child) = process::fork().map_err(fault)? else {
            rustix::thread::set_name(c"estiba-remover").ok();
            estiba_kernel::fd::close_all_except(&[theirs.as_raw_fd()]).ok();
            let mut failures = Vec::new();
            let removed = remove_cgroup(&self.host, cgroup, REMOVAL_PATIENCE);
            failures.extend(removed.map_err(convert::fault).err());
            for tree in trees {
                let removed = estiba_trees::remove_tree(tree);
                failures.extend(removed.map_err(|error| convert::remove_fault(&error)).err());
            }
            if let Some(fault) = failures.first() {
                rustix::io::write(&theirs, &fault.encode_to_vec()).ok();
            }
            process::exit_now(i32::from(!failures.is_empty()));
        };
        let pidfd = self.poller.watch(child.pidfd, Source::Remover(key))?;
        Ok(Remover { pidfd, report })
    }

    pub(crate) fn remover_ended(&mut self, key: Key) {
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        let Some(remover) = &container.remover else {
            return;
        };
        let ended = match process::reap(&remover.pidfd) {
            Ok(None) => return,
            Ok(Some(ended)) => ended,
            Err(_) => Ended::Exited(255),
        };
        let Some(remover) = container.remover.take() else {
            return;
        };
        let waiters = std::mem::take(&mut container.remove_waiters);
        let id = container.id.clone();
        self.poller.unwatch(remover.pidfd);
        if ended == Ended::Exited(0) {
            self.containers.remove(&key);
            if let Err(fault) = self.write_state() {
                self.log(
                    Level::Error,
                    "cannot write pod state",
                    &[("why", &fault.message)],
                );
            }
            return self.answer_all(waiters, &Answer::Removed(v1::Done {}));
        }
        let mut report = Vec::new();
        std::fs::File::from(remover.report)
            .read_to_end(&mut report)
            .ok();
        let fault = Fault::decode(report.as_slice())
            .ok()
            .filter(|fault| fault.code != 0);
        let fault = fault.unwrap_or_else(|| {
            let message = format!("cannot remove container {id:?}: the remover ended with {ended}");
            Fault::new(ErrorCode::Internal, "remove", message)
        });
        let fields = [("container", &*id), ("why", &*fault.message)];
        self.log(Level::Error, "cannot remove container", &fields);
        self.answer_all(waiters, &Answer::Fault(fault));
    }
}

fn exit_record(
    death: Option<Death>,
    started_at_ns: i64,
    start_fault: Option<&Fault>,
) -> v1::ExitRecord {
    let finished_at_ns = death.map_or_else(timestamp::now_ns, |death| death.finished_at_ns);
    let oom_killed = death.is_some_and(|death| death.oom_killed);
    if let Some(fault) = start_fault {
        return v1::ExitRecord {
            exit_code: START_FAILED,
            oom_killed,
            finished_at_ns,
            message: format!("start failed: {}", fault.message),
            start_failed: true,
            ..Default::default()
        };
    }
    let ended = death.map_or(Ended::Exited(255), |death| death.ended);
    v1::ExitRecord {
        exit_code: ended.exit_code(),
        signal: ended.signal(),
        oom_killed,
        started_at_ns,
        finished_at_ns,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_by_signal_is_128_and_the_signal() {
        let death = Death {
            ended: Ended::Signaled(9),
            finished_at_ns: 5,
            oom_killed: true,
        };
        let record = exit_record(Some(death), 3, None);
        assert_eq!(
            (record.exit_code, record.signal, record.oom_killed),
            (137, 9, true)
        );
        assert_eq!((record.started_at_ns, record.finished_at_ns), (3, 5));
    }

    #[test]
    fn a_program_that_never_ran_is_128_with_the_reason() {
        let death = Death {
            ended: Ended::Exited(1),
            finished_at_ns: 5,
            oom_killed: false,
        };
        let fault = Fault::new(
            ErrorCode::NotFound,
            "execve",
            "cannot run \"/x\": no such file",
        );
        let record = exit_record(Some(death), 0, Some(&fault));
        assert!(record.start_failed && record.exit_code == 128 && record.signal == 0);
        assert_eq!(
            record.message,
            "start failed: cannot run \"/x\": no such file"
        );
    }
}
