//! Processes that the kernel kills for lack of memory. Needs root and a static busybox.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::time::Duration;

use estiba_wire::v1::{self, NamespaceMode, OomLevel, monitor_reply, monitor_request::Call};
use serde_json::{Value, json};
use support::pod::{Client, Pod, exec, need_pods};
use support::{Launcher, cgroup_roots};

const MEBI: i64 = 1 << 20;
/// Far more than any limit here; how long it takes to fail does not depend on it.
const EATER: [&str; 5] = ["dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1"];

/// Creates and starts a container with this limit below `parent`.
fn run(pod: &Pod<'_>, client: &mut Client, parent: &str, limit: i64, args: &[&str]) -> String {
    let id = pod.new_container_id();
    let mut request = pod.create_request(&id, args);
    let mut spec: Value = serde_json::from_slice(&request.spec_json).unwrap();
    spec["linux"]["cgroupsPath"] = json!(format!("{parent}/{id}"));
    if limit > 0 {
        spec["linux"]["resources"]["memory"] = json!({"limit": limit, "swap": limit});
    }
    request.spec_json = spec.to_string().into_bytes();
    client.create(request);
    client.start(&id);
    id
}

/// Runs a container that is killed for lack of memory: its id, and what is told of the kill.
fn starved(pod: &Pod<'_>, client: &mut Client, parent: &str, limit: i64) -> (String, v1::OomKills) {
    let id = run(pod, client, parent, limit, &EATER);
    let exit = client.wait_exit(&id);
    assert_eq!(
        (exit.exit_code, exit.signal, exit.oom_killed),
        (137, 9, true)
    );
    client.remove(&id);
    (id, exit.oom.unwrap())
}

/// Makes a cgroup with a memory limit, as the kubelet makes the pod's.
fn limited(cgroup: &str, limit: i64) {
    for root in cgroup_roots() {
        let dir = root.join(cgroup.trim_matches('/'));
        let parent = dir.parent().unwrap();
        fs::create_dir_all(parent).unwrap();
        // v2 hands its controllers down; v1 has no such file.
        for up in [root.as_path(), parent] {
            fs::write(up.join("cgroup.subtree_control"), "+memory").ok();
        }
        fs::create_dir_all(&dir).unwrap();
        for file in [
            "memory.limit_in_bytes",
            "memory.memsw.limit_in_bytes",
            "memory.max",
        ] {
            if dir.join(file).exists() {
                fs::write(dir.join(file), limit.to_string()).unwrap();
            }
        }
        if dir.join("memory.swap.max").exists() {
            fs::write(dir.join("memory.swap.max"), "0").unwrap();
        }
    }
}

fn subscribe(client: &mut Client) {
    client.call(Call::Subscribe(v1::Subscribe {}));
}

/// The next event about kills, which has come or comes.
fn oom_event(client: &mut Client) -> v1::OomKills {
    loop {
        let event = match client.events.pop() {
            Some(event) => event,
            None => client.frame().result.unwrap(),
        };
        if let monitor_reply::Result::ContainerOomKilled(event) = event {
            return event.oom.unwrap();
        }
    }
}

#[test]
fn a_container_that_is_killed_at_once_is_never_missed() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let base = launcher.cgroup_base.clone();
    for _ in 0..20 {
        let (id, oom) = starved(&pod, &mut client, &base, 8 * MEBI);
        assert_eq!(oom.level(), OomLevel::Container);
        assert_eq!(oom.cgroup, format!("{base}/{id}"));
        assert_eq!((oom.kills, oom.limit_bytes), (1, 8 << 20));
    }
}

#[test]
fn the_pods_limit_and_one_above_it_are_told_apart() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    for (slice, pod_limit, level) in [
        (64 * MEBI, 16 * MEBI, OomLevel::Pod),
        (16 * MEBI, 64 * MEBI, OomLevel::Ancestor),
    ] {
        let name = format!("{}/slice{slice}", launcher.cgroup_base);
        let parent = format!("{name}/pod");
        limited(&name, slice);
        limited(&parent, pod_limit);
        let (_, oom) = starved(&pod, &mut client, &parent, 48 * MEBI);
        assert_eq!(oom.level(), level);
        let culprit = if level == OomLevel::Pod {
            (&parent, pod_limit)
        } else {
            (&name, slice)
        };
        assert_eq!(&oom.cgroup, culprit.0);
        assert_eq!(i64::try_from(oom.limit_bytes).unwrap(), culprit.1);
    }
}

#[test]
fn a_child_that_is_killed_is_told_while_the_container_lives() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    subscribe(&mut client);
    let base = launcher.cgroup_base.clone();
    let script = format!("{}; {}; sleep 1000", EATER.join(" "), EATER.join(" "));
    let id = run(&pod, &mut client, &base, 8 * MEBI, &["sh", "-c", &script]);
    while oom_event(&mut client).kills < 2 {}
    let state = client.pod();
    let found = state
        .containers
        .iter()
        .find(|found| found.container_id == id);
    let oom = found.unwrap().oom.clone().unwrap();
    assert_eq!((oom.kills, oom.level()), (2, OomLevel::Container));
    assert_eq!(found.unwrap().exit, None);
    let exit = client.stop(&id, 9, 0).exit.unwrap();
    assert_eq!(exit.oom.unwrap().kills, 2);
}

#[test]
fn a_command_that_is_killed_says_so_and_spares_the_container() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    subscribe(&mut client);
    let base = launcher.cgroup_base.clone();
    let id = run(&pod, &mut client, &base, 8 * MEBI, &["sleep", "1000"]);
    let output = client.exec(exec(&id, &EATER));
    assert_eq!(
        (output.ended.exit_code, output.ended.oom_killed),
        (137, true)
    );
    assert_eq!(oom_event(&mut client).kills, 1);
    let output = client.exec(exec(&id, &["sh", "-c", "kill -9 $$"]));
    assert_eq!(
        (output.ended.exit_code, output.ended.oom_killed),
        (137, false)
    );
    assert_eq!(client.exec(exec(&id, &["true"])).ended.exit_code, 0);
}

#[test]
fn one_containers_end_is_not_its_neighbours() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let base = launcher.cgroup_base.clone();
    let neighbour = run(&pod, &mut client, &base, 0, &["sleep", "1000"]);
    let id = run(&pod, &mut client, &base, 8 * MEBI, &EATER);
    client.wait_exit(&id);
    // As long as the last look at the neighbour may come.
    std::thread::sleep(Duration::from_millis(50));
    let exit = client.stop(&neighbour, 15, 0).exit.unwrap();
    assert_eq!((exit.oom_killed, exit.oom), (false, None));
}

#[test]
fn a_limit_that_is_too_small_to_build_in_is_named() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let mut request = pod.create_request(&id, &["true"]);
    let mut spec: Value = serde_json::from_slice(&request.spec_json).unwrap();
    spec["linux"]["resources"]["memory"] = json!({"limit": 4096, "swap": 4096});
    request.spec_json = spec.to_string().into_bytes();
    let fault = client.fault(Call::CreateContainer(request));
    assert!(fault.message.contains("memory"), "{fault:?}");
}

#[test]
fn a_container_that_loses_children_all_the_time_is_not_heard_all_the_time() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    subscribe(&mut client);
    let base = launcher.cgroup_base.clone();
    let script = format!(
        "for i in $(seq 25); do {}; done; sleep 1000",
        EATER.join(" ")
    );
    let began = std::time::Instant::now();
    let id = run(&pod, &mut client, &base, 8 * MEBI, &["sh", "-c", &script]);
    let mut events = 1;
    while oom_event(&mut client).kills < 25 {
        events += 1;
    }
    let pauses = began.elapsed().as_millis() / 200;
    assert!(events <= pauses + 2, "{events} events in {pauses} pauses");
    assert_eq!(client.stop(&id, 9, 0).exit.unwrap().oom.unwrap().kills, 25);
}
