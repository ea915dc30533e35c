//! Containers and commands of a test's pod, from their birth to their end.

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use estiba_isolate::{
    Building, ControlMessage, CreateRequest, Created, ExecRequest, IsolateError, Parking,
    ResolvedUser, Rootfs, UserRequest,
};
use estiba_kernel::spawn::{Ended, wait_pidfd};
use serde_json::Value;

use crate::fixture::Pod;

pub struct Running {
    pub created: Created,
    pub building: Building,
    pub output: OwnedFd,
    pub config: PathBuf,
}

pub fn wait_message(building: &mut Building) -> ControlMessage {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(message) = estiba_isolate::read_control(building).unwrap() {
            return message;
        }
        assert!(Instant::now() < deadline, "no message within 10 s");
        let mut fds = [rustix::event::PollFd::new(
            &building.control,
            rustix::event::PollFlags::IN,
        )];
        let second = rustix::event::Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        rustix::event::poll(&mut fds, Some(&second)).unwrap();
    }
}

impl Pod<'_> {
    pub fn try_create(
        &self,
        spec: &Value,
        user: Option<UserRequest>,
        tty: bool,
    ) -> Result<Running, IsolateError> {
        let number = self.fixture.number();
        let (output, stdout) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let stderr = stdout.try_clone().unwrap();
        let layers = self.fixture.path("layers");
        let config = self.fixture.path(&format!("config-{number}.json"));
        let json = spec.to_string();
        let mut building = estiba_isolate::spawn_create(
            &self.fixture.host,
            CreateRequest {
                id: "fixture",
                bundle: Path::new("/"),
                seccomp: None,
                spec_json: json.as_bytes(),
                rootfs: Rootfs::Overlay {
                    lower_dirs: vec![layers.join("top"), layers.join("base")],
                    writable_dir: self.writable_parent.join(format!("writable-{number}")),
                    volatile: true,
                },
                user,
                stdin: None,
                stdout: Some(stdout),
                stderr: Some(stderr),
                tty,
                pod: Some(&self.namespaces),
                pid_target: self.target.as_ref().map(AsFd::as_fd),
                config_path: Some(&config),
                legacy_mounts: self.legacy,
                parking: Parking::Control,
            },
        )?;
        let spawned = Instant::now();
        let mut builders = vec![building.builder_pidfd.try_clone().unwrap()];
        let mut message = wait_message(&mut building);
        while matches!(message, ControlMessage::Handed) {
            builders.push(building.builder_pidfd.try_clone().unwrap());
            message = wait_message(&mut building);
        }
        self.fixture.waited.set(spawned.elapsed());
        for builder in &builders {
            wait_pidfd(builder, true).unwrap();
        }
        match message {
            ControlMessage::Created(created) => Ok(Running {
                created,
                building,
                output,
                config,
            }),
            ControlMessage::Failed(error) => {
                if let Some((_, pidfd)) = building.process.take() {
                    wait_pidfd(&pidfd, true).unwrap();
                }
                if let Some(cgroup) = building.cgroup.take() {
                    let patience = Duration::from_secs(2);
                    estiba_isolate::remove_cgroup(&self.fixture.host, &cgroup, patience).unwrap();
                }
                Err(error)
            }
            ControlMessage::Handed | ControlMessage::Closed => {
                panic!("the child died without a word")
            }
        }
    }

    pub fn create(&self, spec: &Value) -> Running {
        self.try_create(spec, None, false)
            .unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Runs to the end: exit status and what was printed.
    pub fn run(&self, spec: &Value) -> (Ended, String) {
        self.finish(self.create(spec))
    }

    pub fn finish(&self, mut running: Running) -> (Ended, String) {
        running.start().unwrap_or_else(|error| panic!("{error:?}"));
        let ended = wait_pidfd(&running.created.pidfd, true).unwrap().unwrap();
        let text = read_all(running.output.try_clone().unwrap());
        self.remove(&running);
        (ended, text)
    }

    pub fn remove(&self, running: &Running) {
        let cgroup = &running.created.cgroup;
        let host = &self.fixture.host;
        estiba_isolate::kill_cgroup(host, cgroup).unwrap();
        wait_pidfd(&running.created.pidfd, true).ok();
        estiba_isolate::remove_cgroup(host, cgroup, Duration::from_secs(2)).unwrap();
    }

    /// Runs a command in a container: exit status and output.
    pub fn exec(
        &self,
        running: &Running,
        argv: &[&str],
        user: Option<&ResolvedUser>,
    ) -> Result<(Ended, String), IsolateError> {
        let (process, output) = self.spawn_exec(running, argv, user)?;
        let text = read_all(output);
        Ok((wait_pidfd(&process.pidfd, true).unwrap().unwrap(), text))
    }

    pub fn spawn_exec(
        &self,
        running: &Running,
        argv: &[&str],
        user: Option<&ResolvedUser>,
    ) -> Result<(Created, OwnedFd), IsolateError> {
        let (output, stdout) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let stderr = stdout.try_clone().unwrap();
        let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
        let mut building = estiba_isolate::spawn_exec(
            &self.fixture.host,
            ExecRequest {
                seccomp: None,
                shares_pids: false,
                config_path: &running.config,
                process: None,
                argv: &argv,
                user: user.or(running.created.user.as_ref()).unwrap(),
                init_pidfd: running.created.pidfd.as_fd(),
                cgroup: &running.created.cgroup,
                oom_score_adj: None,
                leaf: Some("exec"),
                stdin: None,
                stdout: Some(stdout),
                stderr: Some(stderr),
                tty: false,
            },
        )?;
        let spawned = Instant::now();
        let mut created = None;
        let result = loop {
            match wait_message(&mut building) {
                ControlMessage::Created(message) => created = Some(message),
                ControlMessage::Failed(error) => break Err(error),
                ControlMessage::Handed => panic!("an exec has one builder"),
                ControlMessage::Closed => break Ok(()),
            }
        };
        self.fixture.waited.set(spawned.elapsed());
        wait_pidfd(&building.builder_pidfd, true).unwrap();
        if let Err(error) = result {
            if let Some(pidfd) = created
                .map(|c| c.pidfd)
                .or(building.process.map(|(_, fd)| fd))
            {
                wait_pidfd(&pidfd, true).unwrap();
            }
            return Err(error);
        }
        Ok((created.unwrap(), output))
    }
}

impl Running {
    pub fn start(&mut self) -> Result<(), IsolateError> {
        estiba_isolate::send_go(&self.building)?;
        match wait_message(&mut self.building) {
            ControlMessage::Closed => Ok(()),
            ControlMessage::Failed(error) => Err(error),
            ControlMessage::Created(_) | ControlMessage::Handed => panic!("created twice"),
        }
    }
}

/// Reads until the text ends so, or the pipe does.
pub fn read_until(fd: &OwnedFd, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let mut part = [0; 512];
        match rustix::io::read(fd, &mut part).unwrap() {
            0 => break,
            count => bytes.extend(&part[..count]),
        }
    }
    String::from_utf8(bytes).unwrap()
}

pub fn read_all(fd: OwnedFd) -> String {
    let mut text = String::new();
    fs::File::from(fd).read_to_string(&mut text).unwrap();
    text
}
