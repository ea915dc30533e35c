//! Turns an OCI runtime spec into a running container: everything that happens in the children that
//! a monitor forks, and the logic of the OCI command line.
//!
//! No threads, no async. The caller must be single-threaded: the children are forked and run
//! ordinary Rust code before execve.

mod apparmor;
mod assembler;
mod builder;
mod config;
mod console;
mod control;
mod devices;
mod env_text;
mod error;
mod exec;
mod execute;
mod foreign_proc;
mod gate;
pub mod hooks;
mod host;
mod host_proc;
mod ids;
mod image_mounts;
mod init;
mod inside;
mod limits;
mod masks;
mod mounts;
mod namespaces;
mod note;
pub mod oci;
mod oom_score;
mod options;
mod own_fds;
mod pod;
mod pod_child;
mod pod_mounts;
mod pod_pin;
mod pod_user;
mod probe;
mod process;
mod procfs_guard;
mod relabel;
mod request;
mod rootfs;
mod seccomp;
mod selinux;
mod shim;
mod sources;
mod spec;
mod spec_check;
mod stage;
mod staging;
mod sysctl;
mod users;

pub use builder::spawn_create;
pub use control::{
    Building, ControlMessage, Created, StepTime, read_control, reap_unreported, send_go, send_go_on,
};
pub use error::{ErrorCode, IsolateError};
pub use estiba_kernel::cgroup::{OomAncestors, OomKills, OomLevel, OomWatch};
pub use exec::spawn_exec;
pub use host::{
    Features, Host, exec_leftovers, is_deserted, kill_cgroup, kill_exec, oom_ancestors,
    oom_kill_count, populated, remove_cgroup, remove_exec_leaf, survivor, take_oom_kills,
    watch_oom,
};
pub use ids::Ids;
pub use limits::update_limits;
pub use note::where_it_hangs;
pub use oom_score::update_oom_score;
pub use pod::{make_pod_namespaces, pod_init_cgroup};
pub use pod_pin::unpin_network;
pub use probe::probe_user_namespaces;
pub use relabel::label_tree;
pub use request::{
    CreateRequest, ExecProcess, ExecRequest, NamespaceMode, Parking, PodNamespaces, PodRequest,
    ResolvedUser, Rootfs, SeccompFilter, UserRequest,
};
pub use seccomp::compile as compile_seccomp;
pub use selinux::{label_new_files, labelled_pipe};
pub use shim::{PidTarget, Program, spawn_exec_shim, spawn_shim};
