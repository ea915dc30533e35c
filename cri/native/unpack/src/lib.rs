//! Unpacks one container image layer in one pass: hash(blob) ∥ inflate ∥ hash(tar) ∥ untar.
//!
//! [`run_job`] is the entry point for a forked child that does nothing else: it fences the process
//! in (namespaces, capabilities, Landlock, limits) before it looks at the first byte of the blob,
//! and gives nothing back to the host. Nothing here syncs: see [`sync_tree`].

mod error;
mod job;

pub use error::{EntryName, ErrorCode, UnpackError};
pub use job::{Compression, Progress, Source, UnpackJob, Unpacked};

use std::os::fd::AsFd;

/// Makes everything written to the file system that holds `directory` durable (`syncfs`).
///
/// # Errors
/// The kernel's answer; a write-back error since the directory was opened is reported, too.
pub fn sync_tree(directory: impl AsFd) -> rustix::io::Result<()> {
    rustix::fs::syncfs(directory)
}

/// Unpacks one layer, fenced in. Call it in a forked child (or a thread of its own that ends
/// after it): namespaces, capabilities, limits and the umask of the caller are changed for good.
///
/// `progress` is called on the calling thread at most about ten times a second.
/// With an error, `target_dir` and everything in it is removed again.
///
/// # Errors
/// See [`UnpackError`]; [`UnpackError::code`], [`UnpackError::step`] and [`UnpackError::errno`]
/// are what goes on the wire.
pub fn run_job(
    job: &UnpackJob,
    source: Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<Unpacked, UnpackError> {
    let _ = (job, source, progress);
    Err(UnpackError::Request("not built yet".to_owned()))
}
