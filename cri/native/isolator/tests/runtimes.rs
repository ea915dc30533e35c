//! Pods whose containers are made by another OCI runtime. Needs root, runc and a static busybox.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use estiba_wire::v1::{self, ContainerPhase, ErrorCode, NamespaceMode, monitor_request::Call};
use serde_json::json;
use support::fuse::Volume;
use support::pod::{Pod, need_pods, remove, stop};
use support::{Launcher, cgroup_directories, cgroup_roots, is_alive, wait_until};

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

/// A program that does one command in its own way, all others as runc does.
fn runc_but_for(launcher: &Launcher, command: &str, script: &str) -> PathBuf {
    let path = launcher.scratch().join("runtime");
    let text = format!(
        "#!/bin/sh\nfor word; do if [ \"$word\" = {command} ]; then\n{script}\nfi; done\nexec {RUNC} \"$@\"\n"
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_dead_container_goes_although_its_program_cannot_forget_it() {
    need_runc!();
    let launcher = Launcher::start();
    let program = runc_but_for(&launcher, "delete", "exit 9");
    let pod = Pod::start_by(&launcher, NamespaceMode::Container, &program);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["true"]);
    client.wait_exit(&id);
    assert!(pod.dir.join("runtime").join(&id).exists());
    client.remove(&id);
    assert!(!pod.dir.join("runtime").join(&id).exists());
    assert!(cgroup_directories(&pod.cgroup_of(&id)).is_empty());
    client.release();
}

#[test]
fn what_a_program_that_is_late_has_put_into_the_cgroup_is_killed() {
    need_runc!();
    let launcher = Launcher::start();
    let root = cgroup_roots().pop().unwrap();
    let dir = format!("{}{}/$last", root.display(), launcher.cgroup_base);
    let script = format!(
        "for last; do :; done; mkdir -p {dir}; setsid sleep 1000 & echo $! >{dir}/cgroup.procs; \
         sleep 1000"
    );
    let program = runc_but_for(&launcher, "create", &script);
    let pod = Pod::start_by(&launcher, NamespaceMode::Container, &program);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let fault = client.fault(Call::CreateContainer(v1::CreateContainer {
        deadline_ms: 2000,
        ..pod.create_request(&id, &["true"])
    }));
    assert_eq!(fault.code(), ErrorCode::DeadlineExceeded, "{fault:?}");
    client.remove(&id);
    assert!(cgroup_directories(&pod.cgroup_of(&id)).is_empty());
    client.release();
}
