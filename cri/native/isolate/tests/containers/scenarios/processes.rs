//! Who the program runs as, commands in containers, failures.

use std::fs;

use estiba_isolate::{ErrorCode, ResolvedUser, UserRequest, exec_leftovers, kill_exec};
use estiba_kernel::spawn::{Ended, wait_pidfd};
use serde_json::json;

use super::{sh, wait_until};
use crate::fixture::Fixture;
use crate::running::read_until;

pub fn users(fixture: &Fixture) {
    let pod = fixture.pod();
    let request = |user: &str, strict| UserRequest {
        user: user.to_owned(),
        supplemental_gids: vec![1234],
        strict_groups: strict,
        ..UserRequest::default()
    };
    let spec = sh(&pod, "id -u; id -G; echo $HOME; echo out > /dev/stdout");
    let merged = pod
        .try_create(&spec, Some(request("app", false)), false)
        .unwrap();
    let user = merged.created.user.as_ref().unwrap();
    assert_eq!(user.additional_gids, [1000, 1234, 50_000]);
    assert_eq!(
        pod.finish(merged).1,
        "1000\n1000 1234 50000\n/home/app\nout\n"
    );
    let strict = pod
        .try_create(&spec, Some(request("1000", true)), false)
        .unwrap();
    assert_eq!(pod.finish(strict).1, "1000\n1000 1234\n/home/app\nout\n");
    let error = pod
        .try_create(&spec, Some(request("ghost", false)), false)
        .map(drop)
        .unwrap_err();
    assert!(error.message.contains("\"ghost\""), "{error}");
}

pub fn capabilities(fixture: &Fixture) {
    let pod = fixture.pod();
    let script = "grep -E 'Cap|NoNew' /proc/self/status; sleep 100";
    let mut spec = sh(&pod, script);
    spec["process"]["capabilities"] = json!({"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"],
                                             "permitted": ["CAP_KILL"]});
    let mut running = pod.create(&spec);
    running.start().unwrap();
    let exec = ["/bin/grep", "-E", "Cap|NoNew", "/proc/self/status"];
    let (_, text) = pod.exec(&running, &exec, None).unwrap();
    let init = read_until(&running.output, "NoNewPrivs:\t1\n");
    pod.remove(&running);
    for text in [text, init] {
        for line in [
            "CapInh:\t0000000000000000",
            "CapPrm:\t0000000000000020",
            "CapEff:\t0000000000000020",
            "CapBnd:\t0000000000000020",
            "CapAmb:\t0000000000000000",
            "NoNewPrivs:\t1",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}

pub fn exec(fixture: &Fixture) {
    let pod = fixture.pod();
    let mut spec = pod.spec(&["/bin/sleep", "100"]);
    spec["process"]["cwd"] = "/made/here".into();
    let mut running = pod.create(&spec);
    running.start().unwrap();
    let script = "pwd; hostname; cat /etc/layer; echo $HOME; exit 3";
    let (ended, text) = pod.exec(&running, &["sh", "-c", script], None).unwrap();
    assert_eq!(ended, Ended::Exited(3));
    assert_eq!(text, "/made/here\npodhost\ntop\n/root\n");
    let user = ResolvedUser {
        uid: 1000,
        gid: 7,
        additional_gids: vec![7, 9],
    };
    assert_eq!(
        pod.exec(&running, &["id", "-G"], Some(&user)).unwrap().1,
        "7 9\n"
    );
    let error = pod
        .exec(&running, &["no-such"], None)
        .map(drop)
        .unwrap_err();
    assert!(
        error.message.contains("executable file not found in $PATH"),
        "{error}"
    );
    let (ended, _) = pod
        .exec(&running, &["sh", "-c", "kill -9 $$"], None)
        .unwrap();
    assert_eq!(ended, Ended::Killed(9));
    pod.remove(&running);
    let error = pod.exec(&running, &["true"], None).map(drop).unwrap_err();
    assert_eq!(error.code, ErrorCode::FailedPrecondition, "{error}");
}

pub fn exec_kill(fixture: &Fixture) {
    let pod = fixture.pod();
    let mut running = pod.create(&pod.spec(&["/bin/sleep", "100"]));
    running.start().unwrap();
    let script = "sleep 98 & (sleep 99 &) ; sleep 97; true";
    let (command, _output) = pod
        .spawn_exec(&running, &["sh", "-c", script], None)
        .unwrap();
    let cgroup = &running.created.cgroup;
    wait_until("descendants start", || {
        fixture_processes(&format!("{cgroup}/exec")) >= 3
    });
    kill_exec(&fixture.host, cgroup, "exec").unwrap();
    assert_eq!(
        wait_pidfd(&command.pidfd, true).unwrap(),
        Some(Ended::Killed(9))
    );
    wait_until("all descendants die", || {
        !exec_leftovers(&fixture.host, cgroup, "exec").unwrap()
    });
    assert_eq!(
        wait_pidfd(&running.created.pidfd, false),
        Ok(None),
        "the container lives on"
    );
    // A cgroup that was killed once kills what is cloned into it later (Linux 6.14 and newer), so
    // the leaf is made anew for the next command.
    estiba_isolate::remove_exec_leaf(&fixture.host, cgroup, "exec").unwrap();
    assert_eq!(
        pod.exec(&running, &["true"], None).unwrap().0,
        Ended::Exited(0)
    );
    pod.remove(&running);
}

fn fixture_processes(cgroup: &str) -> usize {
    [
        "/sys/fs/cgroup/unified",
        "/sys/fs/cgroup",
        "/sys/fs/cgroup/freezer",
    ]
    .iter()
    .find_map(|root| fs::read_to_string(format!("{root}{cgroup}/cgroup.procs")).ok())
    .map_or(0, |text| text.lines().count())
}

pub fn failures(fixture: &Fixture) {
    let pod = fixture.pod();
    let start = |args: &[&str]| {
        let mut running = pod.create(&pod.spec(args));
        let error = running.start().unwrap_err();
        pod.remove(&running);
        assert_eq!(error.step, "execve");
        error.message
    };
    assert_eq!(
        start(&["nope"]),
        "cannot execute \"nope\": executable file not found in $PATH"
    );
    assert_eq!(
        start(&["/nope"]),
        "cannot execute \"/nope\": no such file or directory"
    );
    assert_eq!(
        start(&["/etc/passwd"]),
        "cannot execute \"/etc/passwd\": permission denied"
    );
    let mut spec = pod.spec(&["/bin/true"]);
    spec["process"]["selinuxLabel"] = "a:b:c:s0".into();
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert_eq!(error.code, ErrorCode::FailedPrecondition);
    assert!(
        error.message.contains("SELinux label \"a:b:c:s0\""),
        "{error}"
    );
    let mut spec = pod.spec(&["/bin/true"]);
    spec["process"]["cwd"] = "/etc/passwd".into();
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert!(error.message.contains("not a directory"), "{error}");
    // A container of the same cgroup that is in use is not replaced.
    let spec = pod.spec(&["/bin/sleep", "100"]);
    let running = pod.create(&spec);
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert_eq!(error.code, ErrorCode::AlreadyExists, "{error}");
    pod.remove(&running);
}

pub fn terminal(fixture: &Fixture) {
    use std::io::Read;
    let pod = fixture.pod();
    let mut spec = pod.spec(&[
        "/bin/sh",
        "-c",
        "tty; stat -c %t /dev/console; stty size; tty </dev/tty",
    ]);
    spec["process"]["terminal"] = true.into();
    spec["process"]["consoleSize"] = json!({"height": 24, "width": 80});
    let mut running = pod.try_create(&spec, None, true).unwrap();
    let mut master = fs::File::from(running.created.console.take().unwrap());
    running.start().unwrap();
    wait_pidfd(&running.created.pidfd, true).unwrap();
    // To the end, which is EIO: the kernel hands on what was written in its own time and in pieces.
    let mut text = Vec::new();
    let end = master.read_to_end(&mut text).unwrap_err();
    assert_eq!(
        end.raw_os_error(),
        Some(rustix::io::Errno::IO.raw_os_error())
    );
    let text = String::from_utf8_lossy(&text).into_owned();
    pod.remove(&running);
    assert_eq!(text, "/dev/pts/0\r\n88\r\n24 80\r\n/dev/tty\r\n");
}
