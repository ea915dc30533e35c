//! File systems of a container of the OCI command line, and its namespaces.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use serde_json::{Value, json};
use support::bundle::{BUSYBOX, Bundle, need_containers};

fn with_mounts(bundle: &Bundle, script: &str, mounts: &[Value]) -> Value {
    let mut spec = bundle.spec(&["sh", "-c", script]);
    spec["mounts"]
        .as_array_mut()
        .unwrap()
        .extend_from_slice(mounts);
    spec
}

fn tmpfs(destination: &str) -> Value {
    json!({"destination": destination, "type": "tmpfs", "source": "tmpfs"})
}

fn bind(destination: &str, source: &Path, options: &[&str]) -> Value {
    let options = [&["rbind"], options].concat();
    json!({"destination": destination, "type": "bind", "source": source, "options": options})
}

#[test]
fn mounts_come_in_the_order_of_the_spec_a_later_one_on_top() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let volume = bundle.path("volume");
    fs::create_dir(&volume).unwrap();
    fs::write(volume.join("file"), "").unwrap();
    let mounts = [
        tmpfs("/below"),
        bind("/below/volume", &volume, &[]),
        bind("/hidden/volume", &volume, &[]),
        tmpfs("/hidden"),
        tmpfs("/same"),
        bind("/same", &volume, &[]),
        bind("relative/volume", &volume, &[]),
    ];
    let script = "busybox ls /below/volume /hidden /same /relative/volume";
    let found = bundle.output(&with_mounts(&bundle, script, &mounts));
    let expected = "/below/volume:\nfile\n\n/hidden:\n\n/relative/volume:\nfile\n\n/same:\nfile\n";
    assert_eq!(found, expected);
}

#[test]
fn mount_options_are_in_force() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let volume = bundle.path("volume");
    fs::create_dir(&volume).unwrap();
    let mounts = [
        bind(
            "/ro",
            &volume,
            &["ro", "nosuid", "nodev", "noexec", "noatime"],
        ),
        bind("/rw", &volume, &["rw"]),
    ];
    let script = "grep -E ' /r[ow] ' /proc/mounts | busybox cut -d ' ' -f 4; \
                  echo >/ro/x || echo refused; echo >/rw/x && echo written";
    let found = bundle.output(&with_mounts(&bundle, script, &mounts));
    let mut lines = found.lines();
    let options = lines.next().unwrap();
    assert!(
        options.starts_with("ro,nosuid,nodev,noexec,noatime"),
        "{options}"
    );
    assert!(lines.next().unwrap().starts_with("rw,"), "{found}");
    assert_eq!(lines.collect::<Vec<_>>(), ["refused", "written"]);
    let odd = [bind("/odd", &volume, &["frobnicate"])];
    let message = bundle.refusal(&with_mounts(&bundle, "true", &odd));
    assert!(
        message.contains("bind mounts have no option \"frobnicate\""),
        "{message}"
    );
}

#[test]
fn masked_paths_are_empty_and_readonly_paths_are_not_written() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let root = bundle.dir().join("rootfs");
    for dir in ["masked", "readonly", "out"] {
        fs::create_dir(root.join(dir)).unwrap();
        fs::write(root.join(dir).join("file"), "content").unwrap();
    }
    fs::write(root.join("secret"), "secret").unwrap();
    symlink("../out", root.join("readonly/link")).unwrap();
    let script = "busybox wc -c </secret; busybox ls /masked; cat /readonly/file; echo
        echo x >/readonly/file || echo refused; echo x >/readonly/link/file && echo followed
        echo x >/secret && busybox wc -c </secret";
    let mut spec = bundle.spec(&["sh", "-c", script]);
    spec["linux"]["maskedPaths"] = json!(["/secret", "/masked", "/missing", "/missing/deep"]);
    spec["linux"]["readonlyPaths"] = json!(["/readonly", "/missing"]);
    assert_eq!(bundle.output(&spec), "0\ncontent\nrefused\nfollowed\n0\n");
    assert_eq!(fs::read_to_string(root.join("secret")).unwrap(), "secret");
}

#[test]
fn a_root_that_is_read_only_is_so_and_what_is_mounted_in_it_is_not() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "echo >/file || echo refused; echo >/volume/file && echo written";
    let mut spec = with_mounts(&bundle, script, &[tmpfs("/volume")]);
    spec["root"]["readonly"] = true.into();
    assert_eq!(bundle.output(&spec), "refused\nwritten\n");
}

/// A bundle's root directory that shares mounts with its peers.
struct SharedRoot(PathBuf);

impl SharedRoot {
    fn new(bundle: &Bundle) -> Self {
        let root = bundle.dir().join("rootfs");
        fs::create_dir(root.join("late")).unwrap();
        rustix::mount::mount_bind(&root, &root).unwrap();
        let made = Self(root);
        rustix::mount::mount_change(&made.0, MountPropagationFlags::SHARED).unwrap();
        made
    }

    fn mount_late(&self) {
        let flags = MountFlags::empty();
        rustix::mount::mount("late", self.0.join("late"), "tmpfs", flags, None).unwrap();
    }

    fn unmount_late(&self) {
        rustix::mount::unmount(self.0.join("late"), UnmountFlags::DETACH).unwrap();
    }
}

impl Drop for SharedRoot {
    fn drop(&mut self) {
        rustix::mount::unmount(self.0.join("late"), UnmountFlags::DETACH).ok();
        rustix::mount::unmount(&self.0, UnmountFlags::DETACH).ok();
    }
}

#[test]
fn the_root_has_the_propagation_of_the_spec() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let root = SharedRoot::new(&bundle);
    for (propagation, tag, receives) in [
        ("", "-", false),
        ("private", "-", false),
        ("rprivate", "-", false),
        ("slave", "master:", true),
        ("rslave", "master:", true),
        ("shared", "shared:", false),
        ("unbindable", "unbindable", false),
    ] {
        let mut spec = bundle.spec(&["sleep", "100"]);
        spec["linux"]["rootfsPropagation"] = propagation.into();
        bundle.write(&spec);
        bundle.good(&["create", "one"]);
        let pid = bundle.state()["pid"].clone();
        root.mount_late();
        let table = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
        root.unmount_late();
        let top = table
            .lines()
            .find(|line| line.split(' ').nth(4) == Some("/"));
        let found = top
            .and_then(|line| line.split(' ').nth(6))
            .unwrap_or_default();
        assert!(found.starts_with(tag), "{propagation:?}: {found}");
        let arrived = table
            .lines()
            .any(|line| line.split(' ').nth(4) == Some("/late"));
        assert_eq!(arrived, receives, "{propagation:?}");
        bundle.good(&["delete", "--force", "one"]);
    }
    let mut spec = bundle.spec(&["true"]);
    spec["linux"]["rootfsPropagation"] = "sideways".into();
    let message = bundle.refusal(&spec);
    assert!(
        message.contains("rootfsPropagation \"sideways\""),
        "{message}"
    );
}

/// A process in a user namespace of its own, with ids 0 to 65535 at 100000.
struct OtherUser(Child);

impl OtherUser {
    fn new() -> Self {
        let child = Command::new(BUSYBOX)
            .args(["unshare", "-U", BUSYBOX, "sleep", "100"])
            .spawn();
        let made = Self(child.unwrap());
        let own = fs::read_link("/proc/self/ns/user").unwrap();
        support::wait_until("it has a user namespace", || {
            fs::read_link(made.path()).is_ok_and(|namespace| namespace != own)
        });
        for map in ["uid_map", "gid_map"] {
            fs::write(format!("/proc/{}/{map}", made.0.id()), "0 100000 65536").unwrap();
        }
        made
    }

    fn path(&self) -> String {
        format!("/proc/{}/ns/user", self.0.id())
    }
}

impl Drop for OtherUser {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn ids_are_mapped_by_a_user_namespace_that_is_joined() {
    need_containers!();
    let other = OtherUser::new();
    let bundle = Bundle::new(&[]);
    let volume = bundle.path("volume");
    fs::create_dir(&volume).unwrap();
    chown(&volume, Some(100_000), Some(100_000)).unwrap();
    let mounts = [bind("/volume", &volume, &[])];
    let script = "busybox id -u; busybox cut -c 1-33 /proc/self/uid_map | busybox tr -s ' ';
        echo >/volume/made; echo >/file || echo refused";
    let mut spec = with_mounts(&bundle, script, &mounts);
    let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65_536}]);
    spec["linux"]["uidMappings"] = map.clone();
    spec["linux"]["gidMappings"] = map;
    let user = json!({"type": "user", "path": other.path()});
    spec["linux"]["namespaces"]
        .as_array_mut()
        .unwrap()
        .push(user.clone());
    assert_eq!(bundle.output(&spec), "0\n 0 100000 65536\nrefused\n");
    let made = fs::metadata(volume.join("made")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), 100_000);

    spec["linux"].as_object_mut().unwrap().remove("gidMappings");
    let message = bundle.refusal(&spec);
    assert!(
        message.contains("without uidMappings and gidMappings"),
        "{message}"
    );
    let mut spec = bundle.spec(&["true"]);
    spec["linux"]["uidMappings"] = json!([{"containerID": 0, "hostID": 1, "size": 1}]);
    let message = bundle.refusal(&spec);
    assert!(
        message.contains("uidMappings without a user namespace"),
        "{message}"
    );
}

#[test]
fn a_user_namespace_of_its_own_owns_the_containers_other_namespaces() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "busybox id -u; busybox cut -c 1-33 /proc/self/uid_map | busybox tr -s ' '
        busybox hostname inside && cat /proc/sys/kernel/hostname
        ip link set lo down && ip link show lo | grep -c UP; busybox umount /proc 2>/dev/null || echo locked";
    let mut spec = bundle.spec(&["sh", "-c", script]);
    let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65_536}]);
    spec["linux"]["uidMappings"] = map.clone();
    spec["linux"]["gidMappings"] = map;
    let all = json!(["CAP_SYS_ADMIN", "CAP_NET_ADMIN"]);
    spec["process"]["capabilities"] = json!({"bounding": all, "permitted": all, "effective": all});
    let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.push(json!({"type": "user"}));
    let expected = "0\n 0 100000 65536\ninside\n0\nlocked\n";
    assert_eq!(bundle.output(&spec), expected);
    let mut without_root = spec.clone();
    let map = json!([{"containerID": 1, "hostID": 100_000, "size": 9}]);
    without_root["linux"]["uidMappings"] = map.clone();
    without_root["linux"]["gidMappings"] = map;
    let message = bundle.refusal(&without_root);
    assert!(
        message.contains("its id 0 has no id on the host"),
        "{message}"
    );
}

#[test]
fn another_user_than_root_is_told_why_not() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "0"]);
    let state = bundle.path("state");
    let mut command = Command::new(support::bundle::BINARY);
    let command = command
        .arg("--root")
        .arg(state)
        .args(["create", "one"])
        .current_dir("/");
    match std::os::unix::process::CommandExt::uid(command, 65_534).output() {
        Ok(output) => {
            let message = String::from_utf8(output.stderr).unwrap();
            assert!(
                message.contains("user 65534 calls, and only root can"),
                "{message}"
            );
        }
        Err(error) => support::skip(&format!("nobody can run the binary: {error}")),
    }
}

#[test]
fn namespaces_that_cannot_be_joined_are_named() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let other = fs::canonicalize("/proc/self/ns").unwrap();
    for (namespace, why) in [
        (
            json!({"type": "network", "path": "/no/such/namespace"}),
            "cannot join network namespace \"/no/such/namespace\": no such file or directory",
        ),
        (
            json!({"type": "network", "path": other.join("uts")}),
            "cannot join network namespace",
        ),
        (
            json!({"type": "pid", "path": "/no/pid"}),
            "cannot join pid namespace \"/no/pid\"",
        ),
        (json!({"type": "time"}), "time namespaces"),
        (
            json!({"type": "colour"}),
            "namespace type \"colour\" is not known",
        ),
        (
            json!({"type": "user"}),
            "a user namespace without uidMappings and gidMappings",
        ),
        (json!({"type": "ipc"}), "linux.namespaces has \"ipc\" twice"),
    ] {
        let mut spec = bundle.spec(&["true"]);
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        if namespace["type"] != "ipc" {
            namespaces.retain(|one| one["type"] != namespace["type"]);
        }
        namespaces.push(namespace);
        let message = bundle.refusal(&spec);
        assert!(message.contains(why), "{message}");
    }
}
