//! Filters of system calls: in force for init and exec, whatever way they were installed, and with no
//! privilege left over from that.

use estiba_isolate::ResolvedUser;
use estiba_kernel::spawn::Ended;
use serde_json::{Value, json};

use super::sh;
use crate::fixture::Fixture;
use crate::running::read_until;

const SCRIPT: &str = "grep -E 'Cap(Prm|Eff|Bnd)|NoNew|Seccomp:' /proc/self/status; \
                      mkdir /tmp/made 2>&1; chmod 700 / 2>&1; true";

fn profile() -> Value {
    json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_ARM"],
        "syscalls": [{
            "names": ["mkdir", "mkdirat", "chmod", "fchmod", "fchmodat", "fchmodat2", "clone3"],
            "action": "SCMP_ACT_ERRNO",
        }],
    })
}

pub fn enforced(fixture: &Fixture) {
    let pod = fixture.pod();
    for (no_new_privs, own_pids, uid, capabilities) in [
        (true, false, 0, "0000000000000020"),
        (false, false, 0, "0000000000000020"),
        (false, true, 0, "0000000000000020"),
        (false, false, 1000, "0000000000000000"),
        (false, true, 1000, "0000000000000000"),
    ] {
        let case = format!("no_new_privs {no_new_privs}, own pids {own_pids}, uid {uid}");
        let mut spec = sh(&pod, &format!("{SCRIPT}; echo end; sleep 100"));
        spec["linux"]["seccomp"] = profile();
        spec["process"]["noNewPrivileges"] = no_new_privs.into();
        spec["process"]["user"] = json!({"uid": uid, "gid": uid});
        let kill = ["CAP_KILL"];
        spec["process"]["capabilities"] =
            json!({"bounding": kill, "effective": kill, "permitted": kill});
        if own_pids {
            let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
            namespaces.retain(|one| one["type"] != "pid");
            namespaces.push(json!({"type": "pid"}));
        }
        let mut running = pod.create(&spec);
        running.start().unwrap();
        let init = read_until(&running.output, "end\n");
        let user = ResolvedUser {
            uid,
            gid: uid,
            additional_gids: vec![uid],
        };
        let (ended, exec) = pod
            .exec(&running, &["sh", "-c", SCRIPT], Some(&user))
            .unwrap();
        assert_eq!(ended, Ended::Exited(0), "{case}");
        pod.remove(&running);
        for text in [init, exec] {
            let privileges = u8::from(no_new_privs);
            for line in [
                &format!("CapPrm:\t{capabilities}"),
                &format!("CapEff:\t{capabilities}"),
                "CapBnd:\t0000000000000020",
                &format!("NoNewPrivs:\t{privileges}"),
                "Seccomp:\t2",
                "mkdir: can't create directory '/tmp/made': Operation not permitted",
                "chmod: /: Operation not permitted",
            ] {
                assert!(text.contains(line), "{case}: {line} in {text}");
            }
        }
    }
}

/// Only what the program itself needs is allowed: nothing of ours comes after the filter.
pub fn strict(fixture: &Fixture) {
    let pod = fixture.pod();
    let mut spec = pod.spec(&["/bin/busybox", "true"]);
    spec["linux"]["seccomp"] = json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [{
            "names": ["execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq",
                      "prlimit64", "mprotect", "readlinkat", "readlink", "getrandom", "mmap",
                      "munmap", "newfstatat", "fstat", "getuid", "prctl", "exit_group"],
            "action": "SCMP_ACT_ALLOW",
        }],
    });
    assert_eq!(pod.run(&spec).0, Ended::Exited(0));
    let mut missing = spec.clone();
    missing["process"]["args"] = json!(["no-such-program"]);
    let mut running = pod.create(&missing);
    let error = running.start().unwrap_err();
    pod.remove(&running);
    assert!(error.message.ends_with("not found in $PATH"), "{error}");
    spec["process"]["noNewPrivileges"] = false.into();
    let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
    assert!(error.message.contains("it forbids capset"), "{error}");
    let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|one| one["type"] != "pid");
    namespaces.push(json!({"type": "pid"}));
    assert_eq!(pod.run(&spec).0, Ended::Exited(0));
}

pub fn refused(fixture: &Fixture) {
    let pod = fixture.pod();
    for (profile, why) in [
        (json!({"defaultAction": "SCMP_ACT_ERRNO"}), "forbids execve"),
        (
            json!({"defaultAction": "SCMP_ACT_NOTIFY"}),
            "SCMP_ACT_NOTIFY",
        ),
        (
            json!({"defaultAction": "x"}),
            "defaultAction \"x\" is not known",
        ),
    ] {
        let mut spec = pod.spec(&["/bin/true"]);
        spec["linux"]["seccomp"] = profile;
        let error = pod.try_create(&spec, None, false).map(drop).unwrap_err();
        assert_eq!(error.step, "seccomp");
        assert!(error.message.contains(why), "{error}");
    }
}
