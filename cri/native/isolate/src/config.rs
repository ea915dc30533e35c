//! The effective spec on disk, which execs read.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::error::IsolateError;
use crate::rootfs::open_path;
use crate::spec::Spec;

const STEP: &str = "write-config";

/// Directory and name of the file, opened while the host's files are still in sight.
pub(crate) fn open_dir(path: &Path) -> Result<(OwnedFd, String), IsolateError> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| {
            IsolateError::invalid(
                STEP,
                format!("cannot write spec to {path:?}: not a file name"),
            )
        })?;
    Ok((
        open_path(path.parent().unwrap_or(Path::new("/")))?,
        name.to_owned(),
    ))
}

/// Writes the spec by a temporary name and rename, mode 0600.
pub(crate) fn write(dir: &OwnedFd, name: &str, spec: &Spec) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("write {name:?}"), errno);
    let bytes = serde_json::to_vec(spec)
        .map_err(|error| IsolateError::invalid(STEP, format!("cannot write {name:?}: {error}")))?;
    let temporary = format!("{name}.new");
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, temporary.as_str(), flags, Mode::from_raw_mode(0o600))
        .map_err(fail)?;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest).map_err(fail)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    rustix::fs::renameat(dir, temporary.as_str(), dir, name).map_err(fail)
}

/// Reads it back. The file is this runtime's own.
pub(crate) fn read(path: &Path) -> Result<Spec, IsolateError> {
    let bytes = std::fs::read(path)
        .map_err(|error| IsolateError::io("read-config", format!("read {path:?}"), &error))?;
    Spec::parse(&bytes)
}
