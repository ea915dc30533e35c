//! Published escapes that need a race or the host's hands, replayed against the real binary: symlinks
//! swapped while a container is made, descriptors leaked into the launcher, the helper's own file
//! overwritten from inside. More of them are in races.rs. Needs root and a static busybox.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::path::Path;

use estiba_wire::v1::{self, NamespaceMode, monitor_reply, monitor_request::Call};
use rustix::fs::{AtFlags, CWD};
use serde_json::{Value, json};
use support::pod::{Pod, exec, need_pods};
use support::races::{Trap, bind, layer_with_link, while_swapping};
use support::{Launcher, rounds, wait_until};

/// What a spec asks for behind the door.
type Trick = (&'static str, fn(&mut Value, &Trap, &Path));

const TRICKS: [Trick; 10] = [
    ("a directory to mount on", |spec, _, harmless| {
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.push(bind(harmless, "/trap/door/made/here"));
    }),
    ("a file to mount on", |spec, _, harmless| {
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.push(bind(&harmless.join("file"), "/trap/door/made-file"));
    }),
    ("a file system to mount", |spec, _, _| {
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.push(json!({"destination": "/trap/door/tmp", "type": "tmpfs", "source": "tmpfs"}));
    }),
    ("terminals to mount", |spec, _, _| {
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.push(json!({"destination": "/trap/door/pts", "type": "devpts",
            "source": "devpts", "options": ["newinstance"]}));
    }),
    ("a file of the pod to mount", |spec, _, harmless| {
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.push(bind(&harmless.join("file"), "/trap/door/passwd"));
    }),
    ("an image to mount", |spec, _, harmless| {
        let layer = format!("layer={}", harmless.display());
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.push(
            json!({"destination": "/trap/door/image", "type": "estiba-image",
            "source": "image", "options": [layer]}),
        );
    }),
    ("a directory of an image to mount", |spec, trap, _| {
        let layer = format!("layer={}", trap.volume.display());
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.push(json!({"destination": "/image", "type": "estiba-image",
            "source": "image", "options": [layer, "subpath=door"]}));
    }),
    ("a working directory to make", |spec, _, _| {
        spec["process"]["cwd"] = "/trap/door/cwd/deep".into();
    }),
    ("a path to hide", |spec, _, _| {
        spec["linux"]["maskedPaths"] = json!(["/trap/door/secret", "/trap/door"]);
        spec["linux"]["readonlyPaths"] = json!(["/trap/door/passwd"]);
    }),
    ("a device to make", |spec, _, _| {
        spec["linux"]["devices"] = json!([
            {"path": "/trap/door/device", "type": "c", "major": 1, "minor": 3}
        ]);
    }),
];

#[test]
fn a_link_swapped_while_a_container_is_made_leads_nothing_out() {
    need_pods!();
    let launcher = Launcher::start();
    let trap = Trap::new(launcher.scratch());
    let harmless = launcher.scratch().join("harmless");
    fs::create_dir(&harmless).unwrap();
    fs::write(harmless.join("file"), "").unwrap();
    for legacy in [false, true] {
        let pod = Pod::start_with(&launcher, NamespaceMode::Container, legacy);
        let mut client = pod.connect();
        for (what, change) in TRICKS {
            let mut made = 0;
            while_swapping(
                &trap.volume.join("door"),
                &trap.volume.join("other"),
                || {
                    for round in 0..20 {
                        if round >= rounds(20) && made > 0 {
                            break;
                        }
                        let id = pod.new_container_id();
                        let script = "cat /trap/door/secret /trap/other/secret /image/secret";
                        let mut spec = pod.spec(&id, &["sh", "-c", script]);
                        spec["mounts"]
                            .as_array_mut()
                            .unwrap()
                            .push(bind(&trap.volume, "/trap"));
                        change(&mut spec, &trap, &harmless);
                        let request = v1::CreateContainer {
                            spec_json: spec.to_string().into_bytes(),
                            ..pod.create_request(&id, &["true"])
                        };
                        // Refused or made: nothing but the inside may be touched.
                        fs::create_dir_all(pod.writable(&id).parent().unwrap()).unwrap();
                        let result = client.call(Call::CreateContainer(request));
                        if matches!(result, monitor_reply::Result::ContainerCreated(_)) {
                            made += 1;
                            client.start(&id);
                            client.wait_exit(&id);
                            assert!(!pod.log(&id).contains("secret of the host"), "{what}");
                        }
                        client.remove(&id);
                    }
                },
            );
            assert!(made > 0, "{what}: the race was never run to its end");
            trap.assert_nobody_was_outside(what);
        }
        client.release();
    }
}

#[test]
fn a_passwd_swapped_for_the_hosts_makes_nobody_root() {
    need_pods!();
    let launcher = Launcher::start();
    let trap = Trap::new(launcher.scratch());
    for legacy in [false, true] {
        let pod = Pod::start_with(&launcher, NamespaceMode::Container, legacy);
        let mut client = pod.connect();
        while_swapping(
            &trap.volume.join("door"),
            &trap.volume.join("other"),
            || {
                for _ in 0..rounds(40) {
                    let id = pod.new_container_id();
                    let mut spec = pod.spec(&id, &["true"]);
                    // The image's /etc is the swapped directory itself.
                    let mounts = spec["mounts"].as_array_mut().unwrap();
                    mounts.push(bind(&trap.volume, "/trap"));
                    let request = v1::CreateContainer {
                        spec_json: spec.to_string().into_bytes(),
                        user: Some(v1::UserRequest {
                            user: "mallory".into(),
                            ..Default::default()
                        }),
                        ..pod.create_request(&id, &["true"])
                    };
                    let mut request = request;
                    request
                        .rootfs
                        .as_mut()
                        .unwrap()
                        .lower_dirs
                        .insert(0, layer_with_link(launcher.scratch(), "etc", "trap/door"));
                    fs::create_dir_all(pod.writable(&id).parent().unwrap()).unwrap();
                    let fault = client.fault(Call::CreateContainer(request));
                    assert!(fault.message.contains("mallory"), "{fault:?}");
                    client.remove(&id);
                }
            },
        );
        client.release();
    }
    trap.assert_nobody_was_outside("passwd");
}

/// Descriptors of the host's root that a careless starter leaves open in the launcher.
fn leak_descriptors(count: usize) -> Vec<std::os::fd::OwnedFd> {
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
    (0..count)
        .map(|_| rustix::fs::openat(CWD, "/", flags, rustix::fs::Mode::empty()).unwrap())
        .collect()
}

#[test]
fn descriptors_leaked_into_the_launcher_are_no_way_to_the_host() {
    need_pods!();
    let leaked = leak_descriptors(200);
    let launcher = Launcher::start();
    drop(leaked);
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    let list = "ls /proc/self/fd /proc/1/fd 2>/dev/null; echo end; sleep 100";
    let id = pod.run(&mut client, &["sh", "-c", list]);
    wait_until("it has listed", || pod.log(&id).contains("end"));
    let numbers = |text: &str| -> Vec<u32> {
        let words = text.split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let log: String = pod
        .log(&id)
        .lines()
        .map(|line| format!("{} ", line.rsplit(' ').next().unwrap()))
        .collect();
    // 3 is the directory that ls reads.
    assert!(numbers(&log).iter().all(|number| *number <= 3), "{log}");
    let output = client.exec(exec(&id, &["ls", "/proc/self/fd"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(numbers(&text), [0, 1, 2, 3]);
    // CVE-2024-21626: a working directory behind a descriptor of the host.
    for number in 0..16 {
        for shape in [
            "/proc/self/fd/N",
            "/proc/self/fd/N/../../..",
            "/proc/1/fd/N",
        ] {
            let id = pod.new_container_id();
            let mut spec = pod.spec(&id, &["sh", "-c", "cat etc/shadow bin/../etc/shadow; pwd"]);
            spec["process"]["cwd"] = shape.replace('N', &number.to_string()).into();
            let request = v1::CreateContainer {
                spec_json: spec.to_string().into_bytes(),
                ..pod.create_request(&id, &["true"])
            };
            fs::create_dir_all(pod.writable(&id).parent().unwrap()).unwrap();
            let result = client.call(Call::CreateContainer(request));
            if let monitor_reply::Result::ContainerCreated(_) = result {
                client.start(&id);
                client.wait_exit(&id);
                let log = pod.log(&id);
                assert!(!log.contains("root:"), "{shape} {number}: {log}");
            }
            client.remove(&id);
        }
    }
}

/// CVE-2019-5736: whoever gets hold of the helper through /proc writes to the file that the host runs.
#[test]
fn the_helper_cannot_be_overwritten_through_procfs() {
    need_pods!();
    let launcher = Launcher::start();
    let binary = Path::new(support::bundle::BINARY);
    let before = fs::read(binary).unwrap();
    let pod = Pod::start(&launcher, NamespaceMode::Pod);
    let mut client = pod.connect();
    // As root with the right to look into others, in a pid namespace shared with ours.
    let id = pod.new_container_id();
    let script = "echo ready; while :; do for p in /proc/[0-9]*; do \
                  case $(cat $p/comm 2>/dev/null) in estiba*) echo EXE $(readlink $p/exe); \
                  echo owned > $p/exe && echo WRITTEN $p; esac; done; done 2>/dev/null";
    let mut spec = pod.spec(&id, &["sh", "-c", script]);
    let caps = json!(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"]);
    spec["process"]["capabilities"] =
        json!({"bounding": caps, "effective": caps, "permitted": caps});
    client.create(v1::CreateContainer {
        spec_json: spec.to_string().into_bytes(),
        ..pod.create_request(&id, &["true"])
    });
    client.start(&id);
    wait_until("it looks for us", || pod.log(&id).contains("ready"));
    for _ in 0..10 {
        assert_eq!(client.exec(exec(&id, &["true"])).ended.exit_code, 0);
        // The program is the helper itself, as the image asks for it.
        let own = pod.run(&mut client, &["/proc/self/exe", "--version"]);
        client.wait_exit(&own);
        client.remove(&own);
    }
    let log = pod.log(&id);
    assert!(!log.contains("WRITTEN"), "{log}");
    // What it sees of us is sealed memory, and no file of the host.
    let seen: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once("EXE "))
        .map(|(_, exe)| exe)
        .collect();
    assert!(!seen.is_empty(), "it has never seen us");
    let is_sealed = |exe: &&str| {
        exe.is_empty() || exe.starts_with("/memfd:estiba-launcher") || exe.starts_with("/bin/")
    };
    assert!(seen.iter().all(is_sealed), "{seen:?}");
    assert!(
        seen.iter().any(|exe| exe.starts_with("/memfd:")),
        "{seen:?}"
    );
    assert!(
        fs::read(binary).unwrap() == before,
        "the helper's file has changed"
    );
    assert!(
        rustix::fs::accessat(CWD, binary, rustix::fs::Access::EXEC_OK, AtFlags::empty()).is_ok()
    );
}
