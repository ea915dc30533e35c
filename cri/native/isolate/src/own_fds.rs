//! What this process has open, as the host's procfs tells it.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use estiba_kernel::Errno;
use rustix::fs::{Mode, OFlags};

use crate::error::IsolateError;
use crate::rootfs::open_path;

/// The directory that has an entry for each.
#[derive(Debug)]
pub(crate) struct OwnFds(OwnedFd);

impl OwnFds {
    /// To be opened while the host's procfs is in sight.
    pub(crate) fn open() -> Result<Self, IsolateError> {
        open_path(Path::new("/proc/self/fd")).map(Self)
    }

    /// Path of an open file in this mount namespace.
    pub(crate) fn place_of(&self, fd: &OwnedFd) -> Result<PathBuf, Errno> {
        let name = fd.as_raw_fd().to_string();
        let link = rustix::fs::readlinkat(&self.0, name.as_str(), Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(link.into_bytes())))
    }

    /// Opens what is only held (`O_PATH`): that very file, whatever its name means by now.
    pub(crate) fn reopen(&self, held: &OwnedFd, flags: OFlags) -> Result<OwnedFd, Errno> {
        let name = held.as_raw_fd().to_string();
        rustix::fs::openat(
            &self.0,
            name.as_str(),
            flags | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }
}
