//! What a runtime program finds: a root file system mounted where only the shim and its children see
//! it, and the container's document with what is ours in it put into its words.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::resolve::{self, Missing};
use estiba_kernel::spawn;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde_json::{Map, Value, json};

use crate::error::IsolateError;
use crate::host::Host;
use crate::ids::Ids;
use crate::namespaces;
use crate::request::{CreateRequest, PodNamespaces, ResolvedUser, Rootfs};
use crate::rootfs::{Overlay, open_path};
use crate::sources::{IMAGE, IMAGE_VOLUME};
use crate::users::{self, Identity};

const STEP: &str = "bundle";
/// What all programs take: some refuse a document of a later version without a look at it. What they
/// do not know of it they leave out.
const OCI_VERSION: &str = "1.0.2";

/// A bundle directory with everything in it.
pub(super) struct Bundle {
    pub dir: PathBuf,
    pub user: ResolvedUser,
}

fn fail(action: &str) -> impl Fn(Errno) -> IsolateError + '_ {
    move |errno| IsolateError::kernel(STEP, action, errno)
}

fn invalid(why: &str) -> IsolateError {
    let message = format!("cannot hand the OCI spec on: {why}");
    IsolateError::invalid(STEP, message)
}

/// Mounts what the container is made of and writes `config.json`. This process gets a mount namespace
/// of its own.
pub(super) fn make(
    host: &Host,
    request: &CreateRequest<'_>,
    monitor: i32,
    pid_target: Option<i32>,
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
    let overlay = prepare_overlay(request)?;
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
    let identity = identify(&root, request, &spec)?;
    let process = spec.get_mut("process").and_then(Value::as_object_mut);
    complete_process(
        process.ok_or_else(|| invalid("it has no process"))?,
        request.tty,
        &identity,
    );
    let object = spec
        .as_object_mut()
        .ok_or_else(|| invalid("it is no object"))?;
    object.insert("ociVersion".to_owned(), json!(OCI_VERSION));
    set_root(object, &root_dir);
    for one in object
        .get_mut("mounts")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        translate_mount(one, &root, &root_dir, &shm_dir, |source| {
            namespaces::inherited(source, monitor, request.pod).is_some()
        })?;
    }
    if let Some(target) = pid_target {
        join_pids_of(object, target);
    }
    write(config_path, &spec)?;
    Ok(Bundle {
        dir,
        user: identity.user,
    })
}

fn prepare_overlay<'a>(
    request: &'a CreateRequest<'_>,
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
    if let Some(user) = &request.user {
        return users::resolve_user(root.as_fd(), user);
    }
    let user = spec.pointer("/process/user").cloned().unwrap_or_default();
    let user: crate::spec::User =
        serde_json::from_value(user).map_err(|error| invalid(&error.to_string()))?;
    Ok(Identity {
        home: users::home_of(root.as_fd(), user.uid),
        user: ResolvedUser {
            uid: user.uid,
            gid: user.gid,
            additional_gids: user.additional_gids,
        },
    })
}

/// The user in numbers, HOME, and whether there is a terminal.
fn complete_process(process: &mut Map<String, Value>, tty: bool, identity: &Identity) {
    process.insert("terminal".to_owned(), json!(tty));
    set_user(process, &identity.user);
    let env = process.entry("env").or_insert_with(|| json!([]));
    if let Some(env) = env.as_array_mut() {
        let is_home = |one: &Value| one.as_str().is_some_and(|one| one.starts_with("HOME="));
        if !env.iter().any(is_home) {
            let home = identity.home.as_deref().unwrap_or("/");
            env.push(json!(format!("HOME={home}")));
        }
    }
}

pub(super) fn set_user(process: &mut Map<String, Value>, resolved: &ResolvedUser) {
    let user = process.entry("user").or_insert_with(|| json!({}));
    if let Some(user) = user.as_object_mut() {
        user.remove("username");
        user.insert("uid".to_owned(), json!(resolved.uid));
        user.insert("gid".to_owned(), json!(resolved.gid));
        let groups = json!(resolved.additional_gids);
        user.insert("additionalGids".to_owned(), groups);
    }
}

fn set_root(spec: &mut Map<String, Value>, root_dir: &Path) {
    let root = spec.entry("root").or_insert_with(|| json!({}));
    if let Some(root) = root.as_object_mut() {
        root.insert("path".to_owned(), json!(root_dir));
    }
}

/// Puts the two kinds of mounts that are ours alone into the OCI spec's words.
fn translate_mount(
    mount: &mut Value,
    root: &OwnedFd,
    root_dir: &Path,
    shm_dir: &Path,
    is_pod_shm: impl Fn(&str) -> bool,
) -> Result<(), IsolateError> {
    let text = |key: &str| {
        mount
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    let (kind, source, destination) = (text("type"), text("source"), text("destination"));
    let Some(object) = mount.as_object_mut() else {
        return Err(invalid("a mount is no object"));
    };
    if kind == IMAGE {
        let feature = "an image as a volume, in a container of another OCI runtime,";
        return Err(IsolateError::unimplemented(STEP, feature));
    }
    if kind == IMAGE_VOLUME {
        let place = image_volume(root, root_dir, &destination)?;
        object.insert("type".to_owned(), json!("bind"));
        object.insert("source".to_owned(), json!(place));
        object.insert("options".to_owned(), json!(["bind", "rprivate", "rw"]));
    } else if is_pod_shm(&source) {
        object.insert("source".to_owned(), json!(shm_dir));
    }
    Ok(())
}

/// The directory of the root that an image declares as a volume, made when missing: its place below
/// `root_dir`, without the links that lead there.
fn image_volume(
    root: &OwnedFd,
    root_dir: &Path,
    destination: &str,
) -> Result<PathBuf, IsolateError> {
    let action = format!("mount image volume at {destination:?}");
    let fail = fail(&action);
    let volume = resolve::ensure_in_root(root.as_fd(), destination, Missing::Directory(0o755))
        .map_err(&fail)?;
    let link = format!("/proc/self/fd/{}", volume.as_raw_fd());
    let place =
        std::fs::read_link(link).map_err(|error| IsolateError::io(STEP, &action, &error))?;
    if place.starts_with(root_dir) {
        Ok(place)
    } else {
        Err(fail(Errno::XDEV))
    }
}

/// Joins the pid namespace of another container.
fn join_pids_of(spec: &mut Map<String, Value>, target: i32) {
    let linux = spec.entry("linux").or_insert_with(|| json!({}));
    let Some(linux) = linux.as_object_mut() else {
        return;
    };
    let namespaces = linux.entry("namespaces").or_insert_with(|| json!([]));
    if let Some(namespaces) = namespaces.as_array_mut() {
        namespaces.retain(|one| one.get("type").and_then(Value::as_str) != Some("pid"));
        namespaces.push(json!({"type": "pid", "path": format!("/proc/{target}/ns/pid")}));
    }
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
    fn a_mount_point_is_found_by_id_with_its_escapes_undone() {
        let table = "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n\
                     30 27 0:3 / /a\\040b\\134c rw master:1 - tmpfs tmpfs rw\n";
        assert_eq!(mount_point(table, 27), Some(PathBuf::from("/")));
        assert_eq!(mount_point(table, 30), Some(PathBuf::from("/a b\\c")));
        assert_eq!(mount_point(table, 3), None);
    }

    fn root(dir: &tempfile::TempDir) -> OwnedFd {
        open_path(dir.path()).unwrap()
    }

    #[test]
    fn image_volumes_become_binds_that_no_link_of_the_image_leads_out_of() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("srv")).unwrap();
        std::os::unix::fs::symlink("/srv/../../../srv", dir.path().join("data")).unwrap();
        let mut mount = json!({
            "destination": "/data/cache", "type": IMAGE_VOLUME, "source": "image",
            "options": ["rprivate", "rw"],
        });
        let shm = Path::new("/shm");
        translate_mount(&mut mount, &root(&dir), dir.path(), shm, |_| false).unwrap();
        let place = dir.path().join("srv/cache");
        assert!(place.is_dir());
        assert_eq!(
            (&mount["type"], &mount["source"]),
            (&json!("bind"), &json!(place))
        );
    }

    #[test]
    fn the_pods_shm_is_found_where_the_shim_has_it_and_other_mounts_stay() {
        let dir = tempfile::tempdir().unwrap();
        let shm = Path::new("/b/shm");
        let mut mounts = [
            json!({"source": "/proc/7/fd/8"}),
            json!({"source": "/v", "type": "bind"}),
        ];
        for mount in &mut mounts {
            let is_shm = |source: &str| source == "/proc/7/fd/8";
            translate_mount(mount, &root(&dir), dir.path(), shm, is_shm).unwrap();
        }
        assert_eq!(mounts[0]["source"], json!("/b/shm"));
        assert_eq!(mounts[1], json!({"source": "/v", "type": "bind"}));
    }

    #[test]
    fn the_process_gets_its_user_in_numbers_and_a_home() {
        let mut process = json!({"user": {"username": "app", "umask": 7}, "env": ["A=b"]});
        let identity = Identity {
            user: ResolvedUser {
                uid: 5,
                gid: 6,
                additional_gids: vec![6, 7],
            },
            home: Some("/home/app".to_owned()),
        };
        complete_process(process.as_object_mut().unwrap(), true, &identity);
        let expected = json!({
            "user": {"uid": 5, "gid": 6, "additionalGids": [6, 7], "umask": 7},
            "env": ["A=b", "HOME=/home/app"], "terminal": true,
        });
        assert_eq!(process, expected);
    }

    #[test]
    fn a_target_replaces_the_pid_namespace() {
        let mut spec = json!({"linux": {"namespaces": [{"type": "pid"}, {"type": "ipc"}]}});
        join_pids_of(spec.as_object_mut().unwrap(), 9);
        let namespaces = json!([{"type": "ipc"}, {"type": "pid", "path": "/proc/9/ns/pid"}]);
        assert_eq!(spec["linux"]["namespaces"], namespaces);
    }
}
