//! Making one entry that is not a directory, and giving anything its owner, mode, attributes and
//! times in the order in which the kernel does not undo them.

use std::os::fd::{AsFd, OwnedFd};

use estiba_kernel::writeback::begin_writeback;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, RawMode, Timespec, Timestamps, Uid};
use rustix::fs::{chmodat, chownat, fchmod, fchown, fremovexattr, ftruncate, futimens};
use rustix::fs::{makedev, mknodat, openat, symlinkat, utimensat};
use rustix::io::{Errno, pwrite, write};

use super::dirs::Dir;
use crate::error::{EntryName, UnpackError};
use crate::name::MAX_PATH;
use crate::tar::{Entry, Kind, TarReader, Time};
use crate::xattr::{self, DEFAULT_ACL, Verdict};

/// A file that is longer goes to disk in such pieces while the rest still comes, so that the sync at
/// the end has little left to wait for. Short files are written together by then, which is cheaper.
const AHEAD: u64 = 8 << 20;

/// Where an entry goes: `name` is one component inside `parent`.
#[derive(Clone, Copy)]
pub(crate) struct Place<'e> {
    pub(crate) entry: &'e Entry,
    pub(crate) parent: &'e Dir,
    pub(crate) name: &'e [u8],
    /// The parent is in a merged view, where modes at creation are not exact.
    pub(crate) merged: bool,
}

/// An error of the kernel about `entry`.
pub(crate) fn failed(action: &'static str, entry: &Entry) -> impl FnOnce(Errno) -> UnpackError {
    let entry = EntryName::new(&entry.path);
    move |source| UnpackError::Entry {
        action,
        entry,
        source,
    }
}

/// A rule that `entry` breaks.
pub(crate) fn refused(entry: &Entry, why: impl Into<String>) -> UnpackError {
    UnpackError::Refused {
        entry: EntryName::new(&entry.path),
        offset: entry.offset,
        why: why.into(),
    }
}

/// The timestamps of an entry: access time is modification time.
pub(crate) fn times(time: Time) -> Timestamps {
    let at = Timespec {
        tv_sec: time.seconds,
        tv_nsec: i64::from(time.nanos),
    };
    Timestamps {
        last_access: at,
        last_modification: at,
    }
}

/// Mode bits for the kernel.
pub(crate) fn mode(entry: &Entry) -> Mode {
    Mode::from_raw_mode(entry.mode as RawMode)
}

impl Place<'_> {
    /// Makes the node, empty. `EXIST` when something is there; a regular file comes back open.
    pub(crate) fn make(&self) -> rustix::io::Result<Option<OwnedFd>> {
        let Self {
            entry,
            parent,
            name,
            ..
        } = *self;
        let special = |kind| {
            let (major, minor) = entry.device;
            mknodat(parent, name, kind, mode(entry), makedev(major, minor)).map(|()| None)
        };
        match entry.kind {
            Kind::Symlink => symlinkat(entry.link.as_slice(), parent, name).map(|()| None),
            Kind::CharDevice => special(FileType::CharacterDevice),
            Kind::BlockDevice => special(FileType::BlockDevice),
            Kind::Fifo => special(FileType::Fifo),
            Kind::Regular | Kind::Directory | Kind::HardLink => {
                // O_EXCL: whatever is there, a symlink too, is never opened.
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
                let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                openat(parent, name, flags, mode(entry)).map(Some)
            }
        }
    }

    /// Owner, mode, attributes and times of what [`Place::make`] made.
    pub(crate) fn finish(&self, file: Option<&OwnedFd>) -> Result<(), UnpackError> {
        match file {
            Some(file) => {
                self.owner_and_mode(file)?;
                set_xattrs(self.entry, |name, value| xattr::set(file, name, value))?;
                futimens(file, &times(self.entry.mtime))
                    .map_err(failed("set the times of", self.entry))
            }
            None => self.finish_unopened(),
        }
    }

    /// Creation already gave root's files in ordinary directories the right owner and mode.
    fn owner_and_mode(&self, file: &OwnedFd) -> Result<(), UnpackError> {
        let Self { entry, parent, .. } = *self;
        if !self.owner_is_right() {
            let (uid, gid) = ids(entry);
            fchown(file, uid, gid).map_err(failed("set the owner of", entry))?;
        }
        if parent.default_acl {
            remove_acl(file).map_err(failed("remove the inherited ACL of", entry))?;
        }
        if entry.mode & 0o7000 != 0 || self.merged || parent.default_acl {
            fchmod(file, mode(entry)).map_err(failed("set the mode of", entry))?;
        }
        Ok(())
    }

    fn owner_is_right(&self) -> bool {
        self.entry.uid == 0 && self.entry.gid == 0 && self.parent.group_zero
    }

    fn finish_unopened(&self) -> Result<(), UnpackError> {
        let Self {
            entry,
            parent,
            name,
            ..
        } = *self;
        if !self.owner_is_right() {
            let (uid, gid) = ids(entry);
            chownat(parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(failed("set the owner of", entry))?;
        }
        // A device or fifo that was just made here is no symlink, so chmod follows nothing.
        if entry.kind != Kind::Symlink
            && (entry.mode & 0o7000 != 0 || self.merged || parent.default_acl)
        {
            chmodat(parent, name, mode(entry), AtFlags::empty())
                .map_err(failed("set the mode of", entry))?;
        }
        set_xattrs(entry, |attribute, value| {
            xattr::set_at(parent.as_fd(), name, attribute, value)
        })?;
        utimensat(parent, name, &times(entry.mtime), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(failed("set the times of", entry))
    }
}

fn ids(entry: &Entry) -> (Option<Uid>, Option<Gid>) {
    (
        Some(Uid::from_raw(entry.uid)),
        Some(Gid::from_raw(entry.gid)),
    )
}

/// Owner, mode and attributes of a directory. Its times and default ACL come last of all: see
/// `Extractor::finish`.
pub(crate) fn finish_directory(entry: &Entry, dir: &Dir) -> Result<(), UnpackError> {
    let (uid, gid) = ids(entry);
    fchown(dir, uid, gid).map_err(failed("set the owner of", entry))?;
    fchmod(dir, mode(entry)).map_err(failed("set the mode of", entry))?;
    set_xattrs(entry, |name, value| match name {
        DEFAULT_ACL => Ok(()),
        _ => xattr::set(dir, name, value),
    })
}

/// Sets what the policy lets through.
fn set_xattrs(
    entry: &Entry,
    mut set: impl FnMut(&[u8], &[u8]) -> rustix::io::Result<()>,
) -> Result<(), UnpackError> {
    for (name, value) in &entry.xattrs {
        match xattr::verdict(name, value.len()) {
            Verdict::Leave => {}
            Verdict::Refuse(why) => return Err(refused(entry, why)),
            Verdict::Set => {
                set(name, value).map_err(failed("set an extended attribute of", entry))?;
            }
        }
    }
    Ok(())
}

/// The ACL a new file got from its directory, if any.
pub(crate) fn remove_acl(file: impl AsFd) -> rustix::io::Result<()> {
    match fremovexattr(file, c"system.posix_acl_access") {
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(()),
        other => other,
    }
}

/// Writes the data of a regular file, holes left out.
pub(crate) fn write_data(
    reader: &mut TarReader<'_>,
    file: &OwnedFd,
    entry: &Entry,
) -> Result<(), UnpackError> {
    let Some(extents) = &entry.sparse else {
        let mut done = 0;
        let mut begun = 0;
        loop {
            let data = reader.data()?;
            if data.is_empty() {
                return Ok(());
            }
            let written = write_some(file, data, None).map_err(failed("write", entry))?;
            reader.consume(written);
            done += written as u64;
            if done - begun >= AHEAD {
                // Only a hint: whoever syncs at the end waits for everything.
                begin_writeback(file, begun, done - begun).ok();
                begun = done;
            }
        }
    };
    for extent in extents {
        let mut done = 0;
        while done < extent.length {
            let data = reader.data()?;
            let left = usize::try_from(extent.length - done).unwrap_or(usize::MAX);
            let part = data.get(..left.min(data.len())).unwrap_or_default();
            let written = write_some(file, part, Some(extent.offset + done))
                .map_err(failed("write", entry))?;
            reader.consume(written);
            done += written as u64;
        }
    }
    ftruncate(file, entry.size).map_err(failed("set the size of", entry))
}

/// At least one byte.
fn write_some(file: &OwnedFd, data: &[u8], offset: Option<u64>) -> rustix::io::Result<usize> {
    loop {
        let result = match offset {
            Some(offset) => pwrite(file, data, offset),
            None => write(file, data),
        };
        match result {
            Err(Errno::INTR) => {}
            Ok(0) => return Err(Errno::IO),
            other => return other,
        }
    }
}

/// Rules that the kernel would not enforce, or not in words.
pub(crate) fn check_node(entry: &Entry) -> Result<(), UnpackError> {
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
        Kind::Regular
        | Kind::HardLink
        | Kind::Symlink
        | Kind::CharDevice
        | Kind::BlockDevice
        | Kind::Directory
        | Kind::Fifo => Ok(()),
    }
}
