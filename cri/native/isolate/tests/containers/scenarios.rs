//! The scenarios, each a sentence.

use std::fs;
use std::time::{Duration, Instant};

use estiba_kernel::spawn::Ended;
use serde_json::json;

use crate::fixture::{Fixture, PARENT, read_all};

type Scenario = fn(&Fixture);

pub const ALL: &[(&str, Scenario)] = &[
    ("a_container_runs_and_its_exit_code_is_seen", runs),
];

/// Cgroups and processes that tests have left.
pub fn left_behind(fixture: &Fixture) -> Vec<String> {
    let mut left = Vec::new();
    for name in ["unified", "memory", "pids", "freezer", "cpu", ""] {
        let dir = format!("/sys/fs/cgroup/{name}{PARENT}");
        if let Ok(entries) = fs::read_dir(&dir) {
            let dirs = entries.flatten().filter(|e| e.path().is_dir());
            left.extend(dirs.map(|entry| entry.path().display().to_string()));
        }
    }
    if left.is_empty() {
        estiba_isolate::remove_cgroup(&fixture.host, PARENT, Duration::from_secs(1)).unwrap();
    }
    left
}

fn runs(fixture: &Fixture) {
    let pod = fixture.pod();
    let spec = pod.spec(&["/bin/sh", "-c", "cat /etc/layer; id; cat /proc/self/mounts; exit 7"]);
    let running = pod.create(&spec);
    for step in &running.created.steps {
        println!("  {:>6} {}", step.elapsed_us, step.step);
    }
    let (ended, text) = pod.finish(running);
    println!("{text}");
    assert_eq!(ended, Ended::Exited(7));
    assert!(text.starts_with("top\n"), "{text}");
}
