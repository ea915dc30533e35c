//! What tests ask of a pod's monitor, over a connection of their own.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use estiba_wire::v1::{self, MonitorReply, MonitorRequest, monitor_reply, monitor_request::Call};
use estiba_wire::{FrameReader, PROTOCOL_VERSION};
use serde_json::Value;

/// A connection to a monitor.
pub struct Client {
    pub socket: OwnedFd,
    reader: FrameReader,
    next: u64,
    pub events: Vec<monitor_reply::Result>,
}

/// What an exec came to.
#[derive(Debug, Default)]
pub struct Output {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub ended: v1::ExecEnded,
}

impl Client {
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            reader: FrameReader::new(),
            next: 1,
            events: Vec::new(),
        }
    }

    pub fn ask(&mut self, call: Call) -> u64 {
        let id = self.next;
        self.next += 1;
        let request = MonitorRequest {
            version: PROTOCOL_VERSION,
            id,
            call: Some(call),
        };
        estiba_wire::send(&self.socket, &request).unwrap();
        id
    }

    pub fn frame(&mut self) -> MonitorReply {
        estiba_wire::receive(&self.socket, &mut self.reader).unwrap()
    }

    /// The next frame that is no event.
    pub fn reply(&mut self) -> MonitorReply {
        loop {
            let reply = self.frame();
            if reply.id != 0 {
                return reply;
            }
            self.events.push(reply.result.unwrap());
        }
    }

    pub fn call(&mut self, call: Call) -> monitor_reply::Result {
        let id = self.ask(call);
        let reply = self.reply();
        assert_eq!((reply.id, reply.done), (id, true));
        reply.result.unwrap()
    }

    pub fn fault(&mut self, call: Call) -> v1::Fault {
        match self.call(call) {
            monitor_reply::Result::Fault(fault) => fault,
            other => panic!("{other:?}"),
        }
    }

    pub fn create(&mut self, request: v1::CreateContainer) -> v1::ContainerCreated {
        if let Some(rootfs) = &request.rootfs {
            fs::create_dir_all(Path::new(&rootfs.writable_dir).parent().unwrap()).unwrap();
        }
        match self.call(Call::CreateContainer(request)) {
            monitor_reply::Result::ContainerCreated(created) => created,
            other => panic!("{other:?}"),
        }
    }

    pub fn start(&mut self, id: &str) -> v1::ContainerStarted {
        match self.call(start(id)) {
            monitor_reply::Result::ContainerStarted(started) => started,
            other => panic!("{other:?}"),
        }
    }

    pub fn stop(&mut self, id: &str, signal: i32, grace_ms: u64) -> v1::ContainerState {
        match self.call(stop(id, signal, grace_ms)) {
            monitor_reply::Result::ContainerStopped(state) => state,
            other => panic!("{other:?}"),
        }
    }

    pub fn remove(&mut self, id: &str) {
        let removed = self.call(remove(id));
        assert!(
            matches!(removed, monitor_reply::Result::Removed(_)),
            "{removed:?}"
        );
    }

    pub fn release(&mut self) {
        let released = self.call(Call::ReleasePod(v1::ReleasePod {}));
        assert!(
            matches!(released, monitor_reply::Result::PodReleased(_)),
            "{released:?}"
        );
    }

    pub fn pod(&mut self) -> v1::PodState {
        match self.call(Call::GetPod(v1::GetPod {})) {
            monitor_reply::Result::Pod(state) => state,
            other => panic!("{other:?}"),
        }
    }

    pub fn exec(&mut self, request: v1::ExecSync) -> Output {
        let id = self.ask(Call::ExecSync(request));
        let mut output = Output::default();
        loop {
            let reply = self.reply();
            assert_eq!(reply.id, id);
            match reply.result.unwrap() {
                monitor_reply::Result::ExecOutput(part) => {
                    output.stdout.extend(part.stdout);
                    output.stderr.extend(part.stderr);
                }
                monitor_reply::Result::ExecEnded(ended) => {
                    assert!(reply.done);
                    output.ended = ended;
                    return output;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Waits until the container has exited.
    pub fn wait_exit(&mut self, id: &str) -> v1::ExitRecord {
        let deadline = Instant::now() + super::limit(Duration::from_secs(10));
        loop {
            let state = self.pod();
            let container = state
                .containers
                .iter()
                .find(|state| state.container_id == id)
                .unwrap();
            if let Some(exit) = &container.exit {
                return exit.clone();
            }
            assert!(Instant::now() < deadline, "container does not exit");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

pub fn start(id: &str) -> Call {
    Call::StartContainer(v1::StartContainer {
        container_id: id.into(),
    })
}

pub fn stop(id: &str, signal: i32, grace_ms: u64) -> Call {
    Call::StopContainer(v1::StopContainer {
        container_id: id.into(),
        signal,
        grace_ms,
    })
}

pub fn remove(id: &str) -> Call {
    Call::RemoveContainer(v1::RemoveContainer {
        container_id: id.into(),
    })
}

pub fn update(id: &str, resources: &Value) -> v1::UpdateContainer {
    v1::UpdateContainer {
        container_id: id.into(),
        resources_json: resources.to_string().into_bytes(),
        oom_score_adj: None,
    }
}

pub fn exec(id: &str, argv: &[&str]) -> v1::ExecSync {
    v1::ExecSync {
        container_id: id.into(),
        argv: argv.iter().map(|argument| (*argument).to_owned()).collect(),
        timeout_ms: 10_000,
        ..Default::default()
    }
}
