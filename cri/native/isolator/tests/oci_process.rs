//! What the process of a spec asks for, as the program finds it.
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
use support::cgroup_directories;

/// A spec that runs a script, with this in its process.
fn with_process(bundle: &Bundle, script: &str, change: &Value) -> Value {
    let mut spec = bundle.spec(&["sh", "-c", script]);
    for (key, value) in change.as_object().unwrap() {
        spec["process"][key] = value.clone();
    }
    spec
}

#[test]
fn the_user_has_its_groups_and_umask() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "busybox id -u; busybox id -g; busybox id -G; umask";
    let user = json!({"uid": 7, "gid": 8, "additionalGids": [10, 9], "umask": 0o077});
    let spec = with_process(&bundle, script, &json!({"user": user}));
    assert_eq!(bundle.output(&spec), "7\n8\n8 9 10\n0077\n");
    let spec = with_process(&bundle, script, &json!({}));
    assert_eq!(bundle.output(&spec), "0\n0\n0\n0022\n");
}

#[test]
fn capabilities_are_those_of_each_set_and_unknown_ones_are_named() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "grep ^Cap /proc/self/status";
    let kill = json!(["CAP_KILL"]);
    let capabilities = json!({
        "bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": kill, "effective": kill,
        "inheritable": kill, "ambient": kill,
    });
    let user = json!({"uid": 7, "gid": 7});
    let change = json!({"user": user, "capabilities": capabilities});
    let sets = bundle.output(&with_process(&bundle, script, &change));
    let expected = [
        ("Inh", 32),
        ("Prm", 32),
        ("Eff", 32),
        ("Bnd", 33),
        ("Amb", 32),
    ];
    let expected = expected.map(|(name, set)| format!("Cap{name}:\t{set:016x}\n"));
    assert_eq!(sets, expected.concat());
    let none = bundle.output(&with_process(&bundle, script, &json!({})));
    assert_eq!(none.matches("0000000000000000").count(), 5, "{none}");
    let change = json!({"capabilities": {"bounding": ["CAP_FLY"]}});
    let message = bundle.refusal(&with_process(&bundle, script, &change));
    assert!(
        message.contains("\"CAP_FLY\" is not a capability"),
        "{message}"
    );
}

#[test]
fn no_new_privileges_is_set_when_asked_for() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    for (wanted, found) in [(true, "NoNewPrivs:\t1\n"), (false, "NoNewPrivs:\t0\n")] {
        let change = json!({"noNewPrivileges": wanted});
        let spec = with_process(&bundle, "grep NoNewPrivs /proc/self/status", &change);
        assert_eq!(bundle.output(&spec), found);
    }
}

#[test]
fn resource_limits_are_in_force_and_wrong_ones_are_named() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let limit =
        |kind: &str, soft: u64, hard: u64| json!({"type": kind, "soft": soft, "hard": hard});
    let limits = json!([
        limit("RLIMIT_NOFILE", 100, 200),
        limit("RLIMIT_CORE", 0, 0),
        limit("RLIMIT_NPROC", 300, 400),
    ]);
    let script = "grep -E 'open files|core file|processes' /proc/self/limits | busybox tr -s ' '";
    let found = bundle.output(&with_process(&bundle, script, &json!({"rlimits": limits})));
    let expected = "Max core file size 0 0 bytes \nMax processes 300 400 processes \n\
                    Max open files 100 200 files \n";
    assert_eq!(found, expected);
    for (limits, why) in [
        (
            json!([limit("RLIMIT_WISHES", 3, 3)]),
            "\"RLIMIT_WISHES\": there is no such limit",
        ),
        (
            json!([limit("RLIMIT_NOFILE", 3, 2)]),
            "RLIMIT_NOFILE to 3:2",
        ),
        (
            json!([limit("RLIMIT_CPU", 9, 9), limit("RLIMIT_CPU", 8, 9)]),
            "process.rlimits has \"RLIMIT_CPU\" twice",
        ),
    ] {
        let spec = with_process(&bundle, "true", &json!({"rlimits": limits}));
        let message = bundle.refusal(&spec);
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn the_working_directory_is_inside_the_root_and_made_when_missing() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let root = bundle.dir().join("rootfs");
    std::os::unix::fs::symlink("/", root.join("top")).unwrap();
    std::os::unix::fs::symlink("../../../..", root.join("up")).unwrap();
    for (cwd, found) in [
        ("/", "/"),
        ("/new/deep", "/new/deep"),
        ("/top/bin", "/bin"),
        ("/up/bin", "/bin"),
    ] {
        let spec = with_process(&bundle, "busybox pwd -P", &json!({"cwd": cwd}));
        assert_eq!(bundle.output(&spec), format!("{found}\n"), "{cwd}");
    }
    for (cwd, why) in [
        ("bin", "working directory \"bin\" is not absolute"),
        ("/bin/sh", "\"/bin/sh\": not a directory"),
    ] {
        let message = bundle.refusal(&with_process(&bundle, "true", &json!({"cwd": cwd})));
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn the_oom_score_is_the_asked_one_and_a_wrong_one_is_refused() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "cat /proc/self/oom_score_adj";
    let spec = with_process(&bundle, script, &json!({"oomScoreAdj": 500}));
    assert_eq!(bundle.output(&spec), "500\n");
    let message = bundle.refusal(&with_process(
        &bundle,
        script,
        &json!({"oomScoreAdj": 1001}),
    ));
    assert!(
        message.contains("oom_score_adj to 1001: invalid argument"),
        "{message}"
    );
}

#[test]
fn host_and_domain_name_are_the_containers_own() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname";
    let mut spec = with_process(&bundle, script, &json!({}));
    spec["domainname"] = "example.org".into();
    assert_eq!(bundle.output(&spec), "bundle\nexample.org\n");
    for name in ["hostname", "domainname"] {
        let mut spec = with_process(&bundle, script, &json!({}));
        let object = spec.as_object_mut().unwrap();
        object.remove("hostname");
        object.insert(name.to_owned(), "x".into());
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|one| one["type"] != "uts");
        let message = bundle.refusal(&spec);
        let why = format!("cannot set {name} \"x\": the UTS namespace is the host's");
        assert!(message.contains(&why), "{message}");
    }
}

#[test]
fn sysctls_are_set_in_the_containers_namespaces_only() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let script = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax";
    let mut spec = with_process(&bundle, script, &json!({}));
    spec["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1", "kernel.msgmax": "4096"});
    assert_eq!(bundle.output(&spec), "1\n4096\n");
    assert_ne!(
        fs::read_to_string("/proc/sys/kernel/msgmax").unwrap(),
        "4096\n"
    );
    for (key, without) in [
        ("vm.swappiness", ""),
        ("net.ipv4.ip_forward", "network"),
        ("kernel.msgmax", "ipc"),
    ] {
        let mut spec = with_process(&bundle, script, &json!({}));
        spec["linux"]["sysctl"] = json!({key: "1"});
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|one| one["type"] != without);
        let message = bundle.refusal(&spec);
        assert!(message.contains(key), "{message}");
    }
}

#[test]
fn swappiness_is_set_where_there_is_such_a_thing_and_refused_by_name_elsewhere() {
    need_containers!();
    let bundle = Bundle::new(&[]);
    let mut spec = with_process(&bundle, "sleep 100", &json!({}));
    spec["linux"]["resources"] = json!({"memory": {"swappiness": 30}});
    bundle.write(&spec);
    let outcome = bundle.run(&["create", "one"]);
    if outcome.code != 0 {
        let why = "cannot set resources.memory.swappiness: it needs cgroup v1\n";
        assert_eq!(outcome.stderr, why);
        return;
    }
    let files = cgroup_directories(&bundle.cgroup).into_iter();
    let found: Vec<String> = files
        .filter_map(|dir| fs::read_to_string(dir.join("memory.swappiness")).ok())
        .collect();
    assert_eq!(found, ["30\n"]);
    bundle.good(&["delete", "--force", "one"]);
}
