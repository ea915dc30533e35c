//! What is left of builds for which the monitor had too few descriptors. Needs root and a static
//! busybox.
#![allow(clippy::unwrap_used, reason = "a failing step is a failing test")]

mod support;

use std::fs;

use estiba_wire::v1::{NamespaceMode, monitor_reply, monitor_request::Call};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use support::pod::{Client, Pod, exec, need_pods};
use support::{Launcher, cgroup_directories, wait_until};

/// More than a create or an exec opens in the monitor.
const ENOUGH: u64 = 48;

/// A monitor that has `spare` descriptors left while `act` runs.
fn with_spare_descriptors<T>(pod: &Pod<'_>, spare: u64, act: impl FnOnce() -> T) -> T {
    let monitor = Pid::from_raw(pod.started.monitor_pid);
    let open = fs::read_dir(format!("/proc/{}/fd", pod.started.monitor_pid)).unwrap();
    let soft = Some(u64::try_from(open.count()).unwrap() + spare);
    let before = prlimit(
        monitor,
        Resource::Nofile,
        Rlimit {
            current: soft,
            maximum: rustix::process::getrlimit(Resource::Nofile).maximum,
        },
    )
    .unwrap();
    let result = act();
    prlimit(monitor, Resource::Nofile, before).unwrap();
    result
}

/// Children of the monitor, zombies too.
fn children(pod: &Pod<'_>) -> String {
    let monitor = pod.started.monitor_pid;
    fs::read_to_string(format!("/proc/{monitor}/task/{monitor}/children")).unwrap()
}

fn init_alone(client: &mut Client, pod: &Pod<'_>) -> bool {
    let pids = client
        .pod()
        .containers
        .iter()
        .map(|c| c.pid.to_string())
        .collect::<Vec<_>>();
    children(pod).split_whitespace().eq(pids)
}

#[test]
fn a_create_for_which_descriptors_run_out_anywhere_leaves_nothing() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let mut failures = 0;
    for spare in 0..ENOUGH {
        let id = pod.new_container_id();
        let request = Call::CreateContainer(pod.create_request(&id, &["true"]));
        let result = with_spare_descriptors(&pod, spare, || client.call(request));
        let failed = matches!(result, monitor_reply::Result::Fault(_));
        failures += u32::from(failed);
        assert!(spare + 1 < ENOUGH || !failed, "{result:?}");
        // As serve does when a create has failed.
        client.remove(&id);
        wait_until(&format!("nothing is left of {result:?}"), || {
            children(&pod).is_empty()
                && !pod.container_dir(&id).exists()
                && cgroup_directories(&pod.cgroup_of(&id)).is_empty()
        });
    }
    assert!(failures > 5, "{failures}");
    client.release();
}

#[test]
fn an_exec_for_which_descriptors_run_out_anywhere_leaves_nothing() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["sleep", "1000"]);
    let mut failures = 0;
    for spare in 0..ENOUGH {
        let request = Call::ExecSync(exec(&id, &["sleep", "0"]));
        let result = with_spare_descriptors(&pod, spare, || client.call(request));
        let failed = matches!(result, monitor_reply::Result::Fault(_));
        failures += u32::from(failed);
        assert!(spare + 1 < ENOUGH || !failed, "{result:?}");
        wait_until(&format!("nothing is left of {result:?}"), || {
            init_alone(&mut client, &pod)
        });
    }
    assert!(failures > 3, "{failures}");
    client.release();
}

/// Hundredths of a second that a process has computed.
fn computed(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let times = rest.split(' ').skip(11).take(2);
    times.map(|time| time.parse::<u64>().unwrap()).sum()
}

#[test]
fn a_client_for_which_there_is_no_descriptor_waits_and_costs_nothing() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let monitor = pod.started.monitor_pid;
    client.pod();
    let mut late = with_spare_descriptors(&pod, 0, || {
        let late = pod.connect();
        let before = computed(monitor);
        std::thread::sleep(std::time::Duration::from_secs(1));
        assert!(computed(monitor) - before < 10, "it tries again and again");
        client.pod();
        late
    });
    late.pod();
    client.release();
}
