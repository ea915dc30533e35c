//! Runs execs: start, output with back-pressure, end, deadline.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use estiba_isolate::{ControlMessage, ExecRequest};
use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use crate::client::{Address, Client};
use crate::container::{Construction, Phase};
use crate::convert;
use crate::exec::{DRAIN, Exec, ExecStream, GIVE_UP, Killed, LOOK_AGAIN};
use crate::monitor::{Answer, Monitor, no_container};
use crate::poller::{Key, Source};
use crate::process::{self, Ended};
use crate::record::container_dir;
use crate::stderr_log::Level;

/// Where no limit is given: what the kubelet's gRPC messages hold.
const DEFAULT_LIMIT: u64 = 16 << 20;

impl Monitor {
    pub(crate) fn exec_sync(&mut self, from: Address, exec: &v1::ExecSync) -> Result<(), Fault> {
        let container = self.find(&exec.container_id)?;
        let refuse = |code, why: &str| {
            let message = format!(
                "cannot run command in container {:?}: {why}",
                exec.container_id
            );
            Err(Fault::new(code, "exec", message))
        };
        if exec.argv.is_empty() {
            return refuse(ErrorCode::InvalidArgument, "argv is empty");
        }
        let host = &self.host;
        let Some(target) = self.containers.get_mut(&container) else {
            return Err(no_container(&exec.container_id));
        };
        if target.phase != Phase::Running || target.init.is_none() {
            return refuse(ErrorCode::FailedPrecondition, "it is not running");
        }
        let cgroup = target.cgroup.clone();
        let leaf =
            target.take_leaf(|leaf| estiba_isolate::remove_exec_leaf(host, &cgroup, leaf).is_err());
        let key = self.new_key();
        let started = self.start_exec(key, from, container, exec, &leaf);
        if started.is_err() {
            if let Some(target) = self.containers.get_mut(&container) {
                target.return_leaf(&leaf, true);
            }
        }
        started
    }

    fn start_exec(
        &mut self,
        key: Key,
        from: Address,
        container: Key,
        exec: &v1::ExecSync,
        leaf: &str,
    ) -> Result<(), Fault> {
        let (stdout, their_stdout) = output_pipe()?;
        let (stderr, their_stderr) = output_pipe()?;
        let Some(target) = self.containers.get(&container) else {
            return Err(no_container(&exec.container_id));
        };
        let Some(init) = &target.init else {
            return Err(no_container(&exec.container_id));
        };
        let cgroup = target.cgroup.clone();
        let directory = container_dir(&self.identity.pod_dir, &target.id);
        let request = ExecRequest {
            config_path: &directory.join("config.json"),
            argv: &exec.argv,
            user: &target.user,
            init_pidfd: init.pidfd.as_fd(),
            cgroup: &cgroup,
            leaf: Some(leaf),
            stdin: None,
            stdout: Some(their_stdout),
            stderr: Some(their_stderr),
            tty: false,
        };
        let building = estiba_isolate::spawn_exec(&self.host, request).map_err(convert::fault)?;
        let builder = building
            .builder_pidfd
            .try_clone()
            .map_err(|error| pipe_fault(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        let token = self
            .poller
            .add(building.control.as_fd(), Source::ExecControl(key))?;
        let mut streams = [ExecStream::default(), ExecStream::default()];
        for (index, (stream, pipe)) in streams.iter_mut().zip([stdout, stderr]).enumerate() {
            stream.pipe = Some(self.poller.watch(pipe, Source::ExecOutput(key, index))?);
        }
        let timeout = Some(exec.timeout_ms).filter(|milliseconds| *milliseconds > 0);
        let deadline = timeout.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
        let limit = match exec.output_limit_bytes {
            0 => DEFAULT_LIMIT,
            limit => limit,
        };
        let exec = Exec {
            reply_to: from,
            container,
            cgroup,
            leaf: leaf.to_owned(),
            limit,
            deadline,
            construction: Some(Construction { building, token }),
            process: None,
            streams,
            output_cut: false,
            fault: None,
            ended: None,
            drain_until: None,
            killed: None,
            look_at: None,
            give_up_at: None,
        };
        self.execs.insert(key, exec);
        self.add_stray(builder, None);
        Ok(())
    }

    pub(crate) fn exec_control(&mut self, key: Key) {
        loop {
            let exec = self.execs.get_mut(&key);
            let Some(exec) = exec else { return };
            let Some(construction) = exec.construction.as_mut() else {
                return;
            };
            match estiba_isolate::read_control(&mut construction.building) {
                Ok(None) => return,
                Ok(Some(ControlMessage::Created(created))) => {
                    match self.poller.watch(created.pidfd, Source::ExecProcess(key)) {
                        Ok(process) => exec.process = Some(process),
                        Err(fault) => exec.fault = Some(fault),
                    }
                }
                Ok(Some(ControlMessage::Failed(error))) => exec.fault = Some(convert::fault(error)),
                Ok(Some(ControlMessage::Closed)) => return self.exec_control_closed(key),
                Err(error) => {
                    exec.fault = Some(convert::fault(error));
                    return self.exec_control_closed(key);
                }
            }
        }
    }

    fn exec_control_closed(&mut self, key: Key) {
        let Some(exec) = self.execs.get_mut(&key) else {
            return;
        };
        let Some(Construction { building, token }) = exec.construction.take() else {
            return;
        };
        self.poller.remove(building.control.as_fd(), token);
        if exec.process.is_some() || exec.ended.is_some() {
            return;
        }
        if exec.fault.is_none() {
            let message = "cannot run command: the process that prepared it died without a word";
            exec.fault = Some(Fault::new(ErrorCode::Internal, "exec", message));
        }
        if let Some((_, pidfd)) = building.process {
            process::send_signal(&pidfd, 9).ok();
            self.add_stray(pidfd, None);
        }
        self.finish_exec(key);
    }

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
        for index in 0..2 {
            while self.pump_exec(key, index) {}
        }
        self.finish_drained_exec(key);
    }

    pub(crate) fn exec_output(&mut self, key: Key, index: usize) {
        self.pump_exec(key, index);
        self.finish_drained_exec(key);
    }

    fn finish_drained_exec(&mut self, key: Key) {
        let Some(exec) = self.execs.get(&key) else {
            return;
        };
        let open = exec.streams.iter().any(ExecStream::is_open);
        if exec.ended.is_some() && exec.killed.is_none() && !open {
            self.finish_exec(key);
        }
    }

    /// Reads one stream once and sends it on; false when there is nothing to read, or the client
    /// has enough to do.
    fn pump_exec(&mut self, key: Key, index: usize) -> bool {
        let mut scratch = self.take_scratch();
        let more = self.pump_exec_with(&mut scratch, key, index);
        self.return_scratch(scratch);
        more
    }

    fn pump_exec_with(
        &mut self,
        scratch: &mut crate::log::Scratch,
        key: Key,
        index: usize,
    ) -> bool {
        let Some(exec) = self.execs.get_mut(&key) else {
            return false;
        };
        let Some(stream) = exec.streams.get_mut(index) else {
            return false;
        };
        let Some(pipe) = &stream.pipe else {
            return false;
        };
        let count = match scratch.read(pipe) {
            Err(Errno::AGAIN) => return false,
            Ok(count) if count > 0 => count,
            Ok(_) | Err(_) => {
                if let Some(pipe) = stream.pipe.take() {
                    self.poller.unwatch(pipe);
                }
                return false;
            }
        };
        let taken = stream.take(count, exec.limit);
        exec.output_cut |= taken < count;
        let bytes = scratch.input.get(..taken).unwrap_or_default();
        if bytes.is_empty() {
            return true;
        }
        let mut output = v1::ExecOutput::default();
        let target = if index == 0 {
            &mut output.stdout
        } else {
            &mut output.stderr
        };
        target.extend_from_slice(bytes);
        let reply_to = exec.reply_to;
        self.send(reply_to, false, Answer::ExecOutput(output));
        if self
            .clients
            .get(&reply_to.client)
            .is_some_and(Client::is_busy)
        {
            self.pause_execs(reply_to.client);
            return false;
        }
        true
    }

    fn pause_execs(&mut self, client: Key) {
        let execs = self
            .execs
            .values_mut()
            .filter(|exec| exec.reply_to.client == client);
        for stream in execs.flat_map(|exec| exec.streams.iter_mut()) {
            if let Some(pipe) = stream.pipe.take() {
                stream.paused = Some(self.poller.unwatch(pipe));
            }
        }
    }

    /// The client has room again.
    pub(crate) fn resume_execs(&mut self, client: Key) {
        for (key, exec) in &mut self.execs {
            if exec.reply_to.client != client {
                continue;
            }
            for (index, stream) in exec.streams.iter_mut().enumerate() {
                if let Some(pipe) = stream.paused.take() {
                    stream.pipe = self
                        .poller
                        .watch(pipe, Source::ExecOutput(*key, index))
                        .ok();
                }
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
        if let Some(construction) = &exec.construction {
            process::send_signal(&construction.building.builder_pidfd, 9).ok();
            if let Some((_, pidfd)) = &construction.building.process {
                process::send_signal(pidfd, 9).ok();
            }
        }
        if let Some(process) = &exec.process {
            process::send_signal(process, 9).ok();
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
    fn finish_exec(&mut self, key: Key) {
        for index in 0..2 {
            for _ in 0..32 {
                if !self.pump_exec(key, index) {
                    break;
                }
            }
        }
        let Some(exec) = self.execs.remove(&key) else {
            return;
        };
        for stream in exec.streams {
            if let Some(pipe) = stream.pipe {
                self.poller.unwatch(pipe);
            }
        }
        if let Some(Construction { building, token }) = exec.construction {
            self.poller.remove(building.control.as_fd(), token);
            if let Some((_, pidfd)) = building.process {
                self.add_stray(pidfd, None);
            }
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
        let ended = v1::ExecEnded {
            exit_code: exec.ended.map_or(137, Ended::exit_code),
            timed_out: exec.killed == Some(Killed::TimedOut),
            output_cut: exec.output_cut,
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

fn output_pipe() -> Result<(OwnedFd, OwnedFd), Fault> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(pipe_fault)?;
    rustix::io::ioctl_fionbio(&read, true).map_err(pipe_fault)?;
    Ok((read, write))
}

fn pipe_fault(errno: Errno) -> Fault {
    Fault::from_errno(
        "pipe",
        "cannot make the command's standard streams",
        errno.raw_os_error(),
    )
}
