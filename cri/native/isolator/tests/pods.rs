//! Pods and containers as clients of a monitor see them. Needs root and a static busybox.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use estiba_wire::v1::{
    self, ContainerPhase, ErrorCode, NamespaceMode, launcher_reply, monitor_reply, monitor_request,
};
use support::pod::{MODES, Pod, need_pods, remove, start, stop};
use support::{Launcher, cgroup_directories, is_alive, wait_until};

#[test]
fn a_container_lives_logs_and_leaves_its_exit_in_every_pid_mode() {
    need_pods!();
    let launcher = Launcher::start();
    for mode in MODES {
        let pod = Pod::start(&launcher, mode);
        let mut client = pod.connect();
        let id = pod.run(
            &mut client,
            &["sh", "-c", "echo out; echo err >&2; printf tail; exit 7"],
        );
        let exit = client.wait_exit(&id);
        assert_eq!(
            (exit.exit_code, exit.signal, exit.oom_killed),
            (7, 0, false),
            "{mode:?}"
        );
        assert!(exit.started_at_ns > 0 && exit.finished_at_ns >= exit.started_at_ns);
        assert_eq!(
            pod.exit_record(&id),
            exit,
            "the record is on disk when the exit is reported"
        );
        let log = pod.log(&id);
        let mut lines: Vec<&str> = log
            .lines()
            .map(|line| line.split_once(' ').unwrap().1)
            .collect();
        lines.sort_unstable();
        assert_eq!(lines, ["stderr F err", "stdout F out", "stdout P tail"]);
        client.remove(&id);
        assert!(!pod.container_dir(&id).exists() && !pod.writable(&id).exists());
        assert!(cgroup_directories(&pod.cgroup_of(&id)).is_empty());
        client.release();
    }
}

#[test]
fn release_leaves_no_process_namespace_or_cgroup() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    assert!(pod.netns.exists() && pod.started.init_pid > 0);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["sleep", "1000"]);
    let pid = client.pod().containers[0].pid;
    client.release();
    let mut byte = [0_u8; 1];
    let end = rustix::io::read(&client.socket, &mut byte).unwrap();
    assert_eq!(end, 0, "the connection closes behind the answer");
    wait_until("the monitor is gone", || !is_alive(pod.started.monitor_pid));
    assert!(!is_alive(pid) && !is_alive(pod.started.init_pid));
    assert!(!pod.netns.exists());
    assert_eq!(pod.exit_record(&id).signal, 9, "exit records stay");
    assert!(cgroup_directories(&pod.cgroup_of(&id)).is_empty());
    let leaf = format!("{}/estiba-{}", launcher.cgroup_base, &pod.id[..12]);
    assert!(cgroup_directories(&leaf).is_empty());
}

#[test]
fn a_program_that_cannot_be_run_is_a_start_failure_with_its_reason() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    client.create(pod.create_request(&id, &["/no/such/program"]));
    let fault = client.fault(start(&id));
    assert_eq!(fault.step, "execve", "{fault:?}");
    assert!(fault.message.contains("/no/such/program"), "{fault:?}");
    let exit = client.wait_exit(&id);
    assert!(exit.start_failed && exit.exit_code == 128, "{exit:?}");
    assert!(pod.log_path(&id).exists());
}

#[test]
fn a_container_that_cannot_be_built_leaves_nothing() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let mut request = pod.create_request(&id, &["true"]);
    let mut spec = pod.spec(&id, &["true"]);
    let mounts = spec["mounts"].as_array_mut().unwrap();
    mounts.push(
        serde_json::json!({"destination": "/v", "type": "bind", "source": "/no/such/volume",
                                   "options": ["rbind"]}),
    );
    request.spec_json = spec.to_string().into_bytes();
    let fault = client.fault(monitor_request::Call::CreateContainer(request));
    assert!(fault.message.contains("/no/such/volume"), "{fault:?}");
    wait_until("all traces are gone", || {
        !pod.container_dir(&id).exists()
            && !pod.writable(&id).exists()
            && cgroup_directories(&pod.cgroup_of(&id)).is_empty()
    });
    assert!(client.pod().containers.is_empty());
    // The name is free again as soon as the removal is done.
    client.remove(&id);
    client.create(pod.create_request(&id, &["true"]));
}

#[test]
fn a_create_that_hangs_is_named_at_its_deadline_and_cleaned_up() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let request = v1::CreateContainer {
        deadline_ms: 1,
        ..pod.create_request(&id, &["true"])
    };
    // One millisecond is too short on most machines; where it is not, there is nothing to see.
    if let monitor_reply::Result::Fault(fault) =
        client.call(monitor_request::Call::CreateContainer(request))
    {
        assert_eq!(fault.code(), ErrorCode::DeadlineExceeded);
        assert!(fault.message.contains("process "), "{fault:?}");
        wait_until("all traces are gone", || {
            !pod.container_dir(&id).exists() && cgroup_directories(&pod.cgroup_of(&id)).is_empty()
        });
    }
}

#[test]
fn stop_sends_the_signal_and_answers_at_death() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let id = pod.run(&mut client, &["sh", "-c", script]);
    wait_until("the trap is set", || pod.log(&id).contains("ready"));
    let state = client.stop(&id, 0, 10_000);
    assert_eq!(state.phase(), ContainerPhase::Exited);
    assert_eq!(state.exit.unwrap().exit_code, 3);
    assert!(
        pod.log(&id).contains("bye"),
        "the log is complete when the exit is told"
    );
    assert_eq!(
        client.stop(&id, 0, 10_000).phase(),
        ContainerPhase::Exited,
        "again is fine"
    );
}

#[test]
fn a_container_that_ignores_the_signal_is_killed_and_a_nearer_deadline_wins() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let script = "trap '' TERM; sleep 1000 & echo ready; while :; do sleep 1; done";
    let id = pod.run(&mut client, &["sh", "-c", script]);
    wait_until("the trap is set", || pod.log(&id).contains("ready"));
    let started = Instant::now();
    let first = client.ask(stop(&id, 15, 60_000));
    let second = client.ask(stop(&id, 15, 200));
    let mut answered = [client.reply().id, client.reply().id];
    answered.sort_unstable();
    assert_eq!(answered, [first, second], "both are answered");
    assert!(started.elapsed() < support::limit(Duration::from_secs(5)));
    assert_eq!(client.wait_exit(&id).signal, 9);
    // They were killed at the same time, but each dies at its own pace.
    wait_until("left-over processes of the container are dead", || {
        cgroup_directories(&pod.cgroup_of(&id))
            .into_iter()
            .all(|directory| {
                fs::read_to_string(directory.join("cgroup.procs"))
                    .unwrap()
                    .is_empty()
            })
    });
}

#[test]
fn a_parked_container_can_be_stopped_and_removed() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let created = client.create(pod.create_request(&id, &["true"]));
    assert!(created.pid > 0 && created.created_at_ns > 0 && !created.steps.is_empty());
    assert_eq!(client.pod().containers[0].phase(), ContainerPhase::Created);
    let state = client.stop(&id, 15, 60_000);
    assert_eq!(state.exit.unwrap().signal, 9);
    client.remove(&id);
    let running = pod.run(&mut client, &["sleep", "1000"]);
    client.remove(&running);
    client.remove("unknown");
    assert!(client.pod().containers.is_empty());
}

#[test]
fn a_reopened_log_exists_when_the_answer_comes() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.run(
        &mut client,
        &["sh", "-c", "while :; do echo x; sleep 0.02; done"],
    );
    wait_until("there is a line", || !pod.log(&id).is_empty());
    fs::rename(pod.log_path(&id), pod.log_path(&id).with_extension("old")).unwrap();
    let reopen = v1::ReopenLog {
        container_id: id.clone(),
    };
    let reopened = client.call(monitor_request::Call::ReopenLog(reopen.clone()));
    assert!(
        matches!(reopened, monitor_reply::Result::Reopened(_)),
        "{reopened:?}"
    );
    assert!(pod.log_path(&id).exists());
    wait_until("the new file is written", || !pod.log(&id).is_empty());
    client.stop(&id, 9, 0);
    let fault = client.fault(monitor_request::Call::ReopenLog(reopen));
    assert_eq!(fault.code(), ErrorCode::FailedPrecondition);
}

#[test]
fn subscribers_hear_of_exits_and_of_the_death_of_pid_1() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    client.call(monitor_request::Call::Subscribe(v1::Subscribe {}));
    let id = pod.run(&mut client, &["sh", "-c", "sleep 0.1; exit 4"]);
    let reply = client.frame();
    let Some(monitor_reply::Result::ContainerExited(state)) = reply.result else {
        panic!()
    };
    assert_eq!((reply.id, state.container_id.as_str()), (0, id.as_str()));
    assert_eq!(state.exit.unwrap().exit_code, 4);
    let init = rustix::process::Pid::from_raw(pod.started.init_pid).unwrap();
    rustix::process::kill_process(init, rustix::process::Signal::KILL).unwrap();
    let reply = client.frame();
    assert!(
        matches!(reply.result, Some(monitor_reply::Result::PodInitDied(_))),
        "{reply:?}"
    );
}

#[test]
fn a_terminal_container_logs_what_it_prints() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let mut request = pod.create_request(&id, &["sh", "-c", "[ -t 1 ] && echo tty"]);
    if let Some(stdio) = &mut request.stdio {
        stdio.tty = true;
    }
    client.create(request);
    client.start(&id);
    client.wait_exit(&id);
    assert!(
        pod.log(&id).ends_with(" stdout F tty\r\n"),
        "{:?}",
        pod.log(&id)
    );
}

#[test]
fn everything_written_before_the_exit_is_in_the_log() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["seq", "1", "200000"]);
    client.wait_exit(&id);
    let log = pod.log(&id);
    assert_eq!(log.lines().count(), 200_000);
    let in_order = log
        .lines()
        .zip(1..)
        .all(|(line, number)| line.ends_with(&format!(" stdout F {number}")));
    assert!(in_order);
}

#[test]
fn monitors_survive_the_launcher_and_destroy_ends_a_pod_without_its_monitor() {
    need_pods!();
    let mut launcher = Launcher::start();
    launcher.process.kill().unwrap();
    launcher.process.wait().unwrap();
    launcher.process = launcher.spawn_another();
    launcher.wait_until_it_answers();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["sleep", "1000"]);
    let pid = client.pod().containers[0].pid;
    let monitor = rustix::process::Pid::from_raw(pod.started.monitor_pid).unwrap();
    rustix::process::kill_process(monitor, rustix::process::Signal::KILL).unwrap();
    wait_until("the monitor is dead", || !is_alive(pod.started.monitor_pid));
    for _ in 0..2 {
        let destroyed = pod.destroy();
        assert!(
            matches!(destroyed, launcher_reply::Result::Destroyed(_)),
            "{destroyed:?}"
        );
        wait_until("all are dead", || {
            !is_alive(pid) && !is_alive(pod.started.init_pid)
        });
        assert!(!pod.dir.exists() && !pod.netns.exists());
        assert!(cgroup_directories(&pod.cgroup_of(&id)).is_empty());
    }
}

#[test]
fn stop_pod_kills_all_and_unknown_containers_are_not_found() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let ids = [
        pod.run(&mut client, &["sleep", "99"]),
        pod.run(&mut client, &["sleep", "99"]),
    ];
    let stopped = client.call(monitor_request::Call::StopPod(v1::StopPod {}));
    assert!(
        matches!(stopped, monitor_reply::Result::PodStopped(_)),
        "{stopped:?}"
    );
    assert!(
        client
            .pod()
            .containers
            .iter()
            .all(|state| state.phase() == ContainerPhase::Exited)
    );
    assert_eq!(pod.exit_record(&ids[0]).exit_code, 137);
    assert_eq!(client.fault(start("nobody")).code(), ErrorCode::NotFound);
    assert_eq!(
        client.fault(start(&ids[0])).code(),
        ErrorCode::FailedPrecondition
    );
    let removed = client.call(remove("nobody"));
    assert!(matches!(removed, monitor_reply::Result::Removed(_)));
}
