//! Pods whose containers are made by another OCI runtime. Needs root, runc and a static busybox.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::path::Path;

use estiba_wire::v1::{self, ContainerPhase, NamespaceMode, monitor_request::Call};
use serde_json::json;
use support::fuse::Volume;
use support::pod::{Pod, need_pods, remove, stop};
use support::{Launcher, is_alive, wait_until};

const RUNC: &str = "/usr/sbin/runc";

macro_rules! need_runc {
    () => {
        need_pods!();
        if !Path::new(RUNC).exists() {
            return support::skip("runc is not installed");
        }
    };
}

fn run_with(
    pod: &Pod<'_>,
    client: &mut support::client::Client,
    volume: &Path,
    script: &str,
) -> String {
    let id = pod.new_container_id();
    let args = ["sh", "-c", script];
    let mut spec = pod.spec(&id, &args);
    let mounts = spec["mounts"].as_array_mut().unwrap();
    mounts
        .push(json!({"destination": "/v", "type": "bind", "source": volume, "options": ["rbind"]}));
    client.create(v1::CreateContainer {
        spec_json: spec.to_string().into_bytes(),
        ..pod.create_request(&id, &args)
    });
    client.start(&id);
    id
}

#[test]
fn what_hangs_in_a_container_is_named_and_not_told_as_dead() {
    need_runc!();
    let launcher = Launcher::start();
    let Some(volume) = Volume::mount(launcher.scratch(), "volume") else {
        return support::skip("cannot mount a FUSE file system");
    };
    let pod = Pod::start_by(&launcher, NamespaceMode::Container, Path::new(RUNC));
    let mut client = pod.connect();
    let script = "echo ready; while cat /v/file >/dev/null; do :; done";
    let id = run_with(&pod, &mut client, &volume.at, script);
    wait_until("it reads", || pod.log(&id).contains("ready"));
    volume.die();
    wait_until("it hangs", || volume.waiting() > 0);
    let hang = [
        "was killed, but process ",
        "(cat) hangs in request_wait_answer",
    ];
    let calls = [
        stop(&id, 9, 0),
        remove(&id),
        Call::StopPod(v1::StopPod {}),
        Call::ReleasePod(v1::ReleasePod {}),
    ];
    for call in calls {
        let fault = client.fault(call);
        for word in hang {
            assert!(fault.message.contains(word), "{word}: {fault:?}");
        }
    }
    volume.revive();
    assert_eq!(client.wait_exit(&id).signal, 9);
    client.remove(&id);
    client.release();
}

#[test]
fn a_container_that_was_never_started_is_stopped_like_any_other() {
    need_runc!();
    let launcher = Launcher::start();
    let pod = Pod::start_by(&launcher, NamespaceMode::Container, Path::new(RUNC));
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let created = client.create(pod.create_request(&id, &["true"]));
    let stopped = client.stop(&id, 15, 60_000);
    assert_eq!(stopped.phase(), ContainerPhase::Exited);
    assert_eq!(stopped.exit.unwrap().signal, 9);
    wait_until("its process is gone", || !is_alive(created.pid));
    client.remove(&id);
    client.release();
}

#[test]
fn a_container_whose_process_dies_before_its_start_is_told_at_once() {
    need_runc!();
    let launcher = Launcher::start();
    let pod = Pod::start_by(&launcher, NamespaceMode::Container, Path::new(RUNC));
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let created = client.create(pod.create_request(&id, &["true"]));
    let pid = rustix::process::Pid::from_raw(created.pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(client.wait_exit(&id).signal, 9);
    client.remove(&id);
    client.release();
}
