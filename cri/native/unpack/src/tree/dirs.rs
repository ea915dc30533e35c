//! Open directories of the tree, found by path one component at a time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::fs::{fgetxattr, fstat, openat2, readlinkat, statat};
use rustix::io::Errno;

use crate::name::{MAX_PATH, components, join, split};

/// Directories kept open.
const KEPT: usize = 128;
/// Symlinks followed in one lookup, as the kernel allows.
const LINKS: u32 = 40;

/// Symlinks are never followed by the kernel and mounts never entered, whatever a name says.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// An open directory of the tree.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    /// Path from the root without symlinks; empty = the root.
    pub(crate) real: Vec<u8>,
    /// New files in it belong to group 0 without being told.
    pub(crate) group_zero: bool,
    /// New files in it get an ACL that is not theirs.
    pub(crate) default_acl: bool,
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Why a directory was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Miss {
    /// It or one of its parents is not there.
    Absent,
    /// Something else is in its place.
    NotDirectory,
    Kernel(Errno),
}

/// Makes a directory that is missing on the way: `Ok` when it is there now.
pub(crate) type Make<'m> = &'m mut dyn FnMut(&Dir, &[u8]) -> Result<(), Errno>;

/// The cache of open directories.
#[derive(Debug)]
pub(crate) struct Dirs {
    root: Rc<Dir>,
    /// By path as entries spell it, symlinks and all, and by real path.
    open: RefCell<HashMap<Vec<u8>, Rc<Dir>>>,
    /// The tree has directories that we did not make: look for default ACLs.
    foreign: bool,
}

impl Dirs {
    /// `root` is the tree's root; `foreign` says that it already has directories.
    pub(crate) fn new(root: OwnedFd, foreign: bool) -> rustix::io::Result<Self> {
        let root = Rc::new(Dir::new(root, Vec::new(), foreign)?);
        Ok(Self {
            root,
            open: RefCell::default(),
            foreign,
        })
    }

    pub(crate) fn root(&self) -> Rc<Dir> {
        Rc::clone(&self.root)
    }

    /// The directory at `path` (normal form), symlinks resolved inside the tree.
    pub(crate) fn find(&self, path: &[u8]) -> Result<Rc<Dir>, Miss> {
        self.walk(path, None, &mut 0)
    }

    /// [`Dirs::find`] that lets `make` make what is missing on the way.
    pub(crate) fn find_or_make(&self, path: &[u8], make: Make<'_>) -> Result<Rc<Dir>, Miss> {
        self.walk(path, Some(make), &mut 0)
    }

    /// The directory `name` in `parent`, which must not be a symlink.
    pub(crate) fn open_in(&self, parent: &Dir, name: &[u8]) -> rustix::io::Result<Rc<Dir>> {
        let real = join(&parent.real, name);
        if real.len() > MAX_PATH {
            return Err(Errno::NAMETOOLONG);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat2(parent, name, flags, Mode::empty(), INSIDE)?;
        Ok(Rc::new(Dir::new(fd, real, self.foreign)?))
    }

    /// Keeps `dir` open under its real path.
    pub(crate) fn keep(&self, dir: &Rc<Dir>) {
        self.insert(&dir.real, dir);
    }

    /// Must be called whenever a directory or symlink goes away or a directory changes its group.
    pub(crate) fn forget(&self) {
        self.open.borrow_mut().clear();
    }

    fn insert(&self, path: &[u8], dir: &Rc<Dir>) {
        let mut open = self.open.borrow_mut();
        if open.len() >= KEPT {
            open.clear();
        }
        open.insert(path.to_vec(), Rc::clone(dir));
    }

    fn cached(&self, path: &[u8]) -> Option<Rc<Dir>> {
        if path.is_empty() {
            return Some(self.root());
        }
        self.open.borrow().get(path).map(Rc::clone)
    }

    fn walk(
        &self,
        path: &[u8],
        mut make: Option<Make<'_>>,
        links: &mut u32,
    ) -> Result<Rc<Dir>, Miss> {
        // The longest part of the path that is open.
        let mut known = path;
        let mut dir = loop {
            match (self.cached(known), split(known)) {
                (Some(dir), _) => break dir,
                (None, Some((parent, _))) => known = parent,
                (None, None) => break self.root(),
            }
        };
        let mut done = known.len();
        for name in components(path.get(done..).unwrap_or_default()) {
            dir = self.step(
                &dir,
                name,
                make.as_mut().map(|make| &mut **make as _),
                links,
            )?;
            done += name.len() + usize::from(done > 0);
            self.insert(path.get(..done).unwrap_or_default(), &dir);
        }
        Ok(dir)
    }

    fn step(
        &self,
        dir: &Rc<Dir>,
        name: &[u8],
        make: Option<Make<'_>>,
        links: &mut u32,
    ) -> Result<Rc<Dir>, Miss> {
        match self.open_in(dir, name) {
            Ok(found) => Ok(found),
            Err(Errno::NOENT) => match make {
                None => Err(Miss::Absent),
                Some(make) => {
                    make(dir, name).map_err(Miss::Kernel)?;
                    self.open_in(dir, name).map_err(Miss::Kernel)
                }
            },
            Err(Errno::LOOP | Errno::NOTDIR) => self.not_directory(dir, name, make, links),
            Err(other) => Err(Miss::Kernel(other)),
        }
    }

    /// A symlink is resolved, a whiteout of this layer can be replaced, anything else stays.
    fn not_directory(
        &self,
        dir: &Rc<Dir>,
        name: &[u8],
        make: Option<Make<'_>>,
        links: &mut u32,
    ) -> Result<Rc<Dir>, Miss> {
        let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(Miss::Kernel)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                *links += 1;
                if *links > LINKS {
                    return Err(Miss::Kernel(Errno::LOOP));
                }
                let target = readlinkat(dir, name, Vec::new()).map_err(Miss::Kernel)?;
                self.follow(&dir.real, target.as_bytes(), make, links)
            }
            FileType::CharacterDevice if stat.st_rdev == 0 => match make {
                None => Err(Miss::Absent),
                Some(make) => {
                    make(dir, name).map_err(Miss::Kernel)?;
                    self.open_in(dir, name).map_err(Miss::Kernel)
                }
            },
            FileType::RegularFile
            | FileType::Directory
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Err(Miss::NotDirectory),
        }
    }

    /// Where a symlink in the directory `from` leads; the tree's root is its own parent.
    fn follow(
        &self,
        from: &[u8],
        target: &[u8],
        mut make: Option<Make<'_>>,
        links: &mut u32,
    ) -> Result<Rc<Dir>, Miss> {
        let start = if target.starts_with(b"/") {
            &[][..]
        } else {
            from
        };
        let mut dir = self.walk(start, None, links)?;
        for name in components(target) {
            dir = if name == b".." {
                let parent = split(&dir.real)
                    .map_or(&[][..], |(parent, _)| parent)
                    .to_vec();
                self.walk(&parent, None, links)?
            } else {
                let next = self.step(
                    &dir,
                    name,
                    make.as_mut().map(|make| &mut **make as _),
                    links,
                )?;
                self.keep(&next);
                next
            };
        }
        Ok(dir)
    }
}

impl Dir {
    fn new(fd: OwnedFd, real: Vec<u8>, look_for_acl: bool) -> rustix::io::Result<Self> {
        let group_zero = fstat(&fd)?.st_gid == 0;
        let default_acl =
            look_for_acl && fgetxattr(&fd, c"system.posix_acl_default", &mut [0u8; 0][..]).is_ok();
        Ok(Self {
            fd,
            real,
            group_zero,
            default_acl,
        })
    }
}
