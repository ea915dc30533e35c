//! Whiteouts and opaque directories: what a layer hides of the layers below.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Mode, XattrFlags, fsetxattr, mknodat, unlinkat};
use rustix::io::Errno;

use super::dirs::{Dir, Miss};
use super::entry::failed;
use super::extract::{Extractor, parent_missing};
use super::walk;
use crate::error::UnpackError;
use crate::name::{self, join};
use crate::tar::Entry;
use crate::xattr::{self, OVERLAY_OPAQUE};

impl Extractor<'_> {
    pub(super) fn whiteout(
        &mut self,
        entry: &Entry,
        parent: &[u8],
        name: &[u8],
    ) -> Result<(), UnpackError> {
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

    pub(super) fn opaque(&mut self, entry: &Entry, path: &[u8]) -> Result<(), UnpackError> {
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

    pub(super) fn set_opaque(&mut self, entry: &Entry, dir: &Dir) -> Result<(), UnpackError> {
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
                    match unlinkat(&*dir, name.as_slice(), AtFlags::empty()) {
                        // Listed but not found: a whiteout of the lowest layer.
                        Ok(()) | Err(Errno::NOENT) => {}
                        Err(errno) => return Err(problem(errno)),
                    }
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
}

/// Makes the directory `name` in `dir` hide what the layers below have in it.
pub(super) fn set_opaque_at(dir: &Dir, name: &[u8]) -> rustix::io::Result<()> {
    xattr::set_at(dir.as_fd(), name, OVERLAY_OPAQUE.as_bytes(), b"y")
}
