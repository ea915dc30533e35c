//! The file that a container's records go to.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use estiba_wire::v1::{ErrorCode, Fault};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::Sink;
use crate::stderr_log::{self, Level};

/// How often a name is tried that somebody makes and removes all the time.
const MAX_TRIES: u32 = 8;

/// An open log. When the disk is full records are dropped and counted, and written again as soon
/// as that works: the container never waits for its log.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    /// The pod's; "" where it is not known.
    directory: PathBuf,
    file: OwnedFd,
    dropped_bytes: u64,
}

impl LogFile {
    /// Opens or creates the file (0640) and makes missing directories above it. It must be a regular
    /// file, and neither its name nor any from that of `directory` on may be a symlink: a container
    /// that has the directory as a volume could lead our writes elsewhere. Above it they may be.
    pub(crate) fn open(path: &Path, directory: &Path) -> Result<Self, Fault> {
        let what = format!("cannot open log {path:?}");
        let fail = |errno: Errno| Fault::from_errno("open-log", &what, errno.raw_os_error());
        let invalid = |why: &str| {
            Fault::new(
                ErrorCode::InvalidArgument,
                "open-log",
                format!("{what}: {why}"),
            )
        };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(invalid("the path has no file name"));
        };
        if !path.is_absolute() {
            return Err(invalid("the path is not absolute"));
        }
        let trusted = directory
            .parent()
            .filter(|_| parent.starts_with(directory))
            .unwrap_or(parent);
        fs::create_dir_all(trusted).map_err(|error| fail(errno_of(&error)))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut place = rustix::fs::open(trusted, flags, Mode::empty()).map_err(fail)?;
        for name in parent.strip_prefix(trusted).unwrap_or(Path::new("")) {
            place = enter(&place, name).map_err(|errno| match errno {
                Errno::NOTDIR | Errno::LOOP => {
                    invalid(&format!("{name:?} is a link or no directory"))
                }
                errno => fail(errno),
            })?;
        }
        let file = open_regular(&place, name).map_err(|errno| match errno {
            Errno::NODEV => invalid("it is not a regular file"),
            errno => fail(errno),
        })?;
        Ok(Self {
            path: path.to_owned(),
            directory: directory.to_owned(),
            file,
            dropped_bytes: 0,
        })
    }

    /// Opens the path anew, after the old file has been renamed or removed.
    pub(crate) fn reopen(&mut self) -> Result<(), Fault> {
        let new = Self::open(&self.path, &self.directory)?;
        self.file = new.file;
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn for_test(path: PathBuf, file: OwnedFd) -> Self {
        Self {
            path,
            directory: PathBuf::new(),
            file,
            dropped_bytes: 0,
        }
    }

    #[cfg(test)]
    pub(crate) fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes
    }

    fn say(&self, level: Level, message: &str, why: &str) {
        let path = self.path.to_string_lossy();
        let dropped = self.dropped_bytes.to_string();
        let fields = [("log", &*path), ("why", why), ("dropped_bytes", &dropped)];
        stderr_log::line(level, "monitor", message, &fields);
    }
}

/// Opens a directory, made when it is missing; `name` may be no symlink.
fn enter(parent: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    if name == ".." {
        return Err(Errno::INVAL);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(parent, name, flags, Mode::empty());
    match open() {
        Err(Errno::NOENT) => {
            match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
                // Somebody else may have been faster.
                Ok(()) | Err(Errno::EXIST) => open(),
                Err(errno) => Err(errno),
            }
        }
        result => result,
    }
}

/// Makes the file, or opens one that is there. What that is we know before we open it: the mere
/// open of a device can reset the host. ENODEV means that it is no regular file.
fn open_regular(place: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP;
    for _ in 0..MAX_TRIES {
        let new = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        match rustix::fs::openat(place, name, new, mode) {
            Err(Errno::EXIST) => {}
            made => return made,
        }
        let look = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = match rustix::fs::openat(place, name, look, Mode::empty()) {
            // Somebody has just taken it away.
            Err(Errno::NOENT) => continue,
            found => found?,
        };
        let stat = rustix::fs::fstat(&found)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Symlink {
            return Err(Errno::LOOP);
        }
        if kind != FileType::RegularFile {
            return Err(Errno::NODEV);
        }
        // Leads to the file just looked at, whatever its name means by now.
        let same = format!("/proc/self/fd/{}", found.as_raw_fd());
        return rustix::fs::open(same, flags, Mode::empty());
    }
    Err(Errno::EXIST)
}

impl Sink for LogFile {
    fn write(&mut self, records: &[u8]) {
        match write_whole(&self.file, records) {
            Ok(()) => {
                if self.dropped_bytes > 0 {
                    self.say(Level::Info, "log is written again", "");
                    self.dropped_bytes = 0;
                }
            }
            Err(errno) => {
                let first = self.dropped_bytes == 0;
                self.dropped_bytes += u64::try_from(records.len()).unwrap_or(0);
                if first {
                    self.say(
                        Level::Error,
                        "cannot write log, records are dropped",
                        &errno.to_string(),
                    );
                }
            }
        }
    }
}

/// All or nothing: what a full disk took of a block is cut off again.
fn write_whole(file: &OwnedFd, records: &[u8]) -> Result<(), Errno> {
    let mut written = 0;
    while let Some(rest) = records.get(written..).filter(|rest| !rest.is_empty()) {
        match rustix::io::write(file, rest) {
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(errno) => {
                if let (Ok(stat), Ok(extra)) = (rustix::fs::fstat(file), i64::try_from(written)) {
                    let before = u64::try_from(stat.st_size.saturating_sub(extra)).unwrap_or(0);
                    if extra > 0 {
                        rustix::fs::ftruncate(file, before).ok();
                    }
                }
                return Err(errno);
            }
        }
    }
    Ok(())
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
