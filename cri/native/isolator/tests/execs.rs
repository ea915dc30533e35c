//! Commands in containers as clients of a monitor run them. Needs root and a static busybox.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use estiba_wire::v1::{self, ErrorCode, NamespaceMode, monitor_reply, monitor_request};
use support::pod::{MODES, Pod, exec, need_pods};
use support::{Launcher, cgroup_directories, limit, wait_until};

#[test]
fn exec_gives_output_and_exit_code() {
    need_pods!();
    let launcher = Launcher::start();
    for mode in MODES {
        let pod = Pod::start(&launcher, mode);
        let mut client = pod.connect();
        let id = pod.run(&mut client, &["sleep", "1000"]);
        let output = client.exec(exec(&id, &["sh", "-c", "echo out; echo err >&2; exit 9"]));
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, b"err\n");
        assert_eq!(
            (output.ended.exit_code, output.ended.timed_out),
            (9, false),
            "{mode:?}"
        );
        let killed = client.exec(exec(&id, &["sh", "-c", "kill -9 $$"]));
        assert_eq!(killed.ended.exit_code, 137);
        let fault = client.fault(monitor_request::Call::ExecSync(exec(&id, &["/no/such"])));
        assert!(fault.message.contains("/no/such"), "{fault:?}");
    }
}

#[test]
fn exec_output_is_cut_at_the_limit_and_drained() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["sleep", "1000"]);
    let command = exec(
        &id,
        &["sh", "-c", "head -c 10000000 /dev/zero; echo end >&2"],
    );
    let request = v1::ExecSync {
        output_limit_bytes: 100_000,
        ..command.clone()
    };
    let output = client.exec(request);
    assert_eq!(output.stdout.len(), 100_000);
    assert_eq!(output.stderr, b"end\n");
    assert!(output.ended.output_cut && output.ended.exit_code == 0);
    let whole = client.exec(command);
    assert_eq!(whole.stdout.len(), 10_000_000);
    assert!(!whole.ended.output_cut);
}

#[test]
fn exec_deadline_kills_the_command_and_its_children_and_spares_the_container() {
    need_pods!();
    let launcher = Launcher::start();
    for mode in MODES {
        let pod = Pod::start(&launcher, mode);
        let mut client = pod.connect();
        let id = pod.run(&mut client, &["sleep", "1000"]);
        let pids = pids_of(&pod, &id);
        let started = Instant::now();
        let script = "echo first; sleep 777 & setsid sleep 778 & wait";
        let deadline = limit(Duration::from_millis(300));
        let request = v1::ExecSync {
            timeout_ms: u64::try_from(deadline.as_millis()).unwrap(),
            ..exec(&id, &["sh", "-c", script])
        };
        let output = client.exec(request);
        assert!(output.ended.timed_out, "{mode:?}");
        assert_eq!(output.stdout, b"first\n");
        assert!(started.elapsed() < limit(Duration::from_secs(3)));
        assert_eq!(
            pids_of(&pod, &id),
            pids,
            "{mode:?}: nothing of the exec is left"
        );
        assert_eq!(client.exec(exec(&id, &["true"])).ended.exit_code, 0);
    }
}

#[test]
fn an_exec_that_leaves_a_child_behind_returns_at_once_and_the_child_lives() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["sleep", "1000"]);
    let before = pids_of(&pod, &id).len();
    let started = Instant::now();
    let output = client.exec(exec(&id, &["sh", "-c", "sleep 600 & echo done"]));
    assert_eq!(
        (output.stdout.as_slice(), output.ended.exit_code),
        (&b"done\n"[..], 0)
    );
    assert!(started.elapsed() < limit(Duration::from_secs(2)));
    assert_eq!(pids_of(&pod, &id).len(), before + 1);
    // The next exec's deadline does not touch the left-over.
    let request = v1::ExecSync {
        timeout_ms: 200,
        ..exec(&id, &["sleep", "60"])
    };
    assert!(client.exec(request).ended.timed_out);
    assert_eq!(pids_of(&pod, &id).len(), before + 1);
}

#[test]
fn closing_the_connection_kills_its_execs_and_cancel_answers_both() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["sleep", "1000"]);
    let before = pids_of(&pod, &id).len();
    let mut other = pod.connect();
    other.ask(monitor_request::Call::ExecSync(exec(&id, &["sleep", "60"])));
    wait_until("the exec runs", || pids_of(&pod, &id).len() > before);
    drop(other);
    wait_until("the exec is dead", || pids_of(&pod, &id).len() == before);
    let target = client.ask(monitor_request::Call::ExecSync(exec(&id, &["sleep", "60"])));
    let cancel = v1::CancelRequest { target_id: target };
    let cancel = client.ask(monitor_request::Call::Cancel(cancel));
    for _ in 0..2 {
        let reply = client.reply();
        let result = reply.result.unwrap();
        if let monitor_reply::Result::Fault(fault) = &result {
            assert_eq!((reply.id, fault.code()), (target, ErrorCode::Canceled));
        } else {
            assert!(
                matches!(result, monitor_reply::Result::Canceled(_)),
                "{result:?}"
            );
            assert_eq!(reply.id, cancel);
        }
    }
}

/// Pids in the container's cgroup and below, in whatever hierarchy shows most.
fn pids_of(pod: &Pod<'_>, id: &str) -> Vec<String> {
    let mut best = Vec::new();
    for directory in cgroup_directories(&pod.cgroup_of(id)) {
        let mut pids = Vec::new();
        collect(&directory, &mut pids);
        pids.sort();
        if pids.len() > best.len() {
            best = pids;
        }
    }
    best
}

fn collect(directory: &std::path::Path, pids: &mut Vec<String>) {
    let procs = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
    // Not those of ours that have made a process in there and are about to be reaped.
    let is_the_containers = |pid: &&str| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        !name.is_empty() && !name.starts_with("estiba")
    };
    pids.extend(procs.lines().filter(is_the_containers).map(str::to_owned));
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), pids);
        }
    }
}

#[test]
fn execs_canceled_at_any_moment_leave_no_process_behind() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["sleep", "1000"]);
    let init = client.pod().containers[0].pid.to_string();
    for step in 0..150 {
        let command = exec(&id, &["sleep", "1000"]);
        let target_id = client.ask(monitor_request::Call::ExecSync(command));
        std::thread::sleep(Duration::from_micros(step * 20));
        let cancel = v1::CancelRequest { target_id };
        client.ask(monitor_request::Call::Cancel(cancel));
        client.reply();
        client.reply();
    }
    let monitor = pod.started.monitor_pid;
    let children = format!("/proc/{monitor}/task/{monitor}/children");
    // Zombies count.
    wait_until("no child but the init is left", || {
        fs::read_to_string(&children).unwrap().trim() == init
    });
    client.release();
}
