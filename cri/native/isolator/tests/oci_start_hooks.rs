//! Hooks that a container's init runs: their rights, the init's meanwhile, and its death.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use support::bundle::{Bundle, need_containers};
use support::hooks::{hook, with_hooks, written};
use support::wait_until;

#[test]
fn a_start_container_hook_has_no_more_rights_than_the_program() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "grep -E '^(Seccomp|CapEff|CapBnd|Uid):' /proc/self/status";
    let hooked = format!("umask 0; {script} >/tmp/hook");
    let mut spec = with_hooks(
        &bundle,
        json!({"startContainer": [hook(&bundle, "startContainer", &hooked)]}),
    );
    spec["process"]["args"] = json!(["sh", "-c", format!("{script} >/tmp/program")]);
    spec["process"]["user"] = json!({"uid": 7, "gid": 8});
    let capabilities = json!(["CAP_KILL"]);
    spec["process"]["capabilities"] = json!({"bounding": capabilities});
    spec["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW"});
    let mounts = spec["mounts"].as_array_mut().unwrap();
    let tmp = bundle.path("tmp");
    fs::create_dir(&tmp).unwrap();
    std::os::unix::fs::chown(&tmp, Some(7), Some(8)).unwrap();
    let bind = json!({"destination": "/tmp", "type": "bind", "source": tmp, "options": ["bind"]});
    mounts.push(bind);
    bundle.write(&spec);
    bundle.good(&["create", "one"]);
    bundle.good(&["start", "one"]);
    bundle.wait_until_stopped();
    let hook = fs::read_to_string(tmp.join("hook")).unwrap();
    let expected = "Uid:\t7\t7\t7\t7\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000020\n\
                    Seccomp:\t2\n";
    assert_eq!(hook, expected);
    assert_eq!(fs::read_to_string(tmp.join("program")).unwrap(), expected);
    bundle.good(&["delete", "one"]);
}

/// Calls that a filter must allow which comes into force before the hooks of a container that nobody
/// waits for with a terminal.
const ON_THE_WAY: &str = "accept4 brk capset clone close close_range dup2 dup3 execve exit_group \
    getpid getsockopt ioctl kill lseek memfd_create mmap munmap pidfd_send_signal pipe2 poll ppoll \
    prctl prlimit64 read recvmsg rt_sigaction rt_sigprocmask sendmsg setsid umask waitid write";
/// What a busybox that does nothing calls, and the standard library of debug builds.
const OF_BUSYBOX: &str = "arch_prctl fcntl fstat getrandom getuid mprotect newfstatat readlink readlinkat \
    rseq set_robust_list set_tid_address setgid setuid";

/// Before, a hook that may trace could have taken hold of an init with CAP_SYS_ADMIN and no filter.
#[test]
fn an_init_has_no_more_rights_than_its_hooks_that_may_trace() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "grep -E '^(CapPrm|Seccomp):' /proc/1/status >/init";
    let hooks = json!({"startContainer": [hook(&bundle, "startContainer", script)]});
    let mut spec = with_hooks(&bundle, hooks);
    let capabilities = json!(["CAP_SYS_PTRACE"]);
    spec["process"]["capabilities"] = json!({"bounding": capabilities,
        "effective": capabilities, "permitted": capabilities});
    spec["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW"});
    bundle.write(&spec);
    bundle.good(&["run", "--detach", "one"]);
    let init = written(&bundle, "init");
    assert_eq!(init, "CapPrm:\t0000000000080000\nSeccomp:\t2\n");
    bundle.delete();
}

/// By its path, as no command runs in there before the start either.
#[test]
fn nobody_who_may_trace_joins_the_pid_namespace_of_an_init_that_waits() {
    need_containers!();
    let waiting = Bundle::new(&["sleep", "100"]);
    let mut spec = waiting.spec(&["sleep", "100"]);
    spec["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW"});
    waiting.write(&spec);
    waiting.good(&["create", "one"]);
    let pid = waiting.state()["pid"].clone();
    let tracer = Bundle::new(&[]);
    let mut spec = tracer.spec(&["true"]);
    let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|one| one["type"] != "pid");
    namespaces.push(json!({"type": "pid", "path": format!("/proc/{pid}/ns/pid")}));
    let with = |names: &[&str]| {
        let mut spec = spec.clone();
        spec["process"]["capabilities"] = json!({"bounding": names, "effective": names,
            "permitted": names});
        spec
    };
    let message = tracer.refusal(&with(&["CAP_SYS_PTRACE"]));
    let expected = format!("process {pid}, the first of pid namespace \"/proc/{pid}/ns/pid\"");
    assert!(message.contains(&expected), "{message}");
    let is_taken = |names: &[&str]| {
        tracer.write(&with(names));
        tracer.good(&["create", "one"]);
        tracer.delete();
    };
    is_taken(&["CAP_KILL"]);
    // That one has the rights anyway.
    is_taken(&["CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]);
    waiting.good(&["start", "one"]);
    is_taken(&["CAP_SYS_PTRACE"]);
    waiting.delete();
}

#[test]
fn hooks_run_under_a_filter_that_allows_what_is_demanded_and_no_more() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let hook = json!({"path": "/bin/busybox", "args": ["true"]});
    let mut spec = with_hooks(&bundle, json!({"startContainer": [hook]}));
    spec["process"]["args"] = json!(["/bin/busybox", "true"]);
    let capabilities = json!(["CAP_SYS_PTRACE"]);
    spec["process"]["capabilities"] = json!({"bounding": capabilities});
    let names: Vec<&str> = ON_THE_WAY.split_whitespace().collect();
    let more = OF_BUSYBOX.split_whitespace();
    let all: Vec<&str> = names.iter().copied().chain(more).collect();
    let profile = |names: &[&str]| {
        json!({"defaultAction": "SCMP_ACT_KILL_PROCESS",
            "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]})
    };
    spec["linux"]["seccomp"] = profile(&all);
    assert_eq!(bundle.output(&spec), "");
    let without: Vec<&str> = all.into_iter().filter(|name| *name != "waitid").collect();
    spec["linux"]["seccomp"] = profile(&without);
    let message = bundle.refusal(&spec);
    assert!(message.contains("it forbids waitid"), "{message}");
}

#[test]
fn a_start_whose_init_is_killed_before_the_program_fails() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let slow = hook(&bundle, "startContainer", "echo >/begun; busybox sleep 100");
    let after = hook(&bundle, "poststart", "echo >$DIR/after");
    with_hooks(
        &bundle,
        json!({"startContainer": [slow], "poststart": [after]}),
    );
    bundle.good(&["create", "one"]);
    let pid = i32::try_from(bundle.state()["pid"].as_i64().unwrap()).unwrap();
    let start = bundle
        .command(&["start", "one"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let rootfs = bundle.dir().join("rootfs");
    wait_until("the hook runs", || rootfs.join("begun").exists());
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    let output = start.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!(
            "cannot start container \"one\": its init, process {pid}, was killed before it could \
             execute the program\n"
        )
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!rootfs.join("after").exists(), "the poststart hook ran");
    bundle.wait_until_stopped();
    bundle.good(&["delete", "one"]);
}

/// The program is over before anybody could look at it.
#[test]
fn a_program_that_ends_at_once_has_been_started() {
    need_containers!();
    for _ in 0..20 {
        let bundle = Bundle::new(&["true"]);
        bundle.write(&bundle.spec(&["/bin/busybox", "true"]));
        bundle.good(&["create", "one"]);
        bundle.good(&["start", "one"]);
        bundle.wait_until_stopped();
        bundle.good(&["delete", "one"]);
    }
}
