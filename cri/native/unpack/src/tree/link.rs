//! Hard links: to earlier entries, or in a merged view to files of the layers below.

use std::rc::Rc;

use rustix::fs::{AtFlags, FileType, Stat, linkat, statat};
use rustix::io::Errno;

use super::dirs::{Dir, Miss};
use super::entry::{failed, refused};
use super::extract::Extractor;
use crate::error::{EntryName, UnpackError};
use crate::name;
use crate::tar::Entry;

impl Extractor<'_> {
    pub(super) fn hard_link(
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
}

fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

fn same_file(parent: &Dir, name: &[u8], target: &Stat) -> bool {
    statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (target.st_dev, target.st_ino))
}
