//! What `features` says, against what `create` takes; states and their refusals.
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

use serde_json::{Value, json};
use support::bundle::{Bundle, need_containers};
use support::wait_until;

fn features(bundle: &Bundle) -> Value {
    serde_json::from_str(&bundle.good(&["features"])).unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect()
}

/// Whether a container can be created of it.
fn is_taken(bundle: &Bundle, spec: &Value) -> bool {
    bundle.write(spec);
    let created = bundle.run(&["create", "one"]).code == 0;
    if created {
        bundle.good(&["delete", "--force", "one"]);
    }
    created
}

#[test]
fn every_version_namespace_and_hook_that_is_told_is_taken_and_no_other() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let told = features(&bundle);
    for version in [&told["ociVersionMin"], &told["ociVersionMax"]] {
        let mut spec = bundle.spec(&["true"]);
        spec["ociVersion"] = version.clone();
        assert!(is_taken(&bundle, &spec), "{version}");
    }
    for kind in [
        "cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts", "other",
    ] {
        let mut spec = bundle.spec(&["true"]);
        spec.as_object_mut().unwrap().remove("hostname");
        let mut namespaces = vec![json!({"type": "mount"}), json!({"type": kind})];
        namespaces.dedup();
        spec["linux"]["namespaces"] = namespaces.into();
        if kind == "user" {
            let map = json!([{"containerID": 0, "hostID": 100_000, "size": 65_536}]);
            spec["linux"]["uidMappings"] = map.clone();
            spec["linux"]["gidMappings"] = map;
        }
        let is_told = names(&told["linux"]["namespaces"]).contains(&kind);
        assert_eq!(is_taken(&bundle, &spec), is_told, "{kind}");
    }
    let hooks = names(&told["hooks"]);
    assert_eq!(hooks.len(), 6);
    for kind in hooks {
        let mut spec = bundle.spec(&["true"]);
        spec["hooks"] = json!({kind: [{"path": "relative"}]});
        assert!(!is_taken(&bundle, &spec), "{kind} hooks are not looked at");
    }
}

#[test]
fn every_mount_option_that_is_told_is_taken() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let told = features(&bundle);
    assert_eq!(told["linux"]["mountExtensions"]["idmap"]["enabled"], true);
    let options = names(&told["mountOptions"]);
    assert!(options.len() > 50, "{options:?}");
    let mut spec = bundle.spec(&["true"]);
    let mounts = spec["mounts"].as_array_mut().unwrap();
    let volume = bundle.path("volume");
    fs::create_dir(&volume).unwrap();
    for option in options {
        // Whether ids can be mapped is up to the file system, peers to the mount.
        let is_plain =
            !["idmap", "ridmap", "shared", "rshared", "slave", "rslave"].contains(&option);
        mounts.push(match is_plain {
            true => json!({"destination": format!("/{option}"), "type": "bind",
                "source": volume, "options": ["bind", option]}),
            false => json!({"destination": format!("/{option}"), "type": "tmpfs",
                "source": "tmpfs", "options": [option]}),
        });
    }
    assert!(is_taken(&bundle, &spec), "{}", bundle.refusal(&spec));
}

#[test]
fn every_part_of_a_seccomp_profile_that_is_told_is_taken_and_no_other() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let told = features(&bundle)["linux"]["seccomp"].clone();
    let takes = |profile: Value| {
        let mut spec = bundle.spec(&["true"]);
        spec["linux"]["seccomp"] = profile;
        is_taken(&bundle, &spec)
    };
    let with_call = |action: &str, operator: &str, arch: &str, flag: &str| {
        let argument = json!({"index": 0, "value": 1, "valueTwo": 1, "op": operator});
        json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": [arch],
            "flags": [flag],
            "syscalls": [{"names": ["personality"], "action": action, "args": [argument]}],
        })
    };
    let (arch, flag) = ("SCMP_ARCH_X86_64", "SECCOMP_FILTER_FLAG_LOG");
    for (list, more) in [
        ("actions", "SCMP_ACT_NOTIFY"),
        ("operators", "SCMP_CMP_LIKE"),
        ("archs", "SCMP_ARCH_PDP11"),
        ("supportedFlags", "SECCOMP_FILTER_FLAG_NEW_LISTENER"),
    ] {
        let known = names(&told[list]);
        for name in known.iter().copied().chain([more]) {
            let profile = match list {
                "actions" => with_call(name, "SCMP_CMP_EQ", arch, flag),
                "operators" => with_call("SCMP_ACT_ERRNO", name, arch, flag),
                "archs" => with_call("SCMP_ACT_ERRNO", "SCMP_CMP_EQ", name, flag),
                _ => with_call("SCMP_ACT_ERRNO", "SCMP_CMP_EQ", arch, name),
            };
            assert_eq!(takes(profile), known.contains(&name), "{list}: {name}");
        }
    }
}

#[test]
fn every_capability_that_is_told_is_taken() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let told = features(&bundle);
    let mut spec = bundle.spec(&["true"]);
    spec["process"]["capabilities"] = json!({"bounding": told["linux"]["capabilities"]});
    assert!(is_taken(&bundle, &spec));
}

#[test]
fn what_is_told_to_be_missing_is_refused_by_name() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let linux = features(&bundle)["linux"].clone();
    for (told, path, value, name) in [
        (
            &linux["intelRdt"]["enabled"],
            "/linux/intelRdt",
            json!({"closID": "x"}),
            "Intel RDT",
        ),
        (
            &linux["cgroup"]["systemd"],
            "/linux/cgroupsPath",
            json!("a:b:c"),
            "systemd",
        ),
        (
            &linux["cgroup"]["rdma"],
            "/linux/resources",
            json!({"rdma": {"mlx": {"hcaHandles": 1}}}),
            "resources.rdma",
        ),
    ] {
        assert_eq!(told, false, "{name}");
        let mut spec = bundle.spec(&["true"]);
        let (parent, key) = path.rsplit_once('/').unwrap();
        spec.pointer_mut(parent).unwrap()[key] = value;
        let message = bundle.refusal(&spec);
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn a_label_that_the_host_does_not_know_is_refused_by_name_though_selinux_is_told() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    assert_eq!(features(&bundle)["linux"]["selinux"]["enabled"], true);
    for (parent, key) in [("/process", "selinuxLabel"), ("/linux", "mountLabel")] {
        let mut spec = bundle.spec(&["true"]);
        spec.pointer_mut(parent).unwrap()[key] = json!("a:b:c:s0");
        let message = bundle.refusal(&spec);
        let named = message.contains("SELinux label \"a:b:c:s0\"");
        assert!(named, "{message}");
    }
}

#[test]
fn a_stopped_container_has_no_pid_and_only_deletion_left() {
    need_containers!();
    let bundle = Bundle::new(&["sleep", "0"]);
    bundle.good(&["create", "one"]);
    bundle.good(&["start", "one"]);
    wait_until("it ends", || bundle.state()["status"] == "stopped");
    assert_eq!(bundle.state()["pid"], 0);
    let message = bundle.bad(&["start", "one"]);
    assert!(message.contains("it is stopped, not created"), "{message}");
    let message = bundle.bad(&["kill", "one", "TERM"]);
    assert!(message.contains("container not running"), "{message}");
    bundle.good(&["delete", "one"]);
    let message = bundle.bad(&["state", "one"]);
    assert!(message.contains("\"one\": it does not exist"), "{message}");
}

#[test]
fn a_state_that_cannot_be_read_is_told_with_its_file_and_goes_by_force() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let dir = bundle.root().join("one");
    fs::create_dir_all(&dir).unwrap();
    for text in ["{", "{\"version\": 9}"] {
        fs::write(dir.join("state.json"), text).unwrap();
        for arguments in [["state", "one"], ["start", "one"], ["kill", "one"]] {
            let message = bundle.bad(&arguments);
            assert!(message.contains("state.json"), "{message}");
        }
    }
    fs::remove_dir_all(&dir).unwrap();
}
