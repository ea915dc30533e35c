//! Races that published escapes were made of, run against the real binary: whoever shares a volume with
//! a container exchanges names in it while the container, or a command in it, is made.
//! Needs root and a static busybox.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use estiba_wire::v1::{self, NamespaceMode, monitor_reply, monitor_request::Call};
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use serde_json::{Value, json};
use support::pod::{Client, Pod, need_pods};
use support::races::{Trap, add_mount, bind, during, layer_with_link, names_in, while_swapping};
use support::{Launcher, rounds};

/// What a container of the race is made of, besides the fixture's.
#[derive(Default)]
struct Wish<'a> {
    script: &'a str,
    tty: bool,
    /// A layer over the image.
    layer: Option<String>,
}

/// Makes a container and runs it to its end: what it printed, or `None` when it was refused.
fn attempt(
    pod: &Pod<'_>,
    client: &mut Client,
    wish: &Wish<'_>,
    change: impl FnOnce(&mut Value),
) -> Option<String> {
    let id = pod.new_container_id();
    let mut spec = pod.spec(&id, &["sh", "-c", wish.script]);
    change(&mut spec);
    let mut request = v1::CreateContainer {
        spec_json: spec.to_string().into_bytes(),
        ..pod.create_request(&id, &["true"])
    };
    request.stdio.as_mut().unwrap().tty = wish.tty;
    let layers = &mut request.rootfs.as_mut().unwrap().lower_dirs;
    layers.splice(0..0, wish.layer.clone());
    fs::create_dir_all(pod.writable(&id).parent().unwrap()).unwrap();
    let result = client.call(Call::CreateContainer(request));
    let printed = matches!(result, monitor_reply::Result::ContainerCreated(_)).then(|| {
        client.start(&id);
        client.wait_exit(&id);
        pod.log(&id)
    });
    client.remove(&id);
    printed
}

/// A bind mount of the host, gone when dropped.
struct Bound<'a>(&'a Path);

impl<'a> Bound<'a> {
    fn new(source: &Path, place: &'a Path) -> Self {
        fs::create_dir(place).unwrap();
        mount_bind(source, place).unwrap();
        Self(place)
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        unmount(self.0, UnmountFlags::DETACH).ok();
    }
}

/// For a sub path the kubelet hands over a mount that it has made by descriptor: what the volume's
/// other users do to the name since must not matter. A host path it hands over as it is: whatever the
/// name leads to at one moment is mounted, whole and with its options.
#[test]
fn a_swapped_source_is_the_object_that_it_was_at_one_moment() {
    need_pods!();
    let launcher = Launcher::start();
    let trap = Trap::new(launcher.scratch());
    fs::remove_file(trap.other()).unwrap();
    symlink(&trap.outside, trap.other()).unwrap();
    fs::write(trap.door().join("secret"), "inside\n").unwrap();
    let place = launcher.scratch().join("subpath");
    let _bound = Bound::new(&trap.door(), &place);
    for legacy in [false, true] {
        let pod = Pod::start_with(&launcher, NamespaceMode::Container, legacy);
        let mut client = pod.connect();
        let (mut inside, mut outside) = (0, 0);
        while_swapping(&trap.door(), &trap.other(), || {
            for _ in 0..rounds(40) {
                let wish = Wish {
                    script: "cat /sub/secret /path/secret; echo x >/path/new; true",
                    ..Wish::default()
                };
                let printed = attempt(&pod, &mut client, &wish, |spec| {
                    add_mount(spec, bind(&place, "/sub"));
                    let mut volume = bind(&trap.door(), "/path");
                    volume["options"] = json!(["rbind", "ro"]);
                    add_mount(spec, volume);
                });
                let printed = printed.unwrap();
                assert!(printed.contains("Read-only file system"), "{printed}");
                let lines: Vec<&str> = printed.lines().collect();
                assert!(lines[0].ends_with("F inside"), "{printed}");
                if lines[1].ends_with("F inside") {
                    inside += 1;
                } else {
                    assert!(lines[1].ends_with("F secret of the host"), "{printed}");
                    outside += 1;
                }
            }
        });
        assert!(inside > 0 && outside > 0, "{inside} {outside}");
        client.release();
    }
    trap.assert_nobody_was_outside("sources");
}

/// CVE-2021-30465, -2024-45310: a name in a volume leads to nothing by a link out, and a file is made
/// there to be mounted on; one mount below another, whose name moves in between.
#[test]
fn a_swapped_target_is_made_and_mounted_on_inside() {
    need_pods!();
    let launcher = Launcher::start();
    let trap = Trap::new(launcher.scratch());
    let dangling = trap.volume.join("dangling");
    symlink(format!("{}/new", trap.way_out()), &dangling).unwrap();
    fs::write(trap.volume.join("file"), "").unwrap();
    let harmless = launcher.scratch().join("harmless");
    fs::create_dir(&harmless).unwrap();
    fs::write(harmless.join("file"), "").unwrap();
    for legacy in [false, true] {
        let pod = Pod::start_with(&launcher, NamespaceMode::Container, legacy);
        let mut client = pod.connect();
        let mut made = 0;
        let mischief = || {
            let exchange = |one: &Path, other: &Path| {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(rustix::fs::CWD, one, rustix::fs::CWD, other, flags)
                    .unwrap();
            };
            exchange(&trap.volume.join("file"), &dangling);
            exchange(&trap.door(), &trap.other());
        };
        during(mischief, || {
            for _ in 0..rounds(40) {
                let wish = Wish {
                    script: "cat /trap/door/secret",
                    ..Wish::default()
                };
                let printed = attempt(&pod, &mut client, &wish, |spec| {
                    add_mount(spec, bind(&trap.volume, "/trap"));
                    add_mount(spec, bind(&harmless.join("file"), "/trap/file"));
                    add_mount(spec, bind(&harmless, "/trap/door"));
                    add_mount(spec, bind(&harmless, "/trap/door/deep/er"));
                });
                if let Some(printed) = printed {
                    made += 1;
                    assert!(!printed.contains("secret of the host"), "{printed}");
                }
            }
        });
        assert!(made > 0, "the race was never run to its end");
        client.release();
    }
    trap.assert_nobody_was_outside("targets");
}

/// CVE-2025-31133, -52565: the null device, the terminals and the console of a /dev that others have
/// too are replaced by links to files of procfs, which would be mounted where anybody may write.
#[test]
fn a_dev_whose_names_are_swapped_covers_nothing_with_procfs() {
    need_pods!();
    let launcher = Launcher::start();
    let dev = launcher.scratch().join("dev");
    fs::create_dir_all(dev.join("pts")).unwrap();
    for (name, target) in [
        ("console", "/proc/sys/kernel/core_pattern"),
        ("null", "/proc/sysrq-trigger"),
        ("pts", "/proc/sys"),
    ] {
        if name != "pts" {
            fs::write(dev.join(name), "").unwrap();
        }
        symlink(target, dev.join(format!("{name}-link"))).unwrap();
    }
    let before = fs::read("/proc/sys/kernel/core_pattern").unwrap();
    for legacy in [false, true] {
        let pod = Pod::start_with(&launcher, NamespaceMode::Container, legacy);
        let mut client = pod.connect();
        let (mut made, mut refused) = (0, 0);
        let mischief = || {
            for name in ["console", "null", "pts"] {
                let (one, other) = (dev.join(name), dev.join(format!("{name}-link")));
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(rustix::fs::CWD, one, rustix::fs::CWD, other, flags)
                    .unwrap();
            }
        };
        during(mischief, || {
            for round in 0..400 {
                if round >= rounds(100) && made > 0 && refused > 0 {
                    break;
                }
                let wish = Wish {
                    script: "cat /proc/self/mountinfo",
                    tty: round % 2 == 0,
                    ..Wish::default()
                };
                let printed = attempt(&pod, &mut client, &wish, |spec| {
                    let mounts = spec["mounts"].as_array_mut().unwrap();
                    let pts = mounts.remove(2);
                    mounts.truncate(1);
                    mounts.extend([bind(&dev, "/dev"), pts]);
                    spec["linux"]["maskedPaths"] = json!(["/proc/keys"]);
                });
                match printed {
                    None => refused += 1,
                    Some(printed) => {
                        made += 1;
                        assert_only_devices_cover(&printed);
                    }
                }
            }
        });
        assert!(made > 0 && refused > 0, "{made} {refused}");
        client.release();
    }
    assert_eq!(fs::read("/proc/sys/kernel/core_pattern").unwrap(), before);
}

/// By the table of mounts: the only procfs is at /proc, a mask is the null device, a console a terminal.
fn assert_only_devices_cover(log: &str) {
    for line in log.lines().filter(|line| line.contains(" - ")) {
        let (mount, kind) = line.split_once(" - ").unwrap();
        let mut fields = mount.rsplit(" F ").next().unwrap().split(' ').skip(3);
        let (root, place) = (fields.next().unwrap(), fields.next().unwrap());
        if kind.starts_with("proc ") {
            assert_eq!((root, place), ("/", "/proc"), "{log}");
        }
        if place == "/proc/keys" {
            assert!(root.ends_with("/null"), "{log}");
        }
        if place.starts_with("/dev/console") {
            assert!(kind.starts_with("devpts "), "{log}");
        }
    }
}

/// CVE-2019-19921, -2023-27561, -2026-41579: the image's own /proc, /sys or /dev is a link into a
/// volume in which somebody swaps names.
#[test]
fn an_images_links_into_a_swapped_volume_take_no_file_system_there() {
    need_pods!();
    let launcher = Launcher::start();
    let trap = Trap::new(launcher.scratch());
    for legacy in [false, true] {
        let pod = Pod::start_with(&launcher, NamespaceMode::Container, legacy);
        let mut client = pod.connect();
        while_swapping(&trap.door(), &trap.other(), || {
            for name in ["proc", "sys", "dev"] {
                let mut made = 0;
                for _ in 0..rounds(20) {
                    let wish = Wish {
                        script: "cat /trap/door/secret",
                        tty: false,
                        layer: Some(layer_with_link(launcher.scratch(), name, "/trap/door")),
                    };
                    let printed = attempt(&pod, &mut client, &wish, |spec| {
                        let sysfs = json!({"destination": "/sys", "type": "sysfs",
                            "source": "sysfs", "options": ["ro"]});
                        add_mount(spec, sysfs);
                        add_mount(spec, bind(&trap.volume, "/trap"));
                        let device =
                            json!({"path": "/dev/own", "type": "c", "major": 1, "minor": 3});
                        spec["linux"]["devices"] = json!([device]);
                    });
                    made += u32::from(printed.is_some());
                    assert!(!printed.unwrap_or_default().contains("secret of the host"));
                }
                // Where procfs and sysfs are, protection is.
                assert_eq!(made > 0, name == "dev", "{name}: {made}");
            }
        });
        client.release();
    }
    trap.assert_nobody_was_outside("links of the image");
    assert_eq!(names_in(&trap.volume), ["door", "other"]);
    for name in ["door", "other"] {
        let place = trap.volume.join(name);
        if !place.is_symlink() {
            assert_eq!(names_in(&place), ["passwd", "secret"], "made in the volume");
        }
    }
}

/// A device is made in a volume for a user; whoever shares the volume has put another file in its place
/// when it gets its owner.
#[test]
fn a_device_swapped_for_another_file_gives_that_to_nobody() {
    need_pods!();
    let launcher = Launcher::start();
    let trap = Trap::new(launcher.scratch());
    let victim = trap.volume.join("victim");
    fs::write(&victim, "of root").unwrap();
    let (device, next) = (trap.volume.join("device"), trap.volume.join("next"));
    let pod = Pod::start(&launcher, NamespaceMode::Container);
    let mut client = pod.connect();
    let (mut made, mut refused) = (0, 0);
    let mischief = || {
        fs::hard_link(&victim, &next).unwrap();
        fs::rename(&next, &device).unwrap();
        fs::remove_file(&device).unwrap();
    };
    during(mischief, || {
        for round in 0..600 {
            if round >= rounds(150) && made > 0 && refused > 0 {
                break;
            }
            let wish = Wish {
                script: "true",
                ..Wish::default()
            };
            let printed = attempt(&pod, &mut client, &wish, |spec| {
                add_mount(spec, bind(&trap.volume, "/trap"));
                spec["linux"]["devices"] = json!([{"path": "/trap/device", "type": "c",
                    "major": 1, "minor": 3, "uid": 1234, "gid": 1234}]);
            });
            match printed {
                Some(_) => made += 1,
                None => refused += 1,
            }
            let owner = fs::metadata(&victim).unwrap();
            assert_eq!((owner.uid(), owner.gid()), (0, 0), "round {round}");
        }
    });
    assert!(made > 0 && refused > 0, "{made} {refused}");
    client.release();
}
