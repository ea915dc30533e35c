//! What serve would send for a container of a test's pod.

use std::os::fd::{AsRawFd, OwnedFd};

use serde_json::{Value, json};

use crate::fixture::{MAPPED_ROOT, Pod, parent};

pub fn all_caps() -> Value {
    json!([
        "CAP_CHOWN",
        "CAP_SETUID",
        "CAP_SETGID",
        "CAP_NET_RAW",
        "CAP_MKNOD",
        "CAP_KILL"
    ])
}

impl Pod<'_> {
    fn fd_path(&self, fd: Option<&OwnedFd>) -> String {
        fd.map_or(String::new(), |fd| {
            format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd())
        })
    }

    /// What serve would send for a plain container of this pod.
    pub fn spec(&self, args: &[&str]) -> Value {
        let ns = &self.namespaces;
        let id = format!("{:064x}", self.fixture.number());
        let caps = all_caps();
        let mut namespaces = vec![json!({"type": "mount"}), json!({"type": "cgroup"})];
        let mapping = json!([{"containerID": 0, "hostID": MAPPED_ROOT, "size": 65_536}]);
        let mappings = ns.user.as_ref().map(|_| mapping);
        for (kind, fd) in [
            ("user", &ns.user),
            ("network", &ns.net),
            ("ipc", &ns.ipc),
            ("uts", &ns.uts),
            ("pid", &ns.pid),
        ] {
            if fd.is_some() {
                namespaces.push(json!({"type": kind, "path": self.fd_path(fd.as_ref())}));
            }
        }
        json!({
            "ociVersion": "1.1.0",
            "process": {
                "args": args,
                "cwd": "/",
                "env": ["PATH=/sbin:/bin"],
                "capabilities": {"bounding": caps, "effective": caps, "permitted": caps},
                "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 2048}],
                "noNewPrivileges": true,
                "oomScoreAdj": 500,
            },
            "root": {"path": "rootfs"},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc",
                 "options": ["nosuid", "noexec", "nodev"]},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
                {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                 "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
                {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
                 "options": ["nosuid", "noexec", "nodev"]},
                {"destination": "/sys", "type": "sysfs", "source": "sysfs",
                 "options": ["nosuid", "noexec", "nodev", "ro"]},
                {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                 "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
                {"destination": "/dev/shm", "type": "bind", "source": self.fd_path(ns.shm.as_ref()),
                 "options": ["rbind", "nosuid", "nodev", "noexec"]},
            ],
            "linux": {
                "cgroupsPath": format!("{}/{id}", parent()),
                "namespaces": namespaces,
                "uidMappings": mappings,
                "gidMappings": mappings,
                "resources": {"devices": [{"allow": false, "access": "rwm"}]},
                "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list",
                                "/proc/scsi", "/sys/firmware", "/proc/no-such-file"],
                "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                  "/proc/sysrq-trigger"],
            },
        })
    }
}
