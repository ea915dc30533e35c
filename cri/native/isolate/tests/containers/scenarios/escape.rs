//! What a container could see of this runtime in a pid namespace that it shares.

#![allow(unsafe_code, reason = "the watcher is a forked child")]

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use estiba_kernel::spawn::{Clone, Side, clone3, exit_now, send_signal, wait_pidfd};

use crate::fixture::{Fixture, Pod};

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
        if !["pipe:", "socket:", "/dev/null"]
            .iter()
            .any(|harmless| link.starts_with(harmless))
        {
            found.push(format!("{comm} holds {link}"));
        }
    }
    found
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
    fn start(pod: &Pod<'_>) -> Self {
        let (init, _) = pod.namespaces.init.as_ref().unwrap();
        let namespace = namespace_of(init, "pid").unwrap();
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
    let watcher = Watcher::start(pod);
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
