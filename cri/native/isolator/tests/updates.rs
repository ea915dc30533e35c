//! Limits that are changed while a container lives. Needs root and a static busybox.

mod support;

use estiba_wire::v1::{
    self, ErrorCode, NamespaceMode,
    monitor_reply::{self},
    monitor_request::Call,
};
use serde_json::{Value, json};
use support::Launcher;
use support::pod::{Client, Pod, exec, need_pods, update};

const MEMORY: [&str; 2] = ["memory.max", "memory.limit_in_bytes"];
const TASKS: [&str; 1] = ["pids.max"];
const MEBI: i64 = 1 << 20;

fn apply(client: &mut Client, request: v1::UpdateContainer) {
    let answer = client.call(Call::UpdateContainer(request));
    assert!(
        matches!(answer, monitor_reply::Result::Updated(_)),
        "{answer:?}"
    );
}

fn refuse(client: &mut Client, id: &str, resources: &Value) -> v1::Fault {
    client.fault(Call::UpdateContainer(update(id, resources)))
}

fn memory(bytes: i64) -> Value {
    json!({"memory": {"limit": bytes}, "pids": {"limit": 77}})
}

#[test]
fn limits_change_before_the_start_and_while_it_runs() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    client.create(pod.create_request(&id, &["sleep", "1000"]));
    apply(&mut client, update(&id, &memory(64 * MEBI)));
    assert_eq!(pod.limit(&id, &MEMORY), (64 * MEBI).to_string());
    assert_eq!(pod.limit(&id, &TASKS), "77");
    client.start(&id);
    apply(
        &mut client,
        update(&id, &json!({"memory": {"limit": 96 * MEBI}})),
    );
    assert_eq!(pod.limit(&id, &MEMORY), (96 * MEBI).to_string());
    assert_eq!(pod.limit(&id, &TASKS), "77", "what is not given stays");
}

#[test]
fn a_refused_limit_is_named_and_takes_the_others_back() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["sleep", "1000"]);
    apply(&mut client, update(&id, &memory(64 * MEBI)));
    let bad =
        json!({"memory": {"limit": 32 * MEBI}, "cpu": {"cpus": "4095"}, "pids": {"limit": 5}});
    let fault = refuse(&mut client, &id, &bad);
    assert!(fault.message.contains("cpuset.cpus"), "{fault:?}");
    assert!(fault.message.contains("\"4095\""), "{fault:?}");
    assert_eq!(pod.limit(&id, &MEMORY), (64 * MEBI).to_string());
    assert_eq!(pod.limit(&id, &TASKS), "77");
}

#[test]
fn memory_in_use_is_not_taken_away() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    // In a tmpfs: memory that the kernel cannot write anywhere else.
    let script = "head -c 20000000 /dev/zero >/dev/shm/x; echo ready; sleep 1000";
    let id = pod.run(&mut client, &["sh", "-c", script]);
    support::wait_until("the memory is in use", || pod.log(&id).contains("ready"));
    apply(&mut client, update(&id, &memory(128 * MEBI)));
    let fault = refuse(
        &mut client,
        &id,
        &json!({"memory": {"limit": 4 * MEBI}, "pids": {"limit": 5}}),
    );
    assert_eq!(fault.code(), ErrorCode::FailedPrecondition, "{fault:?}");
    let expected = format!("cannot set memory.limit to {} bytes: ", 4 * MEBI);
    assert!(fault.message.contains(&expected), "{fault:?}");
    assert!(fault.message.ends_with("bytes are in use"), "{fault:?}");
    assert_eq!(pod.limit(&id, &MEMORY), (128 * MEBI).to_string());
    assert_eq!(pod.limit(&id, &TASKS), "77");
    assert_eq!(client.pod().containers[0].exit, None, "it lives");
}

#[test]
fn a_container_that_is_over_or_unknown_is_told_apart() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let id = pod.run(&mut client, &["true"]);
    client.wait_exit(&id);
    let fault = refuse(&mut client, &id, &memory(MEBI));
    assert_eq!(
        (fault.step.as_str(), fault.code()),
        ("exited", ErrorCode::FailedPrecondition)
    );
    let fault = refuse(&mut client, &"0".repeat(64), &memory(MEBI));
    assert_eq!(fault.code(), ErrorCode::NotFound);
}

#[test]
fn the_oom_score_changes_for_what_runs_and_what_will_run() {
    need_pods!();
    let launcher = Launcher::start();
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let script = "sleep 1000 & sh -c 'echo 900 >/proc/self/oom_score_adj; exec sleep 1001' & \
                  echo born; sleep 1002";
    let id = pod.run(&mut client, &["sh", "-c", script]);
    // Before the first exec takes a pid.
    support::wait_until("its children are born", || pod.log(&id).contains("born"));
    let scores = |client: &mut Client| {
        let script =
            "for p in 1 2 3; do cat /proc/$p/oom_score_adj; done; cat /proc/self/oom_score_adj";
        let output = client.exec(exec(&id, &["sh", "-c", script]));
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    support::wait_until("the child has chosen", || {
        scores(&mut client).contains(&"900".into())
    });
    let request = v1::UpdateContainer {
        oom_score_adj: Some(300),
        ..update(&id, &json!({}))
    };
    apply(&mut client, request);
    assert_eq!(scores(&mut client), ["300", "300", "900", "300"]);
    let request = v1::UpdateContainer {
        oom_score_adj: Some(400),
        ..update(&id, &json!({"cpu": {"cpus": "4095"}}))
    };
    client.fault(Call::UpdateContainer(request));
    assert_eq!(scores(&mut client), ["300", "300", "900", "300"]);
}
