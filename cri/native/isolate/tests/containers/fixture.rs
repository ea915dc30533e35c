//! A pod and containers made of Debian's static busybox, in this process's own mount namespace.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use estiba_isolate::{Host, Ids, NamespaceMode, PodNamespaces, PodRequest};
use estiba_kernel::userns::Range;

/// The root of pods with a user namespace, as the host sees it.
pub const MAPPED_ROOT: u32 = 1_048_576;

/// The cgroup that all containers of this test run are in.
pub fn parent() -> String {
    format!("/estiba-test-containers-{}", std::process::id())
}

pub struct Fixture {
    pub host: Host,
    pub dir: tempfile::TempDir,
    next: std::cell::Cell<u32>,
    /// How long the last build or exec took until its message came.
    pub waited: std::cell::Cell<Duration>,
}

impl Fixture {
    pub fn new(busybox: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("layers/base");
        for name in ["bin", "etc", "tmp", "home/app"] {
            fs::create_dir_all(base.join(name)).unwrap();
        }
        fs::copy(busybox, base.join("bin/busybox")).unwrap();
        for applet in [
            "sh", "true", "cat", "id", "ls", "sleep", "grep", "mount", "touch", "hostname", "echo",
            "ps", "stty", "tty", "pwd", "mknod", "stat", "env", "dd", "head", "sysctl", "ip",
        ] {
            fs::hard_link(base.join("bin/busybox"), base.join("bin").join(applet)).unwrap();
        }
        let passwd = "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n";
        fs::write(base.join("etc/passwd"), passwd).unwrap();
        fs::write(base.join("etc/group"), "root:x:0:\nbig:x:50000:app\n").unwrap();
        let top = dir.path().join("layers/top");
        fs::create_dir_all(top.join("etc")).unwrap();
        fs::write(top.join("etc/layer"), "top\n").unwrap();
        Self {
            host: Host::probe().unwrap(),
            dir,
            next: 1.into(),
            waited: Duration::ZERO.into(),
        }
    }

    pub fn number(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn pod_request(&self) -> PodRequest {
        let number = self.number();
        PodRequest {
            pod_id: format!("{number:064x}").chars().rev().collect(),
            hostname: "podhost".to_owned(),
            network: NamespaceMode::Pod,
            ipc: NamespaceMode::Pod,
            pid: NamespaceMode::Pod,
            sysctls: [("net.core.somaxconn".to_owned(), "321".to_owned())].into(),
            shm_size: 0,
            netns_path: self.path(&format!("netns-{number}")),
            cgroup_parent: parent(),
            ids: Ids::default(),
            mount_label: String::new(),
            process_label: String::new(),
        }
    }

    /// Of a pod whose root is `MAPPED_ROOT`.
    pub fn mapped_request(&self) -> PodRequest {
        let range = Range {
            inside: 0,
            outside: MAPPED_ROOT,
            length: 65_536,
        };
        let mut request = self.pod_request();
        request.sysctls.clear();
        request.ids = Ids {
            uids: vec![range],
            gids: vec![range],
        };
        request
    }

    pub fn mapped_pod(&self) -> Pod<'_> {
        self.pod_of(self.mapped_request())
    }

    pub fn pod(&self) -> Pod<'_> {
        self.pod_of(self.pod_request())
    }

    pub fn pod_of(&self, request: PodRequest) -> Pod<'_> {
        let namespaces = estiba_isolate::make_pod_namespaces(&self.host, &request).unwrap();
        Pod {
            fixture: self,
            namespaces,
            netns_path: request.netns_path,
            legacy: false,
            target: None,
            writable_parent: self.dir.path().to_owned(),
        }
    }
}

pub struct Pod<'a> {
    pub fixture: &'a Fixture,
    pub namespaces: PodNamespaces,
    pub netns_path: PathBuf,
    pub legacy: bool,
    /// The pid namespace that containers join whatever their spec says.
    pub target: Option<OwnedFd>,
    /// Where containers get their writable directories.
    pub writable_parent: PathBuf,
}

impl Drop for Pod<'_> {
    fn drop(&mut self) {
        if let Some((init, pidfd)) = self.namespaces.init.take() {
            estiba_kernel::spawn::send_signal(&pidfd, libc::SIGKILL).unwrap();
            // The init of a pid namespace is gone only when all in it have been reaped, and a
            // scenario that failed half-way has left its containers to us.
            while let Ok(Some((pid, _))) =
                rustix::process::wait(rustix::process::WaitOptions::empty())
            {
                if pid.as_raw_nonzero().get() == init {
                    break;
                }
            }
        }
        if let Some(cgroup) = self.namespaces.init_cgroup.take() {
            estiba_isolate::remove_cgroup(&self.fixture.host, &cgroup, Duration::from_secs(2))
                .unwrap();
        }
        estiba_isolate::unpin_network(&self.netns_path).unwrap();
    }
}
