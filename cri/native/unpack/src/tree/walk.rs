//! Removing and measuring trees, without recursion and without following anything.

use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, Stat};
use rustix::fs::{fremovexattr, fstat, openat, openat2, statat, unlinkat};
use rustix::io::Errno;

use crate::name::{join, split};

const LIST_BUFFER: usize = 32 << 10;

/// Attributes that overlay leaves in its upper directory and that mean nothing in a lower one.
const OVERLAY_TRACES: [&str; 5] = [
    "trusted.overlay.origin",
    "trusted.overlay.impure",
    "trusted.overlay.nlink",
    "trusted.overlay.upper",
    "trusted.overlay.uuid",
];

fn open_beneath(root: impl AsFd, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    let path = if path.is_empty() { b"." } else { path };
    openat2(
        root,
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV,
    )
}

/// Names and types of everything in `dir`. The whole list: the caller changes the directory.
pub(crate) fn list(dir: impl AsFd) -> rustix::io::Result<Vec<(Vec<u8>, FileType)>> {
    let mut buffer = [MaybeUninit::uninit(); LIST_BUFFER];
    let mut entries = RawDir::new(dir, &mut buffer);
    let mut listed = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            listed.push((name.to_vec(), entry.file_type()));
        }
    }
    Ok(listed)
}

/// Removes `name` in `parent`, and if it is a directory everything in it. Missing is fine.
pub(crate) fn remove(parent: impl AsFd, name: &[u8]) -> rustix::io::Result<()> {
    let parent = parent.as_fd();
    // Asked first: the fence lets directories be removed in places where files may not.
    match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {}
        Ok(_) => return unlinkat(parent, name, AtFlags::empty()),
        Err(Errno::NOENT) => return Ok(()),
        Err(other) => return Err(other),
    }
    let top = open_beneath(parent, name)?;
    // Parents come before their children.
    let mut directories = vec![Vec::new()];
    let mut next = 0;
    while let Some(path) = directories.get(next).cloned() {
        next += 1;
        let dir = open_beneath(&top, &path)?;
        for (name, kind) in list(&dir)? {
            if kind == FileType::Directory {
                directories.push(join(&path, &name));
            } else {
                match unlinkat(&dir, name.as_slice(), AtFlags::empty()) {
                    Err(Errno::ISDIR) => directories.push(join(&path, &name)),
                    // An overlay lists a whiteout of its lowest layer but does not find it.
                    Err(Errno::NOENT) => {}
                    other => other?,
                }
            }
        }
    }
    for path in directories.iter().rev() {
        if let Some((inside, last)) = split(path) {
            unlinkat(open_beneath(&top, inside)?, last, AtFlags::REMOVEDIR)?;
        }
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR)
}

/// What a tree occupies.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measure {
    pub(crate) bytes: u64,
    pub(crate) inodes: u64,
}

impl Measure {
    fn add(&mut self, stat: &Stat, linked: &mut HashSet<u64>) {
        let directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if directory || stat.st_nlink <= 1 || linked.insert(stat.st_ino) {
            self.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
            self.inodes += 1;
        }
    }
}

/// Measures the tree at `root`, itself included. With `clean` also takes the traces of an overlay
/// mount away.
pub(crate) fn measure(root: impl AsFd, clean: bool) -> rustix::io::Result<Measure> {
    let root = root.as_fd();
    let mut sum = Measure::default();
    let mut linked = HashSet::new();
    sum.add(&fstat(root)?, &mut linked);
    let mut pending = vec![Vec::new()];
    while let Some(path) = pending.pop() {
        let dir = open_beneath(root, &path)?;
        if clean {
            remove_traces(&dir)?;
        }
        for (name, _) in list(&dir)? {
            let stat = statat(&dir, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW)?;
            sum.add(&stat, &mut linked);
            let kind = FileType::from_raw_mode(stat.st_mode);
            if kind == FileType::Directory {
                pending.push(join(&path, &name));
            } else if kind == FileType::RegularFile && clean {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = openat(
                    &dir,
                    name.as_slice(),
                    flags | OFlags::NONBLOCK,
                    Mode::empty(),
                )?;
                remove_traces(file)?;
            }
        }
    }
    Ok(sum)
}

fn remove_traces(file: impl AsFd) -> rustix::io::Result<()> {
    for name in OVERLAY_TRACES {
        match fremovexattr(file.as_fd(), name) {
            Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}
