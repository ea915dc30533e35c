//! What a volume that has died holds up, and what not. Needs root, FUSE and a static busybox.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::time::{Duration, Instant};

use estiba_wire::v1::{
    self, ContainerPhase, ErrorCode, NamespaceMode, launcher_reply, launcher_request::Job,
    monitor_reply, monitor_request::Call,
};
use serde_json::json;
use support::fuse::Volume;
use support::pod::{Pod, exec, need_pods, remove, stop};
use support::{Launcher, is_alive, sh, wait_until};

macro_rules! need_volume {
    ($launcher:expr) => {
        match Volume::mount($launcher.scratch(), "volume") {
            Some(volume) => volume,
            None => return support::skip("cannot mount a FUSE file system"),
        }
    };
}

#[test]
fn a_program_on_a_dead_volume_is_given_up_at_its_deadline_and_with_its_client() {
    let launcher = Launcher::start();
    let volume = need_volume!(launcher);
    volume.die();
    let cwd = volume.at.join("file").to_string_lossy().into_owned();
    let asked = Instant::now();
    let program = v1::RunProgram {
        cwd,
        deadline_ms: 300,
        ..sh("true")
    };
    let fault = launcher.fault(Job::RunProgram(program.clone()));
    assert_eq!(fault.code(), ErrorCode::DeadlineExceeded, "{fault:?}");
    for word in ["\"/bin/sh\"", "request_wait_answer", "/volume\" (fuse)"] {
        assert!(fault.message.contains(word), "{fault:?}");
    }
    assert!(
        asked.elapsed() < Duration::from_secs(8),
        "{:?}",
        asked.elapsed()
    );
    // Whoever goes away is not waited for either.
    let connection = launcher.connect();
    let patient = v1::RunProgram {
        deadline_ms: 3_600_000,
        ..program
    };
    let waiting = volume.waiting();
    connection.ask(Job::RunProgram(patient));
    wait_until("the program hangs", || volume.waiting() > waiting);
    let children = format!("/proc/{0}/task/{0}/children", launcher.pid());
    let job = std::fs::read_to_string(&children).unwrap();
    let job: i32 = job.trim().parse().unwrap();
    drop(connection);
    wait_until("its attendant is gone", || !is_alive(job));
    assert_eq!(launcher.run(sh("exit 3")).exit_code, 3);
}

/// A container that has the volume at /v.
fn with_volume(pod: &Pod<'_>, volume: &Volume, args: &[&str]) -> (String, v1::CreateContainer) {
    let id = pod.new_container_id();
    let mut spec = pod.spec(&id, args);
    let mounts = spec["mounts"].as_array_mut().unwrap();
    mounts.push(
        json!({"destination": "/v", "type": "bind", "source": volume.at, "options": ["rbind"]}),
    );
    let request = v1::CreateContainer {
        spec_json: spec.to_string().into_bytes(),
        ..pod.create_request(&id, args)
    };
    (id, request)
}

fn assert_names(fault: &v1::Fault, words: &[&str]) {
    for word in words {
        assert!(fault.message.contains(word), "{word}: {fault:?}");
    }
}

#[test]
fn a_volume_that_is_dead_at_create_is_named_and_holds_up_nobody_else() {
    need_pods!();
    let launcher = Launcher::start();
    let volume = need_volume!(launcher);
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let neighbour = pod.run(&mut client, &["sleep", "1000"]);
    let (id, request) = with_volume(&pod, &volume, &["true"]);
    let request = v1::CreateContainer {
        deadline_ms: 1500,
        ..request
    };
    volume.die();
    let mut creator = pod.connect();
    creator.ask(Call::CreateContainer(request));
    wait_until("the create hangs", || volume.waiting() > 0);
    let asked = Instant::now();
    assert_eq!(client.exec(exec(&neighbour, &["true"])).ended.exit_code, 0);
    let another = pod.run(&mut client, &["true"]);
    assert_eq!(client.wait_exit(&another).exit_code, 0);
    client.remove(&another);
    let elsewhere = Pod::start(&launcher, NamespaceMode::Pod);
    elsewhere.run(&mut elsewhere.connect(), &["true"]);
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    let Some(monitor_reply::Result::Fault(fault)) = creator.reply().result else {
        panic!("it was created")
    };
    assert_eq!(fault.code(), ErrorCode::DeadlineExceeded, "{fault:?}");
    let volume_name = format!("busy with volume {:?}", volume.at);
    assert_names(
        &fault,
        &["(estiba-builder)", "request_wait_answer", &volume_name],
    );
    let fault = client.fault(remove(&id));
    assert_names(
        &fault,
        &[
            "is removed when that ends",
            "request_wait_answer",
            &volume_name,
        ],
    );
    assert_eq!(
        client.stop(&neighbour, 9, 0).phase(),
        ContainerPhase::Exited
    );
    let stopped = client.call(Call::StopPod(v1::StopPod {}));
    assert!(
        matches!(stopped, monitor_reply::Result::PodStopped(_)),
        "{stopped:?}"
    );
    let fault = client.fault(Call::ReleasePod(v1::ReleasePod {}));
    assert_names(&fault, &["cannot release pod", &id, &volume_name]);
    volume.revive();
    wait_until("it is removed when that can be", || {
        !pod.container_dir(&id).exists()
    });
    client.release();
}

#[test]
fn a_volume_that_dies_under_a_container_is_named_by_every_call_that_wants_it_dead() {
    need_pods!();
    let launcher = Launcher::start();
    let volume = need_volume!(launcher);
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let neighbour = pod.run(&mut client, &["sleep", "1000"]);
    let script = "echo ready; while cat /v/file >/dev/null; do :; done";
    let (id, request) = with_volume(&pod, &volume, &["sh", "-c", script]);
    client.create(request);
    client.start(&id);
    wait_until("it reads", || pod.log(&id).contains("ready"));
    volume.die();
    wait_until("it hangs", || volume.waiting() > 0);
    let hang = [
        "it was killed, but process ",
        "(cat) hangs in request_wait_answer",
        "\"/v\" (fuse)",
    ];

    let mut stopper = pod.connect();
    stopper.ask(stop(&id, 0, 0));
    let asked = Instant::now();
    assert_eq!(client.exec(exec(&neighbour, &["true"])).ended.exit_code, 0);
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
    let Some(monitor_reply::Result::Fault(fault)) = stopper.reply().result else {
        panic!("it was stopped")
    };
    assert_names(&fault, &hang);
    assert_names(&fault, &["cannot stop container", &id]);
    // Known by now to hang: no long wait, whatever the grace.
    let asked = Instant::now();
    assert_names(&client.fault(stop(&id, 0, 60_000)), &hang);
    let fault = client.fault(remove(&id));
    assert_names(&fault, &hang);
    assert_names(&fault, &["cannot remove container"]);
    let fault = client.fault(Call::StopPod(v1::StopPod {}));
    assert_names(
        &fault,
        &["cannot stop pod: container", "was killed", hang[1], hang[2]],
    );
    let fault = client.fault(Call::ReleasePod(v1::ReleasePod {}));
    assert_names(&fault, &[hang[1]]);
    assert!(
        asked.elapsed() < Duration::from_secs(8),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(pod.exit_record(&neighbour).signal, 9, "all others are dead");
    assert!(is_alive(pod.started.monitor_pid));

    volume.revive();
    assert_eq!(client.wait_exit(&id).signal, 9);
    assert_eq!(client.stop(&id, 0, 0).phase(), ContainerPhase::Exited);
    client.remove(&id);
    client.release();
}

#[test]
fn what_a_dead_monitor_has_left_hanging_is_named_and_destroyed_when_it_ends() {
    need_pods!();
    let launcher = Launcher::start();
    let volume = need_volume!(launcher);
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let (id, request) = with_volume(
        &pod,
        &volume,
        &["sh", "-c", "while cat /v/file; do :; done"],
    );
    client.create(request);
    client.start(&id);
    volume.die();
    wait_until("it hangs", || volume.waiting() > 0);
    let monitor = rustix::process::Pid::from_raw(pod.started.monitor_pid).unwrap();
    rustix::process::kill_process(monitor, rustix::process::Signal::KILL).unwrap();
    let launcher_reply::Result::Fault(fault) = pod.destroy() else {
        panic!("it was destroyed")
    };
    assert_names(
        &fault,
        &["(cat) hangs in request_wait_answer", "\"/v\" (fuse)"],
    );
    volume.revive();
    let destroyed = pod.destroy();
    assert!(
        matches!(destroyed, launcher_reply::Result::Destroyed(_)),
        "{destroyed:?}"
    );
}

#[test]
fn what_hangs_in_a_pods_pid_namespace_when_its_container_is_gone_keeps_the_pod_and_is_named() {
    need_pods!();
    let launcher = Launcher::start();
    let volume = need_volume!(launcher);
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let script = "while cat /v/file >/dev/null; do :; done & read line";
    let (id, request) = with_volume(&pod, &volume, &["sh", "-c", script]);
    let stdio = v1::Stdio {
        stdin: true,
        ..request.stdio.clone().unwrap()
    };
    client.create(v1::CreateContainer {
        stdio: Some(stdio),
        ..request
    });
    client.start(&id);
    wait_until("it reads", || pids_named(&pod, &id, "cat") > 0);
    volume.die();
    wait_until("it hangs", || volume.waiting() > 0);
    // Its first process dies, the one that hangs does not.
    assert_eq!(client.stop(&id, 9, 0).phase(), ContainerPhase::Exited);
    let stopped = client.call(Call::StopPod(v1::StopPod {}));
    assert!(
        matches!(stopped, monitor_reply::Result::PodStopped(_)),
        "{stopped:?}"
    );
    let fault = client.fault(Call::ReleasePod(v1::ReleasePod {}));
    let words = ["cannot release pod", "(cat) hangs in", "\"/v\" (fuse)"];
    assert_names(&fault, &words);
    volume.revive();
    client.release();
}

fn pids_named(pod: &Pod<'_>, id: &str, name: &str) -> usize {
    let directories = support::cgroup_directories(&pod.cgroup_of(id));
    let text = directories
        .iter()
        .map(|directory| std::fs::read_to_string(directory.join("cgroup.procs")).unwrap())
        .max_by_key(String::len)
        .unwrap_or_default();
    let named = |pid: &&str| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
    };
    text.lines().filter(named).count()
}
