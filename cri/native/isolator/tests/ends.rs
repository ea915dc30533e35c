//! How containers and pods end when something stands in the way. Needs root and a static busybox.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use estiba_wire::v1::{
    self, ErrorCode, NamespaceMode, launcher_reply, launcher_request::Job, monitor_reply,
    monitor_request::Call,
};
use serde_json::json;
use support::pod::{Pod, need_pods, remove, stop};
use support::{Launcher, cgroup_directories, is_alive, wait_until};

#[test]
fn the_stop_signal_is_sent_once_however_often_a_stop_is_asked_for() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let script = "trap 'echo term' TERM; echo ready; while :; do sleep 0.02; done";
    let id = pod.run(&mut client, &["sh", "-c", script]);
    wait_until("the trap is set", || pod.log(&id).contains("ready"));
    client.ask(stop(&id, 0, 60_000));
    wait_until("the signal arrives", || pod.log(&id).contains("term"));
    client.ask(stop(&id, 0, 300));
    for _ in 0..2 {
        let reply = client.reply().result.unwrap();
        assert!(matches!(reply, monitor_reply::Result::ContainerStopped(_)));
    }
    assert_eq!(pod.log(&id).matches("term").count(), 1);
}

#[test]
fn a_pod_that_cannot_be_taken_down_keeps_its_monitor_and_is_released_later() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let leaf = format!("{}/estiba-{}", launcher.cgroup_base, &pod.id[..12]);
    let mut squatter = Command::new("sleep").arg("100").spawn().unwrap();
    for directory in cgroup_directories(&leaf) {
        fs::write(directory.join("cgroup.procs"), squatter.id().to_string()).unwrap();
    }
    let release = || Call::ReleasePod(v1::ReleasePod {});
    let fault = client.fault(release());
    assert!(fault.message.contains("cgroup"), "{fault:?}");
    assert!(is_alive(pod.started.monitor_pid));
    squatter.kill().unwrap();
    squatter.wait().unwrap();
    client.release();
    assert!(cgroup_directories(&leaf).is_empty() && !pod.netns.exists());
}

/// A file system that can be frozen: whoever writes to it then hangs and cannot be killed.
struct Freezable {
    at: PathBuf,
}

impl Freezable {
    fn new(scratch: &Path) -> Option<Self> {
        let (image, at) = (scratch.join("image"), scratch.join("frozen"));
        let file = fs::File::create(&image).ok()?;
        file.set_len(16 << 20).ok()?;
        fs::create_dir(&at).ok()?;
        let ran = |program: &str, arguments: &[&Path]| {
            let mut command = Command::new(program);
            command.args(arguments).stdout(Stdio::null());
            command
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|end| end.success())
        };
        let made = ran("mkfs.ext4", &[Path::new("-q"), Path::new("-F"), &image]);
        let options = [Path::new("-o"), Path::new("loop"), &image, &at];
        (made && ran("mount", &options)).then_some(Self { at })
    }

    fn run(&self, argument: &str) -> bool {
        let mut command = Command::new("fsfreeze");
        command.arg(argument).arg(&self.at).stderr(Stdio::null());
        command.status().is_ok_and(|end| end.success())
    }
}

impl Drop for Freezable {
    fn drop(&mut self) {
        self.run("-u");
        rustix::mount::unmount(&self.at, rustix::mount::UnmountFlags::DETACH).ok();
    }
}

#[test]
fn a_volume_that_hangs_holds_up_its_container_only() {
    need_pods!();
    let launcher = Launcher::start();
    let Some(volume) = Freezable::new(launcher.scratch()) else {
        return support::skip("cannot make and mount an ext4 image");
    };
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let mut spec = pod.spec(&id, &["true"]);
    let mounts = spec["mounts"].as_array_mut().unwrap();
    for (source, target) in [(volume.at.as_path(), "/v"), (Path::new("/tmp"), "/v/new")] {
        mounts.push(
            json!({"destination": target, "type": "bind", "source": source,
                           "options": ["rbind", "rprivate"]}),
        );
    }
    let request = v1::CreateContainer {
        deadline_ms: 300,
        spec_json: spec.to_string().into_bytes(),
        ..pod.create_request(&id, &["true"])
    };
    assert!(volume.run("-f"), "cannot freeze");
    let fault = client.fault(Call::CreateContainer(request));
    assert_eq!(fault.code(), ErrorCode::DeadlineExceeded, "{fault:?}");
    let asked = Instant::now();
    let fault = client.fault(remove(&id));
    assert!(fault.message.contains("hangs in"), "{fault:?}");
    let stopped = client.call(Call::StopPod(v1::StopPod {}));
    assert!(matches!(stopped, monitor_reply::Result::PodStopped(_)));
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert!(volume.run("-u"), "cannot thaw");
    wait_until("the container is removed when it can be", || {
        !pod.container_dir(&id).exists() && cgroup_directories(&pod.cgroup_of(&id)).is_empty()
    });
    client.release();
}

/// A container with a poststop hook of this script, told of its id, its bundle and where to write.
fn with_poststop(pod: &Pod<'_>, script: &str) -> (String, v1::CreateContainer) {
    let id = pod.new_container_id();
    let mut spec = pod.spec(&id, &["sleep", "1000"]);
    spec["hooks"] = json!({"poststop": [{
        "path": "/bin/sh",
        "args": ["sh", "-c", script],
        "env": [
            "PATH=/usr/bin:/bin",
            format!("ID={id}"),
            format!("OUT={}", pod.launcher.scratch().display()),
            format!("BUNDLE={}", pod.container_dir(&id).display()),
        ],
    }]});
    let request = v1::CreateContainer {
        spec_json: spec.to_string().into_bytes(),
        ..pod.create_request(&id, &["true"])
    };
    (id, request)
}

#[test]
fn poststop_hooks_are_run_by_the_removal_that_works_in_the_end() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let script = "test -f $BUNDLE/config.json && echo $ID >> $OUT/ran";
    let (id, request) = with_poststop(&pod, script);
    client.create(request);
    client.start(&id);
    client.stop(&id, 9, 0);
    let obstacle = pod.writable(&id).join("obstacle");
    fs::create_dir_all(&obstacle).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("tmpfs", &obstacle, "tmpfs", flags, None).unwrap();
    let fault = client.call(remove(&id));
    rustix::mount::unmount(&obstacle, rustix::mount::UnmountFlags::DETACH).unwrap();
    assert!(
        matches!(&fault, monitor_reply::Result::Fault(fault) if fault.message.contains("mounted")),
        "{fault:?}"
    );
    let ran = launcher.scratch().join("ran");
    assert!(!ran.exists(), "the container is not gone yet");
    client.remove(&id);
    assert_eq!(fs::read_to_string(&ran).unwrap(), format!("{id}\n"));
    assert!(!pod.container_dir(&id).exists());
    client.release();
}

#[test]
fn a_pod_whose_destruction_is_broken_off_loses_no_poststop_hook() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    // The first of them hangs, until somebody has seen it.
    let script = "if test ! -e $OUT/began; then : > $OUT/began; exec sleep 1000; fi; \
                  test -f $BUNDLE/config.json && echo $ID >> $OUT/ran";
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (id, request) = with_poststop(&pod, script);
        client.create(request);
        client.start(&id);
        ids.push(id);
    }
    let asked = launcher.connect();
    asked.ask(destroy_request(&pod));
    wait_until("a hook runs", || launcher.scratch().join("began").exists());
    // A second one does not run what the first is at.
    let fault = launcher.fault(destroy_request(&pod));
    assert!(fault.message.contains("another job"), "{fault:?}");
    let children = format!("/proc/{0}/task/{0}/children", launcher.pid());
    let jobs = || {
        let jobs = fs::read_to_string(&children).unwrap();
        let jobs = jobs.split(' ').filter_map(|pid| pid.parse::<i32>().ok());
        jobs.collect::<Vec<_>>()
    };
    wait_until("there is no job but the first", || jobs().len() == 1);
    let job = *jobs().first().unwrap();
    let pid = rustix::process::Pid::from_raw(job).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    wait_until("the job is gone", || !is_alive(job));
    assert!(pod.dir.join("state").exists(), "nobody could try again");
    let destroyed = launcher.job(destroy_request(&pod));
    assert!(
        matches!(destroyed, launcher_reply::Result::Destroyed(_)),
        "{destroyed:?}"
    );
    let ran = fs::read_to_string(launcher.scratch().join("ran")).unwrap();
    let mut ran: Vec<&str> = ran.lines().collect();
    ran.sort_unstable();
    ids.sort_unstable();
    assert_eq!(ran, ids);
    assert!(!pod.dir.exists());
}

fn destroy_request(pod: &Pod<'_>) -> Job {
    Job::DestroyPod(v1::DestroyPod {
        pod_dir: pod.dir.to_string_lossy().into_owned(),
        netns_path: pod.netns.to_string_lossy().into_owned(),
        remove_dir: true,
        cgroups: Vec::new(),
    })
}
