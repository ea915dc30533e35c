//! How execs end: by themselves, by their deadline, with their client.

use std::time::Instant;

use estiba_wire::v1::{self, ErrorCode, Fault};

use crate::abandoned;
use crate::exec::{DRAIN, Exec, GIVE_UP, Killed, LOOK_AGAIN};
use crate::monitor::{Answer, Monitor, PUMPS};
use crate::poller::Key;
use crate::process::{self, Ended};
use crate::stderr_log::Level;

/// 128 and SIGKILL.
const KILLED: i32 = 137;

impl Monitor {
    pub(crate) fn exec_process_ended(&mut self, key: Key) {
        // A failing execve is reported before the process ends.
        self.exec_control(key);
        let Some(exec) = self.execs.get_mut(&key) else {
            return;
        };
        let Some(process) = &exec.process else { return };
        let ended = match process::reap(process) {
            Ok(None) => return,
            Ok(Some(ended)) => ended,
            Err(_) => Ended::Exited(255),
        };
        if let Some(process) = exec.process.take() {
            self.poller.unwatch(process);
        }
        exec.ended = Some(ended);
        let now = Instant::now();
        if exec.fault.is_some() {
            return self.finish_exec(key);
        }
        if exec.killed.is_some() {
            exec.look_at = Some(now);
            return self.exec_deadline(key, now);
        }
        exec.drain_until = now.checked_add(DRAIN);
        self.pump_both(key);
        self.finish_drained_exec(key);
    }

    /// Takes what is in the pipes now; what comes later is an event of its own.
    fn pump_both(&mut self, key: Key) {
        for index in 0..2 {
            let mut reads = 0;
            while reads < PUMPS && self.pump_exec(key, index) {
                reads += 1;
            }
        }
    }

    pub(crate) fn abandon_execs_of(&mut self, client: Key) {
        let mine = |(key, exec): (&Key, &Exec)| (exec.reply_to.client == client).then_some(*key);
        for key in self.execs.iter().filter_map(mine).collect::<Vec<_>>() {
            self.kill_exec(key, Killed::Abandoned);
        }
    }

    /// Kills the command and everything that it has started.
    pub(crate) fn kill_exec(&mut self, key: Key, why: Killed) {
        let Some(exec) = self.execs.get_mut(&key) else {
            return;
        };
        exec.killed = Some(exec.killed.unwrap_or(why));
        if why == Killed::Abandoned {
            exec.killed = Some(why);
        }
        exec.deadline = None;
        exec.drain_until = None;
        let now = Instant::now();
        exec.give_up_at = exec.give_up_at.or(now.checked_add(GIVE_UP));
        exec.look_at = if exec.ended.is_some() {
            Some(now)
        } else {
            exec.give_up_at
        };
        // The shim of another runtime's exec kills what it stands for, and ends with that.
        let signal = if self.program.is_some() { 15 } else { 9 };
        if let Some(construction) = &exec.construction {
            abandoned::kill(&construction.building, signal);
        }
        if let Some(process) = &exec.process {
            process::send_signal(process, signal).ok();
        }
        if self.program.is_some() {
            return;
        }
        let killed = estiba_isolate::kill_exec(&self.host, &exec.cgroup, &exec.leaf);
        if let Err(error) = killed {
            self.log(Level::Warn, "cannot kill exec", &[("why", &error.message)]);
        }
    }

    pub(crate) fn exec_deadline(&mut self, key: Key, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        let Some(exec) = self.execs.get_mut(&key) else {
            return;
        };
        if due(exec.deadline) && exec.killed.is_none() {
            return self.kill_exec(key, Killed::TimedOut);
        }
        if due(exec.look_at) {
            let left = estiba_isolate::exec_leftovers(&self.host, &exec.cgroup, &exec.leaf);
            let gone = exec.ended.is_some() && !left.unwrap_or(false);
            if gone || due(exec.give_up_at) {
                return self.finish_exec(key);
            }
            exec.look_at = now.checked_add(LOOK_AGAIN);
            estiba_isolate::kill_exec(&self.host, &exec.cgroup, &exec.leaf).ok();
            return;
        }
        if due(exec.drain_until) {
            if exec.streams.iter().any(|stream| stream.paused.is_some()) {
                // The client is slow, not the command's children.
                exec.drain_until = now.checked_add(DRAIN);
            } else {
                self.finish_exec(key);
            }
        }
    }

    /// Takes what is in the pipes, closes them and answers.
    pub(crate) fn finish_exec(&mut self, key: Key) {
        self.pump_both(key);
        let Some(exec) = self.execs.remove(&key) else {
            return;
        };
        self.close_streams(exec.streams);
        if let Some(construction) = exec.construction {
            self.abandon(construction, None);
        }
        if let Some(process) = exec.process {
            let pidfd = self.poller.unwatch(process);
            self.add_stray(pidfd, None);
        }
        if let Some(container) = self.containers.get_mut(&exec.container) {
            let left = estiba_isolate::exec_leftovers(&self.host, &exec.cgroup, &exec.leaf);
            // A leaf that was killed once must be made anew: since 6.14 the kernel compares the
            // kill counts of the forking process's cgroup and of the one it forks into, and kills
            // every process that is cloned into a cgroup which has ever been killed.
            let retired = exec.killed.is_some() || left.unwrap_or(true);
            container.return_leaf(&exec.leaf, retired);
        }
        let exit_code = exec.ended.map_or(KILLED, Ended::exit_code);
        let was_killed = exit_code == KILLED && exec.killed.is_none();
        let ended = v1::ExecEnded {
            exit_code,
            timed_out: exec.killed == Some(Killed::TimedOut),
            output_cut: exec.output_cut,
            oom_killed: was_killed && self.oom_kills_since(exec.container, exec.oom_kills_before),
        };
        let answer = match (exec.killed, exec.fault) {
            (Some(Killed::Abandoned), _) => return,
            (Some(Killed::Canceled), _) => {
                let message = "cannot run command: canceled";
                Answer::Fault(Fault::new(ErrorCode::Canceled, "exec", message))
            }
            (None, Some(fault)) => Answer::Fault(fault),
            (Some(Killed::TimedOut), _) | (None, None) => Answer::ExecEnded(ended),
        };
        self.answer(exec.reply_to, answer);
    }
}
