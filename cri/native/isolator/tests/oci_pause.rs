//! `pause` and `resume` of the OCI command line, and what else is done to a paused container.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs::{self, File};
use std::time::Duration;

use support::bundle::{Bundle, need_containers};
use support::{is_alive, wait_until};

/// A container that counts up.
fn counting() -> (Bundle, impl Fn() -> u64) {
    running("while :; do echo; sleep 0.005; done")
}

/// A container, and how much it has written.
fn running(script: &str) -> (Bundle, impl Fn() -> u64 + use<>) {
    let bundle = Bundle::new(&["sh", "-c", script]);
    let output = bundle.path("count");
    let status = bundle
        .command(&["run", "-d", "one"])
        .stdout(File::create(&output).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    (bundle, move || fs::metadata(&output).unwrap().len())
}

fn init_of(bundle: &Bundle) -> i32 {
    i32::try_from(bundle.state()["pid"].as_i64().unwrap()).unwrap()
}

#[test]
fn a_paused_container_stands_still_until_it_is_resumed() {
    need_containers!();
    let (bundle, count) = counting();
    wait_until("it counts", || count() > 2);
    bundle.good(&["pause", "one"]);
    assert_eq!(bundle.state()["status"], "paused");
    assert!(bundle.state()["pid"].as_i64().unwrap() > 0);
    let before = count();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(count(), before);
    for (command, why) in [
        ("pause", "it is paused: container not running"),
        ("start", "it is paused, not created"),
        ("delete", "it is paused, not stopped"),
    ] {
        let message = bundle.bad(&[command, "one"]);
        assert!(message.contains(why), "{message}");
    }
    bundle.good(&["resume", "one"]);
    assert_eq!(bundle.state()["status"], "running");
    wait_until("it counts again", || count() > before);
    let message = bundle.bad(&["resume", "one"]);
    assert!(message.contains("container not paused"), "{message}");
    bundle.delete();
}

#[test]
fn a_paused_container_can_be_killed_and_removed() {
    need_containers!();
    for words in [
        &["kill", "one", "KILL"][..],
        &["kill", "--all", "one", "KILL"],
    ] {
        let (bundle, _) = counting();
        bundle.good(&["pause", "one"]);
        bundle.good(words);
        bundle.wait_until_stopped();
        bundle.good(&["delete", "one"]);
    }
    let (bundle, _) = counting();
    let pid = init_of(&bundle);
    bundle.good(&["pause", "one"]);
    bundle.delete();
    assert!(!is_alive(pid));
}

#[test]
fn other_signals_wait_for_the_end_of_the_pause() {
    need_containers!();
    let (bundle, count) = running("trap 'exit 0' TERM; echo; while :; do sleep 0.01; done");
    wait_until("the trap is set", || count() > 0);
    bundle.good(&["pause", "one"]);
    bundle.good(&["kill", "one", "TERM"]);
    assert_eq!(bundle.state()["status"], "paused");
    bundle.good(&["resume", "one"]);
    bundle.wait_until_stopped();
    bundle.good(&["delete", "one"]);
}

#[test]
fn a_command_waits_for_the_end_of_the_pause_only_when_told_to() {
    need_containers!();
    let (bundle, _) = counting();
    bundle.good(&["pause", "one"]);
    let outcome = bundle.run(&["exec", "one", "true"]);
    assert_eq!(outcome.code, 255);
    assert!(
        outcome.stderr.contains("--ignore-paused"),
        "{}",
        outcome.stderr
    );
    let mut child = bundle
        .command(&["exec", "--ignore-paused", "one", "sh", "-c", "exit 9"])
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(child.try_wait().unwrap(), None);
    bundle.good(&["resume", "one"]);
    assert_eq!(child.wait().unwrap().code(), Some(9));
    bundle.delete();
}

#[test]
fn a_container_that_is_created_can_be_paused_too() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "1000"]);
    bundle.good(&["create", "one"]);
    bundle.good(&["pause", "one"]);
    assert_eq!(bundle.state()["status"], "paused");
    bundle.good(&["resume", "one"]);
    assert_eq!(bundle.state()["status"], "created");
    bundle.good(&["start", "one"]);
    bundle.delete();
    let message = bundle.bad(&["pause", "one"]);
    assert!(message.contains("does not exist"), "{message}");
}
