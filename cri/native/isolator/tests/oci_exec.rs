//! `exec` and `run` of the OCI command line: the real binary on bundles made of busybox.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::Duration;

use estiba_kernel::{fd, terminal};
use serde_json::json;
use support::bundle::{Bundle, need_containers};
use support::{cgroup_directories, is_alive, limit, wait_until};

/// What `exec ... one sh -c SCRIPT` prints.
fn shell(bundle: &Bundle, options: &[&str], script: &str) -> String {
    let mut words = vec!["exec"];
    words.extend(options);
    words.extend(["one", "sh", "-c", script]);
    bundle.good(&words)
}

#[test]
fn a_command_runs_in_the_container_and_its_end_is_told() {
    need_containers!();
    let bundle = Bundle::running(|spec| {
        spec["process"]["env"] = json!(["PATH=/bin", "A=container"]);
    });
    let outcome = bundle.run(&["exec", "one", "sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert_eq!(
        (
            outcome.code,
            outcome.stdout.as_str(),
            outcome.stderr.as_str()
        ),
        (3, "out\n", "err\n")
    );
    assert_eq!(
        shell(&bundle, &[], "cat /proc/1/cmdline"),
        "sleep\x001000\0"
    );
    assert_eq!(
        shell(&bundle, &[], "cat /proc/sys/kernel/hostname; echo $A $HOME"),
        "bundle\ncontainer /\n"
    );
    assert_eq!(
        bundle.run(&["exec", "one", "sh", "-c", "kill -9 $$"]).code,
        137
    );
    let missing = bundle.run(&["exec", "one", "no-such-program"]);
    assert_eq!(missing.code, 255);
    assert_eq!(
        missing.stderr.trim_end(),
        "cannot execute \"no-such-program\": executable file not found in $PATH"
    );
    bundle.delete();
}

#[test]
fn options_change_what_the_command_starts_as() {
    need_containers!();
    let bundle = Bundle::running(|spec| {
        spec["process"]["env"] = json!(["PATH=/bin", "A=container"]);
        spec["process"]["rlimits"] = json!([{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}]);
    });
    let options = ["--user", "5:6", "-g", "7", "-g", "8"];
    assert_eq!(
        shell(&bundle, &options, "id -u; id -g; id -G"),
        "5\n6\n6 7 8\n"
    );
    let script = "echo $A; cat /proc/self/environ | grep -c A=";
    assert_eq!(
        shell(&bundle, &["-e", "A=1", "--env", "A=2"], script),
        "2\n1\n"
    );
    assert_eq!(
        shell(&bundle, &["--cwd", "/proc"], "pwd; ulimit -n"),
        "/proc\n99\n"
    );
    let script = "grep -E 'NoNewPrivs|CapEff|CapBnd|CapPrm' /proc/self/status";
    assert_eq!(
        shell(&bundle, &["--no-new-privs", "--cap", "CAP_KILL"], script),
        "CapPrm:\t0000000000000020\nCapEff:\t0000000000000020\nCapBnd:\t0000000000000020\n\
         NoNewPrivs:\t1\n"
    );
    let bad = bundle.run(&["exec", "--cap", "CAP_FLY", "one", "sh"]);
    assert!(bad.stderr.contains("\"CAP_FLY\""), "{}", bad.stderr);
    let bad = bundle.run(&["exec", "--cwd", "/nowhere", "one", "sh"]);
    assert_eq!(bad.code, 255);
    assert!(bad.stderr.contains("\"/nowhere\""), "{}", bad.stderr);
    bundle.delete();
}

#[test]
fn a_document_says_what_an_engine_wants() {
    need_containers!();
    let bundle = Bundle::running(|spec| {
        spec["process"]["capabilities"] = json!({"bounding": ["CAP_KILL"]});
    });
    let document = bundle.path("process.json");
    let process = |script: &str| {
        json!({
            "args": ["sh", "-c", script], "cwd": "/bin", "env": ["PATH=/bin", "B=2"],
            "user": {"uid": 1, "gid": 2, "additionalGids": [3]},
        })
    };
    let script = "pwd; echo $A$B; id -G; grep CapBnd /proc/self/status";
    fs::write(&document, process(script).to_string()).unwrap();
    let path = document.to_str().unwrap();
    let text = bundle.good(&["exec", "--process", path, "one"]);
    assert_eq!(text, "/bin\n2\n2 3\nCapBnd:\t0000000000000020\n");
    fs::write(&document, "{\"args\": []}").unwrap();
    let refused = bundle.run(&["exec", "-p", path, "one"]);
    assert!(
        refused.stderr.contains("process.args"),
        "{}",
        refused.stderr
    );
    fs::write(&document, "[").unwrap();
    let refused = bundle.run(&["exec", "-p", path, "one"]);
    assert_eq!(refused.code, 255);
    assert!(
        refused.stderr.contains("process.json"),
        "{}",
        refused.stderr
    );
    bundle.delete();
}

#[test]
fn a_detached_command_is_known_by_its_pid_and_ends_with_the_container() {
    need_containers!();
    let bundle = Bundle::running(|_| {});
    let pid_file = bundle.path("exec.pid");
    let argument = format!("--pid-file={}", pid_file.display());
    bundle.good(&["exec", "-d", &argument, "one", "sleep", "999"]);
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().parse().unwrap();
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    assert_eq!(command_line, b"sleep\x00999\x00");
    bundle.delete();
    wait_until("the command has ended", || !is_alive(pid));
}

#[test]
fn signals_reach_the_command_that_the_foreground_stands_for() {
    need_containers!();
    let bundle = Bundle::running(|_| {});
    let script = "trap 'echo heard; exit 5' TERM; echo up; while :; do sleep 0.01; done";
    let mut command = bundle.command(&["exec", "one", "sh", "-c", script]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut up = [0; 3];
    stdout.read_exact(&mut up).unwrap();
    signal(&child, rustix::process::Signal::TERM);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "heard\n");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    bundle.delete();
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

/// A terminal of the host: master and slave.
fn host_terminal() -> (File, OwnedFd) {
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
    let master = rustix::pty::openpt(flags).unwrap();
    let slave = terminal::open_slave(&master).unwrap();
    terminal::set_size(&master, 33, 77).unwrap();
    (File::from(master), slave)
}

fn read_until(master: &mut File, end: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).ends_with(end) {
        let mut part = [0; 256];
        let is_there = fd::is_readable_within(&*master, limit(Duration::from_secs(20)));
        assert!(is_there, "waited in vain for {end:?} after {text:?}");
        let length = master.read(&mut part).unwrap();
        text.extend(&part[..length]);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn a_terminal_in_the_foreground_shows_what_is_typed() {
    need_containers!();
    let bundle = Bundle::running(|_| {});
    let (mut master, slave) = host_terminal();
    let before = rustix::termios::tcgetattr(&slave).unwrap();
    let script = "tty; stty size; read line; echo got $line; exit 4";
    let mut child = bundle
        .command(&["exec", "--tty", "one", "sh", "-c", script])
        .stdin(slave.try_clone().unwrap())
        .stdout(slave.try_clone().unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(read_until(&mut master, "77\r\n"), "/dev/pts/0\r\n33 77\r\n");
    master.write_all(b"hello\r").unwrap();
    assert_eq!(
        read_until(&mut master, "got hello\r\n"),
        "hello\r\ngot hello\r\n"
    );
    assert_eq!(child.wait().unwrap().code(), Some(4));
    let after = rustix::termios::tcgetattr(&slave).unwrap();
    assert_eq!(
        after.local_modes, before.local_modes,
        "the terminal is as it was"
    );
    bundle.delete();
}

#[test]
fn the_terminal_of_a_detached_command_is_sent() {
    need_containers!();
    let bundle = Bundle::running(|_| {});
    let socket = bundle.path("exec.sock");
    let receiver = Bundle::receive_terminal(&socket);
    let path = socket.to_str().unwrap();
    let words = [
        "exec",
        "-t",
        "-d",
        "--console-socket",
        path,
        "one",
        "sh",
        "-c",
        "tty; cat",
    ];
    bundle.good(&words);
    let mut master = receiver.join().unwrap();
    assert_eq!(read_until(&mut master, "\n"), "/dev/pts/0\r\n");
    drop(master);
    for words in [
        &["exec", "-t", "-d", "one", "tty"][..],
        &["exec", "-t", "--console-socket", path, "one", "tty"],
        &["exec", "-d", "--console-socket", path, "one", "tty"],
    ] {
        let refused = bundle.run(words);
        assert_eq!(refused.code, 255, "{words:?}");
        assert!(
            refused.stderr.contains("--console-socket"),
            "{}",
            refused.stderr
        );
    }
    bundle.delete();
}

#[test]
fn a_command_needs_a_container_that_lives() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "1000"]);
    let refused = |why: &str| {
        let outcome = bundle.run(&["exec", "one", "true"]);
        assert_eq!(outcome.code, 255);
        assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
    };
    refused("does not exist");
    bundle.good(&["create", "one"]);
    refused("it is created, and its program has not been started");
    bundle.good(&["pause", "one"]);
    let early = bundle.run(&["exec", "--ignore-paused", "one", "true"]);
    assert_eq!(early.code, 255);
    assert!(
        early.stderr.contains("not been started"),
        "{}",
        early.stderr
    );
    bundle.good(&["resume", "one"]);
    bundle.good(&["kill", "one", "KILL"]);
    bundle.wait_until_stopped();
    refused("it is stopped: container not running");
    bundle.delete();
}

#[test]
fn run_stands_for_the_container_and_removes_it() {
    need_containers!();
    let bundle = Bundle::new(&["sh", "-c", "cat; echo err >&2; exit 6"]);
    let mut child = bundle
        .command(&["run", "one"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"in").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(
        (output.stdout, output.stderr),
        (b"in".to_vec(), b"err\n".to_vec())
    );
    bundle.assert_nothing_is_left();

    assert_eq!(bundle.run(&["run", "--keep", "one"]).code, 6);
    assert_eq!(bundle.state()["status"], "stopped");
    bundle.good(&["delete", "one"]);

    bundle.write(&bundle.spec(&["no-such-program"]));
    let message = bundle.bad(&["run", "one"]);
    assert!(message.contains("executable file not found"), "{message}");
    bundle.assert_nothing_is_left();
}

#[test]
fn run_passes_signals_on_and_shows_the_terminal() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "trap 'exit 8' INT; tty; while :; do sleep 0.01; done";
    let mut spec = bundle.spec(&["sh", "-c", script]);
    spec["process"]["terminal"] = true.into();
    bundle.write(&spec);
    let (mut master, slave) = host_terminal();
    let mut child = bundle
        .command(&["run", "one"])
        .stdin(slave.try_clone().unwrap())
        .stdout(slave)
        .spawn()
        .unwrap();
    assert_eq!(read_until(&mut master, "\n"), "/dev/pts/0\r\n");
    signal(&child, rustix::process::Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(8));
    bundle.assert_nothing_is_left();
}

#[test]
fn a_filter_of_system_calls_is_in_force_for_commands_too() {
    need_containers!();
    let bundle = Bundle::running(|spec| {
        spec["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_ERRNO"}],
        });
    });
    let script = "grep Seccomp: /proc/self/status; kill -0 $$ 2>/dev/null; echo $?";
    assert_eq!(shell(&bundle, &[], script), "Seccomp:\t2\n1\n");
    bundle.delete();
}

#[test]
fn a_command_follows_an_init_that_has_divided_its_cgroup() {
    need_containers!();
    let bundle = Bundle::running(|_| {});
    let directories = cgroup_directories(&bundle.cgroup);
    let [cgroup] = directories.as_slice() else {
        support::skip("needs cgroup v2");
        bundle.delete();
        return;
    };
    let pid = bundle.state()["pid"].to_string();
    let inner = cgroup.join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("cgroup.procs"), pid).unwrap();
    fs::write(cgroup.join("cgroup.subtree_control"), "+pids").unwrap();
    assert_eq!(shell(&bundle, &[], "echo in"), "in\n");
    bundle.delete();
}
