//! A pod and containers made of Debian's static busybox, in this process's own mount namespace.

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use estiba_isolate::{
    Building, ControlMessage, CreateRequest, Created, ExecRequest, Host, Ids, IsolateError,
    NamespaceMode, Parking, PodNamespaces, PodRequest, ResolvedUser, Rootfs, UserRequest,
};
use estiba_kernel::spawn::{Ended, wait_pidfd};
use estiba_kernel::userns::Range;
use serde_json::{Value, json};

/// The root of pods with a user namespace, as the host sees it.
pub const MAPPED_ROOT: u32 = 1_048_576;

/// The cgroup that all containers of this test run are in.
pub fn parent() -> String {
    format!("/estiba-test-containers-{}", std::process::id())
}

pub struct Fixture {
    pub host: Host,
    pub dir: tempfile::TempDir,
    next: std::cell::Cell<u32>,
    /// How long the last build or exec took until its message came.
    pub waited: std::cell::Cell<Duration>,
}

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

impl Fixture {
    pub fn new(busybox: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("layers/base");
        for name in ["bin", "etc", "tmp", "home/app"] {
            fs::create_dir_all(base.join(name)).unwrap();
        }
        fs::copy(busybox, base.join("bin/busybox")).unwrap();
        for applet in [
            "sh", "true", "cat", "id", "ls", "sleep", "grep", "mount", "touch", "hostname", "echo",
            "ps", "stty", "tty", "pwd", "mknod", "stat", "env", "dd", "head", "sysctl", "ip",
        ] {
            fs::hard_link(base.join("bin/busybox"), base.join("bin").join(applet)).unwrap();
        }
        let passwd = "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n";
        fs::write(base.join("etc/passwd"), passwd).unwrap();
        fs::write(base.join("etc/group"), "root:x:0:\nbig:x:50000:app\n").unwrap();
        let top = dir.path().join("layers/top");
        fs::create_dir_all(top.join("etc")).unwrap();
        fs::write(top.join("etc/layer"), "top\n").unwrap();
        Self {
            host: Host::probe().unwrap(),
            dir,
            next: 1.into(),
            waited: Duration::ZERO.into(),
        }
    }

    pub fn number(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn pod_request(&self) -> PodRequest {
        let number = self.number();
        PodRequest {
            pod_id: format!("{number:064x}").chars().rev().collect(),
            hostname: "podhost".to_owned(),
            network: NamespaceMode::Pod,
            ipc: NamespaceMode::Pod,
            pid: NamespaceMode::Pod,
            sysctls: [("net.core.somaxconn".to_owned(), "321".to_owned())].into(),
            shm_size: 0,
            netns_path: self.path(&format!("netns-{number}")),
            cgroup_parent: parent(),
            ids: Ids::default(),
        }
    }

    /// Of a pod whose root is `MAPPED_ROOT`.
    pub fn mapped_pod(&self) -> Pod<'_> {
        let range = Range {
            inside: 0,
            outside: MAPPED_ROOT,
            length: 65_536,
        };
        let mut request = self.pod_request();
        request.sysctls.clear();
        request.ids = Ids {
            uids: vec![range],
            gids: vec![range],
        };
        self.pod_of(request)
    }

    pub fn pod(&self) -> Pod<'_> {
        self.pod_of(self.pod_request())
    }

    pub fn pod_of(&self, request: PodRequest) -> Pod<'_> {
        let namespaces = estiba_isolate::make_pod_namespaces(&self.host, &request).unwrap();
        Pod {
            fixture: self,
            namespaces,
            netns_path: request.netns_path,
            legacy: false,
            target: None,
            writable_parent: self.dir.path().to_owned(),
        }
    }
}

pub struct Pod<'a> {
    pub fixture: &'a Fixture,
    pub namespaces: PodNamespaces,
    pub netns_path: PathBuf,
    pub legacy: bool,
    /// The pid namespace that containers join whatever their spec says.
    pub target: Option<OwnedFd>,
    /// Where containers get their writable directories.
    pub writable_parent: PathBuf,
}

impl Drop for Pod<'_> {
    fn drop(&mut self) {
        if let Some((init, pidfd)) = self.namespaces.init.take() {
            estiba_kernel::spawn::send_signal(&pidfd, libc::SIGKILL).unwrap();
            // The init of a pid namespace is gone only when all in it have been reaped, and a
            // scenario that failed half-way has left its containers to us.
            while let Ok(Some((pid, _))) =
                rustix::process::wait(rustix::process::WaitOptions::empty())
            {
                if pid.as_raw_nonzero().get() == init {
                    break;
                }
            }
        }
        if let Some(cgroup) = self.namespaces.init_cgroup.take() {
            estiba_isolate::remove_cgroup(&self.fixture.host, &cgroup, Duration::from_secs(2))
                .unwrap();
        }
        estiba_isolate::unpin_network(&self.netns_path).unwrap();
    }
}

pub fn all_caps() -> Value {
    json!([
        "CAP_CHOWN",
        "CAP_SETUID",
        "CAP_SETGID",
        "CAP_NET_RAW",
        "CAP_MKNOD",
        "CAP_KILL"
    ])
}

impl Pod<'_> {
    fn fd_path(&self, fd: Option<&OwnedFd>) -> String {
        use std::os::fd::AsRawFd;
        fd.map_or(String::new(), |fd| {
            format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd())
        })
    }

    /// What serve would send for a plain container of this pod.
    pub fn spec(&self, args: &[&str]) -> Value {
        let ns = &self.namespaces;
        let id = format!("{:064x}", self.fixture.number());
        let caps = all_caps();
        let mut namespaces = vec![json!({"type": "mount"}), json!({"type": "cgroup"})];
        let mapping = json!([{"containerID": 0, "hostID": MAPPED_ROOT, "size": 65_536}]);
        let mappings = ns.user.as_ref().map(|_| mapping);
        for (kind, fd) in [
            ("user", &ns.user),
            ("network", &ns.net),
            ("ipc", &ns.ipc),
            ("uts", &ns.uts),
            ("pid", &ns.pid),
        ] {
            if fd.is_some() {
                namespaces.push(json!({"type": kind, "path": self.fd_path(fd.as_ref())}));
            }
        }
        json!({
            "ociVersion": "1.1.0",
            "process": {
                "args": args,
                "cwd": "/",
                "env": ["PATH=/sbin:/bin"],
                "capabilities": {"bounding": caps, "effective": caps, "permitted": caps},
                "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 2048}],
                "noNewPrivileges": true,
                "oomScoreAdj": 500,
            },
            "root": {"path": "rootfs"},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc",
                 "options": ["nosuid", "noexec", "nodev"]},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                 "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
                {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
                 "options": ["nosuid", "noexec", "nodev"]},
                {"destination": "/sys", "type": "sysfs", "source": "sysfs",
                 "options": ["nosuid", "noexec", "nodev", "ro"]},
                {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                 "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
                {"destination": "/dev/shm", "type": "bind", "source": self.fd_path(ns.shm.as_ref()),
                 "options": ["rbind", "nosuid", "nodev", "noexec"]},
            ],
            "linux": {
                "cgroupsPath": format!("{}/{id}", parent()),
                "namespaces": namespaces,
                "uidMappings": mappings,
                "gidMappings": mappings,
                "resources": {"devices": [{"allow": false, "access": "rwm"}]},
                "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list",
                                "/proc/scsi", "/sys/firmware", "/proc/no-such-file"],
                "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                  "/proc/sysrq-trigger"],
            },
        })
    }

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
