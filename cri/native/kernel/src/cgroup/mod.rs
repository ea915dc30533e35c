//! Cgroups of both versions by one path: `/<parent>/<leaf>` means that directory in every hierarchy.
//!
//! On hybrid hosts (v1 controllers, and a v2 tree without controllers beside them) the v2 tree is
//! used for what it does better: being born in a cgroup, killing one, knowing whether it is empty.

mod change;
mod create;
mod devices;
mod discover;
mod freeze;
mod limits;
mod oom;
mod remove;
mod setting;
mod stats;
mod update;
mod v1;
mod v2;

use std::path::{Path, PathBuf};

use rustix::io::Errno;

pub use create::{Joined, is_cgroup_path};
pub use discover::{Hierarchies, V1Hierarchy, discover};
pub use limits::{Limits, LimitsError, cpu_weight};
pub use oom::{OomAncestors, OomKills, OomLevel, OomWatch};
pub use stats::{CpuStats, DeviceStats, MemoryStats, Stats};

/// What could not be done to which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path:?}: {errno}")]
pub struct CgroupError {
    /// "create", "write \"5\" to" …
    pub action: String,
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub errno: Errno,
}

impl CgroupError {
    pub(crate) fn new(action: impl Into<String>, path: &Path, errno: Errno) -> Self {
        Self {
            action: action.into(),
            path: path.to_owned(),
            errno,
        }
    }

    pub(crate) fn io(action: impl Into<String>, path: &Path, error: &std::io::Error) -> Self {
        let raw = error.raw_os_error().unwrap_or(libc::EIO);
        Self::new(action, path, Errno::from_raw_os_error(raw))
    }
}

/// Writes a value with one write(2), as cgroup files demand.
pub(crate) fn write_value(path: &Path, value: &str) -> Result<(), CgroupError> {
    use rustix::fs::{Mode, OFlags};
    let fail = |errno| CgroupError::new(format!("write {value:?} to"), path, errno);
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(fail)?;
    rustix::io::write(&file, value.as_bytes()).map_err(fail)?;
    Ok(())
}

/// Reads a small cgroup file; `None` when it does not exist.
pub(crate) fn read_value(path: &Path) -> Result<Option<String>, CgroupError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        // ENODEV: the cgroup was removed while the file was open.
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound
                || error.raw_os_error() == Some(libc::ENODEV) =>
        {
            Ok(None)
        }
        Err(error) => Err(CgroupError::io("read", path, &error)),
    }
}
