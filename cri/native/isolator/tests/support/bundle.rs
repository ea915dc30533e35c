//! An OCI bundle of busybox and the real binary to run it with.

use std::fs::{self, File};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use serde_json::{Value, json};

#[allow(unused_imports, reason = "each test binary uses a part")]
pub(crate) use super::pod::need_pods as need_containers;
use super::{cgroup_directories, wait_until};

pub const BUSYBOX: &str = "/bin/busybox";
pub const BINARY: &str = env!("CARGO_BIN_EXE_estiba-isolator");
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A bundle with a state directory of its own. When dropped, nothing of its containers may be left.
pub struct Bundle {
    scratch: tempfile::TempDir,
    pub cgroup: String,
}

/// How a command ended and what it said.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Bundle {
    pub fn new(args: &[&str]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let cgroup = format!("/estiba-test-oci-{}-{number}", std::process::id());
        let bundle = Self { scratch, cgroup };
        let bin = bundle.dir().join("rootfs/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::copy(BUSYBOX, bin.join("busybox")).unwrap();
        for applet in ["sh", "sleep", "cat", "tty", "ip", "grep", "id", "stty"] {
            fs::hard_link(bin.join("busybox"), bin.join(applet)).unwrap();
        }
        bundle.write(&bundle.spec(args));
        bundle
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub fn dir(&self) -> PathBuf {
        self.path("bundle")
    }

    pub fn root(&self) -> PathBuf {
        self.path("state")
    }

    pub fn spec(&self, args: &[&str]) -> Value {
        let device = ["nosuid", "strictatime", "mode=755", "size=65536k"];
        let terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666"];
        json!({
            "ociVersion": "1.1.0",
            "process": {"args": args, "cwd": "/", "env": ["PATH=/bin"]},
            "root": {"path": "rootfs"},
            "hostname": "bundle",
            "annotations": {"kept": "yes"},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": device},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                 "options": terminals},
            ],
            "linux": {
                "cgroupsPath": self.cgroup,
                "namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "network"},
                               {"type": "ipc"}, {"type": "uts"}, {"type": "cgroup"}],
            },
        })
    }

    pub fn write(&self, spec: &Value) {
        fs::write(self.dir().join("config.json"), spec.to_string()).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .arg("--root")
            .arg(self.root())
            .args(arguments)
            .current_dir(self.dir())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end. Its output goes to files: a container keeps them open.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        let (out, err) = (self.path("stdout"), self.path("stderr"));
        let status = self
            .command(arguments)
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .status()
            .unwrap();
        Outcome {
            code: status.code().unwrap_or(-1),
            stdout: fs::read_to_string(out).unwrap(),
            stderr: fs::read_to_string(err).unwrap(),
        }
    }

    pub fn good(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.stderr);
        outcome.stdout
    }

    /// What a command that must fail says.
    pub fn bad(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 1, "{arguments:?}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        outcome.stderr
    }

    /// What a container of this spec writes, to its end.
    pub fn output(&self, spec: &Value) -> String {
        self.write(spec);
        let output = self.path("output");
        let file = File::create(&output).unwrap();
        let mut create = self.command(&["create", "one"]);
        let errors = self.path("errors");
        create.stderr(File::create(&errors).unwrap()).stdout(file);
        let status = create.status().unwrap();
        assert!(status.success(), "{}", fs::read_to_string(errors).unwrap());
        self.good(&["start", "one"]);
        self.wait_until_stopped();
        self.good(&["delete", "one"]);
        fs::read_to_string(output).unwrap()
    }

    /// Why a spec is refused, of which nothing may be left.
    pub fn refusal(&self, spec: &Value) -> String {
        self.write(spec);
        let message = self.bad(&["create", "one"]);
        self.assert_nothing_is_left();
        message
    }

    pub fn state(&self) -> Value {
        serde_json::from_str(&self.good(&["state", "one"])).unwrap()
    }

    /// A container that runs until it is killed.
    pub fn running(change: impl FnOnce(&mut Value)) -> Self {
        let bundle = Self::new(&[]);
        let mut spec = bundle.spec(&["sleep", "1000"]);
        change(&mut spec);
        bundle.write(&spec);
        bundle.good(&["run", "--detach", "one"]);
        bundle
    }

    pub fn delete(&self) {
        self.good(&["delete", "--force", "one"]);
    }

    /// Takes the terminal that is sent to this socket.
    pub fn receive_terminal(socket: &Path) -> JoinHandle<File> {
        let listener = UnixListener::bind(socket).unwrap();
        std::thread::spawn(move || {
            let (connection, _) = listener.accept().unwrap();
            let mut message = estiba_kernel::socket::receive(&connection, 256, true).unwrap();
            assert_eq!(message.fds.len(), 1);
            File::from(message.fds.remove(0))
        })
    }

    pub fn wait_until_stopped(&self) {
        wait_until("the container stops", || {
            self.state()["status"] == "stopped"
        });
    }

    pub fn assert_nothing_is_left(&self) {
        let entries = fs::read_dir(self.root()).map_or(0, Iterator::count);
        assert_eq!(entries, 0, "state is left");
        let cgroups = cgroup_directories(&self.cgroup);
        assert!(cgroups.is_empty(), "{cgroups:?}");
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for id in fs::read_dir(self.root()).into_iter().flatten().flatten() {
                self.run(&["delete", "--force", &id.file_name().to_string_lossy()]);
            }
        } else {
            self.assert_nothing_is_left();
        }
    }
}
