//! Commands run in containers that do to their own files what published escapes did: against the real
//! binary. Needs root and a static busybox.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use estiba_wire::v1::{self, NamespaceMode, monitor_reply, monitor_request::Call};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{CWD, FileType, Mode, RenameFlags};
use serde_json::json;
use support::bundle::Bundle;
use support::pod::{Client, Pod, exec, need_pods};
use support::races::{Trap, add_mount, bind, during, while_swapping};
use support::{Launcher, limit, rounds};

/// What a command printed, or `None` when it was refused.
fn try_exec(client: &mut Client, id: &str, script: &str) -> Option<String> {
    client.ask(Call::ExecSync(exec(id, &["sh", "-c", script])));
    let mut printed = Vec::new();
    loop {
        match client.reply().result.unwrap() {
            monitor_reply::Result::ExecOutput(part) => printed.extend(part.stdout),
            monitor_reply::Result::ExecEnded(_) => {
                return Some(String::from_utf8_lossy(&printed).into_owned());
            }
            monitor_reply::Result::Fault(_) => return None,
            other => panic!("{other:?}"),
        }
    }
}

/// CVE-2024-21626 with a race: a running container swaps its working directory for links that lead to
/// the host by way of procfs.
#[test]
fn a_working_directory_swapped_under_an_exec_is_inside_or_refused() {
    need_pods!();
    let launcher = Launcher::start();
    let trap = Trap::new(launcher.scratch());
    // There the procfs of the container shows processes of the host.
    let pod = Pod::start(&launcher, NamespaceMode::Node);
    let mut client = pod.connect();
    let id = pod.new_container_id();
    let mut spec = pod.spec(&id, &["sleep", "1000"]);
    add_mount(&mut spec, bind(&trap.volume, "/trap"));
    spec["process"]["cwd"] = "/trap/door".into();
    client.create(v1::CreateContainer {
        spec_json: spec.to_string().into_bytes(),
        ..pod.create_request(&id, &["true"])
    });
    client.start(&id);
    let own = std::process::id();
    let outside = trap.outside.display();
    let mut links = vec![
        format!("/proc/{own}/root{outside}"),
        format!("/proc/{own}/cwd/../../../../../../../..{outside}"),
        "/proc/1/root".to_owned(),
        trap.way_out(),
    ];
    links.extend((3..12).map(|number| format!("/proc/self/fd/{number}")));
    let (mut entered, mut refused) = (0_u32, 0);
    for link in links {
        fs::remove_file(trap.other()).unwrap();
        symlink(&link, trap.other()).unwrap();
        while_swapping(&trap.door(), &trap.other(), || {
            for _ in 0..rounds(10) {
                let script = format!("cat secret .{outside}/secret; echo entered");
                match try_exec(&mut client, &id, &script) {
                    None => refused += 1,
                    Some(text) => {
                        assert!(!text.contains("secret of the host"), "{link}: {text}");
                        entered += u32::from(text.contains("entered"));
                    }
                }
            }
        });
        restore(&trap);
    }
    assert!(entered > 0 && refused > 0, "{entered} {refused}");
    client.stop(&id, 9, 0);
    client.remove(&id);
    client.release();
    trap.assert_nobody_was_outside("exec");
}

/// An odd number of swaps has left the link where the directory was.
fn restore(trap: &Trap) {
    if trap.door().is_symlink() {
        let flags = RenameFlags::EXCHANGE;
        let (one, other) = (trap.door(), trap.other());
        rustix::fs::renameat_with(CWD, one, CWD, other, flags).unwrap();
    }
}

/// How often files have been opened, as the kernel tells.
struct Opens(std::os::fd::OwnedFd);

impl Opens {
    fn of(files: &[&Path]) -> Self {
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        for file in files {
            inotify::add_watch(&watch, *file, WatchFlags::OPEN).unwrap();
        }
        Self(watch)
    }

    fn count(&self) -> usize {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        std::iter::from_fn(|| events.next().ok().map(drop)).count()
    }
}

/// CVE-2023-25153, -2025-4437, -2026-47262 with a race: a running container puts pipes, devices and files of
/// a terabyte in the place of the passwd in which a command's HOME is looked up.
#[test]
fn a_passwd_swapped_under_an_exec_is_read_or_left_alone() {
    need_pods!();
    let bundle = Bundle::running(|_| {});
    let root = bundle.dir().join("rootfs");
    fs::create_dir_all(root.join("etc")).unwrap();
    let (passwd, next) = (root.join("etc/passwd"), root.join("etc/next"));
    let name = |name: &str| root.join("etc").join(name);
    fs::write(name("plain"), "app:x:5:5::/inside:/bin/sh\n").unwrap();
    rustix::fs::mknodat(CWD, name("fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let null = rustix::fs::makedev(1, 3);
    rustix::fs::mknodat(
        CWD,
        name("device"),
        FileType::CharacterDevice,
        Mode::RWXU,
        null,
    )
    .unwrap();
    let sparse = fs::File::create(name("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    symlink("plain", name("link")).unwrap();
    let opens = Opens::of(&[&name("fifo"), &name("device")]);
    let mischief = || {
        for kind in [
            "plain", "fifo", "plain", "device", "plain", "sparse", "link",
        ] {
            fs::hard_link(name(kind), &next).unwrap();
            fs::rename(&next, &passwd).unwrap();
            // Of two names of one file rename removes neither.
            fs::remove_file(&next).ok();
            std::thread::yield_now();
        }
    };
    let (mut found, mut missing) = (0, 0);
    during(mischief, || {
        for round in 0..400 {
            if round >= rounds(60) && found > 0 && missing > 0 {
                break;
            }
            let begin = Instant::now();
            let home = bundle.good(&["exec", "--user", "5", "one", "sh", "-c", "echo $HOME"]);
            assert!(begin.elapsed() < limit(Duration::from_secs(5)), "it hung");
            match home.trim_end() {
                "/inside" => found += 1,
                "/" => missing += 1,
                other => panic!("HOME is {other:?}"),
            }
        }
    });
    assert!(found > 0 && missing > 0, "{found} {missing}");
    assert_eq!(opens.count(), 0, "what is no file was opened");
    bundle.delete();
}

/// Reading some files of procfs does things, with the rights of who reads: those of the host.
#[test]
fn a_passwd_that_leads_into_procfs_is_not_read() {
    need_pods!();
    let words = [
        "sh",
        "-c",
        "sleep 1000; true",
        "x:x:5:5::/from-procfs:/bin/sh",
    ];
    let bundle = Bundle::running(|spec| spec["process"]["args"] = json!(words));
    let etc = bundle.dir().join("rootfs/etc");
    fs::create_dir_all(&etc).unwrap();
    symlink("/proc/1/cmdline", etc.join("passwd")).unwrap();
    let home = bundle.good(&["exec", "--user", "5", "one", "sh", "-c", "echo $HOME"]);
    assert_eq!(home, "/\n");
    bundle.delete();
}

/// CVE-2025-52565 for a command: what it finds at /dev of a container that sees the host's processes may
/// lead to the host's terminals by way of procfs.
#[test]
fn a_terminal_of_an_exec_is_not_made_in_the_hosts_dev() {
    need_pods!();
    let bundle = Bundle::new(&[]);
    let mut spec = bundle.spec(&["sleep", "1000"]);
    let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|one| one["type"] != "pid");
    bundle.write(&spec);
    let dev = bundle.dir().join("rootfs/dev");
    symlink("devices", &dev).unwrap();
    bundle.good(&["run", "--detach", "one"]);
    fs::remove_file(&dev).unwrap();
    symlink(format!("/proc/{}/root/dev", std::process::id()), &dev).unwrap();
    let socket = bundle.path("exec.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let path = socket.to_str().unwrap();
    let command = ["exec", "-t", "-d", "--console-socket", path, "one", "tty"];
    let outcome = bundle.run(&command);
    assert_ne!(outcome.code, 0, "it has a terminal of the host");
    assert!(outcome.stderr.contains("/dev"), "{}", outcome.stderr);
    bundle.delete();
}
