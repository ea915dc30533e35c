//! Takes entries from the tar and puts them into the tree.

use std::rc::Rc;

use rustix::fs::{AtFlags, FileType, Mode, XattrFlags};
use rustix::fs::{fsetxattr, futimens, linkat, mkdirat, mknodat, statat, unlinkat, utimensat};
use rustix::io::Errno;

use super::dirs::{Dir, Dirs, Miss};
use super::entry::{Place, failed, finish_directory, refused, times, write_data};
use super::walk;
use crate::error::{EntryName, UnpackError};
use crate::job::UnpackJob;
use crate::name::{self, MAX_PATH, Name, join};
use crate::records::{Later, Records};
use crate::stream::Digests;
use crate::tar::{Entry, Kind, TarReader};
use crate::xattr::{self, DEFAULT_ACL, OVERLAY_OPAQUE};

/// One layer being unpacked.
pub(crate) struct Extractor<'a> {
    reader: TarReader<'a>,
    dirs: Dirs,
    records: Records,
    /// The tree is a merged view with the parent layers below.
    merged: bool,
    max_bytes: u64,
    max_entries: u64,
    bytes: u64,
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
            max_bytes: job.max_bytes,
            max_entries: job.max_entries,
            bytes: 0,
        }
    }

    /// Unpacks everything and waits for the hashes.
    pub(crate) fn run(mut self) -> Result<Extracted, UnpackError> {
        while let Some(entry) = self.reader.next()? {
            self.check_limits(&entry)?;
            self.apply(&entry)?;
        }
        self.finish_directories()?;
        let (needed, complete) = self.records.needed();
        let digests = self.reader.finish()?;
        Ok(Extracted {
            digests,
            needed,
            complete,
        })
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
                    Kind::Directory => self.directory(entry, &parent, &name),
                    Kind::HardLink => self.hard_link(entry, &parent, &name),
                    _ => self.file(entry, &parent, &name),
                }
            }
        }
    }

    /// The directory an entry goes into; what is missing of it is made, mode 0755, root's.
    fn parent(&mut self, entry: &Entry, path: &[u8]) -> Result<Rc<Dir>, UnpackError> {
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

    fn hard_link(
        &mut self,
        entry: &Entry,
        parent: &Rc<Dir>,
        name: &[u8],
    ) -> Result<(), UnpackError> {
        let target = name::normal(&entry.link)
            .map_err(|why| refused(entry, format!("as a hard-link target, {why}")))?;
        let shown = EntryName::new(&entry.link);
        let Some((inside, last)) = name::split(&target) else {
            return Err(refused(entry, "it is a hard link to the layer's root"));
        };
        let (inside, stat) = match self.dirs.find(inside) {
            Ok(dir) => match statat(&*dir, last, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if !is_whiteout(&stat) => (dir, stat),
                Ok(_) | Err(Errno::NOENT) => return self.no_target(entry, &shown),
                Err(errno) => return Err(failed("find the hard-link target of", entry)(errno)),
            },
            Err(Miss::Absent) => return self.no_target(entry, &shown),
            Err(Miss::NotDirectory) => {
                return Err(refused(
                    entry,
                    format!("its hard-link target {shown} is inside a file"),
                ));
            }
            Err(Miss::Kernel(errno)) => {
                return Err(failed("find the hard-link target of", entry)(errno));
            }
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            return Err(refused(
                entry,
                format!("its hard-link target {shown} is a directory"),
            ));
        }
        let link = || linkat(&*inside, last, &**parent, name, AtFlags::empty());
        let made = match link() {
            Err(Errno::EXIST) if same_file(parent, name, &stat) => return Ok(()),
            Err(Errno::EXIST) => {
                self.remove(entry, parent, name)?;
                link()
            }
            other => other,
        };
        made.map_err(failed("hard-link", entry))?;
        self.records.own_file(parent, name, self.merged);
        Ok(())
    }

    /// Unpacked alone, the target may be in a layer below: the caller runs the job again with it.
    fn no_target(&mut self, entry: &Entry, shown: &EntryName) -> Result<(), UnpackError> {
        if self.merged {
            return Err(refused(
                entry,
                format!("its hard-link target {shown} does not exist"),
            ));
        }
        let why = format!(
            "entry {} is a hard link to {shown}, which is not in the layer",
            EntryName::new(&entry.path)
        );
        self.records.left_out(self.reader.entries(), why);
        Ok(())
    }

    fn whiteout(&mut self, entry: &Entry, parent: &[u8], name: &[u8]) -> Result<(), UnpackError> {
        if self.merged {
            // The merged view itself notes that something of a lower layer is gone.
            return match self.dirs.find(parent) {
                Ok(dir) => self.remove(entry, &dir, name),
                Err(Miss::Absent | Miss::NotDirectory) => Ok(()),
                Err(miss) => Err(parent_missing(entry, parent, miss)),
            };
        }
        let dir = self.parent(entry, parent)?;
        let make = || mknodat(&*dir, name, FileType::CharacterDevice, Mode::empty(), 0);
        if self.records.is_hidden(&dir.real) {
            return self.remove(entry, &dir, name);
        }
        let made = match make() {
            Err(Errno::EXIST) => {
                self.remove(entry, &dir, name)?;
                make()
            }
            other => other,
        };
        made.map_err(failed("create", entry))
    }

    fn opaque(&mut self, entry: &Entry, path: &[u8]) -> Result<(), UnpackError> {
        if self.merged {
            return match self.dirs.find(path) {
                Ok(dir) => self.hide_lower(entry, &dir.real),
                Err(Miss::Absent | Miss::NotDirectory) => Ok(()),
                Err(miss) => Err(parent_missing(entry, path, miss)),
            };
        }
        let dir = self.parent(entry, path)?;
        if dir.real.is_empty() {
            // An overlay merges the roots of its layers whatever they say.
            self.records.needs_below(
                self.reader.entries(),
                "it hides the whole root of the layers below".to_owned(),
            );
            return Ok(());
        }
        self.set_opaque(entry, &dir)
    }

    fn set_opaque(&mut self, entry: &Entry, dir: &Dir) -> Result<(), UnpackError> {
        fsetxattr(dir, OVERLAY_OPAQUE, b"y", XattrFlags::empty())
            .map_err(failed("make opaque the directory of", entry))?;
        self.records.opaque(&dir.real);
        Ok(())
    }

    /// Removes from the merged directory `top` everything that this layer did not put there.
    fn hide_lower(&mut self, entry: &Entry, top: &[u8]) -> Result<(), UnpackError> {
        let problem = |errno| failed("hide what lower layers have beside", entry)(errno);
        self.dirs.forget();
        let mut directories = vec![top.to_vec()];
        let mut next = 0;
        while let Some(path) = directories.get(next).cloned() {
            next += 1;
            let dir = match self.dirs.find(&path) {
                Ok(dir) => dir,
                Err(miss) => return Err(parent_missing(entry, &path, miss)),
            };
            for (name, kind) in walk::list(&*dir).map_err(problem)? {
                let real = join(&path, &name);
                if kind == FileType::Directory {
                    directories.push(real);
                } else if !self.records.is_own(&real) {
                    unlinkat(&*dir, name.as_slice(), AtFlags::empty()).map_err(problem)?;
                }
            }
        }
        for path in directories
            .iter()
            .skip(1)
            .rev()
            .filter(|path| !self.records.is_own(path))
        {
            let Some((inside, last)) = name::split(path) else {
                continue;
            };
            let dir = match self.dirs.find(inside) {
                Ok(dir) => dir,
                Err(miss) => return Err(parent_missing(entry, inside, miss)),
            };
            match unlinkat(&*dir, last, AtFlags::REMOVEDIR) {
                // Something of this layer is in it.
                Ok(()) | Err(Errno::NOTEMPTY) => {}
                Err(errno) => return Err(problem(errno)),
            }
        }
        self.dirs.forget();
        Ok(())
    }

    /// Takes away whatever `name` is in `parent`, and what is noted about it.
    fn remove(&mut self, entry: &Entry, parent: &Dir, name: &[u8]) -> Result<(), UnpackError> {
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

fn is_whiteout(stat: &rustix::fs::Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

fn same_file(parent: &Dir, name: &[u8], target: &rustix::fs::Stat) -> bool {
    statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (target.st_dev, target.st_ino))
}

fn set_opaque_at(dir: &Dir, name: &[u8]) -> rustix::io::Result<()> {
    use std::os::fd::AsFd;
    xattr::set_at(dir.as_fd(), name, OVERLAY_OPAQUE.as_bytes(), b"y")
}

fn parent_missing(entry: &Entry, path: &[u8], miss: Miss) -> UnpackError {
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

fn check_node(entry: &Entry) -> Result<(), UnpackError> {
    match entry.kind {
        Kind::Symlink if entry.link.is_empty() => Err(refused(entry, "it is a symlink to nothing")),
        Kind::Symlink if entry.link.len() > MAX_PATH || entry.link.contains(&0) => Err(refused(
            entry,
            format!(
                "its symlink text is impossible ({} bytes)",
                entry.link.len()
            ),
        )),
        Kind::CharDevice if entry.device == (0, 0) => Err(refused(
            entry,
            "device number 0:0 is an overlay whiteout, not a device",
        )),
        _ => Ok(()),
    }
}
