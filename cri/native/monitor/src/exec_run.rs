//! Starts execs, up to the command's execve.

use std::os::fd::{AsFd, OwnedFd};

use estiba_isolate::{Building, ControlMessage, ExecRequest};
use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::io::Errno;

use crate::client::Address;
use crate::container::{Container, Phase};
use crate::convert;
use crate::exec::{Exec, ExecStream};
use crate::monitor::{Monitor, no_container};
use crate::poller::{Key, Source};
use crate::record::container_dir;
use crate::runtime;

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
        let mut streams = [ExecStream::default(), ExecStream::default()];
        let built = self
            .open_streams(key, container, &mut streams)
            .and_then(|theirs| self.spawn_exec(container, exec, leaf, theirs))
            .and_then(|building| self.adopt(building, Source::ExecControl(key), None));
        let cgroup = self
            .containers
            .get(&container)
            .map(|target| target.cgroup.clone());
        match built {
            Ok(construction) => {
                let place = (cgroup.unwrap_or_default(), leaf);
                let mut exec = Exec::new(from, container, exec, place, construction, streams);
                let target = self.containers.get(&container);
                exec.oom_kills_before = target.map_or(0, Container::oom_kills_so_far);
                self.execs.insert(key, exec);
                Ok(())
            }
            Err(fault) => {
                self.close_streams(streams);
                Err(fault)
            }
        }
    }

    /// Watches the read ends of the command's outputs; the command gets the others.
    fn open_streams(
        &mut self,
        key: Key,
        container: Key,
        streams: &mut [ExecStream; 2],
    ) -> Result<Vec<OwnedFd>, Fault> {
        let mut theirs = Vec::new();
        for (index, stream) in streams.iter_mut().enumerate() {
            let (read, write) = self.pipe_for(container)?;
            rustix::io::ioctl_fionbio(&read, true).map_err(pipe_fault)?;
            stream.pipe = Some(self.poller.watch(read, Source::ExecOutput(key, index))?);
            theirs.push(write);
        }
        Ok(theirs)
    }

    pub(crate) fn close_streams(&mut self, streams: [ExecStream; 2]) {
        for pipe in streams.into_iter().filter_map(|stream| stream.pipe) {
            self.poller.unwatch(pipe);
        }
    }

    fn spawn_exec(
        &self,
        container: Key,
        exec: &v1::ExecSync,
        leaf: &str,
        outputs: Vec<OwnedFd>,
    ) -> Result<Building, Fault> {
        let target = self.containers.get(&container);
        let Some((target, init)) = target.and_then(|target| Some((target, target.init.as_ref()?)))
        else {
            return Err(no_container(&exec.container_id));
        };
        let directory = container_dir(&self.identity.pod_dir, &target.id);
        let mut outputs = outputs.into_iter();
        let request = ExecRequest {
            config_path: &directory.join("config.json"),
            process: None,
            argv: &exec.argv,
            user: &target.user,
            seccomp: target.seccomp.clone(),
            shares_pids: target.shares_pids,
            init_pidfd: init.pidfd.as_fd(),
            cgroup: &target.cgroup,
            oom_score_adj: target.oom_score_adj,
            leaf: Some(leaf),
            stdin: None,
            stdout: outputs.next(),
            stderr: outputs.next(),
            tty: false,
        };
        runtime::spawn_exec(&self.host, self.program.as_ref(), &target.id, request)
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
                    let process = self.watch_process(created.pidfd, Source::ExecProcess(key), None);
                    let Some(exec) = self.execs.get_mut(&key) else {
                        return;
                    };
                    match process {
                        Ok(process) => exec.process = Some(process),
                        Err(fault) => exec.fault = Some(fault),
                    }
                }
                // An exec has one builder.
                Ok(Some(ControlMessage::Handed)) => {}
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
        if exec.process.is_some() || exec.ended.is_some() {
            let construction = exec.construction.take();
            return self.end_construction(construction);
        }
        if exec.fault.is_none() {
            let message = "cannot run command: the process that prepared it died without a word";
            exec.fault = Some(Fault::new(ErrorCode::Internal, "exec", message));
        }
        self.finish_exec(key);
    }
}

fn pipe_fault(errno: Errno) -> Fault {
    Fault::from_errno(
        "pipe",
        "cannot make the command's standard streams",
        errno.raw_os_error(),
    )
}
