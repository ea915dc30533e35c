//! A container's output and its end.

use std::time::{Duration, Instant};

use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::io::Errno;

use crate::container::{Death, Phase};
use crate::monitor::{Answer, Monitor, PUMPS};
use crate::poller::Key;
use crate::process::{self, Ended};
use crate::stderr_log::Level;
use crate::timestamp;

/// After the init's death, for output that other processes hold open.
const DRAIN: Duration = Duration::from_secs(1);
/// What the exit code is when the program never ran.
const START_FAILED: i32 = 128;

impl Monitor {
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
        container.dead_by = None;
        container.is_hopeless = false;
        container.stdin = None;
        container.drain_until = Instant::now().checked_add(DRAIN);
        let construction = container.construction.take();
        container.death = Some(Death {
            ended,
            finished_at_ns,
        });
        // Now: the counters go with the cgroup.
        self.end_oom_watch(key);
        let Some(container) = self.containers.get(&key) else {
            return;
        };
        // Left-over processes of a container without its own pid namespace.
        let killed = estiba_isolate::kill_cgroup(&self.host, &container.cgroup);
        let id = container.id.clone();
        if let Err(error) = killed {
            let fields = [("container", &*id), ("why", &*error.message)];
            self.log(
                Level::Warn,
                "cannot kill left-over processes of container",
                &fields,
            );
        }
        self.end_construction(construction);
        self.end_poststart(key);
        // More can come only from processes that are being killed.
        self.pump_all(key);
        self.finish_when_drained(key);
    }

    /// Takes what is in the pipes now.
    fn pump_all(&mut self, key: Key) {
        let container = self.containers.get(&key);
        let streams = container.map_or(0, |container| container.streams.len());
        for index in 0..streams {
            let mut reads = 0;
            while reads < PUMPS && self.pump(key, index) {
                reads += 1;
            }
        }
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
        self.pump_all(key);
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
            let (code, how) = match container.oom_kills_so_far() {
                0 => (ErrorCode::Internal, "died"),
                _ => (
                    ErrorCode::ResourceExhausted,
                    "was killed for lack of memory",
                ),
            };
            let message = format!("cannot start container {:?}: its init {how}", container.id);
            container.start_fault = Some(Fault::new(code, "execve", message));
        }
        let exit = exit_record(
            container.death,
            container.started_at_ns,
            container.start_fault.as_ref(),
            container.oom_kills.clone(),
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
}

fn exit_record(
    death: Option<Death>,
    started_at_ns: i64,
    start_fault: Option<&Fault>,
    oom: Option<v1::OomKills>,
) -> v1::ExitRecord {
    let finished_at_ns = death.map_or_else(timestamp::now_ns, |death| death.finished_at_ns);
    let oom_killed = oom.is_some();
    if let Some(fault) = start_fault {
        return v1::ExitRecord {
            exit_code: START_FAILED,
            oom_killed,
            oom,
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
        oom,
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
            ended: Ended::Killed(9),
            finished_at_ns: 5,
        };
        let oom = v1::OomKills {
            kills: 1,
            ..Default::default()
        };
        let record = exit_record(Some(death), 3, None, Some(oom));
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
        };
        let fault = Fault::new(
            ErrorCode::NotFound,
            "execve",
            "cannot run \"/x\": no such file",
        );
        let record = exit_record(Some(death), 0, Some(&fault), None);
        assert!(record.start_failed && record.exit_code == 128 && record.signal == 0);
        assert_eq!(
            record.message,
            "start failed: cannot run \"/x\": no such file"
        );
    }
}
