//! A pod of Debian's static busybox behind the launcher of a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use estiba_wire::v1::{
    self, MonitorReply, NamespaceMode, launcher_reply, launcher_request, monitor_reply,
};
use estiba_wire::v1::{MonitorRequest, monitor_request::Call};
use estiba_wire::{FrameReader, PROTOCOL_VERSION};
use serde_json::{Value, json};

use super::{Launcher, connect};

const BUSYBOX: &str = "/bin/busybox";

static NEXT: AtomicU32 = AtomicU32::new(1);

fn new_id() -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Pods are told apart by the start of their ids.
    format!("{number:08x}{:08x}{:048x}", std::process::id(), 0xabc)
}

/// The three pid modes in which a container needs no other one.
pub const MODES: [NamespaceMode; 3] = [
    NamespaceMode::Pod,
    NamespaceMode::Container,
    NamespaceMode::Node,
];

/// Ends a test as skipped where no pod can run.
#[allow(unused_macros, reason = "each test binary uses a part")]
macro_rules! need_pods {
    () => {
        if !crate::support::pod::possible() {
            crate::support::skip("needs root and a static busybox");
            return;
        }
    };
}
#[allow(unused_imports, reason = "each test binary uses a part")]
pub(crate) use need_pods;

/// Whether pods can be made here.
pub fn possible() -> bool {
    super::is_root() && Path::new(BUSYBOX).exists()
}

pub struct Pod<'a> {
    pub launcher: &'a Launcher,
    pub id: String,
    pub dir: PathBuf,
    pub netns: PathBuf,
    pub started: v1::PodStarted,
    pub pid_mode: v1::NamespaceMode,
}

pub fn layer(launcher: &Launcher) -> PathBuf {
    let base = launcher.scratch().join("layer");
    if !base.exists() {
        for name in ["bin", "etc", "tmp", "proc"] {
            fs::create_dir_all(base.join(name)).unwrap();
        }
        fs::copy(BUSYBOX, base.join("bin/busybox")).unwrap();
        for applet in [
            "sh", "sleep", "cat", "echo", "true", "head", "yes", "dd", "ps", "kill", "seq",
            "setsid", "nproc", "tr", "awk", "ls", "readlink",
        ] {
            fs::hard_link(base.join("bin/busybox"), base.join("bin").join(applet)).unwrap();
        }
        fs::write(base.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
    }
    base
}

impl<'a> Pod<'a> {
    pub fn start(launcher: &'a Launcher, pid_mode: v1::NamespaceMode) -> Self {
        Self::start_with(launcher, pid_mode, false)
    }

    /// With `legacy`, mounts are made in the ways that old kernels need.
    pub fn start_with(launcher: &'a Launcher, pid_mode: v1::NamespaceMode, legacy: bool) -> Self {
        let id = new_id();
        let dir = launcher.run_dir.join("pods").join(&id);
        let netns = launcher.scratch().join(format!("netns-{}", &id[..16]));
        let start = v1::StartPod {
            pod_id: id.clone(),
            pod_dir: dir.to_string_lossy().into_owned(),
            netns_path: netns.to_string_lossy().into_owned(),
            pid: pid_mode.into(),
            hostname: "pod".into(),
            cgroup_parent: launcher.cgroup_base.clone(),
            legacy_mounts: legacy,
            ..Default::default()
        };
        let started = match launcher.job(launcher_request::Job::StartPod(start)) {
            launcher_reply::Result::PodStarted(started) => started,
            other => panic!("{other:?}"),
        };
        Self {
            launcher,
            id,
            dir,
            netns,
            started,
            pid_mode,
        }
    }

    pub fn connect(&self) -> Client {
        let socket = connect(&self.dir.join("monitor.sock")).unwrap();
        Client {
            socket,
            reader: FrameReader::new(),
            next: 1,
            events: Vec::new(),
        }
    }

    pub fn cgroup_of(&self, container: &str) -> String {
        format!("{}/{container}", self.launcher.cgroup_base)
    }

    /// What the first of these files of the container's cgroup that there is holds.
    pub fn limit(&self, container: &str, files: &[&str]) -> String {
        let directories = super::cgroup_directories(&self.cgroup_of(container));
        let paths = directories
            .iter()
            .flat_map(|dir| files.iter().map(move |file| dir.join(file)));
        let found = paths
            .filter_map(|path| fs::read_to_string(path).ok())
            .next();
        found.unwrap().trim().to_owned()
    }

    pub fn container_dir(&self, container: &str) -> PathBuf {
        self.dir.join("containers").join(container)
    }

    pub fn log_path(&self, container: &str) -> PathBuf {
        self.launcher
            .scratch()
            .join("logs")
            .join(container)
            .join("0.log")
    }

    pub fn log(&self, container: &str) -> String {
        fs::read_to_string(self.log_path(container)).unwrap()
    }

    pub fn exit_record(&self, container: &str) -> v1::ExitRecord {
        use estiba_wire::Message;
        let bytes = fs::read(self.container_dir(container).join("exit")).unwrap();
        v1::ExitRecord::decode(bytes.as_slice()).unwrap()
    }

    pub fn spec(&self, id: &str, args: &[&str]) -> Value {
        let started = &self.started;
        let mut namespaces = vec![
            json!({"type": "mount"}),
            json!({"type": "cgroup"}),
            json!({"type": "network", "path": self.netns}),
            json!({"type": "ipc", "path": started.ipc_path}),
            json!({"type": "uts", "path": started.uts_path}),
        ];
        match self.pid_mode {
            v1::NamespaceMode::Pod => {
                namespaces.push(json!({"type": "pid", "path": started.pid_path}));
            }
            v1::NamespaceMode::Container => namespaces.push(json!({"type": "pid"})),
            _ => {}
        }
        let caps = json!(["CAP_KILL", "CAP_CHOWN"]);
        json!({
            "ociVersion": "1.1.0",
            "process": {
                "args": args,
                "cwd": "/",
                "env": ["PATH=/bin"],
                "capabilities": {"bounding": caps, "effective": caps, "permitted": caps},
            },
            "root": {"path": "rootfs"},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc",
                 "options": ["nosuid", "noexec", "nodev"]},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                 "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
                {"destination": "/dev/shm", "type": "bind", "source": started.shm_path,
                 "options": ["rbind", "nosuid", "nodev", "noexec"]},
            ],
            "linux": {
                "cgroupsPath": self.cgroup_of(id),
                "namespaces": namespaces,
                "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            },
        })
    }

    pub fn create_request(&self, id: &str, args: &[&str]) -> v1::CreateContainer {
        v1::CreateContainer {
            container_id: id.into(),
            spec_json: self.spec(id, args).to_string().into_bytes(),
            rootfs: Some(v1::Rootfs {
                lower_dirs: vec![layer(self.launcher).to_string_lossy().into_owned()],
                writable_dir: self.writable(id).to_string_lossy().into_owned(),
                volatile: true,
            }),
            stdio: Some(v1::Stdio {
                log_path: self.log_path(id).to_string_lossy().into_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    pub fn writable(&self, id: &str) -> PathBuf {
        self.launcher.scratch().join("writable").join(id)
    }

    /// Creates and starts a container.
    pub fn run(&self, client: &mut Client, args: &[&str]) -> String {
        let id = new_id();
        client.create(self.create_request(&id, args));
        client.start(&id);
        id
    }

    pub fn new_container_id(&self) -> String {
        fs::create_dir_all(self.launcher.scratch().join("writable")).unwrap();
        new_id()
    }

    pub fn destroy(&self) -> launcher_reply::Result {
        self.launcher
            .job(launcher_request::Job::DestroyPod(v1::DestroyPod {
                pod_dir: self.dir.to_string_lossy().into_owned(),
                netns_path: self.netns.to_string_lossy().into_owned(),
                remove_dir: true,
                cgroups: Vec::new(),
            }))
    }
}

impl Drop for Pod<'_> {
    fn drop(&mut self) {
        if self.dir.exists() {
            self.destroy();
        }
    }
}

/// A connection to a monitor.
pub struct Client {
    pub socket: std::os::fd::OwnedFd,
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
        let deadline = Instant::now() + Duration::from_secs(10);
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
