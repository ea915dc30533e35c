//! A launcher of our own for one test: own run directory, own cgroup base, nothing left behind.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "test support: a failing step is a failing test, and each test binary uses a part"
)]

use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use estiba_wire::v1::{self, LauncherReply, LauncherRequest, launcher_reply, launcher_request};
use estiba_wire::{FrameReader, PROTOCOL_VERSION};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

pub mod bundle;
pub mod client;
pub mod fuse;
pub mod hooks;
pub mod pod;
pub mod races;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running launcher; ended, and its cgroups and files removed, when dropped.
pub struct Launcher {
    pub process: Child,
    pub run_dir: PathBuf,
    pub cgroup_base: String,
    scratch: tempfile::TempDir,
}

/// Says why the running test proves nothing here. `hack/run-tests.ts` counts these lines; a print
/// macro would not do, as what it prints is shown for failing tests only.
pub fn skip(why: &str) {
    let thread = std::thread::current();
    let what = thread.name().unwrap_or("a test");
    writeln!(std::io::stderr(), "\nskipped: {what}: {why}").ok();
}

/// Whether this process may do what these tests need.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Launcher {
    pub fn start() -> Self {
        let scratch = tempfile::Builder::new()
            .prefix("est")
            .rand_bytes(4)
            .tempdir_in("/tmp")
            .unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let cgroup_base = format!("/estiba-test-{}-{number}", std::process::id());
        let run_dir = scratch.path().join("run");
        fs::create_dir(&run_dir).unwrap();
        let process = spawn(&run_dir, &cgroup_base);
        let launcher = Self {
            process,
            run_dir,
            cgroup_base,
            scratch,
        };
        launcher.wait_until_it_answers();
        launcher
    }

    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    pub fn wait_until_it_answers(&self) {
        wait_until("the launcher answers", || self.try_connect().is_some());
    }

    pub fn spawn_another(&self) -> Child {
        spawn(&self.run_dir, &self.cgroup_base)
    }

    fn try_connect(&self) -> Option<OwnedFd> {
        connect(&self.run_dir.join("launcher.sock"))
    }

    pub fn connect(&self) -> Connection {
        Connection {
            socket: self.try_connect().unwrap(),
            reader: FrameReader::new(),
        }
    }

    /// One job on a connection of its own; the final result.
    pub fn job(&self, job: launcher_request::Job) -> launcher_reply::Result {
        let mut connection = self.connect();
        connection.ask(job);
        loop {
            let reply = connection.reply();
            if reply.done {
                return reply.result.unwrap();
            }
        }
    }

    pub fn run(&self, program: v1::RunProgram) -> v1::ProgramEnded {
        match self.job(launcher_request::Job::RunProgram(program)) {
            launcher_reply::Result::ProgramEnded(ended) => ended,
            other => panic!("{other:?}"),
        }
    }

    pub fn fault(&self, job: launcher_request::Job) -> v1::Fault {
        match self.job(job) {
            launcher_reply::Result::Fault(fault) => fault,
            other => panic!("{other:?}"),
        }
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.process.id()).unwrap()
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        for root in cgroup_roots() {
            remove_cgroups_below(&root.join(self.cgroup_base.trim_matches('/')));
        }
    }
}

fn spawn(run_dir: &Path, cgroup_base: &str) -> Child {
    let stderr = fs::File::options()
        .create(true)
        .append(true)
        .open(run_dir.with_extension("stderr"))
        .unwrap();
    Command::new(env!("CARGO_BIN_EXE_estiba-isolator"))
        .args(["launcher", "--cgroup-base", cgroup_base, "--run-dir"])
        .arg(run_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .unwrap()
}

fn connect(path: &Path) -> Option<OwnedFd> {
    let address = SocketAddrUnix::new(path).unwrap();
    let flags = SocketFlags::CLOEXEC;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
    rustix::net::connect(&socket, &address)
        .ok()
        .map(|()| socket)
}

/// One connection to the launcher.
pub struct Connection {
    pub socket: OwnedFd,
    pub reader: FrameReader,
}

impl Connection {
    pub fn ask(&self, job: launcher_request::Job) {
        let request = LauncherRequest {
            version: PROTOCOL_VERSION,
            job: Some(job),
        };
        estiba_wire::send(&self.socket, &request).unwrap();
    }

    pub fn reply(&mut self) -> LauncherReply {
        estiba_wire::receive(&self.socket, &mut self.reader).unwrap()
    }
}

/// Mount points of all cgroup hierarchies.
pub fn cgroup_roots() -> Vec<PathBuf> {
    fs::read_to_string("/proc/self/mountinfo")
        .unwrap()
        .lines()
        .filter(|line| line.contains(" - cgroup ") || line.contains(" - cgroup2 "))
        .filter_map(|line| line.split(' ').nth(4).map(PathBuf::from))
        .collect()
}

/// Directories of one cgroup in all hierarchies that have it.
pub fn cgroup_directories(cgroup: &str) -> Vec<PathBuf> {
    let relative = cgroup.trim_matches('/');
    cgroup_roots()
        .into_iter()
        .map(|root| root.join(relative))
        .filter(|path| path.exists())
        .collect()
}

fn remove_cgroups_below(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        remove_cgroups_below(&entry.path());
    }
    let deadline = Instant::now() + limit(Duration::from_secs(5));
    while fs::remove_dir(directory).is_err() && directory.exists() {
        assert!(Instant::now() < deadline, "cgroup {directory:?} stays busy");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How many times as long things may take here (`ESTIBA_TEST_TIME_FACTOR`, as in test/lib/time.ts).
fn time_factor() -> u32 {
    let factor = std::env::var("ESTIBA_TEST_TIME_FACTOR").unwrap_or_else(|_| "1".to_owned());
    factor.parse().unwrap()
}

/// The limit that a plain machine's limit is here: longer where programs run in software emulation.
/// Only limits grow.
pub fn limit(on_plain_machine: Duration) -> Duration {
    on_plain_machine * time_factor()
}

/// How often a race is tried: a quarter as often in software emulation, where each lasts much longer.
pub fn rounds(on_plain_machine: u32) -> u32 {
    match time_factor() {
        1 => on_plain_machine,
        _ => on_plain_machine.div_ceil(4),
    }
}

/// Polls until the condition holds; ten seconds are for ever.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit(Duration::from_secs(10));
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether the process exists and is no zombie.
pub fn is_alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .starts_with(" Z")
    })
}

pub fn sh(script: &str) -> v1::RunProgram {
    v1::RunProgram {
        argv: vec!["/bin/sh".into(), "-c".into(), script.into()],
        env: vec!["PATH=/usr/bin:/bin".into()],
        ..Default::default()
    }
}
