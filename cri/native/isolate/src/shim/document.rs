//! The container's document with what is ours in it put into the OCI spec's words.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use estiba_kernel::mount;
use estiba_kernel::resolve::{self, Missing};
use rustix::io::Errno;
use serde_json::{Map, Value, json};

use crate::error::IsolateError;
use crate::options::Relabel;
use crate::own_fds::OwnFds;
use crate::relabel::relabel;
use crate::request::ResolvedUser;
use crate::shim::bundle::{fail, invalid};
use crate::sources::{IMAGE, IMAGE_VOLUME};
use crate::users::Identity;

const STEP: &str = "bundle";

/// The user in numbers, HOME, and whether there is a terminal.
pub(super) fn complete_process(process: &mut Map<String, Value>, tty: bool, identity: &Identity) {
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

/// Makes the user, in numbers, the owner of the devices that say so.
pub(super) fn give_devices(spec: &mut Map<String, Value>, user: &ResolvedUser) {
    let devices = spec
        .get_mut("linux")
        .and_then(|linux| linux.get_mut("devices"));
    let devices = devices.and_then(Value::as_array_mut).into_iter().flatten();
    for device in devices.filter_map(Value::as_object_mut) {
        for (mark, field, id) in [
            ("uidOfUser", "uid", user.uid),
            ("gidOfUser", "gid", user.gid),
        ] {
            if device.remove(mark) == Some(json!(true)) && id != 0 {
                device.insert(field.to_owned(), json!(id));
            }
        }
    }
}

pub(super) fn set_root(spec: &mut Map<String, Value>, root_dir: &Path) -> Result<(), IsolateError> {
    let root = spec.entry("root").or_insert_with(|| json!({}));
    if let Some(root) = root.as_object_mut() {
        root.insert("path".to_owned(), text_of(root_dir)?);
    }
    Ok(())
}

/// JSON has text only; what links of an image lead to may be anything.
fn text_of(path: &Path) -> Result<Value, IsolateError> {
    let text = path.to_str();
    text.map(Value::from)
        .ok_or_else(|| invalid(&format!("path {path:?} is not UTF-8")))
}

/// Puts the two kinds of mounts that are ours alone into the OCI spec's words.
pub(super) fn translate_mount(
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
        object.insert("source".to_owned(), text_of(&place)?);
        object.insert("options".to_owned(), json!(["bind", "rprivate", "rw"]));
    } else if is_pod_shm(&source) {
        object.insert("source".to_owned(), text_of(shm_dir)?);
    }
    Ok(())
}

/// A volume that has been labelled: the very mount that the container is to get.
pub(super) struct Labelled {
    /// Which of the spec's mounts it is.
    pub index: usize,
    pub volume: OwnedFd,
}

/// Gives volumes the labels that they are to get, and takes the options for that, which are ours
/// alone, away. Who makes the container would look their paths up again: it is to be shown these.
pub(super) fn relabel_volumes(spec: &mut Value) -> Result<Vec<Labelled>, IsolateError> {
    let mut labelled = Vec::new();
    let mounts = spec.get_mut("mounts").and_then(Value::as_array_mut);
    for (index, mount) in mounts.into_iter().flatten().enumerate() {
        let source = mount.get("source").and_then(Value::as_str).unwrap_or("");
        let source = source.to_owned();
        let options = mount.get_mut("options").and_then(Value::as_array_mut);
        let Some(options) = options else { continue };
        let recursive = options.iter().any(|option| option == "rbind");
        let mut wanted = None;
        options.retain(|option| {
            let option = option.as_str().unwrap_or("");
            !Relabel::take_in(&mut wanted, option)
        });
        if let Some(wanted) = wanted {
            let action = format!("relabel volume {source:?}");
            let volume = mount::clone_path(Path::new(&source), recursive).map_err(fail(&action))?;
            relabel(&source, &volume, &wanted)?;
            labelled.push(Labelled { index, volume });
        }
    }
    Ok(labelled)
}

/// Has a mount of the spec come from `source`.
pub(super) fn set_source(
    spec: &mut Value,
    index: usize,
    source: &Path,
) -> Result<(), IsolateError> {
    if let Some(place) = spec.pointer_mut(&format!("/mounts/{index}/source")) {
        *place = text_of(source)?;
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
    let place = OwnFds::open()?.place_of(&volume).map_err(&fail)?;
    if place.starts_with(root_dir) {
        Ok(place)
    } else {
        Err(fail(Errno::XDEV))
    }
}

/// Joins a pid namespace that this process holds.
pub(super) fn join_pids(spec: &mut Map<String, Value>, target: &OwnedFd) {
    let linux = spec.entry("linux").or_insert_with(|| json!({}));
    let Some(linux) = linux.as_object_mut() else {
        return;
    };
    let namespaces = linux.entry("namespaces").or_insert_with(|| json!([]));
    if let Some(namespaces) = namespaces.as_array_mut() {
        namespaces.retain(|one| one.get("type").and_then(Value::as_str) != Some("pid"));
        let own = rustix::process::getpid().as_raw_nonzero();
        let path = format!("/proc/{own}/fd/{}", target.as_raw_fd());
        namespaces.push(json!({"type": "pid", "path": path}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::open_path;

    #[test]
    fn what_is_ours_alone_is_not_handed_on() {
        let options = json!(["rbind", "estiba-spare=/", "estiba-relabel=u:r:t:s0", "ro"]);
        let mut spec = json!({"mounts": [{"source": "/etc", "options": options}]});
        let error = relabel_volumes(&mut spec).map(|_| ()).unwrap_err();
        assert!(error.message.contains("it is the host's"), "{error}");
        assert_eq!(spec["mounts"][0]["options"], json!(["rbind", "ro"]));
        let mut plain = json!({"mounts": [{"source": "x"}, {"source": "/v", "options": ["bind"]}]});
        let before = plain.clone();
        assert!(relabel_volumes(&mut plain).unwrap().is_empty());
        assert_eq!(plain, before);
        set_source(&mut plain, 1, Path::new("/elsewhere")).unwrap();
        assert_eq!(plain["mounts"][1]["source"], json!("/elsewhere"));
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
    fn an_image_whose_links_lead_to_what_is_no_text_is_refused_with_the_path() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"s\xff");
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::os::unix::fs::symlink(name, dir.path().join("data")).unwrap();
        let mut mount = json!({"destination": "/data", "type": IMAGE_VOLUME, "source": "image"});
        let shm = Path::new("/shm");
        let error = translate_mount(&mut mount, &root(&dir), dir.path(), shm, |_| false);
        let message = error.unwrap_err().message;
        assert!(message.contains("s\\xFF\" is not UTF-8"), "{message}");
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
    fn devices_of_the_user_get_its_numbers_and_lose_the_mark() {
        let mut spec = json!({"linux": {"devices": [
            {"path": "/dev/a", "uid": 5, "gid": 6, "uidOfUser": true, "gidOfUser": true},
            {"path": "/dev/b", "uid": 5},
        ]}});
        let user = ResolvedUser {
            uid: 1000,
            ..ResolvedUser::default()
        };
        give_devices(spec.as_object_mut().unwrap(), &user);
        let expected = json!([
            {"path": "/dev/a", "uid": 1000, "gid": 6},
            {"path": "/dev/b", "uid": 5},
        ]);
        assert_eq!(spec["linux"]["devices"], expected);
    }

    #[test]
    fn a_target_replaces_the_pid_namespace() {
        let mut spec = json!({"linux": {"namespaces": [{"type": "pid"}, {"type": "ipc"}]}});
        let held = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        join_pids(spec.as_object_mut().unwrap(), &held);
        let path = format!("/proc/{}/fd/{}", std::process::id(), held.as_raw_fd());
        let namespaces = json!([{"type": "ipc"}, {"type": "pid", "path": path}]);
        assert_eq!(spec["linux"]["namespaces"], namespaces);
    }
}
