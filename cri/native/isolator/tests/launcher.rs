//! The launcher as its clients see it.

mod support;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};
use std::{fs, thread};

use estiba_wire::v1::{self, ErrorCode, launcher_reply, launcher_request};
use support::{Launcher, is_alive, sh, wait_until};

#[test]
fn the_socket_is_for_root_only_and_a_second_launcher_stays_away() {
    let launcher = Launcher::start();
    let socket = launcher.run_dir.join("launcher.sock");
    assert_eq!(
        fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let status = launcher.spawn_another().wait().unwrap();
    assert_eq!(status.code(), Some(3));
    // Not even when somebody has removed the lock file.
    fs::remove_file(launcher.run_dir.join("launcher.lock")).unwrap();
    let status = launcher.spawn_another().wait().unwrap();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn a_stale_socket_is_replaced() {
    let mut launcher = Launcher::start();
    launcher.process.kill().unwrap();
    launcher.process.wait().unwrap();
    assert!(launcher.run_dir.join("launcher.sock").exists());
    launcher.process = launcher.spawn_another();
    launcher.wait_until_it_answers();
    assert_eq!(launcher.run(sh("exit 0")).exit_code, 0);
}

#[test]
fn it_runs_from_a_sealed_copy_in_its_own_session_and_cgroup_and_cannot_be_read() {
    let launcher = Launcher::start();
    let pid = launcher.pid();
    let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    assert!(
        exe.to_string_lossy().starts_with("/memfd:estiba-launcher"),
        "{exe:?}"
    );
    let error = fs::write(format!("/proc/{pid}/exe"), "x").unwrap_err();
    assert!(matches!(error.raw_os_error(), Some(1 | 26)), "{error}");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(fields[3], pid.to_string(), "session");
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    assert_eq!(name.trim(), "estiba-launcher");
    if support::is_root() {
        let cgroups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        let own = format!("{}/launcher", launcher.cgroup_base);
        assert!(
            cgroups.lines().all(|line| line.ends_with(&own)),
            "{cgroups}"
        );
    }
}

#[test]
fn it_ends_when_its_run_directory_disappears() {
    let mut launcher = Launcher::start();
    fs::remove_dir_all(&launcher.run_dir).unwrap();
    wait_until("the launcher ends", || {
        launcher.process.try_wait().unwrap().is_some()
    });
    assert_eq!(launcher.process.wait().unwrap().code(), Some(0));
}

#[test]
fn a_job_that_it_does_not_know_is_answered_with_unimplemented() {
    let launcher = Launcher::start();
    let mut connection = launcher.connect();
    let request = v1::LauncherRequest {
        version: 9,
        job: None,
    };
    estiba_wire::send(&connection.socket, &request).unwrap();
    let reply = connection.reply();
    assert!(reply.done);
    let Some(launcher_reply::Result::Fault(fault)) = reply.result else {
        panic!()
    };
    assert_eq!(fault.code(), ErrorCode::Unimplemented);
}

#[test]
fn garbage_and_silence_leave_the_launcher_serving_and_no_zombie() {
    let launcher = Launcher::start();
    let connection = launcher.connect();
    rustix::io::write(&connection.socket, &[0xff; 64]).unwrap();
    drop(connection);
    drop(launcher.connect());
    assert_eq!(launcher.run(sh("exit 3")).exit_code, 3);
    let children = format!("/proc/{0}/task/{0}/children", launcher.pid());
    wait_until("all children are reaped", || {
        fs::read_to_string(&children).unwrap().is_empty()
    });
}

#[test]
fn a_program_gets_its_input_and_environment_and_its_outputs_come_back() {
    let launcher = Launcher::start();
    let ended = launcher.run(v1::RunProgram {
        stdin: b"from stdin".to_vec(),
        env: vec!["PATH=/usr/bin:/bin".into(), "X=a=b".into()],
        cwd: "/usr".into(),
        ..sh("cat; echo \"$X $(pwd) $(env | grep -c .)\" >&2; exit 5")
    });
    assert_eq!(ended.stdout, b"from stdin");
    // PATH, X and the three that sh adds by itself (PWD and, with dash, none other).
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert!(stderr.starts_with("a=b /usr "), "{stderr}");
    assert_eq!((ended.exit_code, ended.signal), (5, 0));
    assert!(!ended.timed_out && !ended.output_cut && ended.elapsed_us > 0);
}

#[test]
fn a_program_has_no_descriptors_of_ours_and_leads_its_own_session() {
    let launcher = Launcher::start();
    let ended = launcher.run(sh(
        "ls /proc/self/fd | tr '\\n' ' '; ps -o sid= -p $$ 2>/dev/null || echo $$; echo $$",
    ));
    let text = String::from_utf8(ended.stdout).unwrap();
    let mut lines = text.lines();
    // 3 is the directory that ls reads.
    let first = lines.next().unwrap();
    assert!(first.starts_with("0 1 2 3 "), "{text}");
    let numbers: Vec<&str> = first["0 1 2 3 ".len()..]
        .split_whitespace()
        .chain(lines)
        .map(str::trim)
        .collect();
    assert_eq!(numbers.first(), numbers.last(), "{text}");
}

#[test]
fn a_program_killed_by_a_signal_says_which() {
    let launcher = Launcher::start();
    let ended = launcher.run(sh("kill -SEGV $$"));
    assert_eq!((ended.exit_code, ended.signal), (-1, 11));
}

#[test]
fn a_program_that_does_not_exist_is_named_with_its_errno() {
    let launcher = Launcher::start();
    let fault = launcher.fault(launcher_request::Job::RunProgram(v1::RunProgram {
        argv: vec!["/no/such/program".into()],
        ..Default::default()
    }));
    assert_eq!(
        (fault.code(), fault.errno, fault.step.as_str()),
        (ErrorCode::NotFound, 2, "execve")
    );
    assert_eq!(
        fault.message,
        "cannot run program \"/no/such/program\": no such file or directory"
    );
    let fault = launcher.fault(launcher_request::Job::RunProgram(v1::RunProgram {
        cwd: "/no/such/directory".into(),
        ..sh("true")
    }));
    assert_eq!(fault.step, "chdir");
    let fault = launcher.fault(launcher_request::Job::RunProgram(v1::RunProgram {
        argv: vec!["sh".into()],
        ..Default::default()
    }));
    assert_eq!(fault.code(), ErrorCode::InvalidArgument);
}

#[test]
fn output_above_the_limit_is_drained_and_dropped() {
    let launcher = Launcher::start();
    let ended = launcher.run(v1::RunProgram {
        output_limit_bytes: 1000,
        ..sh("head -c 5000000 /dev/zero; echo done >&2")
    });
    assert_eq!(ended.stdout.len(), 1000);
    assert_eq!(ended.stderr, b"done\n");
    assert!(ended.output_cut && ended.exit_code == 0);
    let unlimited = launcher.run(sh("head -c 2000000 /dev/zero"));
    assert_eq!(unlimited.stdout.len(), 1 << 20);
    assert!(unlimited.output_cut);
    let both = launcher.run(v1::RunProgram {
        output_limit_bytes: u64::MAX,
        ..sh("head -c 12000000 /dev/zero; head -c 12000000 /dev/zero >&2")
    });
    assert!(both.output_cut);
    assert!(both.stdout.len() + both.stderr.len() <= 16 << 20);
}

#[test]
fn the_deadline_kills_the_whole_group() {
    let launcher = Launcher::start();
    let started = Instant::now();
    let ended = launcher.run(v1::RunProgram {
        deadline_ms: 200,
        ..sh("sleep 60 & echo $!; wait")
    });
    assert!(ended.timed_out && ended.signal == 9, "{ended:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
    let child: i32 = String::from_utf8(ended.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    wait_until("the grandchild is dead", || !is_alive(child));
}

#[test]
fn a_left_over_that_holds_the_pipes_does_not_delay_the_answer() {
    let launcher = Launcher::start();
    let started = Instant::now();
    let ended = launcher.run(sh("setsid sleep 3 & echo out; sleep 0.05"));
    assert_eq!(ended.stdout, b"out\n");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn closing_the_connection_kills_the_program() {
    let launcher = Launcher::start();
    let pid_file = launcher.scratch().join("pid");
    let connection = launcher.connect();
    let script = format!(
        "echo $$ > {0}.new; mv {0}.new {0}; sleep 60",
        pid_file.display()
    );
    connection.ask(launcher_request::Job::RunProgram(sh(&script)));
    wait_until("the program runs", || pid_file.exists());
    let pid: i32 = fs::read_to_string(&pid_file)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(is_alive(pid));
    drop(connection);
    wait_until("the program is dead", || !is_alive(pid));
}

#[test]
fn programs_die_with_the_launcher() {
    let mut launcher = Launcher::start();
    let pid_file = launcher.scratch().join("pid");
    let connection = launcher.connect();
    let script = format!(
        "sleep 60 & echo $! > {0}.new; mv {0}.new {0}; wait",
        pid_file.display()
    );
    connection.ask(launcher_request::Job::RunProgram(sh(&script)));
    wait_until("the program runs", || pid_file.exists());
    let pid: i32 = fs::read_to_string(&pid_file)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    launcher.process.kill().unwrap();
    launcher.process.wait().unwrap();
    wait_until("the program's child is dead", || !is_alive(pid));
}

#[test]
fn programs_run_side_by_side() {
    let launcher = Launcher::start();
    // Each waits for all: one after the other none would end.
    let script = format!(
        "cd {}; touch side-$$; until set -- side-*; [ $# = 8 ]; do sleep 0.01; done",
        launcher.scratch().display()
    );
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let ended = launcher.run(v1::RunProgram {
                    deadline_ms: 20_000,
                    ..sh(&script)
                });
                assert_eq!((ended.exit_code, ended.timed_out), (0, false));
            });
        }
    });
}

#[test]
fn trees_are_removed_and_what_stays_is_named() {
    let launcher = Launcher::start();
    let tree = launcher.scratch().join("tree");
    let kept = launcher.scratch().join("kept");
    fs::create_dir_all(tree.join("a/b")).unwrap();
    fs::write(&kept, "x").unwrap();
    symlink(&kept, tree.join("a/link")).unwrap();
    let paths = vec![
        tree.to_string_lossy().into_owned(),
        launcher
            .scratch()
            .join("nothing")
            .to_string_lossy()
            .into_owned(),
    ];
    let removed = launcher.job(launcher_request::Job::RemoveTrees(v1::RemoveTrees {
        paths,
    }));
    assert!(
        matches!(removed, launcher_reply::Result::Removed(_)),
        "{removed:?}"
    );
    assert!(!tree.exists() && kept.exists());
    let paths = vec!["relative".into()];
    let fault = launcher.fault(launcher_request::Job::RemoveTrees(v1::RemoveTrees {
        paths,
    }));
    assert_eq!(fault.code(), ErrorCode::InvalidArgument);
}

#[test]
fn labels_are_asked_for_by_path_and_each_tree_fails_alone() {
    let launcher = Launcher::start();
    let tree = |path: &str, shallow| v1::LabelTree {
        path: path.into(),
        label: "no-such-user:of:a_test:s0".into(),
        shallow,
    };
    let job = |trees| launcher_request::Job::LabelTrees(v1::LabelTrees { trees });
    let none = launcher.scratch().join("none");
    let labelled = launcher.job(job(vec![tree(none.to_str().unwrap(), false)]));
    assert!(
        matches!(labelled, launcher_reply::Result::Labelled(_)),
        "{labelled:?}"
    );
    let there = launcher.scratch().join("there");
    fs::create_dir(&there).unwrap();
    let there = there.to_str().unwrap();
    let fault = launcher.fault(job(vec![tree("relative", true), tree(there, true)]));
    assert_eq!(fault.code(), ErrorCode::InvalidArgument);
    assert!(fault.message.contains("\"relative\""), "{fault:?}");
    // No policy knows it, here or with SELinux.
    assert_eq!(fault.chain.len(), 1, "{fault:?}");
    let label = "no-such-user:of:a_test:s0";
    assert!(fault.chain[0].contains(label), "{fault:?}");
    let fault = launcher.fault(job(vec![tree(there, false)]));
    assert_eq!(fault.code(), ErrorCode::FailedPrecondition, "{fault:?}");
}
