//! Giving the files of a volume the container's SELinux label.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use estiba_kernel::Errno;
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, XattrFlags, openat2};

use crate::error::{ErrorCode, IsolateError};
use crate::foreign_proc::is_procfs;
use crate::note;
use crate::selinux::{ATTRIBUTE, stored};

const STEP: &str = "relabel";
/// Directories within directories; each is an open file.
const MAX_DEPTH: usize = 400;
/// Longest label that is compared; one that is longer is set anew.
const MAX_LABEL: usize = 512;
/// Directories that the host itself lives from: another label would take them from it.
const OF_THE_HOST: [&str; 28] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/dev/shm",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/run",
];

/// Labels a file, or a directory and all that is in it on the same file system. No link is followed,
/// what is mounted in there is left alone, and so are file systems without labels. `volume`: its path,
/// for messages. To be called while /proc is the host's.
pub(crate) fn relabel(volume: &str, top: &OwnedFd, label: &str) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("relabel volume {volume:?}"), errno);
    note::busy_with(&format!("the labels of volume {volume:?}"));
    refuse_the_hosts(volume, top)?;
    check_procfs().map_err(fail)?;
    let walk = Walk {
        label: stored(label),
    };
    walk.run(volume, top)
}

/// By identity: links and other mounts lead to the same directories.
fn refuse_the_hosts(volume: &str, top: &OwnedFd) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("relabel volume {volume:?}"), errno);
    let own = rustix::fs::fstat(top).map_err(fail)?;
    for path in OF_THE_HOST {
        let is_it = rustix::fs::stat(path)
            .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (own.st_dev, own.st_ino));
        if is_it {
            let message =
                format!("cannot relabel volume {volume:?}: it is the host's {path:?} itself");
            return Err(IsolateError::new(ErrorCode::InvalidArgument, STEP, message));
        }
    }
    Ok(())
}

/// Attributes are set by path only: those below lead to the very file, links included.
fn check_procfs() -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let proc = rustix::fs::open("/proc", flags, Mode::empty())?;
    if is_procfs(&proc)? {
        Ok(())
    } else {
        Err(Errno::NOSYS)
    }
}

struct Walk {
    label: Vec<u8>,
}

impl Walk {
    fn run(&self, volume: &str, top: &OwnedFd) -> Result<(), IsolateError> {
        let mut levels: Vec<(Dir, String)> = Vec::new();
        self.take(volume.to_owned(), top.as_fd(), &mut levels)?;
        while let Some((dir, path)) = levels.last_mut() {
            let fail = |errno| IsolateError::kernel(STEP, format!("relabel {path:?}"), errno);
            let Some(entry) = dir.next() else {
                levels.pop();
                continue;
            };
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let found = match open_entry(dir.fd().map_err(fail)?, name) {
                Ok(found) => found,
                // Removed meanwhile, or something is mounted there.
                Err(Errno::NOENT | Errno::XDEV) => continue,
                Err(errno) => return Err(fail(errno)),
            };
            let below = format!("{path}/{}", name.to_string_lossy());
            self.take(below, found.as_fd(), &mut levels)?;
        }
        Ok(())
    }

    /// Labels one file; a directory is gone into next.
    fn take(
        &self,
        path: String,
        file: BorrowedFd<'_>,
        levels: &mut Vec<(Dir, String)>,
    ) -> Result<(), IsolateError> {
        let fail = |errno| IsolateError::kernel(STEP, format!("relabel {path:?}"), errno);
        if !self.set(file).map_err(fail)? {
            return Ok(());
        }
        let mode = rustix::fs::fstat(file).map_err(fail)?.st_mode;
        if FileType::from_raw_mode(mode) != FileType::Directory {
            return Ok(());
        }
        if levels.len() >= MAX_DEPTH {
            let message = format!("cannot relabel {path:?}: it is deeper than {MAX_DEPTH}");
            return Err(IsolateError::invalid(STEP, message));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(file, ".", flags, Mode::empty()).map_err(fail)?;
        levels.push((Dir::new(opened).map_err(fail)?, path));
        Ok(())
    }

    /// False where the file system has no labels. What is right is not written again.
    fn set(&self, file: BorrowedFd<'_>) -> Result<bool, Errno> {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let mut present = [0; MAX_LABEL];
        let length = rustix::fs::getxattr(path.as_str(), ATTRIBUTE, &mut present).unwrap_or(0);
        if present.get(..length) == Some(self.label.as_slice()) {
            return Ok(true);
        }
        match rustix::fs::setxattr(path, ATTRIBUTE, &self.label, XattrFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOTSUP) => Ok(false),
            Err(errno) => Err(errno),
        }
    }
}

fn open_entry(dir: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(dir, name, flags, Mode::empty(), how)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use estiba_kernel::mount;

    use super::*;

    const LABEL: &str = "system_u:object_r:container_file_t:s0:c1,c2";

    fn open(path: &Path) -> OwnedFd {
        rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    /// "" without one. Of a link itself.
    fn label_of(path: &Path) -> String {
        let mut label = [0; 100];
        let length = rustix::fs::lgetxattr(path, ATTRIBUTE, &mut label).unwrap_or(0);
        String::from_utf8(label[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_volume_is_labelled_with_what_is_in_it_and_nothing_that_links_lead_to() {
        let dir = tempfile::tempdir().unwrap();
        let volume = dir.path().join("volume");
        std::fs::create_dir_all(volume.join("a/b")).unwrap();
        std::fs::create_dir(dir.path().join("beside")).unwrap();
        for file in ["volume/f", "volume/a/b/g", "beside/h"] {
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        symlink("../beside", volume.join("link")).unwrap();
        symlink("../beside/h", volume.join("a/link")).unwrap();
        relabel("/v", &open(&volume), LABEL).unwrap();
        let stored = format!("{LABEL}\0");
        for path in ["", "f", "a", "a/b", "a/b/g", "link", "a/link"] {
            assert_eq!(label_of(&volume.join(path)), stored, "{path}");
        }
        for path in ["beside", "beside/h"] {
            let found = label_of(&dir.path().join(path));
            assert_ne!(found, stored, "{path}");
        }
        // Again, and a single file.
        relabel("/v", &open(&volume), LABEL).unwrap();
        relabel("/v", &open(&dir.path().join("beside/h")), LABEL).unwrap();
        assert_eq!(label_of(&dir.path().join("beside/h")), stored);
    }

    #[test]
    fn what_the_host_lives_from_is_refused_however_it_is_called() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/usr", dir.path().join("link")).unwrap();
        for path in ["/", "/etc", "/usr", "/proc", "/sys", "/tmp"] {
            let error = relabel(path, &open(Path::new(path)), LABEL).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
            assert!(
                error.message.contains(&format!("{path:?} itself")),
                "{error}"
            );
        }
        let error = relabel("/l", &open(&dir.path().join("link")), LABEL).unwrap_err();
        assert!(error.message.contains("\"/usr\" itself"), "{error}");
    }

    #[test]
    fn file_systems_without_labels_are_left_alone() {
        let ramfs = mount::new_file_system("ramfs", &[("source", "ramfs")], 0).unwrap();
        rustix::fs::mkdirat(&ramfs, "d", Mode::from_raw_mode(0o755)).unwrap();
        relabel("/r", &ramfs, LABEL).unwrap();
    }

    #[test]
    fn what_is_too_deep_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut at = open(dir.path());
        for _ in 0..=MAX_DEPTH {
            rustix::fs::mkdirat(&at, "d", Mode::from_raw_mode(0o755)).unwrap();
            at = rustix::fs::openat(&at, "d", OFlags::PATH, Mode::empty()).unwrap();
        }
        let error = relabel("/v", &open(dir.path()), LABEL).unwrap_err();
        assert!(error.message.contains("deeper than 400"), "{error}");
    }

    #[test]
    fn another_file_system_in_a_volume_is_not_gone_into() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("in")).unwrap();
        let inner = mount::new_file_system("tmpfs", &[("source", "tmpfs")], 0).unwrap();
        rustix::fs::mkdirat(&inner, "x", Mode::from_raw_mode(0o755)).unwrap();
        let place = open(&dir.path().join("in"));
        mount::attach(&inner, place.as_fd()).unwrap();
        let done = relabel("/v", &open(dir.path()), LABEL);
        let labels = ["", "in", "in/x"].map(|path| label_of(&dir.path().join(path)));
        rustix::mount::unmount(dir.path().join("in"), rustix::mount::UnmountFlags::DETACH).unwrap();
        done.unwrap();
        assert!(labels[0].starts_with(LABEL), "{labels:?}");
        assert!(
            !labels[1].starts_with(LABEL) && !labels[2].starts_with(LABEL),
            "{labels:?}"
        );
    }
}
