//! What `features` prints: the OCI features document.

use serde_json::{Value, json};

/// The document. What is not in it, or false, is refused by `create`.
pub(super) fn document() -> Value {
    json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": estiba_isolate::oci::SPEC_VERSION,
        "linux": {
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "uts"],
            "capabilities": estiba_isolate::oci::capability_names(),
            "cgroup": {
                "v1": true,
                "v2": true,
                "systemd": false,
                "systemdUser": false,
                "rdma": false,
            },
            "seccomp": {"enabled": false},
            "apparmor": {"enabled": false},
            "selinux": {"enabled": false},
            "intelRdt": {"enabled": false},
            "mountExtensions": {"idmap": {"enabled": false}},
        },
    })
}
