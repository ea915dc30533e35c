//! The plain structs of a job: what is asked, where the bytes come from, what is answered.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

/// How the blob is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Found by magic number: gzip, zstd, else none.
    #[default]
    Auto,
    /// A plain tar.
    None,
    /// gzip, one or more members.
    Gzip,
    /// zstd, one or more frames, skippable ones included.
    Zstd,
}

/// One layer to unpack. Build it with [`UnpackJob::new`] and set what differs.
#[derive(Debug, Clone)]
pub struct UnpackJob {
    /// How the blob is compressed.
    pub compression: Compression,
    /// `sha256:<hex>` of the blob as stored or sent; `None` = not checked.
    pub expected_digest: Option<String>,
    /// `sha256:<hex>` of the uncompressed tar; `None` = not checked.
    pub expected_diff_id: Option<String>,
    /// Absolute path. Must not exist; its parent must. Removed again when the job fails.
    pub target_dir: PathBuf,
    /// Lower layers, topmost first, to unpack against; empty = the layer is unpacked alone.
    pub parent_dirs: Vec<PathBuf>,
    /// Give up at the first entry that shows that the layer is not self-contained; see
    /// [`Outcome::Stopped`]. Means nothing with parents.
    pub stop_unless_self_contained: bool,
    /// Sum of file sizes (holes count) and, apart, of uncompressed tar bytes beyond them.
    pub max_bytes: u64,
    /// Number of entries in the tar.
    pub max_entries: u64,
    /// Time the job may take.
    pub deadline: Duration,
    /// Test switch: the merged view is mounted by mount(2) even where there are newer calls.
    pub legacy_mounts: bool,
}

impl UnpackJob {
    /// Default of [`UnpackJob::max_bytes`]: 64 GiB.
    pub const MAX_BYTES: u64 = 64 << 30;
    /// Default of [`UnpackJob::max_entries`]: 4 million.
    pub const MAX_ENTRIES: u64 = 4_000_000;
    /// Default of [`UnpackJob::deadline`]: one hour.
    pub const DEADLINE: Duration = Duration::from_secs(3600);

    /// A job with default limits, compression by magic number and no digest checks.
    #[must_use]
    pub fn new(target_dir: PathBuf) -> Self {
        Self {
            compression: Compression::Auto,
            expected_digest: None,
            expected_diff_id: None,
            target_dir,
            parent_dirs: Vec::new(),
            stop_unless_self_contained: false,
            max_bytes: Self::MAX_BYTES,
            max_entries: Self::MAX_ENTRIES,
            deadline: Self::DEADLINE,
            legacy_mounts: false,
        }
    }
}

/// Where the bytes of the blob come from.
pub enum Source {
    /// Bytes `[offset, offset + length)` of an open file; length 0 = to its end.
    File {
        /// The file, open for reading.
        file: File,
        /// First byte of the blob.
        offset: u64,
        /// Number of bytes; 0 = to the end of the file.
        length: u64,
    },
    /// A stream that ends with the blob; it is read on another thread.
    Stream(Box<dyn Read + Send>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { offset, length, .. } => f
                .debug_struct("File")
                .field("offset", offset)
                .field("length", length)
                .finish_non_exhaustive(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the blob read.
    pub blob_bytes: u64,
    /// Entries unpacked.
    pub entries: u64,
}

/// How a job ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The layer is in the target directory.
    Unpacked(Unpacked),
    /// The layer needs those below, and [`UnpackJob::stop_unless_self_contained`] was set: the target
    /// directory is gone again, the blob was neither read to its end nor checked. Says why.
    Stopped(String),
}

/// A finished layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// `sha256:<hex>` of the blob.
    pub digest: String,
    /// `sha256:<hex>` of the uncompressed tar.
    pub diff_id: String,
    /// Length of the blob.
    pub blob_bytes: u64,
    /// What the files occupy (`st_blocks` * 512 summed), directories included.
    pub unpacked_bytes: u64,
    /// Number of inodes, the layer's root directory included.
    pub inodes: u64,
    /// Every parent directory and hard-link target of the layer's entries is an entry of it.
    /// Always false for a job with parents.
    pub self_contained: bool,
    /// The first entry that needed something from below, or was left out for it when there is such
    /// a one; empty when self-contained.
    pub not_self_contained_because: String,
    /// False when the layer was unpacked alone and entries had to be left out because they need
    /// something from below (a hard link to a file of a lower layer): such a directory must never
    /// be used, not even for the lowest layer of an image.
    pub complete: bool,
    /// Parts of the fence that this kernel could not give; empty when it is whole.
    pub fence_gaps: Vec<&'static str>,
}
