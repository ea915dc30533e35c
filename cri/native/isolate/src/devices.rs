//! What is in /dev.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use estiba_kernel::Errno;
use estiba_kernel::resolve::{self, Missing};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};

use crate::error::{ErrorCode, IsolateError};
use crate::ids::Ids;
use crate::limits::device_number;
use crate::request::ResolvedUser;
use crate::spec::{Device, Mount};

const STEP: &str = "make-devices";

/// Name, major, minor of the character devices that every container has, mode 0666.
const NODES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];
/// Link, target.
const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
];

pub(crate) fn is_dev(mount: &Mount) -> bool {
    mount.destination.trim_end_matches('/') == "/dev"
}

/// The container's /dev when this runtime fills it: not when the host's is bound there. What has been
/// mounted there is not looked for by its name: in an image that can lead into a volume by now.
pub(crate) fn open_dev(
    root: BorrowedFd<'_>,
    mounts: &[Mount],
    mounted: Option<OwnedFd>,
) -> Result<Option<OwnedFd>, IsolateError> {
    let bound = mounts.iter().any(|mount| {
        is_dev(mount)
            && (mount.kind == "bind" || mount.options.iter().any(|o| o == "bind" || o == "rbind"))
    });
    if bound || mounted.is_some() {
        return Ok(mounted.filter(|_| !bound));
    }
    resolve::ensure_in_root(root, "/dev", Missing::Directory(0o755))
        .map(Some)
        .map_err(|errno| IsolateError::kernel(STEP, "open /dev of the container", errno))
}

/// Makes owners of users whose numbers nobody knew before the container's files were looked at.
pub(crate) fn give_to(user: &ResolvedUser, devices: &mut [Device]) {
    for device in devices {
        if std::mem::take(&mut device.uid_of_user) && user.uid != 0 {
            device.uid = Some(user.uid);
        }
        if std::mem::take(&mut device.gid_of_user) && user.gid != 0 {
            device.gid = Some(user.gid);
        }
    }
}

/// Makes the usual nodes and links and those of the spec.
pub(crate) fn fill(
    root: BorrowedFd<'_>,
    dev: &OwnedFd,
    devices: &[Device],
    ids: &Ids,
) -> Result<(), IsolateError> {
    for device in devices {
        spec_device(root, dev, device, ids)?;
    }
    for (name, major, minor) in NODES {
        let number = rustix::fs::makedev(major, minor);
        make_node(
            dev.as_fd(),
            name,
            FileType::CharacterDevice,
            number,
            0o666,
            true,
        )
        .map_err(|errno| IsolateError::kernel(STEP, format!("make /dev/{name}"), errno))?;
    }
    for (name, target) in LINKS {
        match rustix::fs::symlinkat(target, dev, name) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => {
                return Err(IsolateError::kernel(
                    STEP,
                    format!("make /dev/{name}"),
                    errno,
                ));
            }
        }
    }
    Ok(())
}

/// Makes a node. One that is there already is left when it is the same device (or `keep`).
fn make_node(
    dir: BorrowedFd<'_>,
    name: &str,
    kind: FileType,
    number: u64,
    mode: u32,
    keep: bool,
) -> Result<(), Errno> {
    match rustix::fs::mknodat(dir, name, kind, Mode::from_raw_mode(mode), number) {
        Err(Errno::EXIST) => {
            let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let same = FileType::from_raw_mode(stat.st_mode) == kind && stat.st_rdev == number;
            if same || keep {
                Ok(())
            } else {
                Err(Errno::EXIST)
            }
        }
        result => result,
    }
}

fn spec_device(
    root: BorrowedFd<'_>,
    dev: &OwnedFd,
    device: &Device,
    ids: &Ids,
) -> Result<(), IsolateError> {
    let refuse = |why: &str| {
        IsolateError::invalid(STEP, format!("cannot make device {:?}: {why}", device.path))
    };
    let kind = match device.kind.as_str() {
        "c" | "u" => FileType::CharacterDevice,
        "b" => FileType::BlockDevice,
        "p" => FileType::Fifo,
        _ => return Err(refuse("its type is not one of c, b, u, p")),
    };
    let (parent, name) = device
        .path
        .rsplit_once('/')
        .filter(|(_, name)| !name.is_empty() && *name != "." && *name != "..")
        .filter(|_| device.path.starts_with('/'))
        .ok_or_else(|| refuse("this is not an absolute path of a file"))?;
    let number = if kind == FileType::Fifo {
        0
    } else {
        let (major, minor) = device_number(device)?;
        rustix::fs::makedev(major, minor)
    };
    let fail = |errno| {
        let error = IsolateError::kernel(STEP, format!("make device {:?}", device.path), errno);
        if errno == Errno::EXIST {
            error.with_code(ErrorCode::FailedPrecondition)
        } else {
            error
        }
    };
    let (top, way) = match parent.strip_prefix("/dev") {
        Some(way) if way.is_empty() || way.starts_with('/') => (dev.as_fd(), way),
        _ => (root, parent),
    };
    let dir = resolve::ensure_in_root(top, way, Missing::Directory(0o755)).map_err(fail)?;
    let mode = device.file_mode.unwrap_or(0o666) & 0o7777;
    make_node(dir.as_fd(), name, kind, number, mode, false).map_err(fail)?;
    let (uid, gid) = (device.uid.unwrap_or(0), device.gid.unwrap_or(0));
    if uid != 0 || gid != 0 {
        // The directory may be others' too, and its names theirs to change.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let node = rustix::fs::openat(&dir, name, flags, Mode::empty()).map_err(fail)?;
        let found = rustix::fs::fstat(&node).map_err(fail)?;
        if FileType::from_raw_mode(found.st_mode) != kind || found.st_rdev != number {
            return Err(fail(Errno::EXIST));
        }
        // An owner that the container does not know stays the container's root.
        let (uid, gid) = (
            ids.uid(uid).map(Uid::from_raw),
            ids.gid(gid).map(Gid::from_raw),
        );
        rustix::fs::chownat(&node, "", uid, gid, AtFlags::EMPTY_PATH).map_err(fail)?;
    }
    Ok(())
}

/// Opens a device of the container for the runtime's own use, no symlink on the way.
pub(crate) fn open_in_dev(
    dev: BorrowedFd<'_>,
    name: &str,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    resolve::open_no_symlinks(dev, name, flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_of_the_user_is_the_hosts_owners_when_the_user_is_root() {
        let device = Device {
            uid: Some(5),
            gid: Some(6),
            uid_of_user: true,
            gid_of_user: true,
            ..Device::default()
        };
        let owner = |uid, gid, device: &Device| {
            let user = ResolvedUser {
                uid,
                gid,
                ..ResolvedUser::default()
            };
            let mut devices = [device.clone()];
            give_to(&user, &mut devices);
            let [one] = devices;
            assert!(!one.uid_of_user && !one.gid_of_user);
            (one.uid, one.gid)
        };
        assert_eq!(owner(1000, 0, &device), (Some(1000), Some(6)));
        assert_eq!(owner(0, 1000, &device), (Some(5), Some(1000)));
        let given = Device {
            uid: Some(5),
            ..Device::default()
        };
        assert_eq!(owner(1000, 1000, &given), (Some(5), None));
    }
}
