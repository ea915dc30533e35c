//! Paths inside a tree that somebody else controls.
//!
//! Every function takes the root as a descriptor and resolves as if that were "/": absolute
//! symlinks and ".." stay inside, magic links are refused. What is missing is made component by
//! component, each by a call that cannot follow anything.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// Most symlinks that one resolution follows, as in the kernel.
const MAX_LINKS: usize = 40;
/// Longest path that is resolved, as in the kernel.
const MAX_PATH: usize = 4095;

/// What is to be made where a path ends in nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// A directory with this mode.
    Directory(u32),
    /// An empty file with this mode (missing directories above it get 0755).
    File(u32),
}

/// Opens an existing path with these flags (`OFlags::CLOEXEC` is added).
///
/// # Errors
/// `LOOP` for magic links and too many links; otherwise as openat(2).
pub fn open_in_root(root: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let how = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match resolve(&root, path, flags, how) {
        // The kernel gives "..", and with it this path, up for as long as anybody on the host renames.
        Err(Errno::AGAIN) => Walk::new(root.as_fd()).find(path, flags),
        result => result,
    }
}

/// The same, but no component may be a symlink.
///
/// # Errors
/// `LOOP` when one is.
pub fn open_no_symlinks(root: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    resolve(
        root,
        path,
        flags,
        ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS,
    )
}

fn resolve(
    root: impl AsFd,
    path: &str,
    flags: OFlags,
    how: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    // An absolute path starts at the root under IN_ROOT; "" would be an error of its own.
    let path = if path.is_empty() { "/" } else { path };
    let mut tries = 0;
    loop {
        match openat2(
            root.as_fd(),
            path,
            flags | OFlags::CLOEXEC,
            Mode::empty(),
            how,
        ) {
            // A rename somewhere on the host was in the way.
            Err(Errno::AGAIN) if tries < 128 => tries += 1,
            result => return result,
        }
    }
}

/// Opens (`O_PATH`) what `path` names, symlinks followed inside the root; makes what is missing,
/// also where a symlink points to nothing.
///
/// # Errors
/// `NOTDIR` when a component is a file, `LOOP` for too many links, and what mkdirat(2) and
/// openat(2) answer.
pub fn ensure_in_root(
    root: BorrowedFd<'_>,
    path: &str,
    missing: Missing,
) -> Result<OwnedFd, Errno> {
    match open_in_root(root, path, OFlags::PATH) {
        Err(Errno::NOENT) => Walk::new(root).run(path, missing),
        result => result,
    }
}

/// The same for a directory of the root's own file system: a mount on the way is not entered, and
/// nothing is made in one.
///
/// # Errors
/// `XDEV` where the way leads through a mount of another file system or ends there.
pub fn ensure_own_directory(root: BorrowedFd<'_>, path: &str, mode: u32) -> Result<OwnedFd, Errno> {
    let device = rustix::fs::fstat(root)?.st_dev;
    let walk = Walk {
        device: Some(device),
        ..Walk::new(root)
    };
    walk.run(path, Missing::Directory(mode))
}

/// A resolution by hand: `at` is the directory reached, `below` the way there from the root.
struct Walk<'root> {
    root: BorrowedFd<'root>,
    below: Vec<OwnedFd>,
    links: usize,
    /// The only file system that directories may be on.
    device: Option<u64>,
}

impl<'root> Walk<'root> {
    fn new(root: BorrowedFd<'root>) -> Self {
        Self {
            root,
            below: Vec::new(),
            links: 0,
            device: None,
        }
    }

    fn at(&self) -> BorrowedFd<'_> {
        self.below.last().map_or(self.root, |fd| fd.as_fd())
    }

    fn run(mut self, path: &str, missing: Missing) -> Result<OwnedFd, Errno> {
        let mut todo = components(path)?;
        while let Some(name) = todo.pop() {
            if name == ".." {
                self.below.pop();
                continue;
            }
            let last = todo.is_empty();
            let entry = match self.open_entry(&name) {
                Err(Errno::NOENT) => self.make(&name, last, missing)?,
                result => result?,
            };
            let stat = rustix::fs::fstat(&entry)?;
            let kind = FileType::from_raw_mode(stat.st_mode);
            if kind == FileType::Symlink {
                self.follow(&entry, &mut todo)?;
            } else if kind == FileType::Directory {
                if self.device.is_some_and(|device| device != stat.st_dev) {
                    return Err(Errno::XDEV);
                }
                self.below.push(entry);
            } else if last {
                return Ok(entry);
            } else {
                return Err(Errno::NOTDIR);
            }
        }
        match self.below.pop() {
            Some(fd) => Ok(fd),
            None => open_in_root(self.root, "/", OFlags::PATH),
        }
    }

    /// The way of [`open_in_root`] when the kernel does not go it.
    fn find(mut self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut todo = components(path)?;
        while let Some(name) = todo.pop() {
            if name == ".." {
                self.below.pop();
                continue;
            }
            let entry = self.open_entry(&name)?;
            let kind = FileType::from_raw_mode(rustix::fs::fstat(&entry)?.st_mode);
            let last = todo.is_empty();
            if kind == FileType::Symlink && !(last && flags.contains(OFlags::NOFOLLOW)) {
                self.follow(&entry, &mut todo)?;
            } else if last {
                let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
                return resolve(self.at(), &name, flags | OFlags::NOFOLLOW, how);
            } else if kind == FileType::Directory {
                self.below.push(entry);
            } else {
                return Err(Errno::NOTDIR);
            }
        }
        resolve(self.at(), ".", flags, ResolveFlags::BENEATH)
    }

    fn follow(&mut self, link: &OwnedFd, todo: &mut Vec<String>) -> Result<(), Errno> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::LOOP);
        }
        let target = rustix::fs::readlinkat(link, "", Vec::new())?;
        let target = target.to_str().map_err(|_invalid| Errno::ILSEQ)?;
        if target.starts_with('/') {
            self.below.clear();
        }
        todo.extend(components(target)?);
        Ok(())
    }

    fn open_entry(&self, name: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        // A single component below an open directory; NO_MAGICLINKS keeps procfs links shut.
        resolve(
            self.at(),
            name,
            flags,
            ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
        )
    }

    fn make(&self, name: &str, last: bool, missing: Missing) -> Result<OwnedFd, Errno> {
        let made = match missing {
            Missing::File(mode) if last => {
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                rustix::fs::openat(self.at(), name, flags, Mode::from_raw_mode(mode)).map(drop)
            }
            Missing::Directory(mode) if last => {
                rustix::fs::mkdirat(self.at(), name, Mode::from_raw_mode(mode))
            }
            Missing::File(_) | Missing::Directory(_) => {
                rustix::fs::mkdirat(self.at(), name, Mode::from_raw_mode(0o755))
            }
        };
        match made {
            // Somebody else was faster: use theirs, whatever it is.
            Ok(()) | Err(Errno::EXIST) => self.open_entry(name),
            Err(errno) => Err(errno),
        }
    }
}

/// The components of a path in reverse order, without empty ones and ".".
fn components(path: &str) -> Result<Vec<String>, Errno> {
    if path.len() > MAX_PATH {
        return Err(Errno::NAMETOOLONG);
    }
    Ok(path
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".")
        .rev()
        .map(str::to_owned)
        .collect())
}

/// Whether two descriptors are the same file.
///
/// # Errors
/// The kernel's errno.
pub fn same_file(a: impl AsFd, b: impl AsFd) -> Result<bool, Errno> {
    let (a, b) = (rustix::fs::fstat(a)?, rustix::fs::fstat(b)?);
    Ok(a.st_dev == b.st_dev && a.st_ino == b.st_ino)
}

/// Id of the mount that a descriptor is on, as in the first field of mountinfo.
///
/// # Errors
/// `NOSYS` before Linux 5.8.
pub fn mount_id(fd: impl AsFd) -> Result<u64, Errno> {
    use rustix::fs::{StatxFlags, statx};
    let flags = AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT;
    let wanted = StatxFlags::MNT_ID;
    let info = statx(fd, "", flags, wanted)?;
    if info.stx_mask & wanted.bits() == 0 {
        Err(Errno::NOSYS)
    } else {
        Ok(info.stx_mnt_id)
    }
}

#[cfg(test)]
mod tests;
