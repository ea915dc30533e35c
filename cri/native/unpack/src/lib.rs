//! Unpacks one container image layer in one pass: hash(blob) ∥ inflate ∥ hash(tar) ∥ untar.
//!
//! [`run_job`] is the entry point for a forked child that does nothing else: it fences the process
//! in (namespaces, capabilities, Landlock, seccomp, limits) before it looks at the first byte of
//! the blob, and gives nothing back to the host. Nothing here syncs: see [`sync_tree`].

mod blob;
mod buffers;
mod calls;
mod error;
mod fence;
mod gzip;
mod job;
mod merged;
mod name;
mod records;
mod run;
mod stream;
mod tar;
mod tree;
mod xattr;

pub use error::{EntryName, ErrorCode, UnpackError};
pub use job::{Compression, Outcome, Progress, Source, UnpackJob, Unpacked};
pub use run::run_job;

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

const WORK_SUFFIX: &str = ".work";

/// The directory beside `target_dir` that a job with parents needs while it runs; only a job that
/// was killed leaves it behind.
#[must_use]
pub fn work_dir(target_dir: &Path) -> PathBuf {
    let mut path = target_dir.as_os_str().to_owned();
    path.push(WORK_SUFFIX);
    path.into()
}

/// Makes everything written to the file system that holds `directory` durable (`syncfs`).
///
/// # Errors
/// The kernel's answer; a write-back error since the directory was opened is reported, too.
pub fn sync_tree(directory: impl AsFd) -> rustix::io::Result<()> {
    rustix::fs::syncfs(directory)
}
