//! What a container could see of this runtime in a pid namespace that it shares.

#![allow(unsafe_code, reason = "the watcher is a forked child")]

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use estiba_kernel::spawn::{Clone, Side, clone3, exit_now, send_signal, wait_pidfd};

use estiba_isolate::{ErrorCode, NamespaceMode};
use serde_json::json;

use super::sh;
use crate::fixture::{Fixture, Pod};
use crate::running::Running;

/// Capabilities of the fixture's containers: chown, kill, setgid, setuid, net_raw, mknod.
const CONTAINER_CAPS: u64 = 1 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 13 | 1 << 27;

/// A process outside that looks at whatever is born in a pid namespace, as fast as it can: with
/// CAP_SYS_PTRACE a container sees as much.
struct Watcher {
    pidfd: OwnedFd,
    findings: OwnedFd,
}

fn namespace_of(pid: impl std::fmt::Display, kind: &str) -> Option<String> {
    let link = fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok()?;
    Some(link.to_string_lossy().into_owned())
}

/// The pid that was given out last.
fn last_pid() -> i32 {
    let text = fs::read_to_string("/proc/loadavg").unwrap();
    text.trim().rsplit(' ').next().unwrap().parse().unwrap()
}

/// What a process of the namespace must not have.
fn findings_of(pid: i32) -> Vec<String> {
    let mut found = Vec::new();
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let comm = comm.trim();
    if namespace_of(pid, "mnt") == namespace_of("self", "mnt") {
        found.push(format!("{comm} has the host's root"));
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let permitted = status
        .lines()
        .find_map(|line| line.strip_prefix("CapPrm:\t"));
    let permitted = permitted.map_or(0, |caps| u64::from_str_radix(caps, 16).unwrap());
    if permitted & !CONTAINER_CAPS != 0 {
        found.push(format!("{comm} has capabilities {permitted:x}"));
    }
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
    for entry in descriptors.into_iter().flatten().flatten() {
        let Ok(link) = fs::read_link(entry.path()) else {
            continue;
        };
        let link = link.to_string_lossy().into_owned();
        let harmless = ["pipe:", "socket:"].iter().any(|one| link.starts_with(one));
        if !harmless && !is_harmless_null(&entry.path()) {
            found.push(format!("{comm} holds {link}"));
        }
    }
    found
}

/// A null device, and if it is the host's own then on a read-only mount: its mode stays as it is.
fn is_harmless_null(path: &std::path::Path) -> bool {
    use rustix::fs::{Mode, OFlags, StatVfsMountFlags, fstat, fstatvfs, open, stat};
    // Held, because its process may end meanwhile.
    let Ok(held) = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) else {
        return true;
    };
    let (found, hosts) = (fstat(&held).unwrap(), stat("/dev/null").unwrap());
    let mount = fstatvfs(&held).unwrap();
    found.st_rdev == hosts.st_rdev
        && (mount.f_flag.contains(StatVfsMountFlags::RDONLY)
            || (found.st_dev, found.st_ino) != (hosts.st_dev, hosts.st_ino))
}

fn watch(namespace: &str, first: i32, mut findings: fs::File) -> ! {
    let mut checked = first;
    loop {
        let last = last_pid();
        // The youngest are looked at again and again.
        for pid in checked + 1..=last {
            if namespace_of(pid, "pid").as_deref() == Some(namespace) {
                let found = findings_of(pid);
                // Not of one that has been replaced by the program in between.
                if namespace_of(pid, "pid").is_some() {
                    for finding in found {
                        writeln!(findings, "{finding}").ok();
                    }
                }
            }
        }
        checked = checked.max(last - 8);
    }
}

impl Watcher {
    /// Watches the pid namespace that this process is in.
    fn start(pid: i32) -> Self {
        let namespace = namespace_of(pid, "pid").unwrap();
        let first = last_pid();
        let (findings, theirs) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        // SAFETY: this program has one thread; the child never returns.
        match unsafe { clone3(&Clone::default()) }.unwrap() {
            Side::Child => {
                drop(findings);
                let end = std::panic::catch_unwind(|| watch(&namespace, first, theirs.into()));
                exit_now(i32::from(end.is_err()))
            }
            Side::Parent { pidfd, .. } => Self { pidfd, findings },
        }
    }

    fn stop(&self) -> Vec<String> {
        let end = wait_pidfd(&self.pidfd, false);
        assert_eq!(end, Ok(None), "the watcher lives");
        send_signal(&self.pidfd, libc::SIGKILL).unwrap();
        wait_pidfd(&self.pidfd, true).unwrap();
        let mut text = String::new();
        let mut findings = fs::File::from(self.findings.try_clone().unwrap());
        findings.read_to_string(&mut text).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines.dedup();
        lines
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        send_signal(&self.pidfd, libc::SIGKILL).ok();
        wait_pidfd(&self.pidfd, true).ok();
    }
}

/// A container once could read the host's /etc/shadow through a descriptor that an exec held.
pub fn closed(fixture: &Fixture) {
    nothing_to_find(&fixture.pod());
}

pub fn closed_in_user_namespace(fixture: &Fixture) {
    nothing_to_find(&fixture.mapped_pod());
}

fn nothing_to_find(pod: &Pod<'_>) {
    let spec = || pod.spec(&["/bin/sleep", "100"]);
    let mut running = pod.create(&spec());
    running.start().unwrap();
    let (init, _) = pod.namespaces.init.as_ref().unwrap();
    let watcher = Watcher::start(*init);
    for _ in 0..30 {
        pod.exec(&running, &["true"], None).unwrap();
    }
    for _ in 0..10 {
        let parked = pod.create(&spec());
        let found = findings_of(parked.created.pid);
        pod.remove(&parked);
        assert_eq!(found, Vec::<String>::new(), "a parked init");
    }
    assert_eq!(watcher.stop(), Vec::<String>::new());
    pod.remove(&running);
}

/// A running container with a pid namespace of its own, for others to join.
fn target(pod: &Pod<'_>, script: &str) -> Running {
    let mut spec = sh(pod, script);
    let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.push(json!({"type": "pid"}));
    let caps = json!(["CAP_SYS_ADMIN"]);
    spec["process"]["capabilities"] =
        json!({"bounding": caps, "effective": caps, "permitted": caps});
    let mut running = pod.create(&spec);
    running.start().unwrap();
    running
}

/// A container that joins another one's pid namespace sees its processes, and nobody with privileges
/// is ever in there.
pub fn joined(fixture: &Fixture) {
    for legacy in [false, true] {
        let request = estiba_isolate::PodRequest {
            pid: NamespaceMode::Node,
            ..fixture.pod_request()
        };
        let mut pod = fixture.pod_of(request);
        pod.legacy = legacy;
        let running = target(&pod, "sleep 1000");
        pod.target = Some(running.created.pidfd.try_clone().unwrap());
        let (_, text) = pod.run(&sh(&pod, "ps -o args; readlink /proc/self/ns/pid"));
        let namespace = namespace_of(running.created.pid, "pid").unwrap();
        assert!(text.contains("sleep 1000"), "{text}");
        assert!(text.trim().ends_with(&namespace), "{text}");
        let watcher = Watcher::start(running.created.pid);
        for _ in 0..10 {
            // No program that opens files of its own.
            pod.run(&pod.spec(&["/bin/true"]));
        }
        assert_eq!(watcher.stop(), Vec::<String>::new(), "legacy: {legacy}");
        pod.target = None;
        pod.remove(&running);
    }
}

/// What a target has mounted at /proc instead of its procfs is not shown to others.
pub fn misdirected(fixture: &Fixture) {
    let request = estiba_isolate::PodRequest {
        pid: NamespaceMode::Node,
        ..fixture.pod_request()
    };
    let mut pod = fixture.pod_of(request);
    pod.legacy = true;
    let tricks = [
        "mount -t tmpfs x /proc",
        "mount --bind /etc /proc",
        "mount --bind /proc/sys /proc",
    ];
    for trick in tricks {
        let running = target(&pod, &format!("{trick}; echo done; sleep 1000"));
        assert_eq!(
            crate::running::read_until(&running.output, "done\n"),
            "done\n"
        );
        pod.target = Some(running.created.pidfd.try_clone().unwrap());
        let refused = pod.try_create(&sh(&pod, "true"), None, false);
        let error = refused.map(drop).unwrap_err();
        assert_eq!(
            error.code,
            ErrorCode::FailedPrecondition,
            "{trick}: {error}"
        );
        pod.target = None;
        pod.remove(&running);
    }
}
