//! Namespaces, limits and sysctls as the kernel has them.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use estiba_isolate::NamespaceMode;
use estiba_kernel::spawn::{Ended, wait_pidfd};
use rustix::mount::{MountFlags, UnmountFlags};
use serde_json::json;

use super::sh;
use crate::fixture::Fixture;

fn cgroup_file(v1: &str, v2: &str, cgroup: &str) -> String {
    let (controller, file) = v1.split_once('/').unwrap();
    let old = format!("/sys/fs/cgroup/{controller}{cgroup}/{file}");
    let path = if Path::new(&old).exists() {
        old
    } else {
        format!("/sys/fs/cgroup{cgroup}/{v2}")
    };
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}"))
        .trim()
        .to_owned()
}

pub fn limits(fixture: &Fixture) {
    let pod = fixture.pod();
    let mut spec = pod.spec(&["/bin/sleep", "100"]);
    spec["linux"]["resources"]["memory"] = json!({"limit": 67108864, "swap": 67108864});
    spec["linux"]["resources"]["cpu"] = json!({"shares": 512, "quota": 50000, "period": 100000});
    spec["linux"]["resources"]["pids"] = json!({"limit": 99});
    let running = pod.create(&spec);
    let cgroup = running.created.cgroup.clone();
    let read = |v1, v2| cgroup_file(v1, v2, &cgroup);
    assert_eq!(
        read("memory/memory.limit_in_bytes", "memory.max"),
        "67108864"
    );
    assert_eq!(read("pids/pids.max", "pids.max"), "99");
    if fixture.host.features.cgroup_v2 {
        assert_eq!(read("x/x", "cpu.weight"), "59");
        assert_eq!(read("x/x", "cpu.max"), "50000 100000");
    } else {
        assert_eq!(read("cpu/cpu.shares", ""), "512");
        assert_eq!(read("cpu/cpu.cfs_quota_us", ""), "50000");
        let devices = read("devices/devices.list", "");
        assert!(
            devices.contains("c 1:3 rwm") && !devices.contains("a *:*"),
            "{devices}"
        );
    }
    let pid = running.created.pid.to_string();
    assert!(
        read("memory/cgroup.procs", "cgroup.procs")
            .lines()
            .any(|line| line == pid)
    );
    pod.remove(&running);
}

pub fn needs_v2(fixture: &Fixture) {
    if fixture.host.features.cgroup_v2 {
        return;
    }
    let pod = fixture.pod();
    let mut spec = pod.spec(&["/bin/true"]);
    spec["linux"]["resources"]["unified"] = json!({"memory.high": "1"});
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert!(error.message.contains("needs cgroup v2"), "{error}");
}

pub fn namespaces(fixture: &Fixture) {
    let pod = fixture.pod();
    let (_, text) = pod.run(&sh(
        &pod,
        "cat /proc/1/comm; hostname; cat /proc/sys/net/core/somaxconn; \
         cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ip addr show lo | grep -c 127.0.0.1; \
         stat -c '%a %t' /dev/shm; cat /proc/self/cgroup | grep -v ':/$' | grep -c .",
    ));
    assert_eq!(text, "estiba-init\npodhost\n321\n0\n1\n1777 0\n0\n");
    let stat = fs::metadata(&pod.netns_path).unwrap();
    assert_eq!(
        std::os::unix::fs::MetadataExt::ino(&stat),
        pod.namespaces.netns_inode
    );
    // What two containers of a pod share, and what the pod's pid 1 may do: nothing.
    let writer = pod.run(&sh(&pod, "echo shared > /dev/shm/x"));
    assert_eq!(writer.0, Ended::Exited(0));
    assert_eq!(pod.run(&sh(&pod, "cat /dev/shm/x")).1, "shared\n");
    let (pid, _) = pod.namespaces.init.as_ref().unwrap();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    for line in [
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        assert!(status.contains(line), "{status}");
    }
    // Orphans are reaped by it.
    let (_, text) = pod.run(&sh(
        &pod,
        "(sleep 0.1 & ) ; sleep 0.3; ps | grep -c '\\[sleep\\]'",
    ));
    assert_eq!(text, "0\n");
}

pub fn sysctls(fixture: &Fixture) {
    let mut request = fixture.pod_request();
    request.sysctls = [("kernel.core_pattern".to_owned(), "|/evil".to_owned())].into();
    let error = estiba_isolate::make_pod_namespaces(&fixture.host, &request)
        .map(drop)
        .unwrap_err();
    assert!(error.message.contains("kernel.core_pattern"), "{error}");
    assert!(!request.netns_path.exists());
    let mut request = fixture.pod_request();
    request.network = NamespaceMode::Node;
    let error = estiba_isolate::make_pod_namespaces(&fixture.host, &request)
        .map(drop)
        .unwrap_err();
    assert!(
        error.message.contains("network namespace is the host's"),
        "{error}"
    );
}

/// CVE-2025-52881: what is written to a sysctl ends up in another file, which has been mounted over it.
pub fn misdirected_sysctl(fixture: &Fixture) {
    // Over the directory: the files are others in each namespace.
    let (fakes, place) = (fixture.path("fake-sysctls"), "/proc/sys/kernel");
    let fake = fakes.join("msgmax");
    fs::create_dir(&fakes).unwrap();
    fs::write(&fake, "as it was").unwrap();
    let own = fs::read_to_string("/proc/sys/kernel/msgmax").unwrap();
    for mut request in [fixture.pod_request(), fixture.mapped_request()] {
        request.sysctls = [("kernel.msgmax".to_owned(), "4096".to_owned())].into();
        rustix::mount::mount_bind(&fakes, place).unwrap();
        let made = catch_unwind(AssertUnwindSafe(|| fixture.pod_of(request)));
        rustix::mount::unmount(place, UnmountFlags::DETACH).unwrap();
        let pod = made.unwrap();
        assert_eq!(fs::read_to_string(&fake).unwrap(), "as it was");
        assert_eq!(fs::read_to_string("/proc/sys/kernel/msgmax").unwrap(), own);
        let (_, text) = pod.run(&sh(&pod, "cat /proc/sys/kernel/msgmax"));
        assert_eq!(text, "4096\n");
    }
}

/// As LXC and some nested engines leave it to a host: sysctls read-only but for those of the network.
pub fn sysctls_of_mounted_parts(fixture: &Fixture) {
    let (all, part) = ("/proc/sys", "/proc/sys/net");
    rustix::mount::mount_bind(part, part).unwrap();
    rustix::mount::mount_bind_recursive(all, all).unwrap();
    let how = MountFlags::BIND | MountFlags::RDONLY;
    rustix::mount::mount_remount(all, how, "").unwrap();
    let made = catch_unwind(AssertUnwindSafe(|| fixture.pod()));
    for place in [all, part] {
        rustix::mount::unmount(place, UnmountFlags::DETACH).unwrap();
    }
    let pod = made.unwrap();
    let script = "cd /proc/sys/net; cat core/somaxconn ipv4/ip_unprivileged_port_start";
    let (_, text) = pod.run(&sh(&pod, script));
    assert_eq!(text, "321\n0\n");
}

pub fn oom(fixture: &Fixture) {
    let pod = fixture.pod();
    let mut spec = pod.spec(&["dd", "if=/dev/zero", "of=/dev/null", "bs=60M", "count=1"]);
    spec["linux"]["resources"]["memory"] = json!({"limit": 15728640, "swap": 15728640});
    let mut running = pod.create(&spec);
    let count = |cgroup: &str| estiba_isolate::oom_kill_count(&fixture.host, cgroup).unwrap();
    assert_eq!(count(&running.created.cgroup), 0);
    running.start().unwrap();
    assert_eq!(
        wait_pidfd(&running.created.pidfd, true).unwrap(),
        Some(Ended::Killed(9))
    );
    assert_eq!(count(&running.created.cgroup), 1);
    pod.remove(&running);
}
