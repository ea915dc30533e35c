//! What a runtime program finds: a root file system mounted where only the shim and its children see
//! it, beside the container's document.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::{fd, process, resolve, spawn};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};
use serde_json::{Value, json};

use crate::error::IsolateError;
use crate::host::Host;
use crate::ids::Ids;
use crate::namespaces;
use crate::own_fds::OwnFds;
use crate::request::{CreateRequest, PodNamespaces, ResolvedUser, Rootfs};
use crate::rootfs::{Overlay, open_path};
use crate::selinux;
use crate::shim::document;
use crate::spec::Process;
use crate::users::{self, Identity};

const STEP: &str = "bundle";
/// What all programs take: some refuse a document of a later version without a look at it. What they
/// do not know of it they leave out.
const OCI_VERSION: &str = "1.0.2";

/// A bundle directory with everything in it.
pub(super) struct Bundle {
    pub dir: PathBuf,
    pub user: ResolvedUser,
    /// A pid namespace that the document names by this descriptor.
    pub pids: Option<OwnedFd>,
}

/// A process of the host whose pid namespace is to be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidTarget {
    /// As this process sees it.
    pub pid: i32,
    /// Field 22 of `/proc/<pid>/stat`, by which another one with that pid is known.
    pub start_time_ticks: u64,
}

pub(super) fn fail(action: &str) -> impl Fn(Errno) -> IsolateError + '_ {
    move |errno| IsolateError::kernel(STEP, action, errno)
}

pub(super) fn invalid(why: &str) -> IsolateError {
    let message = format!("cannot hand the OCI spec on: {why}");
    IsolateError::invalid(STEP, message)
}

/// Mounts what the container is made of and writes `config.json`. This process gets a mount namespace
/// of its own.
pub(super) fn make(
    host: &Host,
    request: &CreateRequest<'_>,
    monitor: i32,
    pid_target: Option<PidTarget>,
) -> Result<Bundle, IsolateError> {
    let config_path = request
        .config_path
        .ok_or_else(|| invalid("it has no place"))?;
    let dir = config_path.parent().unwrap_or(Path::new("/")).to_owned();
    let mut spec: Value =
        serde_json::from_slice(request.spec_json).map_err(|error| invalid(&error.to_string()))?;
    let pod_shm = request.pod.map(copy_pod_shm).transpose()?.flatten();
    let root_dir = dir.join("rootfs");
    let shm_dir = dir.join("shm");
    let label = mount_label(&spec).to_owned();
    selinux::check(&label)?;
    let overlay = prepare_overlay(request, &label)?;
    let labelled = document::relabel_volumes(&mut spec)?;
    spawn::unshare(libc::CLONE_NEWNS).map_err(fail("make a mount namespace"))?;
    hide_from_host(&dir)?;
    make_dir(&root_dir)?;
    let root = match &overlay {
        None => open_path(&root_dir)?,
        Some(overlay) => mount_overlay(host, request, overlay, &root_dir)?,
    };
    if let Some(shm) = pod_shm {
        make_dir(&shm_dir)?;
        attach(&shm, &shm_dir)?;
    }
    for one in &labelled {
        let place = make_place(&dir, one)?;
        let show = fail("show a labelled volume");
        // A file it may be.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let target = rustix::fs::open(&place, flags, Mode::empty()).map_err(&show)?;
        // With its propagation, which the container may ask for.
        mount::attach(&one.volume, target.as_fd()).map_err(&show)?;
        document::set_source(&mut spec, one.index, &place)?;
    }
    let identity = identify(&root, request, &spec)?;
    let of_spec = spec.get_mut("process").and_then(Value::as_object_mut);
    document::complete_process(
        of_spec.ok_or_else(|| invalid("it has no process"))?,
        request.tty,
        &identity,
    );
    let object = spec
        .as_object_mut()
        .ok_or_else(|| invalid("it is no object"))?;
    object.insert("ociVersion".to_owned(), json!(OCI_VERSION));
    document::set_root(object, &root_dir)?;
    document::give_devices(object, &identity.user);
    for one in object
        .get_mut("mounts")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        document::translate_mount(one, &root, &root_dir, &shm_dir, |source| {
            namespaces::inherited(source, monitor, request.pod).is_some()
        })?;
    }
    let pids = pid_target.map(hold_pids).transpose()?;
    if let Some(pids) = &pids {
        document::join_pids(object, pids);
    }
    write(config_path, &spec)?;
    Ok(Bundle {
        dir,
        user: identity.user,
        pids,
    })
}

/// The pid namespace of a process that may end at any time, and its pid be another's then.
fn hold_pids(target: PidTarget) -> Result<OwnedFd, IsolateError> {
    let action = format!("join the pid namespace of process {}", target.pid);
    let fail = fail(&action);
    let pid = Pid::from_raw(target.pid).ok_or_else(|| fail(Errno::SRCH))?;
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).map_err(&fail)?;
    let path = format!("/proc/{}/ns/pid", target.pid);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let pids = rustix::fs::open(path, flags, Mode::empty()).map_err(&fail)?;
    let is_it = process::start_time_ticks(target.pid) == Some(target.start_time_ticks);
    // While it lives the pid is its own.
    if is_it && !fd::is_readable_within(&pidfd, Duration::ZERO) {
        return Ok(pids);
    }
    let error = fail(Errno::SRCH);
    Err(error.with_code(crate::ErrorCode::FailedPrecondition))
}

fn mount_label(spec: &Value) -> &str {
    let label = spec.pointer("/linux/mountLabel").and_then(Value::as_str);
    label.unwrap_or_default()
}

fn prepare_overlay<'a>(
    request: &'a CreateRequest<'_>,
    label: &'a str,
) -> Result<Option<Overlay<'a>>, IsolateError> {
    match &request.rootfs {
        Rootfs::Directory(_) => Ok(None),
        Rootfs::Overlay {
            lower_dirs,
            writable_dir,
            volatile,
        } => {
            let overlay = Overlay {
                lower_dirs,
                writable_dir: Some(writable_dir),
                volatile: *volatile,
                label,
            };
            overlay.prepare(&Ids::default())?;
            Ok(Some(overlay))
        }
    }
}

fn mount_overlay(
    host: &Host,
    request: &CreateRequest<'_>,
    overlay: &Overlay<'_>,
    place: &Path,
) -> Result<OwnedFd, IsolateError> {
    let can_append = host.features.overlay_lowerdir_append && overlay.fits_fsconfig();
    if request.legacy_mounts || !can_append {
        return overlay.mount_at(place);
    }
    let root = overlay.mount_detached()?;
    attach(&root, place)?;
    Ok(root)
}

/// A detached copy of the pod's /dev/shm: no path leads there from this mount namespace.
fn copy_pod_shm(pod: &PodNamespaces) -> Result<Option<OwnedFd>, IsolateError> {
    let (Some(mnt), Some(shm)) = (&pod.mnt, &pod.shm) else {
        return Ok(None);
    };
    let fail = fail("copy the pod's /dev/shm");
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let way_back = rustix::fs::open("/proc/self/ns/mnt", flags, Mode::empty()).map_err(&fail)?;
    spawn::setns(mnt, libc::CLONE_NEWNS).map_err(&fail)?;
    let copy = mount::clone_fd(shm, false).map_err(&fail);
    spawn::setns(way_back, libc::CLONE_NEWNS).map_err(&fail)?;
    copy.map(Some)
}

/// Makes the mount that `dir` is on a slave of the host's: what is mounted in there stays here, and
/// what the host unmounts there goes here too.
fn hide_from_host(dir: &Path) -> Result<(), IsolateError> {
    let fail = fail("hide the container's mounts from the host");
    let id = resolve::mount_id(open_path(dir)?).map_err(&fail)?;
    let table = std::fs::read_to_string("/proc/self/mountinfo")
        .map_err(|error| IsolateError::io(STEP, "read /proc/self/mountinfo", &error))?;
    let place = mount_point(&table, id).ok_or_else(|| {
        let message = format!("cannot find the mount that {} is on", dir.display());
        IsolateError::new(crate::ErrorCode::Internal, STEP, message)
    })?;
    let slave = Attributes {
        propagation: libc::MS_SLAVE,
        ..Attributes::default()
    };
    mount::set_attributes(open_path(&place)?, slave, false).map_err(fail)
}

/// The fifth field, with its octal escapes undone.
fn mount_point(mountinfo: &str, id: u64) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let wanted = id.to_string();
    let mut fields = mountinfo
        .lines()
        .map(|line| line.split(' '))
        .find(|fields| fields.clone().next() == Some(&*wanted))?;
    let mut rest = fields.nth(4)?.bytes();
    let mut path = Vec::new();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            path.push(byte);
            continue;
        }
        let digits: Vec<u8> = rest.by_ref().take(3).collect();
        let digits = std::str::from_utf8(&digits).ok()?;
        path.push(u8::from_str_radix(digits, 8).ok()?);
    }
    Some(PathBuf::from(std::ffi::OsString::from_vec(path)))
}

/// A file or directory that a volume can be mounted on.
fn make_place(dir: &Path, one: &document::Labelled) -> Result<PathBuf, IsolateError> {
    let place = dir.join(format!("volume-{}", one.index));
    let stat = rustix::fs::fstat(&one.volume).map_err(fail("look at a labelled volume"))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        make_dir(&place)?;
    } else {
        std::fs::write(&place, "")
            .map_err(|error| IsolateError::io(STEP, format!("create {place:?}"), &error))?;
    }
    Ok(place)
}

fn make_dir(path: &Path) -> Result<(), IsolateError> {
    match rustix::fs::mkdir(path, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(IsolateError::kernel(
            STEP,
            format!("create {path:?}"),
            errno,
        )),
    }
}

fn attach(mount: &OwnedFd, place: &Path) -> Result<(), IsolateError> {
    let action = format!("mount at {place:?}");
    let private = Attributes {
        propagation: libc::MS_PRIVATE,
        ..Attributes::default()
    };
    let target = open_path(place)?;
    mount::set_attributes(mount, private, true)
        .and_then(|()| mount::attach(mount, target.as_fd()))
        .map_err(fail(&action))
}

fn identify(
    root: &OwnedFd,
    request: &CreateRequest<'_>,
    spec: &Value,
) -> Result<Identity, IsolateError> {
    let wanted = request.user.as_ref();
    let mut process = Process::default();
    if let Some(user) = spec.pointer("/process/user").filter(|_| wanted.is_none()) {
        process.user = serde_json::from_value(user.clone())
            .map_err(|error| invalid(&format!("process.user: {error}")))?;
    }
    users::identify(root.as_fd(), &OwnFds::open()?, wanted, &process)
}

/// By a temporary name and rename, mode 0600: what the environment holds may be secret.
pub(super) fn write(path: &Path, content: &Value) -> Result<(), IsolateError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let temporary = path.with_extension("new");
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(content.to_string().as_bytes()))
        .and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|error| IsolateError::io(STEP, format!("write {path:?}"), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_process_that_is_meant_lends_its_pid_namespace() {
        let mut child = std::process::Command::new("sleep")
            .arg("30")
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let target = PidTarget {
            pid,
            start_time_ticks: process::start_time_ticks(pid).unwrap(),
        };
        let another = PidTarget {
            start_time_ticks: target.start_time_ticks + 1,
            ..target
        };
        let held = hold_pids(target).map(|held| rustix::fs::fstat(held).unwrap().st_ino);
        let refused = hold_pids(another);
        child.kill().unwrap();
        let own = std::fs::metadata("/proc/self/ns/pid").unwrap();
        assert_eq!(held.unwrap(), std::os::unix::fs::MetadataExt::ino(&own));
        let error = refused.unwrap_err();
        assert_eq!(error.code, crate::ErrorCode::FailedPrecondition);
        assert!(
            error.message.contains(&format!("process {pid}:")),
            "{error}"
        );
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while hold_pids(target).is_ok() {
            assert!(std::time::Instant::now() < deadline, "the dead lend theirs");
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_mount_point_is_found_by_id_with_its_escapes_undone() {
        let table = "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n\
                     30 27 0:3 / /a\\040b\\134c rw master:1 - tmpfs tmpfs rw\n";
        assert_eq!(mount_point(table, 27), Some(PathBuf::from("/")));
        assert_eq!(mount_point(table, 30), Some(PathBuf::from("/a b\\c")));
        assert_eq!(mount_point(table, 3), None);
    }
}
