//! `ps`, `list`, `events` and `update` of the OCI command line on containers made of busybox.
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
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::bundle::{Bundle, need_containers};
use support::{cgroup_directories, limit, wait_until};

fn json_of(bundle: &Bundle, words: &[&str]) -> Value {
    serde_json::from_str(&bundle.good(words)).unwrap()
}

#[test]
fn processes_are_shown_as_pids_and_as_the_hosts_ps_shows_them() {
    need_containers!();
    let bundle = Bundle::new(&["sh", "-c", "sleep 998 & sleep 999; exit"]);
    bundle.good(&["run", "-d", "one"]);
    let pids = || json_of(&bundle, &["ps", "--format", "json", "one"]);
    wait_until("all are there", || pids().as_array().unwrap().len() == 3);
    let pid = bundle.state()["pid"].clone();
    assert!(pids().as_array().unwrap().contains(&pid));
    let table = bundle.good(&["ps", "one"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(
        lines[0].starts_with("UID") && lines[0].contains("PID"),
        "{table}"
    );
    assert!(
        lines.iter().any(|line| line.ends_with("sleep 999")),
        "{table}"
    );
    let chosen = bundle.good(&["ps", "one", "-o", "pid,args"]);
    assert!(
        chosen
            .lines()
            .any(|line| line.trim().ends_with("sleep 998")),
        "{chosen}"
    );
    let message = bundle.bad(&["ps", "one", "-o", "args"]);
    assert!(message.contains("no column PID"), "{message}");
    let message = bundle.bad(&["ps", "-f", "json", "nobody"]);
    assert!(message.contains("does not exist"), "{message}");
    bundle.delete();
}

#[test]
fn containers_are_listed_with_their_states() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "1000"]);
    assert_eq!(bundle.good(&["list", "-f", "json"]), "[]\n");
    bundle.good(&["create", "one"]);
    fs::create_dir(bundle.root().join("being-made")).unwrap();
    let list = json_of(&bundle, &["list", "--format", "json"]);
    let [one] = list.as_array().unwrap().as_slice() else {
        panic!("{list}");
    };
    assert_eq!(one["id"], "one");
    assert_eq!(one["status"], "created");
    assert_eq!(one["owner"], "root");
    assert_eq!(one["pid"], bundle.state()["pid"]);
    assert_eq!(one["rootfs"], bundle.dir().join("rootfs").to_str().unwrap());
    let created = one["created"].as_str().unwrap();
    assert!(
        created.starts_with("20") && created.ends_with('Z'),
        "{created}"
    );
    let table = bundle.good(&["list"]);
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    );
    assert_eq!(lines[1][..1], ["one"]);
    assert_eq!(
        lines[1][2..],
        ["created", bundle.dir().to_str().unwrap(), created, "root"]
    );
    assert_eq!(bundle.good(&["list", "-q"]), "one\n");
    fs::remove_dir(bundle.root().join("being-made")).unwrap();
    bundle.delete();
}

#[test]
fn what_is_used_is_told_once_or_again_and_again() {
    need_containers!();
    let bundle = Bundle::running(|spec| {
        spec["linux"]["resources"] = json!({"memory": {"limit": 64 << 20}, "pids": {"limit": 9}});
    });
    let event = json_of(&bundle, &["events", "--stats", "one"]);
    assert_eq!(
        (&event["type"], &event["id"]),
        (&json!("stats"), &json!("one"))
    );
    let data = &event["data"];
    assert_eq!(data["memory"]["usage"]["limit"], 64 << 20);
    assert!(
        data["memory"]["usage"]["usage"].as_u64().unwrap() > 0,
        "{data}"
    );
    assert!(
        !data["memory"]["raw"].as_object().unwrap().is_empty(),
        "{data}"
    );
    assert!(
        data["cpu"]["usage"]["total"].as_u64().unwrap() > 0,
        "{data}"
    );
    assert_eq!(data["pids"], json!({"current": 1, "limit": 9}));

    let mut command = bundle.command(&["events", "--interval", "20ms", "one"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.take(3) {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(event["type"], "stats");
    }
    // Nobody listens any more.
    assert_eq!(child.wait().unwrap().code(), Some(0));
    bundle.good(&["kill", "one", "KILL"]);
    bundle.wait_until_stopped();
    let message = bundle.bad(&["events", "one"]);
    assert!(message.contains("it is stopped"), "{message}");
    bundle.delete();
}

#[test]
fn a_kill_for_lack_of_memory_is_an_event_and_the_end_ends_it() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    // tail keeps all that has no end of line. Its death is not the container's.
    let script = "while ! test -e /go; do sleep 0.01; done; tail -n 1 /dev/zero; sleep 1000";
    let mut spec = bundle.spec(&["sh", "-c", script]);
    spec["linux"]["resources"] = json!({"memory": {"limit": 16 << 20, "swap": 16 << 20}});
    bundle.write(&spec);
    fs::hard_link(
        bundle.dir().join("rootfs/bin/busybox"),
        bundle.dir().join("rootfs/bin/tail"),
    )
    .unwrap();
    bundle.good(&["run", "-d", "one"]);
    let mut command = bundle.command(&["events", "--interval", "30ms", "one"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The first one: it is being watched.
    lines.next().unwrap().unwrap();
    fs::write(bundle.dir().join("rootfs/go"), "").unwrap();
    let deadline = Instant::now() + limit(Duration::from_secs(20));
    loop {
        let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if event == json!({"type": "oom", "id": "one"}) {
            break;
        }
        assert!(Instant::now() < deadline, "no kill is told");
    }
    bundle.good(&["kill", "one", "KILL"]);
    let rest = lines.count();
    assert!(rest < 1000);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    bundle.delete();
}

/// What a file of the container's cgroup holds.
fn limit_of(bundle: &Bundle, v1: &str, v2: &str) -> String {
    let directories = cgroup_directories(&bundle.cgroup);
    let files = directories
        .iter()
        .flat_map(|dir| [dir.join(v1), dir.join(v2)]);
    let text = files
        .filter_map(|file| fs::read_to_string(file).ok())
        .next();
    text.unwrap().trim().to_owned()
}

#[test]
fn limits_are_changed_by_options_file_and_standard_input() {
    need_containers!();
    let bundle = Bundle::running(|_| {});
    let memory = || limit_of(&bundle, "memory.limit_in_bytes", "memory.max");
    let pids = || limit_of(&bundle, "pids.max", "pids.max");
    bundle.good(&["update", "--memory", "64m", "--pids-limit", "20", "one"]);
    assert_eq!((memory().as_str(), pids().as_str()), ("67108864", "20"));

    let file = bundle.path("resources.json");
    let resources = json!({"memory": {"limit": 48 << 20}, "pids": {"limit": 0}, "devices": []});
    fs::write(&file, resources.to_string()).unwrap();
    bundle.good(&["update", "--resources", file.to_str().unwrap(), "one"]);
    assert_eq!((memory().as_str(), pids().as_str()), ("50331648", "20"));

    let mut command = bundle.command(&["update", "-r", "-", "one"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let text = json!({"pids": {"limit": 30}}).to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(pids(), "30");

    let message = bundle.bad(&["update", "--blkio-weight", "100", "one"]);
    assert!(message.contains("resources.blockIO"), "{message}");
    let message = bundle.bad(&["update", "--memory", "1", "--pids-limit", "9", "one"]);
    assert!(message.contains("memory"), "{message}");
    assert_eq!((memory().as_str(), pids().as_str()), ("50331648", "30"));
    bundle.good(&["pause", "one"]);
    bundle.good(&["update", "--pids-limit", "40", "one"]);
    assert_eq!(pids(), "40");
    bundle.good(&["kill", "one", "KILL"]);
    bundle.wait_until_stopped();
    let message = bundle.bad(&["update", "--pids-limit", "9", "one"]);
    assert!(message.contains("it is stopped"), "{message}");
    bundle.delete();
}
