//! Takes entries from the tar and puts them into the tree.

use std::rc::Rc;

use rustix::fs::{AtFlags, FileType, Mode};
use rustix::fs::{futimens, mkdirat, statat, unlinkat, utimensat};
use rustix::io::Errno;

use super::dirs::{Dir, Dirs, Miss};
use super::entry::{Place, check_node, failed, finish_directory, refused, times, write_data};
use super::hide::set_opaque_at;
use super::walk;
use crate::error::{EntryName, UnpackError};
use crate::job::UnpackJob;
use crate::name::{self, Name, join};
use crate::records::{Later, Records};
use crate::stream::Digests;
use crate::tar::{Entry, Kind, TarReader};
use crate::xattr::{self, DEFAULT_ACL};

/// One layer being unpacked.
pub(crate) struct Extractor<'a> {
    pub(super) reader: TarReader<'a>,
    pub(super) dirs: Dirs,
    pub(super) records: Records,
    /// The tree is a merged view with the parent layers below.
    pub(super) merged: bool,
    /// Nobody wants a layer that needs those below.
    stop: bool,
    max_bytes: u64,
    max_entries: u64,
    bytes: u64,
}

/// How far [`Extractor::run`] came.
pub(crate) enum Extraction {
    Whole(Extracted),
    /// As [`UnpackJob::stop_unless_self_contained`] asks, with the reason.
    Stopped(String),
}

/// What came out, besides the tree.
pub(crate) struct Extracted {
    pub(crate) digests: Digests,
    /// First thing that was needed from below.
    pub(crate) needed: Option<String>,
    /// No entry had to be left out.
    pub(crate) complete: bool,
}

impl<'a> Extractor<'a> {
    pub(crate) fn new(reader: TarReader<'a>, dirs: Dirs, job: &UnpackJob) -> Self {
        Self {
            reader,
            dirs,
            records: Records::default(),
            merged: !job.parent_dirs.is_empty(),
            stop: job.stop_unless_self_contained && job.parent_dirs.is_empty(),
            max_bytes: job.max_bytes,
            max_entries: job.max_entries,
            bytes: 0,
        }
    }

    /// Unpacks everything and waits for the hashes.
    pub(crate) fn run(mut self) -> Result<Extraction, UnpackError> {
        while let Some(entry) = self.reader.next()? {
            self.check_limits(&entry)?;
            self.apply(&entry)?;
            if self.is_stopping() {
                let (needed, _complete) = self.records.needed();
                return Ok(Extraction::Stopped(needed.unwrap_or_default()));
            }
        }
        self.finish_directories()?;
        let (needed, complete) = self.records.needed();
        let digests = self.reader.finish()?;
        Ok(Extraction::Whole(Extracted {
            digests,
            needed,
            complete,
        }))
    }

    fn is_stopping(&self) -> bool {
        self.stop && self.records.is_needing()
    }

    fn check_limits(&mut self, entry: &Entry) -> Result<(), UnpackError> {
        let limit = |what, limit| UnpackError::Limit {
            what,
            limit,
            entry: EntryName::new(&entry.path),
        };
        if self.reader.entries() > self.max_entries {
            return Err(limit("entries", self.max_entries));
        }
        self.bytes = self.bytes.saturating_add(entry.size);
        if self.bytes > self.max_bytes {
            return Err(limit("bytes", self.max_bytes));
        }
        if self.records.kept_bytes() > Records::MAX_KEPT {
            return Err(limit("bytes of directory names", Records::MAX_KEPT));
        }
        Ok(())
    }

    fn apply(&mut self, entry: &Entry) -> Result<(), UnpackError> {
        match name::parse(&entry.path).map_err(|why| refused(entry, why))? {
            Name::Ignored => Ok(()),
            Name::Root => self.root(entry),
            Name::Opaque { parent } => self.opaque(entry, &parent),
            Name::Whiteout { parent, name } => self.whiteout(entry, &parent, &name),
            Name::Path { parent, name } => {
                let parent = self.parent(entry, &parent)?;
                match entry.kind {
                    // Its data may not be there for a long time.
                    _ if self.is_stopping() => Ok(()),
                    Kind::Directory => self.directory(entry, &parent, &name),
                    Kind::HardLink => self.hard_link(entry, &parent, &name),
                    Kind::Regular
                    | Kind::Symlink
                    | Kind::CharDevice
                    | Kind::BlockDevice
                    | Kind::Fifo => self.file(entry, &parent, &name),
                }
            }
        }
    }

    /// The directory an entry goes into; what is missing of it is made, mode 0755, root's.
    pub(super) fn parent(&mut self, entry: &Entry, path: &[u8]) -> Result<Rc<Dir>, UnpackError> {
        let (records, merged) = (&mut self.records, self.merged);
        let number = self.reader.entries();
        let mut make = |dir: &Dir, name: &[u8]| {
            let mode = Mode::from_raw_mode(0o755);
            let over_whiteout = match mkdirat(dir, name, mode) {
                Err(Errno::EXIST) => {
                    unlinkat(dir, name, AtFlags::empty())?;
                    mkdirat(dir, name, mode)?;
                    true
                }
                other => other.map(|()| false)?,
            };
            let real = join(&dir.real, name);
            if over_whiteout && !merged {
                set_opaque_at(dir, name)?;
                records.opaque(&real);
            }
            records.implied(&real, number, &entry.path);
            Ok(())
        };
        self.dirs
            .find_or_make(path, &mut make)
            .map_err(|miss| parent_missing(entry, path, miss))
    }

    fn root(&mut self, entry: &Entry) -> Result<(), UnpackError> {
        if entry.kind != Kind::Directory {
            return Err(refused(
                entry,
                "it names the layer's root but is no directory",
            ));
        }
        let root = self.dirs.root();
        self.dirs.forget();
        finish_directory(entry, &root)?;
        self.remember_directory(entry, Vec::new());
        Ok(())
    }

    fn directory(
        &mut self,
        entry: &Entry,
        parent: &Rc<Dir>,
        name: &[u8],
    ) -> Result<(), UnpackError> {
        let mut replaces = false;
        let made = match mkdirat(parent, name, super::entry::mode(entry)) {
            Err(Errno::EXIST) => {
                let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(failed("look at", entry))?;
                if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                    // Its group may change: what is open remembers the old one.
                    self.dirs.forget();
                    Ok(())
                } else {
                    replaces = true;
                    self.remove(entry, parent, name)?;
                    mkdirat(parent, name, super::entry::mode(entry))
                }
            }
            other => other,
        };
        made.map_err(failed("create", entry))?;
        let dir = self
            .dirs
            .open_in(parent, name)
            .map_err(failed("open", entry))?;
        if dir.default_acl {
            super::entry::remove_acl(&*dir)
                .map_err(failed("remove the inherited ACL of", entry))?;
        }
        finish_directory(entry, &dir)?;
        if replaces && !self.merged {
            // What it replaced hid the lower layers' directory; the new one must go on doing so.
            self.set_opaque(entry, &dir)?;
        }
        self.remember_directory(entry, dir.real.clone());
        // Opened again: the group may differ from what was noted at first.
        let dir = self
            .dirs
            .open_in(parent, name)
            .map_err(failed("open", entry))?;
        self.dirs.keep(&dir);
        Ok(())
    }

    fn remember_directory(&mut self, entry: &Entry, real: Vec<u8>) {
        let default_acl = entry
            .xattrs
            .iter()
            .rfind(|(name, _)| name == DEFAULT_ACL)
            .map(|(_, value)| value.clone());
        self.records.own(&real, self.merged);
        self.records.later(
            real,
            Later {
                time: entry.mtime,
                default_acl,
            },
        );
    }

    fn file(&mut self, entry: &Entry, parent: &Rc<Dir>, name: &[u8]) -> Result<(), UnpackError> {
        check_node(entry)?;
        let place = Place {
            entry,
            parent,
            name,
            merged: self.merged,
        };
        let made = match place.make() {
            Err(Errno::EXIST) => {
                self.remove(entry, parent, name)?;
                place.make()
            }
            other => other,
        };
        let file = made.map_err(failed("create", entry))?;
        if let Some(file) = &file {
            write_data(&mut self.reader, file, entry)?;
        }
        place.finish(file.as_ref())?;
        self.records.own_file(parent, name, self.merged);
        Ok(())
    }

    /// Takes away whatever `name` is in `parent`, and what is noted about it.
    pub(super) fn remove(
        &mut self,
        entry: &Entry,
        parent: &Dir,
        name: &[u8],
    ) -> Result<(), UnpackError> {
        let problem = || failed("remove what was in the place of", entry);
        let kind = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(problem()(errno)),
        };
        walk::remove(parent, name).map_err(problem())?;
        if matches!(kind, FileType::Directory | FileType::Symlink) {
            self.dirs.forget();
            self.records.removed(&join(&parent.real, name));
        }
        Ok(())
    }

    /// What would have been undone by entries that came later.
    fn finish_directories(&mut self) -> Result<(), UnpackError> {
        for (real, later) in self.records.take_later() {
            let problem = |source| UnpackError::Entry {
                action: "set the times of directory",
                entry: EntryName::new(&real),
                source,
            };
            let Some((inside, last)) = name::split(&real) else {
                let root = self.dirs.root();
                if let Some(acl) = &later.default_acl {
                    xattr::set(&*root, DEFAULT_ACL, acl).map_err(problem)?;
                }
                futimens(&*root, &times(later.time)).map_err(problem)?;
                continue;
            };
            let parent = match self.dirs.find(inside) {
                Ok(parent) => parent,
                Err(Miss::Kernel(errno)) => return Err(problem(errno)),
                Err(Miss::Absent | Miss::NotDirectory) => return Err(problem(Errno::NOENT)),
            };
            if let Some(acl) = &later.default_acl {
                let dir = self.dirs.open_in(&parent, last).map_err(problem)?;
                xattr::set(&*dir, DEFAULT_ACL, acl).map_err(problem)?;
            }
            utimensat(
                &*parent,
                last,
                &times(later.time),
                AtFlags::SYMLINK_NOFOLLOW,
            )
            .map_err(problem)?;
        }
        self.reader.check_time()
    }
}

/// Why a directory that an entry needs is not to be had.
pub(super) fn parent_missing(entry: &Entry, path: &[u8], miss: Miss) -> UnpackError {
    match miss {
        Miss::Kernel(Errno::LOOP) => refused(
            entry,
            format!("{} has too many symlinks", EntryName::new(path)),
        ),
        Miss::Kernel(errno) => failed("find the directory of", entry)(errno),
        Miss::Absent | Miss::NotDirectory => refused(
            entry,
            format!("{} is not a directory", EntryName::new(path)),
        ),
    }
}
