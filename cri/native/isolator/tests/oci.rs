//! The OCI command line as other programs use it: the real binary on bundles made of busybox.
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
use std::io::Read;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::bundle::{BINARY, Bundle, need_containers};
use support::{cgroup_directories, is_alive, wait_until};

#[test]
fn a_container_is_created_started_ended_and_deleted() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "100"]);
    let pid_file = bundle.path("pid");
    let argument = format!("--pid-file={}", pid_file.display());
    bundle.good(&["create", &argument, "one"]);
    let state = bundle.state();
    assert_eq!(state["status"], "created");
    assert_eq!(state["id"], "one");
    assert_eq!(state["ociVersion"], "1.2.0");
    assert_eq!(state["annotations"]["kept"], "yes");
    assert_eq!(state["bundle"], bundle.dir().to_str().unwrap());
    let pid = state["pid"].as_i64().unwrap();
    assert_eq!(fs::read_to_string(&pid_file).unwrap(), pid.to_string());
    assert!(!cgroup_directories(&bundle.cgroup).is_empty());

    bundle.good(&["start", "one"]);
    assert_eq!(bundle.state()["status"], "running");
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    assert_eq!(command_line, b"sleep\x00100\x00");
    let again = bundle.bad(&["start", "one"]);
    assert!(again.contains("it is running, not created"), "{again}");

    // Pid 1 of a namespace hears no signal that it does not handle, except from outside by KILL.
    bundle.good(&["kill", "one", "SIGKILL"]);
    bundle.wait_until_stopped();
    assert_eq!(bundle.state()["pid"], 0);
    let late = bundle.bad(&["kill", "one"]);
    assert!(late.contains("container not running"), "{late}");
    bundle.good(&["delete", "one"]);
}

#[test]
fn term_is_what_kill_sends_without_a_signal() {
    need_containers!();
    let script = "trap 'echo ended by TERM; exit' TERM; echo up; while :; do sleep 0.01; done";
    let bundle = Bundle::new(&["sh", "-c", script]);
    let output = bundle.path("output");
    let status = bundle
        .command(&["create", "one"])
        .stdout(File::create(&output).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    bundle.good(&["start", "one"]);
    let said = |text: &str| fs::read_to_string(&output).unwrap().contains(text);
    wait_until("the program is up", || said("up"));
    bundle.good(&["kill", "one"]);
    bundle.wait_until_stopped();
    assert!(said("ended by TERM"));
    bundle.good(&["delete", "one"]);
}

#[test]
fn a_container_that_has_left_its_cgroup_is_deleted_with_its_process() {
    need_containers!();
    let bundle = Bundle::running(|_| {});
    let pid = i32::try_from(bundle.state()["pid"].as_i64().unwrap()).unwrap();
    for directory in cgroup_directories(&bundle.cgroup) {
        fs::write(
            directory.parent().unwrap().join("cgroup.procs"),
            pid.to_string(),
        )
        .unwrap();
    }
    bundle.delete();
    assert!(!is_alive(pid), "it lives on");
}

#[test]
fn a_living_container_is_deleted_only_by_force() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "100"]);
    bundle.good(&["create", "one"]);
    let created = bundle.bad(&["delete", "one"]);
    assert!(created.contains("it is created, not stopped"), "{created}");
    bundle.good(&["start", "one"]);
    let running = bundle.bad(&["delete", "one"]);
    assert!(running.contains("it is running, not stopped"), "{running}");
    let pid = i32::try_from(bundle.state()["pid"].as_i64().unwrap()).unwrap();
    bundle.good(&["delete", "--force", "one"]);
    assert!(!is_alive(pid));
    bundle.good(&["delete", "--force", "one"]);
}

#[test]
fn everything_in_a_container_can_be_killed_at_once() {
    need_containers!();
    let mut bundle = Bundle::new(&[]);
    let mut spec = bundle.spec(&["sh", "-c", "sleep 99 & sleep 98"]);
    // Without a pid namespace of its own the first process takes nobody along.
    let namespaces = json!([{"type": "mount"}, {"type": "network"}, {"type": "cgroup"}]);
    spec["linux"]["namespaces"] = namespaces;
    spec.as_object_mut().unwrap().remove("hostname");
    spec["linux"]["cgroupsPath"] = "".into();
    let id = format!("all-{}", std::process::id());
    bundle.cgroup = format!("/estiba-oci-{id}");
    bundle.write(&spec);
    bundle.good(&["create", &id]);
    bundle.good(&["start", &id]);
    let processes = || {
        let directories = cgroup_directories(&bundle.cgroup);
        let file = directories[0].join("cgroup.procs");
        fs::read_to_string(file).unwrap().lines().count()
    };
    wait_until("all are running", || processes() == 2);
    bundle.good(&["kill", "--all", &id, "9"]);
    wait_until("all are dead", || processes() == 0);
    bundle.good(&["delete", &id]);
}

#[test]
fn ids_are_unique_and_unknown_ones_are_named() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "100"]);
    for arguments in [
        &["state", "nobody"][..],
        &["start", "nobody"],
        &["kill", "nobody"],
        &["delete", "nobody"],
    ] {
        let message = bundle.bad(arguments);
        assert!(message.contains("\"nobody\""), "{message}");
        assert!(message.contains("does not exist"), "{message}");
    }
    let message = bundle.bad(&["create", "../one"]);
    assert!(message.contains("\"../one\""), "{message}");
    bundle.good(&["create", "one"]);
    let message = bundle.bad(&["create", "one"]);
    assert!(message.contains("it exists already"), "{message}");
    assert_eq!(
        bundle.state()["status"],
        "created",
        "the first one lives on"
    );
    bundle.good(&["delete", "-f", "one"]);
}

#[test]
fn a_spec_that_cannot_be_honoured_is_refused_and_leaves_nothing() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "100"]);
    let config = bundle.dir().join("config.json");
    let refused = |why: &str| {
        let message = bundle.bad(&["create", "one"]);
        assert!(message.contains(why), "{message}");
        bundle.assert_nothing_is_left();
    };
    fs::write(&config, "{\"ociVersion\": ").unwrap();
    refused("cannot read OCI runtime spec");
    fs::remove_file(&config).unwrap();
    refused("config.json");
    let mut spec = bundle.spec(&["sleep", "100"]);
    spec["linux"]["namespaces"]
        .as_array_mut()
        .unwrap()
        .push(json!({"type": "time"}));
    bundle.write(&spec);
    refused("time namespaces");
    let mut spec = bundle.spec(&["sleep", "100"]);
    spec["linux"]["cgroupsPath"] = "system.slice:estiba:one".into();
    bundle.write(&spec);
    refused("systemd");
    for path in ["/../elsewhere", "a/../../b", "/", "a//b"] {
        let mut spec = bundle.spec(&["sleep", "100"]);
        spec["linux"]["cgroupsPath"] = path.into();
        bundle.write(&spec);
        refused("linux.cgroupsPath");
        assert!(!bundle.root().exists(), "a record was made of {path}");
    }
    let mut spec = bundle.spec(&["sleep", "100"]);
    spec["root"]["path"] = "no-such-directory".into();
    bundle.write(&spec);
    refused("no-such-directory");
    let mut spec = bundle.spec(&["sleep", "100"]);
    spec["process"]["terminal"] = true.into();
    bundle.write(&spec);
    refused("--console-socket");
}

#[test]
fn a_program_that_is_not_there_fails_at_start_and_in_the_log() {
    need_containers!();
    let bundle = Bundle::new(&["no-such-program"]);
    bundle.good(&["create", "one"]);
    let log = bundle.path("log.json");
    let log_argument = format!("--log={}", log.display());
    let message = bundle.bad(&[&log_argument, "--log-format", "json", "start", "one"]);
    let expected = "cannot execute \"no-such-program\": executable file not found in $PATH";
    assert_eq!(message.trim_end(), expected);
    let line: Value = serde_json::from_str(&fs::read_to_string(log).unwrap()).unwrap();
    assert_eq!(line["level"], "error");
    assert_eq!(line["msg"], expected);
    assert!(line["time"].as_str().unwrap().ends_with('Z'));
    bundle.wait_until_stopped();
    bundle.good(&["delete", "one"]);
}

#[test]
fn a_seccomp_profile_is_in_force() {
    need_containers!();
    let script = "grep Seccomp: /proc/self/status; kill -0 $$ 2>/dev/null; echo $?";
    let bundle = Bundle::new(&["sh", "-c", script]);
    let mut spec = bundle.spec(&["sh", "-c", script]);
    spec["linux"]["seccomp"] = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_ERRNO"}],
    });
    bundle.write(&spec);
    bundle.good(&["create", "one"]);
    let output = bundle.path("output");
    fs::rename(bundle.path("stdout"), &output).unwrap();
    bundle.good(&["start", "one"]);
    bundle.wait_until_stopped();
    assert_eq!(fs::read_to_string(output).unwrap(), "Seccomp:\t2\n1\n");
    bundle.good(&["delete", "one"]);
}

#[test]
fn a_new_network_has_its_loopback() {
    need_containers!();
    let bundle = Bundle::new(&[
        "sh",
        "-c",
        "ip addr show lo | grep -c 127.0.0.1; cat /proc/sys/kernel/hostname",
    ]);
    let output = bundle.path("output");
    let status = bundle
        .command(&["create", "one"])
        .stdout(File::create(&output).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    bundle.good(&["start", "one"]);
    bundle.wait_until_stopped();
    assert_eq!(fs::read_to_string(output).unwrap(), "1\nbundle\n");
    bundle.good(&["delete", "one"]);
}

#[test]
fn a_terminal_is_sent_to_the_console_socket() {
    need_containers!();
    let bundle = Bundle::new(&["tty"]);
    let mut spec = bundle.spec(&["tty"]);
    spec["process"]["terminal"] = true.into();
    bundle.write(&spec);
    let socket = bundle.path("console.sock");
    let receiver = Bundle::receive_terminal(&socket);
    bundle.good(&[
        "create",
        "--console-socket",
        socket.to_str().unwrap(),
        "one",
    ]);
    let mut master = receiver.join().unwrap();
    bundle.good(&["start", "one"]);
    let mut text = Vec::new();
    while !text.ends_with(b"\n") {
        let mut part = [0; 64];
        let length = master.read(&mut part).unwrap();
        text.extend(&part[..length]);
    }
    assert_eq!(text, b"/dev/pts/0\r\n");
    bundle.wait_until_stopped();
    bundle.good(&["delete", "one"]);
}

/// A creation that hangs: nobody reads the pipe that its pid is to be written to.
fn hanging_creation(bundle: &Bundle) -> Child {
    let pid_file = bundle.path("pid");
    let pipe = bundle.path("pid.new");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let creator = bundle
        .command(&["create", "--pid-file", pid_file.to_str().unwrap(), "one"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the creation hangs", || {
        let cgroups = cgroup_directories(&bundle.cgroup);
        cgroups.first().is_some_and(|directory| {
            fs::read_to_string(directory.join("cgroup.procs")).is_ok_and(|text| !text.is_empty())
        })
    });
    creator
}

#[test]
fn what_a_killed_creator_leaves_can_be_deleted() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "100"]);
    let mut creator = hanging_creation(&bundle);
    assert_eq!(bundle.state()["status"], "creating");
    creator.kill().unwrap();
    creator.wait().unwrap();
    assert_eq!(bundle.state()["status"], "creating");
    let message = bundle.bad(&["delete", "one"]);
    assert!(message.contains("it is creating"), "{message}");
    bundle.good(&["delete", "--force", "one"]);
}

#[test]
fn versions_features_and_usage_are_told() {
    let run = |arguments: &[&str]| {
        let output = Command::new(BINARY).args(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), text, errors)
    };
    let (code, text, _) = run(&["--version"]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("estiba-isolator "), "{text}");
    assert!(text.ends_with("\nspec: 1.2.0\n"), "{text}");
    let (code, text, _) = run(&["features"]);
    assert_eq!(code, Some(0));
    let features: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(features["ociVersionMax"], "1.2.0");
    assert_eq!(features["linux"]["cgroup"]["systemd"], false);
    assert_eq!(features["linux"]["capabilities"][0], "CAP_CHOWN");
    assert_eq!(features["linux"]["seccomp"]["enabled"], true);
    let (code, _, errors) = run(&["create", "--frob", "one"]);
    assert_eq!(code, Some(64));
    assert!(
        errors.contains("cannot use \"--frob\": no such option"),
        "{errors}"
    );
    let (code, _, errors) = run(&["--systemd-cgroup", "create", "one"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("cannot use --systemd-cgroup"), "{errors}");
}

#[test]
fn the_binary_on_disk_is_not_what_a_container_could_reach() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "100"]);
    bundle.good(&["create", "one"]);
    let pid = bundle.state()["pid"].as_i64().unwrap();
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    assert!(
        program.to_string_lossy().starts_with("/memfd:"),
        "{program:?}"
    );
    bundle.good(&["delete", "-f", "one"]);
}

#[test]
fn state_that_cannot_be_removed_is_an_error_and_none_is_not() {
    need_containers!();
    let bundle = Bundle::new(&["true"]);
    bundle.good(&["delete", "--force", "one"]);
    std::fs::create_dir(bundle.root()).unwrap();
    let file = bundle.root().join("one");
    std::fs::write(&file, "").unwrap();
    let message = bundle.bad(&["delete", "--force", "one"]);
    assert!(message.starts_with("cannot remove"), "{message}");
    std::fs::remove_file(&file).unwrap();
}
