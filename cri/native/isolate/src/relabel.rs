//! Giving files that are there already an SELinux label.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use estiba_kernel::Errno;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags, XattrFlags, openat2,
    statx,
};

use crate::error::{ErrorCode, IsolateError};
use crate::foreign_proc::is_procfs;
use crate::note;
use crate::options::Relabel;
use crate::selinux::{self, ATTRIBUTE, stored};

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
pub(crate) fn relabel(volume: &str, top: &OwnedFd, wanted: &Relabel) -> Result<(), IsolateError> {
    note::busy_with(&format!("the labels of volume {volume:?}"));
    refuse_the_hosts(volume, top, &wanted.spared)?;
    let walk = Walk::new(volume, &wanted.label)?;
    walk.run(volume, top)
}

/// As `relabel`, of a tree of our own: at once when its root has the label already. The root gets it
/// last: a tree that was left half-way is labelled again. `shallow`: nothing that is in it.
///
/// # Errors
/// `FailedPrecondition` when the host's policy does not know the label; else what the kernel says, and
/// which file of the tree it says it of. One that does not exist is fine.
pub fn label_tree(path: &Path, label: &str, shallow: bool) -> Result<(), IsolateError> {
    let name = path.to_string_lossy();
    let fail = |errno| IsolateError::kernel(STEP, format!("relabel {name:?}"), errno);
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let top = match rustix::fs::open(path, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        opened => opened.map_err(fail)?,
    };
    let walk = Walk::new(&name, label)?;
    if walk.is_right(top.as_fd()) {
        return Ok(());
    }
    if shallow {
        return walk.set(top.as_fd()).map(drop).map_err(fail);
    }
    walk.run(&name, &top)
}

/// A file neither is one of these directories nor holds one: then none of them is looked at. Otherwise
/// without a word to the server that one may be mounted from, which may be dead, and without mounting
/// what would be at a look.
fn refuse_the_hosts(volume: &str, top: &OwnedFd, spared: &[PathBuf]) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("relabel volume {volume:?}"), errno);
    let found = known(top.as_fd()).map_err(fail)?;
    if FileType::from_raw_mode(u32::from(found.stx_mode)) != FileType::Directory {
        return Ok(());
    }
    let hosts = OF_THE_HOST.iter().map(Path::new);
    for path in hosts.chain(spared.iter().map(PathBuf::as_path)) {
        if let Some(relation) = relation_to(path, id_of(&found)).map_err(fail)? {
            let message =
                format!("cannot relabel volume {volume:?}: {relation} the host's {path:?}");
            return Err(IsolateError::new(ErrorCode::InvalidArgument, STEP, message));
        }
    }
    Ok(())
}

/// Whether the directory `own` is the one at `path` or one that this is in, by identity: links and
/// other mounts lead to the same ones.
fn relation_to(path: &Path, own: Id) -> Result<Option<&'static str>, Errno> {
    // O_DIRECTORY would mount what is mounted at a look; ".." of anything else is refused.
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let mut at = match rustix::fs::open(path, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        opened => opened?,
    };
    let mut here = id_of(&known(at.as_fd())?);
    let mut relation = "it is";
    loop {
        if here == own {
            return Ok(Some(relation));
        }
        at = match rustix::fs::openat(&at, "..", flags, Mode::empty()) {
            Err(Errno::NOTDIR) => return Ok(None),
            opened => opened?,
        };
        let above = id_of(&known(at.as_fd())?);
        if above == here {
            return Ok(None);
        }
        here = above;
        relation = "it holds";
    }
}

/// Device and inode.
type Id = (u32, u32, u64);

fn id_of(found: &Statx) -> Id {
    (found.stx_dev_major, found.stx_dev_minor, found.stx_ino)
}

/// What this host knows of a file; no server is asked.
fn known(file: BorrowedFd<'_>) -> Result<Statx, Errno> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    statx(file, "", flags, StatxFlags::TYPE | StatxFlags::INO)
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
    /// `name`: of what is labelled, for messages.
    fn new(name: &str, label: &str) -> Result<Self, IsolateError> {
        let fail = |errno| IsolateError::kernel(STEP, format!("relabel {name:?}"), errno);
        check_procfs().map_err(fail)?;
        // CAP_MAC_ADMIN could store any text.
        selinux::check(label)?;
        Ok(Self {
            label: stored(label),
        })
    }

    fn run(&self, volume: &str, top: &OwnedFd) -> Result<(), IsolateError> {
        let fail = |errno| IsolateError::kernel(STEP, format!("relabel {volume:?}"), errno);
        let mut levels: Vec<(Dir, String)> = Vec::new();
        enter(volume.to_owned(), top.as_fd(), &mut levels)?;
        self.label_all(&mut levels)?;
        self.set(top.as_fd()).map(drop).map_err(fail)
    }

    fn label_all(&self, levels: &mut Vec<(Dir, String)>) -> Result<(), IsolateError> {
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
            if self.set(found.as_fd()).map_err(fail)? {
                enter(below, found.as_fd(), levels)?;
            }
        }
        Ok(())
    }

    fn is_right(&self, file: BorrowedFd<'_>) -> bool {
        let mut present = [0; MAX_LABEL];
        let length = rustix::fs::getxattr(path_of(file), ATTRIBUTE, &mut present).unwrap_or(0);
        present.get(..length) == Some(self.label.as_slice())
    }

    /// False where the file system has no labels. What is right is not written again.
    fn set(&self, file: BorrowedFd<'_>) -> Result<bool, Errno> {
        if self.is_right(file) {
            return Ok(true);
        }
        let path = path_of(file);
        match rustix::fs::setxattr(path, ATTRIBUTE, &self.label, XattrFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOTSUP) => Ok(false),
            Err(errno) => Err(errno),
        }
    }
}

/// A directory is gone into next.
fn enter(
    path: String,
    file: BorrowedFd<'_>,
    levels: &mut Vec<(Dir, String)>,
) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("relabel {path:?}"), errno);
    let mode = rustix::fs::fstat(file).map_err(fail)?.st_mode;
    if FileType::from_raw_mode(mode) != FileType::Directory {
        return Ok(());
    }
    if levels.len() >= MAX_DEPTH {
        let message = format!("cannot relabel {path:?}: it is deeper than {MAX_DEPTH}");
        return Err(IsolateError::invalid(STEP, message));
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat(file, ".", flags, Mode::empty()) {
        Err(Errno::NOENT) => Ok(()), // removed meanwhile
        opened => {
            let dir = opened.and_then(Dir::new).map_err(fail)?;
            levels.push((dir, path));
            Ok(())
        }
    }
}

fn path_of(file: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn open_entry(dir: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(dir, name, flags, Mode::empty(), how)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use estiba_kernel::mount;

    use super::*;

    const LABEL: &str = "system_u:object_r:container_file_t:s0:c1,c2";

    /// Of any host: this one's policy is not asked.
    fn label(name: &str, top: &OwnedFd) -> Result<(), IsolateError> {
        let walk = Walk {
            label: stored(LABEL),
        };
        walk.run(name, top)
    }

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
        label("/v", &open(&volume)).unwrap();
        let stored = format!("{LABEL}\0");
        for path in ["", "f", "a", "a/b", "a/b/g", "link", "a/link"] {
            assert_eq!(label_of(&volume.join(path)), stored, "{path}");
        }
        for path in ["beside", "beside/h"] {
            let found = label_of(&dir.path().join(path));
            assert_ne!(found, stored, "{path}");
        }
        // Again, and a single file.
        label("/v", &open(&volume)).unwrap();
        label("/v", &open(&dir.path().join("beside/h"))).unwrap();
        assert_eq!(label_of(&dir.path().join("beside/h")), stored);
    }

    #[test]
    fn what_the_host_lives_from_is_refused_however_it_is_called() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/usr", dir.path().join("link")).unwrap();
        let wanted = Relabel {
            label: LABEL.to_owned(),
            spared: vec![dir.path().join("state/deep"), "/no/such".into()],
        };
        let refusal = |path: &Path| {
            let error = relabel("/v", &open(path), &wanted).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{path:?}: {error}");
            error.message
        };
        for path in ["/etc", "/usr", "/sys"] {
            assert!(refusal(Path::new(path)).contains("the host's"), "{path}");
        }
        assert!(refusal(&dir.path().join("link")).contains("the host's"));
        refusal(Path::new("/"));
        std::fs::create_dir_all(dir.path().join("state/deep/inner")).unwrap();
        assert!(refusal(&dir.path().join("state/deep")).contains("it is the host's"));
        assert!(refusal(&dir.path().join("state")).contains("it holds the host's"));
        refusal(dir.path());
        // What is in there is not refused for that.
        let inner = open(&dir.path().join("state/deep/inner"));
        if let Err(error) = relabel("/v", &inner, &wanted) {
            assert_eq!(error.code, ErrorCode::FailedPrecondition, "{error}");
        }
    }

    #[test]
    fn none_of_the_hosts_directories_is_looked_at_for_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hosts");
        std::fs::write(&file, "").unwrap();
        // Whoever looks at this one fails.
        let spared = vec![PathBuf::from(format!("/{}", "x".repeat(300)))];
        refuse_the_hosts("/v", &open(&file), &spared).unwrap();
        let error = refuse_the_hosts("/v", &open(dir.path()), &spared).unwrap_err();
        assert!(error.message.contains("name too long"), "{error}");
        // A volume is as good as the host's file that it is compared with.
        refuse_the_hosts("/v", &open(dir.path()), &[file]).unwrap();
    }

    #[test]
    fn what_is_mounted_at_a_look_is_not_mounted() {
        let dir = tempfile::tempdir().unwrap();
        // Nobody is there to mount: a look that asks for it finds nothing.
        let tells = rustix::pipe::pipe().unwrap().1;
        let fd = tells.as_raw_fd();
        let data = format!("fd={fd},pgrp=1,minproto=5,maxproto=5,direct");
        let data = std::ffi::CString::new(data).unwrap();
        let flags = rustix::mount::MountFlags::empty();
        let made = rustix::mount::mount("estiba", dir.path(), "autofs", flags, data.as_c_str());
        if let Err(errno) = made {
            eprintln!("SKIP: no autofs here: {errno}");
            return;
        }
        let spared = vec![dir.path().to_owned()];
        let refused = refuse_the_hosts("/v", &open(dir.path()), &spared);
        rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
        assert!(refused.unwrap_err().message.contains("it is the host's"));
    }

    #[test]
    fn a_directory_that_was_removed_meanwhile_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("gone")).unwrap();
        let gone = open(&dir.path().join("gone"));
        std::fs::remove_dir(dir.path().join("gone")).unwrap();
        let walk = Walk {
            label: stored(LABEL),
        };
        let mut levels = Vec::new();
        // Some file systems do not open it, others find nothing in it.
        enter("/v/gone".to_owned(), gone.as_fd(), &mut levels).unwrap();
        walk.label_all(&mut levels).unwrap();
    }

    #[test]
    fn a_tree_of_ours_is_labelled_once_and_its_root_last() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir_all(tree.join("a")).unwrap();
        let walk = Walk {
            label: stored(LABEL),
        };
        assert!(!walk.is_right(open(&tree).as_fd()));
        walk.run("tree", &open(&tree)).unwrap();
        assert!(walk.is_right(open(&tree).as_fd()));
        assert!(walk.is_right(open(&tree.join("a")).as_fd()));
        label_tree(&dir.path().join("none"), LABEL, false).unwrap();
    }

    #[test]
    fn file_systems_without_labels_are_left_alone() {
        let ramfs = mount::new_file_system("ramfs", &[("source", "ramfs")], 0).unwrap();
        rustix::fs::mkdirat(&ramfs, "d", Mode::from_raw_mode(0o755)).unwrap();
        label("/r", &ramfs).unwrap();
    }

    #[test]
    fn what_is_too_deep_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut at = open(dir.path());
        for _ in 0..=MAX_DEPTH {
            rustix::fs::mkdirat(&at, "d", Mode::from_raw_mode(0o755)).unwrap();
            at = rustix::fs::openat(&at, "d", OFlags::PATH, Mode::empty()).unwrap();
        }
        let error = label("/v", &open(dir.path())).unwrap_err();
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
        let done = label("/v", &open(dir.path()));
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
