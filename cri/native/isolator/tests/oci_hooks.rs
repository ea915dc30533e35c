//! Hooks of the OCI command line: when, where and as whom they run, and what their failures mean.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::bundle::{Bundle, need_containers};
use support::hooks::{hook, with_hooks, written};
use support::{is_alive, limit, wait_until};

const KINDS: [&str; 6] = [
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
];

fn of_all_kinds(bundle: &Bundle, script: &str) -> Value {
    let hooks = KINDS.map(|kind| (kind.to_owned(), json!([hook(bundle, kind, script)])));
    hooks.into_iter().collect::<serde_json::Map<_, _>>().into()
}

fn state(bundle: &Bundle, kind: &str) -> Value {
    serde_json::from_str(&written(bundle, &format!("state.{kind}"))).unwrap()
}

fn namespace(of: &str, name: &str) -> String {
    let link = fs::read_link(format!("/proc/{of}/ns/{name}")).unwrap();
    link.display().to_string()
}

#[test]
fn hooks_of_all_kinds_run_in_their_order_and_places_with_the_state() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "cat >$DIR/state.$1; echo $1 >>$DIR/order; cat /proc/self/cgroup >$DIR/cgroup.$1
        for name in mnt net uts ipc cgroup pid; do
            echo $(busybox readlink /proc/self/ns/$name)
        done >$DIR/ns.$1; busybox pwd >$DIR/pwd.$1";
    with_hooks(&bundle, of_all_kinds(&bundle, script));
    bundle.good(&["create", "one"]);
    let pid = bundle.state()["pid"].clone();
    let own: String = ["mnt", "net", "uts", "ipc", "cgroup", "pid"]
        .map(|name| namespace("self", name) + "\n")
        .concat();
    for kind in ["prestart", "createRuntime"] {
        let told = state(&bundle, kind);
        assert_eq!((&told["status"], &told["pid"]), (&json!("creating"), &pid));
        assert_eq!(written(&bundle, &format!("ns.{kind}")), own, "{kind}");
        let pwd = written(&bundle, &format!("pwd.{kind}"));
        assert_eq!(pwd.trim_end(), bundle.dir().to_str().unwrap());
    }
    let told = state(&bundle, "createContainer");
    assert_eq!(
        (&told["status"], &told["pid"]),
        (&json!("creating"), &json!(1))
    );
    let container: String = ["mnt", "net", "uts", "ipc", "cgroup", "pid"]
        .map(|name| namespace(&pid.to_string(), name) + "\n")
        .concat();
    assert_eq!(written(&bundle, "ns.createContainer"), container);
    assert_eq!(
        written(&bundle, "pwd.createContainer").trim_end(),
        bundle.dir().join("rootfs").to_str().unwrap()
    );
    assert!(written(&bundle, "cgroup.createContainer").contains(":/\n"));
    assert_eq!(
        written(&bundle, "order"),
        "prestart\ncreateRuntime\ncreateContainer\n"
    );

    bundle.good(&["start", "one"]);
    let told = state(&bundle, "startContainer");
    assert_eq!(
        (&told["status"], &told["pid"]),
        (&json!("created"), &json!(1))
    );
    assert_eq!(written(&bundle, "ns.startContainer"), container);
    let told = state(&bundle, "poststart");
    assert_eq!((&told["status"], &told["pid"]), (&json!("running"), &pid));
    wait_until("the program runs", || {
        written(&bundle, "order").contains("program")
    });
    bundle.good(&["delete", "--force", "one"]);
    let told = state(&bundle, "poststop");
    assert_eq!(
        (&told["status"], &told["pid"]),
        (&json!("stopped"), &json!(0))
    );
    for kind in ["poststart", "poststop"] {
        assert_eq!(written(&bundle, &format!("ns.{kind}")), own, "{kind}");
    }
    let mut order: Vec<String> = written(&bundle, "order")
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(order.remove(6), "poststop");
    assert_eq!(&order[..4], &KINDS[..4]);
    for kind in KINDS {
        let told = state(&bundle, kind);
        assert_eq!(
            (&told["id"], &told["ociVersion"]),
            (&json!("one"), &json!("1.2.0"))
        );
        assert_eq!(told["bundle"], bundle.dir().to_str().unwrap());
        assert_eq!(told["annotations"]["kept"], "yes");
    }
}

#[test]
fn a_hook_gets_its_environment_and_streams_and_nothing_else() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "echo $(busybox ls /proc/self/fd) $(busybox env | busybox sort) \
                  $(busybox id -u) $# >$DIR/got.$1";
    with_hooks(&bundle, of_all_kinds(&bundle, script));
    bundle.good(&["create", "one"]);
    bundle.good(&["start", "one"]);
    bundle.good(&["delete", "--force", "one"]);
    for kind in KINDS {
        let dir = match kind {
            "startContainer" => "/".to_owned(),
            _ => bundle.dir().join("rootfs").display().to_string(),
        };
        // The shell sets PWD and SHLVL itself; ls holds the directory that it lists.
        let got = written(&bundle, &format!("got.{kind}"));
        let got: Vec<&str> = got
            .split_whitespace()
            .filter(|word| !word.starts_with("PWD=") && !word.starts_with("SHLVL="))
            .collect();
        let expected = format!("0 1 2 3 DIR={dir} PATH=/bin 0 1");
        assert_eq!(got.join(" "), expected, "{kind}");
    }
}

#[test]
fn a_hook_that_fails_before_the_program_fails_the_command_and_nothing_is_left() {
    need_containers!();
    for kind in ["prestart", "createRuntime", "createContainer"] {
        let bundle = Bundle::new(&[]);
        let mut hooks = json!({});
        let script = "echo out of luck >&2; exit 3";
        let never = "echo $1 >>$DIR/order";
        hooks[kind] = json!([hook(&bundle, kind, script), hook(&bundle, kind, never)]);
        hooks["poststop"] = json!([hook(&bundle, "poststop", never)]);
        with_hooks(&bundle, hooks);
        let message = bundle.bad(&["create", "one"]);
        assert_eq!(
            message,
            format!(
                "cannot create container: {kind} hook \"/bin/busybox\" ended with exit status 3; \
                 it wrote \"out of luck\"\n"
            )
        );
        bundle.assert_nothing_is_left();
        assert_eq!(written(&bundle, "order"), "poststop\n");
    }
    let bundle = Bundle::new(&[]);
    let hooks = json!({"startContainer": [hook(&bundle, "startContainer", "kill -9 $$")]});
    with_hooks(&bundle, hooks);
    bundle.good(&["create", "one"]);
    let message = bundle.bad(&["start", "one"]);
    assert_eq!(
        message,
        "cannot start container: startContainer hook \"/bin/busybox\" ended with signal 9\n"
    );
    bundle.wait_until_stopped();
    bundle.good(&["delete", "one"]);
    assert!(
        !bundle.dir().join("rootfs/order").exists(),
        "the program ran"
    );
}

#[test]
fn a_hook_that_is_not_there_is_told_from_one_that_fails() {
    need_containers!();
    for kind in ["createRuntime", "createContainer", "startContainer"] {
        let bundle = Bundle::new(&[]);
        let mut hooks = json!({});
        hooks[kind] = json!([{"path": "/no/such/hook"}]);
        with_hooks(&bundle, hooks);
        let message = if kind == "startContainer" {
            bundle.good(&["create", "one"]);
            let message = bundle.bad(&["start", "one"]);
            bundle.wait_until_stopped();
            bundle.good(&["delete", "one"]);
            message
        } else {
            bundle.bad(&["create", "one"])
        };
        let expected =
            format!("{kind} hook \"/no/such/hook\" cannot be run: no such file or directory\n");
        assert!(message.ends_with(&expected), "{message}");
    }
    let bundle = Bundle::new(&[]);
    let long = format!("/{}", "x".repeat(20_000));
    with_hooks(&bundle, json!({"createRuntime": [{"path": long}]}));
    let message = bundle.bad(&["create", "one"]);
    assert!(
        message.ends_with("cannot be run: file name too long\n"),
        "{message}"
    );
    let bundle = Bundle::new(&[]);
    for (hook, why) in [
        (json!({"path": "hook"}), "its path is not absolute"),
        (
            json!({"path": "/hook", "timeout": 0}),
            "its timeout of 0 s is not above 0",
        ),
    ] {
        with_hooks(&bundle, json!({"poststop": [hook]}));
        let message = bundle.bad(&["create", "one"]);
        assert!(message.contains("cannot use poststop hook"), "{message}");
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn what_fails_after_the_start_is_warned_of_and_the_rest_goes_on() {
    need_containers!();
    for kind in ["poststart", "poststop"] {
        let bundle = Bundle::new(&[]);
        let mut hooks = json!({});
        hooks[kind] = json!([
            hook(&bundle, kind, "echo late >&2; exit 7"),
            hook(&bundle, kind, "echo $1 >$DIR/after"),
        ]);
        with_hooks(&bundle, hooks);
        bundle.good(&["create", "one"]);
        let log = bundle.path("log.json");
        let log_argument = format!("--log={}", log.display());
        let commands = [vec!["start", "one"], vec!["delete", "--force", "one"]];
        let (warned, other) = if kind == "poststart" { (0, 1) } else { (1, 0) };
        let run = |index: usize| {
            let mut arguments = vec![log_argument.as_str(), "--log-format=json"];
            arguments.extend(&commands[index]);
            bundle.run(&arguments)
        };
        let mut outcomes = [run(0), run(1)];
        let (warned, other) = (
            std::mem::take(&mut outcomes[warned].stderr),
            &outcomes[other],
        );
        assert_eq!((outcomes[0].code, outcomes[1].code), (0, 0), "{warned}");
        assert_eq!(other.stderr, "");
        let expected =
            format!("{kind} hook \"/bin/busybox\" ended with exit status 7; it wrote \"late\"\n");
        assert!(warned.ends_with(&expected), "{warned}");
        let line: Value = serde_json::from_str(&fs::read_to_string(log).unwrap()).unwrap();
        assert_eq!(line["level"], "warning");
        assert_eq!(written(&bundle, "after"), format!("{kind}\n"));
    }
}

#[test]
fn a_hook_is_killed_with_its_children_when_its_time_is_over() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let mut slow = hook(
        &bundle,
        "createRuntime",
        "busybox sleep 100 & echo $! >$DIR/child; echo begun; busybox sleep 100",
    );
    slow["timeout"] = 1.into();
    with_hooks(&bundle, json!({"createRuntime": [slow]}));
    let begun = Instant::now();
    let message = bundle.bad(&["create", "one"]);
    assert!(
        begun.elapsed() < limit(Duration::from_secs(10)),
        "{message}"
    );
    let expected = "was killed: its time of 1 s is over; it wrote \"begun\"\n";
    assert!(message.ends_with(expected), "{message}");
    let child: i32 = written(&bundle, "child").trim_end().parse().unwrap();
    wait_until("its child is dead", || !is_alive(child));
}

#[test]
fn a_hook_may_leave_a_daemon_that_holds_its_output_and_much_output_is_no_matter() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "busybox setsid busybox sleep 200 & echo $! >$DIR/daemon
                  busybox yes 123456789 | busybox head -c 300000";
    let hooks = json!({"createRuntime": [hook(&bundle, "createRuntime", script)]});
    with_hooks(&bundle, hooks);
    let begun = Instant::now();
    bundle.good(&["create", "one"]);
    assert!(begun.elapsed() < limit(Duration::from_secs(10)));
    let daemon: i32 = written(&bundle, "daemon").trim_end().parse().unwrap();
    assert!(is_alive(daemon));
    let pid = rustix::process::Pid::from_raw(daemon).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    bundle.good(&["delete", "--force", "one"]);
}

#[test]
fn a_mount_made_by_a_create_container_hook_is_the_containers_alone() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    fs::create_dir(bundle.dir().join("rootfs/made")).unwrap();
    let script = "busybox mount -t tmpfs of-the-hook made && echo content >made/file";
    let mut spec = with_hooks(
        &bundle,
        json!({"createContainer": [hook(&bundle, "createContainer", script)]}),
    );
    spec["process"]["args"] = json!(["sh", "-c", "cat /made/file >/out; grep -c / /proc/mounts"]);
    bundle.write(&spec);
    bundle.good(&["create", "one"]);
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains("of-the-hook"));
    bundle.good(&["start", "one"]);
    bundle.wait_until_stopped();
    assert_eq!(written(&bundle, "out"), "content\n");
    bundle.good(&["delete", "one"]);
}

#[test]
fn where_pids_are_shared_hooks_are_told_of_a_process_in_the_containers_namespaces() {
    need_containers!();
    let other = Bundle::new(&["sleep", "100"]);
    other.good(&["create", "one"]);
    let neighbour = other.state()["pid"].clone();
    for pids in [
        None,
        Some(json!({"type": "pid", "path": format!("/proc/{neighbour}/ns/pid")})),
    ] {
        let bundle = Bundle::new(&[]);
        let script = "pid=$(busybox sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')
            busybox readlink /proc/$pid/ns/net >$DIR/net";
        let mut spec = with_hooks(
            &bundle,
            json!({"createRuntime": [hook(&bundle, "createRuntime", script)]}),
        );
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|one| one["type"] != "pid");
        namespaces.extend(pids);
        bundle.write(&spec);
        bundle.good(&["create", "one"]);
        let pid = bundle.state()["pid"].to_string();
        assert_eq!(written(&bundle, "net").trim_end(), namespace(&pid, "net"));
        bundle.good(&["start", "one"]);
        let order = bundle.dir().join("rootfs/order");
        wait_until("the program runs", || order.exists());
        bundle.good(&["delete", "--force", "one"]);
    }
    other.good(&["delete", "--force", "one"]);
}

#[test]
fn deletes_at_the_same_time_run_poststop_hooks_once() {
    need_containers!();
    for force in [true, false] {
        let bundle = Bundle::new(&[]);
        let script = "echo >>$DIR/ran; busybox sleep 0.5";
        with_hooks(
            &bundle,
            json!({"poststop": [hook(&bundle, "poststop", script)]}),
        );
        bundle.good(&["create", "one"]);
        let pid = i32::try_from(bundle.state()["pid"].as_i64().unwrap()).unwrap();
        let mut arguments = vec!["delete", "one"];
        if force {
            arguments.push("--force");
        } else {
            bundle.good(&["kill", "one", "KILL"]);
            bundle.wait_until_stopped();
        }
        let begin = || bundle.command(&arguments).stderr(Stdio::piped()).spawn();
        let both = [begin().unwrap(), begin().unwrap()];
        let ends = both.map(|delete| delete.wait_with_output().unwrap());
        let good = ends.iter().filter(|end| end.status.success()).count();
        let said: String = ends
            .iter()
            .map(|end| String::from_utf8_lossy(&end.stderr))
            .collect();
        assert_eq!(written(&bundle, "ran"), "\n", "{said}");
        if force {
            assert_eq!((good, said.as_str()), (2, ""));
        } else {
            assert_eq!(good, 1, "{said}");
            assert!(said.contains("\"one\": it does not exist"), "{said}");
        }
        assert!(!is_alive(pid));
        bundle.assert_nothing_is_left();
    }
}
