//! The scenarios, each a sentence.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use estiba_isolate::{
    ErrorCode, NamespaceMode, ResolvedUser, UserRequest, exec_leftovers, kill_exec,
};
use estiba_kernel::spawn::{Ended, wait_pidfd};
use serde_json::{Value, json};

use crate::fixture::{Fixture, PARENT, Pod, read_all};

type Scenario = fn(&Fixture);

pub const ALL: &[(&str, Scenario)] = &[
    ("a_container_runs_and_its_exit_code_is_seen", runs),
    ("limits_stand_in_the_kernel", limits),
    ("a_limit_that_needs_v2_says_so", needs_v2),
    ("namespaces_are_the_pods_and_pid_1_is_ours", namespaces),
    ("paths_are_masked_and_read_only", masked),
    ("volumes_follow_their_options", volumes),
    ("symlinks_in_the_image_lead_nowhere_else", symlinks),
    ("propagation_needs_a_shared_source", propagation),
    ("users_come_from_the_image", users),
    ("capabilities_are_exact_in_init_and_exec", capabilities),
    ("commands_run_in_the_container", exec),
    ("a_killed_exec_takes_its_descendants_along", exec_kill),
    ("failures_say_why", failures),
    ("a_terminal_is_the_containers_own", terminal),
    ("the_old_way_of_mounting_works", legacy),
    ("sysctls_of_the_host_are_refused", sysctls),
    ("an_oom_kill_is_counted", oom),
    ("a_bundle_lives_through_the_oci_command_line", oci),
];

/// Cgroups and processes that tests have left.
pub fn left_behind(fixture: &Fixture) -> Vec<String> {
    let mut left = Vec::new();
    for name in ["unified", "memory", "pids", "freezer", "cpu", "devices", ""] {
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

fn sh(pod: &Pod<'_>, script: &str) -> Value {
    pod.spec(&["/bin/sh", "-c", script])
}

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

fn runs(fixture: &Fixture) {
    let pod = fixture.pod();
    let (ended, text) = pod.run(&sh(&pod, "cat /etc/layer; exit 7"));
    assert_eq!(ended, Ended::Exited(7));
    assert_eq!(text, "top\n");
}

fn limits(fixture: &Fixture) {
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
        assert_eq!(read("x/x", "cpu.weight"), "20");
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

fn needs_v2(fixture: &Fixture) {
    if fixture.host.features.cgroup_v2 {
        return;
    }
    let pod = fixture.pod();
    let mut spec = pod.spec(&["/bin/true"]);
    spec["linux"]["resources"]["unified"] = json!({"memory.high": "1"});
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert!(error.message.contains("needs cgroup v2"), "{error}");
}

fn namespaces(fixture: &Fixture) {
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

fn masked(fixture: &Fixture) {
    let pod = fixture.pod();
    let mut spec = sh(
        &pod,
        "cat /proc/keys | head -c 1; /bin/ls; touch /tmp/x; echo a > /proc/sys/kernel/hostname",
    );
    spec["linux"]["maskedPaths"] = json!(["/proc/keys", "/bin/ls", "/no/such"]);
    spec["linux"]["readonlyPaths"] = json!(["/proc/sys", "/tmp"]);
    let (_, text) = pod.run(&spec);
    assert!(text.contains("/bin/ls: Permission denied"), "{text}");
    assert!(text.contains("/tmp/x: Read-only file system"), "{text}");
    assert!(
        text.contains("/proc/sys/kernel/hostname: Read-only file system"),
        "{text}"
    );
    let mut spec = sh(&pod, "touch /x");
    spec["root"]["readonly"] = true.into();
    assert!(pod.run(&spec).1.contains("Read-only file system"));
}

fn add_mount(spec: &mut Value, source: &Path, destination: &str, options: &[&str]) {
    let mount = json!({"destination": destination, "type": "bind", "source": source,
                       "options": options});
    spec["mounts"].as_array_mut().unwrap().push(mount);
}

fn volumes(fixture: &Fixture) {
    let pod = fixture.pod();
    let volume = fixture.path("volume");
    fs::create_dir_all(volume.join("below")).unwrap();
    rustix::mount::mount(
        "t",
        volume.join("below"),
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        None,
    )
    .unwrap();
    fs::write(fixture.path("one-file"), "hello\n").unwrap();
    let script = "touch /data/x; touch /data/below/x && echo below; cat /new/dir/file";
    let run = |option: &str| {
        let mut spec = sh(&pod, script);
        add_mount(&mut spec, &volume, "/data", &["rbind", "rprivate", option]);
        add_mount(
            &mut spec,
            &fixture.path("one-file"),
            "/new/dir/file",
            &["bind"],
        );
        pod.run(&spec).1
    };
    let plain = run("ro");
    assert!(plain.contains("/data/x: Read-only file system"), "{plain}");
    assert!(
        plain.contains("below\nhello"),
        "read-only must not be recursive: {plain}"
    );
    let deep = run("rro");
    assert!(
        deep.contains("/data/below/x: Read-only file system"),
        "{deep}"
    );
    rustix::mount::unmount(volume.join("below"), rustix::mount::UnmountFlags::DETACH).unwrap();
    let mut spec = sh(&pod, "true");
    add_mount(&mut spec, Path::new("/no/such/volume"), "/data", &["rbind"]);
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert_eq!(error.step, "mount-volume");
    assert!(error.message.contains("\"/no/such/volume\""), "{error}");
}

fn symlinks(fixture: &Fixture) {
    let pod = fixture.pod();
    let outside = fixture.path("outside");
    fs::create_dir_all(&outside).unwrap();
    let top = fixture.path("layers/top");
    let link =
        |name: &str, target: &Path| std::os::unix::fs::symlink(target, top.join(name)).unwrap();
    link("escape", &outside);
    link("up", Path::new("../../../../../../tmp"));
    link("data", Path::new("/proc"));
    let volume = fixture.path("volume");
    let mut spec = sh(&pod, "true");
    add_mount(&mut spec, &volume, "/escape/made", &["rbind"]);
    add_mount(&mut spec, &volume, "/up/made", &["rbind"]);
    spec["process"]["cwd"] = "/escape/cwd".into();
    assert_eq!(pod.run(&spec).0, Ended::Exited(0));
    assert_eq!(
        fs::read_dir(&outside).unwrap().count(),
        0,
        "something was made on the host"
    );
    let mut spec = sh(&pod, "true");
    add_mount(&mut spec, &volume, "/data/sys", &["rbind"]);
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert_eq!(error.step, "mount", "{error}");
    let mut spec = sh(&pod, "true");
    spec["process"]["cwd"] = "/proc/self/fd/3".into();
    assert!(pod.try_create(&spec, None, false).is_err());
    for name in ["escape", "up", "data"] {
        fs::remove_file(top.join(name)).unwrap();
    }
}

fn propagation(fixture: &Fixture) {
    let pod = fixture.pod();
    let volume = fixture.path("shared");
    fs::create_dir_all(volume.join("point")).unwrap();
    let mut spec = pod.spec(&["/bin/sh", "-c", "sleep 0.3; cat /data/point/x"]);
    add_mount(&mut spec, &volume, "/data", &["rbind", "rslave"]);
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert!(
        error.message.contains("not on a shared or slave mount"),
        "{error}"
    );
    rustix::mount::mount_bind(&volume, &volume).unwrap();
    rustix::mount::mount_change(&volume, rustix::mount::MountPropagationFlags::SHARED).unwrap();
    let running = pod.create(&spec);
    // A mount made between Create and the program's use appears.
    let point = volume.join("point");
    rustix::mount::mount(
        "t",
        &point,
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        None,
    )
    .unwrap();
    fs::write(point.join("x"), "seen\n").unwrap();
    let (_, text) = pod.finish(running);
    rustix::mount::unmount(&point, rustix::mount::UnmountFlags::DETACH).unwrap();
    rustix::mount::unmount(&volume, rustix::mount::UnmountFlags::DETACH).unwrap();
    assert_eq!(text, "seen\n");
}

fn users(fixture: &Fixture) {
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
    assert_eq!(merged.created.user.additional_gids, [1000, 1234, 50_000]);
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

fn capabilities(fixture: &Fixture) {
    let pod = fixture.pod();
    let script = "grep -E 'Cap|NoNew' /proc/self/status; sleep 100";
    let mut spec = sh(&pod, script);
    spec["process"]["capabilities"] = json!({"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"],
                                             "permitted": ["CAP_KILL"]});
    let mut running = pod.create(&spec);
    running.start().unwrap();
    let exec = ["/bin/grep", "-E", "Cap|NoNew", "/proc/self/status"];
    let (_, text) = pod.exec(&running, &exec, None).unwrap();
    pod.remove(&running);
    let init = read_all(running.output.try_clone().unwrap());
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

fn exec(fixture: &Fixture) {
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

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn exec_kill(fixture: &Fixture) {
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

fn failures(fixture: &Fixture) {
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
    spec["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ERRNO"});
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert_eq!(error.code, ErrorCode::Unimplemented);
    assert!(error.message.contains("seccomp"), "{error}");
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

fn terminal(fixture: &Fixture) {
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
    let mut text = [0; 512];
    let length = master.read(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text[..length]).into_owned();
    pod.remove(&running);
    assert_eq!(text, "/dev/pts/0\r\n88\r\n24 80\r\n/dev/tty\r\n");
}

fn legacy(fixture: &Fixture) {
    let mut pod = fixture.pod();
    pod.legacy = true;
    let (ended, text) = pod.run(&sh(
        &pod,
        "cat /etc/layer; grep -c /dev/shm /proc/mounts; touch /x",
    ));
    assert_eq!((ended, text.as_str()), (Ended::Exited(0), "top\n1\n"));
}

fn sysctls(fixture: &Fixture) {
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

fn oom(fixture: &Fixture) {
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

fn oci(fixture: &Fixture) {
    use estiba_isolate::oci;
    let (root, bundle) = (fixture.path("oci-root"), fixture.path("bundle"));
    fs::create_dir_all(bundle.join("rootfs")).unwrap();
    fs::create_dir_all(bundle.join("rootfs/bin")).unwrap();
    fs::copy("/bin/busybox", bundle.join("rootfs/bin/sleep")).unwrap();
    let pod = fixture.pod();
    let mut spec = pod.spec(&["/bin/sleep", "100"]);
    spec["mounts"].as_array_mut().unwrap().pop();
    spec["linux"]["namespaces"] = json!([{"type": "mount"}, {"type": "pid"}, {"type": "network"},
                                         {"type": "ipc"}, {"type": "uts"}, {"type": "cgroup"}]);
    spec["hostname"] = "bundle".into();
    fs::write(bundle.join("config.json"), spec.to_string()).unwrap();
    let (host, pid_file) = (&fixture.host, fixture.path("pid"));
    let options = oci::CreateOptions {
        root: &root,
        id: "one",
        bundle: &bundle,
        pid_file: Some(&pid_file),
        console_socket: None,
    };
    oci::create(host, &options).unwrap();
    assert_eq!(
        oci::create(host, &options).unwrap_err().code,
        ErrorCode::AlreadyExists
    );
    let state = || oci::state(host, &root, "one").unwrap();
    assert_eq!(state().status, oci::Status::Created);
    assert_eq!(
        fs::read_to_string(&pid_file).unwrap(),
        state().pid.to_string()
    );
    oci::start(host, &root, "one").unwrap();
    assert_eq!(state().status, oci::Status::Running);
    assert!(oci::start(host, &root, "one").is_err());
    assert!(oci::delete(host, &root, "one", false).is_err());
    oci::kill(host, &root, "one", 9, false).unwrap();
    wait_until("the container stops", || {
        state().status == oci::Status::Stopped
    });
    oci::delete(host, &root, "one", false).unwrap();
    assert_eq!(
        oci::state(host, &root, "one").unwrap_err().code,
        ErrorCode::NotFound
    );
    // Its init was this process's child.
    rustix::process::wait(rustix::process::WaitOptions::NOHANG).ok();
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
}
