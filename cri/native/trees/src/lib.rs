//! Removes directory trees without following symlinks and without crossing a mount, with a bounded
//! number of open descriptors however deep the tree is.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, SeekFrom};
use rustix::io::Errno;

/// Directories deeper than this below the tree's root are first moved up to it.
const MAX_OPEN: usize = 64;
/// How often one directory is listed again because somebody puts new entries into it.
const MAX_PASSES: u32 = 8;

/// Why a tree could not be removed. What could be removed is gone.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove {}: {why}", quoted(.path))]
pub struct RemoveError {
    /// What could not be removed.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub why: Why,
}

/// Reason of a [`RemoveError`].
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// Relative paths, "/", and paths that end in ".." are never removed.
    #[error("the path is not absolute or has no last name")]
    BadPath,
    /// Something is mounted on it.
    #[error("a file system is mounted there")]
    MountPoint,
    /// The kernel refused.
    #[error("{0}")]
    Kernel(#[from] Errno),
}

impl RemoveError {
    /// errno of the failing kernel call; 0 when none failed.
    #[must_use]
    pub fn errno(&self) -> i32 {
        match self.why {
            Why::BadPath => 0,
            Why::MountPoint => Errno::BUSY.raw_os_error(),
            Why::Kernel(errno) => errno.raw_os_error(),
        }
    }
}

fn quoted(path: &Path) -> String {
    format!("{path:?}")
}

/// Removes the file, symlink or directory tree at `path`. A path that does not exist is fine. The
/// directories above `path` are the caller's and trusted; nothing below is.
///
/// # Errors
/// The first entry that could not be removed, and why.
pub fn remove_tree(path: &Path) -> Result<(), RemoveError> {
    let fail = |why| RemoveError {
        path: path.to_owned(),
        why,
    };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(fail(Why::BadPath));
    };
    if !path.is_absolute() {
        return Err(fail(Why::BadPath));
    }
    let name = CString::new(name.as_bytes()).map_err(|_nul| fail(Why::BadPath))?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = match rustix::fs::open(parent, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        opened => opened.map_err(|errno| fail(errno.into()))?,
    };
    match open_directory(parent.as_fd(), &name) {
        Ok(root) => Walk::new(path, root).run(parent.as_fd(), &name),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            ignore_missing(rustix::fs::unlinkat(&parent, &name, AtFlags::empty()))
                .map_err(|errno| fail(errno.into()))
        }
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(fail(why(errno))),
    }
}

fn why(errno: Errno) -> Why {
    match errno {
        Errno::XDEV | Errno::BUSY => Why::MountPoint,
        other => Why::Kernel(other),
    }
}

fn ignore_missing(result: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

fn open_directory(parent: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_XDEV
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::BENEATH;
    rustix::fs::openat2(parent, name, flags, Mode::empty(), resolve)
}

/// One directory that is being emptied.
struct Level {
    directory: OwnedFd,
    name: CString,
    /// Sub-directories found by the last pass and still to be visited.
    subdirectories: Vec<CString>,
    passes: u32,
}

struct Walk<'a> {
    path: &'a Path,
    levels: Vec<Level>,
    moved: u64,
}

impl<'a> Walk<'a> {
    fn new(path: &'a Path, root: OwnedFd) -> Self {
        let name = CString::default();
        let root = Level {
            directory: root,
            name,
            subdirectories: Vec::new(),
            passes: 0,
        };
        Self {
            path,
            levels: vec![root],
            moved: 0,
        }
    }

    fn run(mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), RemoveError> {
        self.empty_top()?;
        loop {
            let Some(level) = self.levels.last_mut() else {
                return Ok(());
            };
            if let Some(child) = level.subdirectories.pop() {
                self.descend(child)?;
                continue;
            }
            let Some(done) = self.levels.pop() else {
                return Ok(());
            };
            let removed = match self.levels.last() {
                Some(above) => {
                    rustix::fs::unlinkat(&above.directory, &done.name, AtFlags::REMOVEDIR)
                }
                None => rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR),
            };
            match ignore_missing(removed) {
                Ok(()) => {}
                Err(Errno::NOTEMPTY | Errno::EXIST) if self.may_list_again(&done) => {
                    self.levels.push(done);
                    self.empty_top()?;
                }
                Err(errno) => return Err(self.fail(&done.name, errno)),
            }
        }
    }

    /// Moving deep directories up fills the root again; that is progress, not somebody's race.
    fn may_list_again(&mut self, level: &Level) -> bool {
        if self.levels.is_empty() && self.moved > 0 {
            self.moved = 0;
            return true;
        }
        level.passes < MAX_PASSES
    }

    fn descend(&mut self, child: CString) -> Result<(), RemoveError> {
        let Some(level) = self.levels.last() else {
            return Ok(());
        };
        if self.levels.len() >= MAX_OPEN {
            return self.move_up(&child);
        }
        match open_directory(level.directory.as_fd(), &child) {
            Ok(directory) => {
                let subdirectories = Vec::new();
                self.levels.push(Level {
                    directory,
                    name: child,
                    subdirectories,
                    passes: 0,
                });
                self.empty_top()
            }
            Err(Errno::NOENT) => Ok(()),
            // Replaced by something else since it was listed.
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let removed = rustix::fs::unlinkat(&level.directory, &child, AtFlags::empty());
                ignore_missing(removed).map_err(|errno| self.fail(&child, errno))
            }
            Err(errno) => Err(self.fail(&child, errno)),
        }
    }

    fn move_up(&mut self, child: &CStr) -> Result<(), RemoveError> {
        let (Some(root), Some(level)) = (self.levels.first(), self.levels.last()) else {
            return Ok(());
        };
        for attempt in 0_u32.. {
            let name = format!(".moved-{}-{}-{attempt}", std::process::id(), self.moved);
            let flags = rustix::fs::RenameFlags::NOREPLACE;
            let moved = rustix::fs::renameat_with(
                &level.directory,
                child,
                &root.directory,
                name.as_str(),
                flags,
            );
            match moved {
                Ok(()) => {
                    self.moved += 1;
                    return Ok(());
                }
                Err(Errno::NOENT) => return Ok(()),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(self.fail(child, errno)),
            }
        }
        Ok(())
    }

    /// Unlinks everything in the last level that is no directory and notes the directories.
    fn empty_top(&mut self) -> Result<(), RemoveError> {
        let Some(level) = self.levels.last_mut() else {
            return Ok(());
        };
        level.passes += 1;
        match empty_directory(level.directory.as_fd(), &mut level.subdirectories) {
            Ok(()) => Ok(()),
            Err((name, errno)) => Err(self.fail(&name, errno)),
        }
    }

    fn fail(&self, name: &CStr, errno: Errno) -> RemoveError {
        let mut path = self.path.to_owned();
        let names = self
            .levels
            .iter()
            .map(|level| level.name.as_c_str())
            .chain([name]);
        for name in names.filter(|name| !name.is_empty()) {
            path.push(std::ffi::OsStr::from_bytes(name.to_bytes()));
        }
        RemoveError {
            path,
            why: why(errno),
        }
    }
}

fn empty_directory(
    directory: BorrowedFd<'_>,
    subdirectories: &mut Vec<CString>,
) -> Result<(), (CString, Errno)> {
    let whole = |errno| (CString::default(), errno);
    rustix::fs::seek(directory, SeekFrom::Start(0)).map_err(whole)?;
    let mut buffer = [MaybeUninit::uninit(); 16 << 10];
    let mut entries = RawDir::new(directory, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(whole)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            subdirectories.push(name.to_owned());
            continue;
        }
        match ignore_missing(rustix::fs::unlinkat(directory, name, AtFlags::empty())) {
            Ok(()) => {}
            Err(Errno::ISDIR) => subdirectories.push(name.to_owned()),
            Err(errno) => return Err((name.to_owned(), errno)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
