//! Specs on disk: a bundle's, and the effective one, which execs read.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
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

/// Longest document that is read.
const MAX_DOCUMENT: u64 = 16 << 20;

/// All of a document, called `what` in errors.
///
/// # Errors
/// `InvalidArgument` when it is longer than 16 MiB.
pub fn read_whole(from: impl Read, what: &str) -> Result<Vec<u8>, IsolateError> {
    const STEP: &str = "read-config";
    let mut bytes = Vec::new();
    from.take(MAX_DOCUMENT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| IsolateError::io(STEP, format!("read {what}"), &error))?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        let message = format!("cannot read {what}: it is longer than {MAX_DOCUMENT} bytes");
        return Err(IsolateError::invalid(STEP, message));
    }
    Ok(bytes)
}

/// Reads it back, or that of a bundle. What is no file is not waited for.
pub(crate) fn read(path: &Path) -> Result<Spec, IsolateError> {
    const STEP: &str = "read-config";
    let fail = |error: &std::io::Error| IsolateError::io(STEP, format!("read {path:?}"), error);
    let mut options = std::fs::File::options();
    let file = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| fail(&error))?;
    let kind = file.metadata().map_err(|error| fail(&error))?.file_type();
    if !kind.is_file() {
        let message = format!("cannot read {path:?}: it is not a regular file");
        return Err(IsolateError::invalid(STEP, message));
    }
    Spec::parse(&read_whole(file, &format!("{path:?}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_never_ends_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(MAX_DOCUMENT + 1).unwrap();
        let error = read(&path).unwrap_err();
        let why = "it is longer than 16777216 bytes";
        assert!(error.message.ends_with(why), "{error}");
        std::fs::remove_file(&path).unwrap();
        let fifo = rustix::fs::FileType::Fifo;
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, mode, 0).unwrap();
        let error = read(&path).unwrap_err();
        assert!(
            error.message.ends_with("it is not a regular file"),
            "{error}"
        );
    }
}
