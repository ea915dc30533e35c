//! The private mount namespace of a pod, from which its containers get copies.

use std::os::fd::{AsFd, OwnedFd};

use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::spawn::unshare;
use rustix::fs::{FileType, Mode, OFlags};

use crate::error::IsolateError;
use crate::foreign_proc;
use crate::request::{NamespaceMode, PodRequest};
use crate::selinux;

/// Where containers put together what their root is made of.
pub(crate) const STAGE_DIR: &str = "/stage";
/// Where containers attach their root file system in (a copy of) the pod's mount namespace.
pub(crate) const POD_ROOT_DIR: &str = "/rootfs";
const DEFAULT_SHM: u64 = 64 << 20;

/// Takes the pod's pid 1 into a mount namespace of its own that shows one empty directory: containers
/// can look through its `/proc/1/root` and read its mountinfo. Descriptors stay where they are.
/// `label`: SELinux label of that directory; "" = none.
pub(crate) fn hide_all(label: &str) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel("pod-init", "hide all mounts from pid 1", errno);
    unshare(libc::CLONE_NEWNS).map_err(fail)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let top = rustix::fs::open("/", flags, Mode::empty()).map_err(fail)?;
    let private = Attributes {
        propagation: libc::MS_PRIVATE,
        ..Attributes::default()
    };
    mount::set_attributes(&top, private, true).map_err(fail)?;
    let attributes = libc::MOUNT_ATTR_RDONLY
        | libc::MOUNT_ATTR_NOSUID
        | libc::MOUNT_ATTR_NODEV
        | libc::MOUNT_ATTR_NOEXEC;
    let mut options = vec![("source", "tmpfs"), ("mode", "555"), ("nr_inodes", "1")];
    options.extend(selinux::mount_option(label));
    let empty = mount::new_file_system("tmpfs", &options, attributes).map_err(fail)?;
    mount::attach(&empty, top.as_fd()).map_err(fail)?;
    mount::replace_root(&empty).map_err(fail)
}

/// Leaves nothing in the pod's mount namespace but a small tmpfs of ours: it pins no host mount.
/// `pids`: the pod's pid namespace where this process is not in it.
pub(crate) fn make(
    request: &PodRequest,
    pids: Option<&OwnedFd>,
    fds: &mut Vec<(&'static str, OwnedFd)>,
) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel("pod-mounts", "make the pod's mount namespace", errno);
    let open = |path: &str| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).map_err(fail)
    };
    let top = open("/")?;
    let private = Attributes {
        propagation: libc::MS_PRIVATE,
        ..Attributes::default()
    };
    mount::set_attributes(&top, private, true).map_err(fail)?;
    let label = selinux::mount_option(&request.mount_label);
    let mut options = vec![("source", "tmpfs"), ("mode", "755"), ("size", "64k")];
    // Its null device covers files of containers.
    options.extend(label);
    let base = mount::new_file_system("tmpfs", &options, 0).map_err(fail)?;
    mount::attach(&base, top.as_fd()).map_err(fail)?;
    let mode = Mode::from_raw_mode(0o755);
    for dir in [POD_ROOT_DIR, STAGE_DIR] {
        rustix::fs::mkdirat(&base, dir.trim_start_matches('/'), mode).map_err(fail)?;
    }
    let null = rustix::fs::makedev(1, 3);
    let all = Mode::from_raw_mode(0o666);
    rustix::fs::mknodat(&base, "null", FileType::CharacterDevice, all, null).map_err(fail)?;
    mount::replace_root(&base).map_err(fail)?;
    if request.ipc == NamespaceMode::Pod {
        let size = if request.shm_size == 0 {
            DEFAULT_SHM
        } else {
            request.shm_size
        };
        let guard = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
        let size = size.to_string();
        let (uid, gid) = request.ids.root()?;
        let (uid, gid) = (uid.to_string(), gid.to_string());
        let mut options = vec![
            ("source", "shm"),
            ("mode", "1777"),
            ("size", size.as_str()),
            ("uid", uid.as_str()),
            ("gid", gid.as_str()),
        ];
        options.extend(label);
        let shm = mount::new_file_system("tmpfs", &options, guard).map_err(fail)?;
        rustix::fs::mkdir("/shm", mode).map_err(fail)?;
        mount::attach(&shm, open("/shm")?.as_fd()).map_err(fail)?;
        fds.push(("shm", open("/shm")?));
    }
    if request.pid == NamespaceMode::Pod {
        // Only from inside a pid namespace can its procfs be mounted. Containers get copies of this
        // mount, so that nothing with privileges ever has to enter the namespace.
        let proc = match pids {
            Some(pids) => foreign_proc::mount_inside(pids)?,
            None => mount::new_file_system("proc", &[("source", "proc")], 0).map_err(fail)?,
        };
        rustix::fs::mkdir("/proc", mode).map_err(fail)?;
        mount::attach(&proc, open("/proc")?.as_fd()).map_err(fail)?;
        fds.push(("proc", open("/proc")?));
    }
    Ok(())
}
