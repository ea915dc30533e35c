//! A pod of Debian's static busybox behind the launcher of a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use estiba_wire::v1::{self, NamespaceMode, launcher_reply, launcher_request};
use serde_json::{Value, json};

use super::bundle::BUSYBOX;
pub use super::client::*;
use super::{Launcher, connect};

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
        let wanted = v1::StartPod {
            legacy_mounts: legacy,
            ..Default::default()
        };
        Self::start_as(launcher, pid_mode, wanted)
    }

    /// With containers made by another OCI runtime.
    pub fn start_by(launcher: &'a Launcher, pid_mode: v1::NamespaceMode, program: &Path) -> Self {
        let runtime = v1::OciRuntime {
            path: program.to_string_lossy().into_owned(),
            arguments: Vec::new(),
        };
        let wanted = v1::StartPod {
            runtime: Some(runtime),
            ..Default::default()
        };
        Self::start_as(launcher, pid_mode, wanted)
    }

    fn start_as(launcher: &'a Launcher, pid_mode: v1::NamespaceMode, wanted: v1::StartPod) -> Self {
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
            ..wanted
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
        Client::new(connect(&self.dir.join("monitor.sock")).unwrap())
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
