//! What a volume that has died holds up, and what not. Needs root, FUSE and a static busybox.
#![allow(clippy::unwrap_used, reason = "a failing step is a failing test")]

mod support;

use std::time::{Duration, Instant};

use estiba_wire::v1::{self, ErrorCode, launcher_request::Job};
use support::fuse::Volume;
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
    for word in ["\"/bin/sh\"", "request_wait_answer", "(fuse)"] {
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
