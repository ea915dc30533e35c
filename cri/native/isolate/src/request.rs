//! What the monitor asks for. Plain data, no wire types: the monitor converts.

use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ids::Ids;
use crate::spec::Process;

/// Whether a namespace belongs to the pod or to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceMode {
    /// The pod gets its own.
    Pod,
    /// The host's is used (for pids also: each container brings its own or joins another's).
    Node,
}

/// What a new pod needs before any container can be made in it.
#[derive(Debug, Clone)]
pub struct PodRequest {
    /// 64 hex digits; the first 12 name the cgroup leaf of our pid 1.
    pub pod_id: String,
    /// Host name; "" with `network` Node means that the host's UTS namespace is used.
    pub hostname: String,
    /// Network namespace.
    pub network: NamespaceMode,
    /// IPC namespace, and with it /dev/shm.
    pub ipc: NamespaceMode,
    /// Pod starts our reaping pid 1; Node starts none.
    pub pid: NamespaceMode,
    /// Keys with dots, as CRI sends them.
    pub sysctls: BTreeMap<String, String>,
    /// Size of the pod's /dev/shm in bytes; 0 = 64 MiB.
    pub shm_size: u64,
    /// Where to pin the network namespace (its directory exists); empty = do not pin.
    pub netns_path: PathBuf,
    /// Parent cgroup in cgroupfs syntax; "" = "/estiba".
    pub cgroup_parent: String,
    /// Mappings of the pod's user namespace, which then owns all its namespaces; empty = it has none.
    pub ids: Ids,
    /// SELinux label of the pod's /dev/shm; "" = none.
    pub mount_label: String,
    /// That of its pid 1; "" = the caller's own. A policy that forbids it leaves it that one.
    pub process_label: String,
}

/// The namespaces of a pod, held by descriptors that are closed on exec.
#[derive(Debug, Default)]
pub struct PodNamespaces {
    /// User namespace.
    pub user: Option<OwnedFd>,
    /// Network namespace, also pinned at `netns_path`.
    pub net: Option<OwnedFd>,
    /// IPC namespace.
    pub ipc: Option<OwnedFd>,
    /// UTS namespace.
    pub uts: Option<OwnedFd>,
    /// Pid namespace of our pid 1.
    pub pid: Option<OwnedFd>,
    /// The pod's private mount namespace: a small tmpfs of ours with a null device and a place for
    /// containers' roots; in it the pod's /dev/shm and procfs, where it has them.
    pub mnt: Option<OwnedFd>,
    /// The pod's /dev/shm (`O_PATH`, in `mnt`).
    pub shm: Option<OwnedFd>,
    /// A procfs of the pod's pid namespace (`O_PATH`, in `mnt`).
    pub proc: Option<OwnedFd>,
    /// Our reaping pid 1: pid as the host sees it, and its pidfd. A child of the caller.
    pub init: Option<(i32, OwnedFd)>,
    /// Cgroup of `init`; to be removed with `remove_cgroup` after its death.
    pub init_cgroup: Option<String>,
    /// Inode of the network namespace; 0 when the host's is used.
    pub netns_inode: u64,
}

/// Where the root file system of a container comes from.
#[derive(Debug, Clone)]
pub enum Rootfs {
    /// An overlay of image layers and a writable directory.
    Overlay {
        /// Read-only layers, topmost first, absolute.
        lower_dirs: Vec<PathBuf>,
        /// Gets `upper` and `work`; made (0700) when missing. The caller removes it.
        writable_dir: PathBuf,
        /// Overlay option "volatile": no sync at unmount.
        volatile: bool,
    },
    /// A directory that is used as it is (OCI bundles).
    Directory(PathBuf),
}

/// Who the program runs as, to be resolved in the container's own /etc/passwd and /etc/group.
#[derive(Debug, Clone, Default)]
pub struct UserRequest {
    /// "" (root), a decimal uid, or a name.
    pub user: String,
    /// "" (the user's primary group, else 0), a decimal gid, or a name.
    pub group: String,
    /// Added to the groups of /etc/group.
    pub supplemental_gids: Vec<u32>,
    /// Do not add the memberships of /etc/group.
    pub strict_groups: bool,
}

/// Who the program runs as, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedUser {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary groups, the primary one included, sorted.
    pub additional_gids: Vec<u32>,
}

/// A compiled seccomp profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeccompFilter {
    /// `struct sock_filter` after `struct sock_filter`.
    pub program: Vec<u8>,
    /// `SECCOMP_FILTER_FLAG_*`.
    pub flags: u32,
}

/// How the parked init is told to go on.
#[derive(Debug, Default)]
pub enum Parking {
    /// By `send_go` on `Building::control`.
    #[default]
    Control,
    /// By the first connection (of root) to this listening seqpacket socket, which then carries
    /// "go" and the outcome: the OCI command line, whose creator does not stay.
    Listener(OwnedFd),
}

/// One container to build and park just before execve.
#[derive(Debug)]
pub struct CreateRequest<'a> {
    /// What hooks are told that the container is called.
    pub id: &'a str,
    /// The directory that they find config.json in.
    pub bundle: &'a Path,
    /// The OCI runtime spec. `linux.cgroupsPath` is absolute in cgroupfs syntax.
    pub spec_json: &'a [u8],
    /// Root file system.
    pub rootfs: Rootfs,
    /// The spec's `linux.seccomp`, compiled; `None`: it is compiled on the way where there is one.
    pub seccomp: Option<SeccompFilter>,
    /// Replaces `process.user` when set.
    pub user: Option<UserRequest>,
    /// Standard input; `None` = /dev/null. Ignored with `tty`.
    pub stdin: Option<OwnedFd>,
    /// Standard output; `None` = /dev/null. Ignored with `tty`.
    pub stdout: Option<OwnedFd>,
    /// Standard error; `None` = /dev/null. Ignored with `tty`.
    pub stderr: Option<OwnedFd>,
    /// Give the program a terminal of the container's own devpts; the master comes back in
    /// `Created::console`.
    pub tty: bool,
    /// The pod whose namespaces the spec's `/proc/<monitor pid>/fd/<n>` paths name.
    pub pod: Option<&'a PodNamespaces>,
    /// Join this pid namespace (a pid namespace descriptor or a pidfd) whatever the spec says.
    pub pid_target: Option<BorrowedFd<'a>>,
    /// Where the effective spec (user resolved, HOME added) is written, mode 0600, by temporary
    /// name and rename, before `Created` is sent. `spawn_exec` reads it.
    pub config_path: Option<&'a Path>,
    /// Use the mount(2) ways even where newer calls exist.
    pub legacy_mounts: bool,
    /// How "go" arrives.
    pub parking: Parking,
}

/// The `process` of an OCI runtime spec.
#[derive(Debug, Clone, Default)]
pub struct ExecProcess(pub(crate) Process);

/// One command to run in a running container.
#[derive(Debug)]
pub struct ExecRequest<'a> {
    /// The file that `CreateRequest::config_path` named.
    pub config_path: &'a Path,
    /// What the command starts as, in place of the container's own process.
    pub process: Option<ExecProcess>,
    /// The command.
    pub argv: &'a [String],
    /// The container's user, or another.
    pub user: &'a ResolvedUser,
    /// The container's filter, as at its creation.
    pub seccomp: Option<SeccompFilter>,
    /// Processes of other containers share the pid namespace.
    pub shares_pids: bool,
    /// Pidfd of the container's init: whose namespaces are joined.
    pub init_pidfd: BorrowedFd<'a>,
    /// Cgroup of the container, as in `Created::cgroup`.
    pub cgroup: &'a str,
    /// In place of the spec's, which was changed since.
    pub oom_score_adj: Option<i32>,
    /// `Some("exec")`: run in this leaf below the container's cgroup, so that `kill_exec` reaches
    /// the command and all its descendants. One leaf per exec that runs at the same time; made when
    /// missing, reused when empty. `None`: run in the container's own cgroup.
    pub leaf: Option<&'a str>,
    /// Standard input; `None` = /dev/null. Ignored with `tty`.
    pub stdin: Option<OwnedFd>,
    /// Standard output; `None` = /dev/null. Ignored with `tty`.
    pub stdout: Option<OwnedFd>,
    /// Standard error; `None` = /dev/null. Ignored with `tty`.
    pub stderr: Option<OwnedFd>,
    /// Give the command a terminal of the container's devpts.
    pub tty: bool,
}
