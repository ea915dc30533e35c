//! What can go wrong while a layer is unpacked: one variant per step.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

/// The project's closed set of error codes, as far as an unpack job uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The blob or the request is wrong; trying again cannot help.
    InvalidArgument,
    /// A file or directory named in the request is not there.
    NotFound,
    /// The target directory is already there.
    AlreadyExists,
    /// The kernel or the file system lacks something the layer needs.
    FailedPrecondition,
    /// The blob's source ended or failed.
    Unavailable,
    /// The job's time is over.
    DeadlineExceeded,
    /// A limit of the job, or the space of the file system, is used up.
    ResourceExhausted,
    /// The kernel refused a privileged operation.
    PermissionDenied,
    /// Anything else the kernel answered.
    Internal,
}

/// A name as an archive gives it, quoted for messages: no control characters, bounded length.
#[derive(Clone, PartialEq, Eq)]
pub struct EntryName(Vec<u8>);

impl EntryName {
    /// Keeps a copy of the bytes of `name`.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        Self(name.to_vec())
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 256;
        let text = String::from_utf8_lossy(&self.0);
        let mut shown: String = text
            .chars()
            .take(SHOWN)
            .flat_map(char::escape_debug)
            .collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        write!(f, "\"{shown}\"")
    }
}

/// Why a layer could not be unpacked. The text reads `cannot <do> <what>: <why>`.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The job itself makes no sense.
    #[error("cannot unpack a layer: {0}")]
    Request(String),
    /// A part of the fence around the job could not be put up.
    #[error("cannot fence the unpack job ({step}): {source}")]
    Fence {
        /// What was being set up.
        step: &'static str,
        /// The kernel's answer.
        source: Errno,
    },
    /// The directory to unpack into is already there.
    #[error("cannot create layer directory {0:?}: it exists")]
    TargetExists(PathBuf),
    /// The directory to unpack into could not be made or prepared.
    #[error("cannot {action} layer directory {path:?}: {source}")]
    Target {
        /// What was tried.
        action: &'static str,
        /// The directory.
        path: PathBuf,
        /// The kernel's answer.
        source: Errno,
    },
    /// The merged view of the parent layers could not be mounted.
    #[error("cannot mount the merged view of {layers} parent layers ({step}): {source}")]
    MergedView {
        /// Number of parent layers.
        layers: usize,
        /// The mount step.
        step: String,
        /// The kernel's answer.
        source: Errno,
    },
    /// The blob could not be read.
    #[error("cannot read the layer blob at byte {offset}: {source}")]
    ReadBlob {
        /// Offset in the blob.
        offset: u64,
        /// The source's answer.
        source: io::Error,
    },
    /// The compressed stream is damaged, cut short, or of an unknown kind.
    #[error("cannot decompress the layer blob ({compression}) near byte {offset}: {why}")]
    Inflate {
        /// Compression in use.
        compression: &'static str,
        /// Offset in the blob up to which bytes were read.
        offset: u64,
        /// The decoder's answer.
        why: String,
    },
    /// The tar stream is damaged or cut short.
    #[error("cannot read the layer's tar stream at byte {offset}, {entry}: {why}")]
    Tar {
        /// Offset in the uncompressed tar.
        offset: u64,
        /// The entry being read, or what came before.
        entry: String,
        /// What is wrong.
        why: String,
    },
    /// An entry asks for something that no layer may contain.
    #[error("cannot unpack entry {entry} at byte {offset}: {why}")]
    Refused {
        /// The entry's name.
        entry: EntryName,
        /// Offset of its header in the uncompressed tar.
        offset: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The kernel refused to make an entry.
    #[error("cannot {action} entry {entry}: {source}")]
    Entry {
        /// What was tried ("create", "set the owner of", ...).
        action: &'static str,
        /// The entry's name.
        entry: EntryName,
        /// The kernel's answer.
        source: Errno,
    },
    /// A limit of the job is used up.
    #[error("cannot unpack entry {entry}: the layer has more than {limit} {what}")]
    Limit {
        /// What is limited ("bytes", "entries", ...).
        what: &'static str,
        /// The limit.
        limit: u64,
        /// The entry at which the limit was passed.
        entry: EntryName,
    },
    /// The job took longer than it may.
    #[error("cannot finish unpacking the layer: it took longer than {limit_ms} ms ({done})")]
    Deadline {
        /// The job's time.
        limit_ms: u64,
        /// How far it came.
        done: String,
    },
    /// A digest is not the expected one.
    #[error("cannot accept the layer: its {what} is {actual}, expected {expected}")]
    Digest {
        /// "digest" (of the blob) or "diff id" (of the tar).
        what: &'static str,
        /// What the bytes hash to.
        actual: String,
        /// What the request said.
        expected: String,
    },
    /// The finished layer could not be measured or cleaned.
    #[error("cannot {action} the unpacked layer: {source}")]
    Finish {
        /// What was tried.
        action: &'static str,
        /// The kernel's answer.
        source: Errno,
    },
    /// The job failed, and what it had made could not be removed either.
    #[error("{error}; cannot remove {path:?} after that: {source}")]
    NotRemoved {
        /// What the job failed with; it decides code, step and errno.
        error: Box<UnpackError>,
        /// What is left.
        path: PathBuf,
        /// The kernel's answer.
        source: Errno,
    },
    /// A thread of the job could not be started or ended without an answer.
    #[error("cannot run the {0} thread of the unpack job")]
    Thread(&'static str),
}

impl UnpackError {
    /// The code this error is reported with.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Request(_)
            | Self::Inflate { .. }
            | Self::Tar { .. }
            | Self::Refused { .. }
            | Self::Digest { .. } => ErrorCode::InvalidArgument,
            Self::TargetExists(_) => ErrorCode::AlreadyExists,
            Self::Fence { source, .. }
            | Self::Target { source, .. }
            | Self::MergedView { source, .. }
            | Self::Entry { source, .. }
            | Self::Finish { source, .. } => code_of(*source),
            Self::ReadBlob { .. } => ErrorCode::Unavailable,
            Self::Limit { .. } => ErrorCode::ResourceExhausted,
            Self::Deadline { .. } => ErrorCode::DeadlineExceeded,
            Self::NotRemoved { error, .. } => error.code(),
            Self::Thread(_) => ErrorCode::Internal,
        }
    }

    /// Machine-readable name of the step that failed, kebab-case.
    #[must_use]
    pub fn step(&self) -> &'static str {
        match self {
            Self::Request(_) => "check-unpack-request",
            Self::Fence { .. } => "fence-unpack",
            Self::TargetExists(_) | Self::Target { .. } => "make-layer-directory",
            Self::MergedView { .. } => "mount-merged-view",
            Self::ReadBlob { .. } => "read-blob",
            Self::Inflate { .. } => "decompress-layer",
            Self::Tar { .. } => "read-tar",
            Self::Refused { .. } => "check-entry",
            Self::Entry { .. } => "make-entry",
            Self::Limit { .. } => "check-limits",
            Self::Deadline { .. } => "unpack-deadline",
            Self::Digest { .. } => "verify-digest",
            Self::Finish { .. } => "finish-layer",
            Self::NotRemoved { error, .. } => error.step(),
            Self::Thread(_) => "run-unpack",
        }
    }

    /// The errno of the kernel call that failed; 0 when none did.
    #[must_use]
    pub fn errno(&self) -> i32 {
        match self {
            Self::Fence { source, .. }
            | Self::Target { source, .. }
            | Self::MergedView { source, .. }
            | Self::Entry { source, .. }
            | Self::Finish { source, .. } => source.raw_os_error(),
            Self::ReadBlob { source, .. } => source.raw_os_error().unwrap_or(0),
            Self::TargetExists(_) => Errno::EXIST.raw_os_error(),
            Self::NotRemoved { error, .. } => error.errno(),
            Self::Request(_)
            | Self::Inflate { .. }
            | Self::Tar { .. }
            | Self::Refused { .. }
            | Self::Limit { .. }
            | Self::Deadline { .. }
            | Self::Digest { .. }
            | Self::Thread(_) => 0,
        }
    }
}

fn code_of(errno: Errno) -> ErrorCode {
    match errno {
        Errno::NOENT => ErrorCode::NotFound,
        Errno::NOSPC | Errno::DQUOT | Errno::NOMEM | Errno::MFILE | Errno::NFILE => {
            ErrorCode::ResourceExhausted
        }
        Errno::PERM | Errno::ACCESS => ErrorCode::PermissionDenied,
        Errno::ROFS | Errno::NOTSUP | Errno::NOSYS => ErrorCode::FailedPrecondition,
        _ => ErrorCode::Internal,
    }
}
