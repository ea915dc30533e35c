//! The compressed side: reads the blob, hashes it as it is stored, counts it.

use std::io::{self, BufRead, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::error::UnpackError;
use crate::job::Source;

/// Bytes asked from the source at once.
const READ: usize = 256 << 10;

/// What the threads of one job see of each other.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Bytes of the blob read so far.
    pub(crate) blob_bytes: AtomicU64,
    /// Set when the job has failed: nobody wants the rest.
    pub(crate) canceled: AtomicBool,
}

/// The blob as a buffered reader. It remembers the source's own error, so that a decoder that
/// wraps it in words of its own does not hide it.
pub(crate) struct Blob {
    source: Source,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    read: u64,
    limit: u64,
    hasher: Option<Sha256>,
    failure: Option<io::Error>,
    shared: Arc<Shared>,
}

impl Blob {
    /// Reads at most `limit` bytes from `source`; more is an error.
    pub(crate) fn new(source: Source, limit: u64, shared: Arc<Shared>) -> Self {
        let buffer = vec![0; READ].into_boxed_slice();
        let hasher = Some(Sha256::new());
        Self {
            source,
            buffer,
            start: 0,
            end: 0,
            read: 0,
            limit,
            hasher,
            failure: None,
            shared,
        }
    }

    /// Bytes read from the source.
    pub(crate) fn position(&self) -> u64 {
        self.read
    }

    /// The first bytes, without consuming them; fewer than `length` only if the blob is shorter.
    pub(crate) fn peek(&mut self, length: usize) -> io::Result<&[u8]> {
        while self.end - self.start < length {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            let more = self.read_more()?;
            if more == 0 {
                break;
            }
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    /// The blob equals what it decodes to: somebody else hashes it.
    pub(crate) fn skip_hashing(&mut self) {
        self.hasher = None;
    }

    /// The error to report when a decoder on top of this reader failed with `why`.
    pub(crate) fn explain(&mut self, compression: &'static str, why: String) -> UnpackError {
        let offset = self.read;
        match self.failure.take() {
            Some(source) => UnpackError::ReadBlob { offset, source },
            None => UnpackError::Inflate {
                compression,
                offset,
                why,
            },
        }
    }

    /// The digest, once everything is read; `None` after [`Blob::skip_hashing`].
    pub(crate) fn finish(self) -> (Option<[u8; 32]>, u64) {
        (
            self.hasher.map(|hasher| hasher.finalize().into()),
            self.read,
        )
    }

    /// Appends to the buffer what the source gives in one read; 0 at its end.
    fn read_more(&mut self) -> io::Result<usize> {
        let result = self.read_source();
        match result {
            Ok(length) => {
                self.read += length as u64;
                self.shared.blob_bytes.store(self.read, Ordering::Relaxed);
                let fresh = self
                    .buffer
                    .get(self.end..self.end + length)
                    .unwrap_or_default();
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(fresh);
                }
                self.end += length;
                Ok(length)
            }
            Err(error) => {
                let copy = io::Error::new(error.kind(), error.to_string());
                self.failure = Some(error);
                Err(copy)
            }
        }
    }

    fn read_source(&mut self) -> io::Result<usize> {
        if self.shared.canceled.load(Ordering::Relaxed) {
            return Err(io::Error::other("the job was given up"));
        }
        let space = self.buffer.get_mut(self.end..).unwrap_or_default();
        loop {
            let result = match &mut self.source {
                Source::File {
                    file,
                    offset,
                    length,
                } => {
                    let left = match *length {
                        0 => u64::MAX,
                        length => length - self.read,
                    };
                    let most = usize::try_from(left).unwrap_or(usize::MAX).min(space.len());
                    let part = space.get_mut(..most).unwrap_or_default();
                    file.read_at(part, offset.saturating_add(self.read))
                        .and_then(|read| {
                            if read == 0 && left > 0 && *length > 0 {
                                return Err(io::Error::new(
                                    io::ErrorKind::UnexpectedEof,
                                    format!("the file ends {left} bytes before the blob's end"),
                                ));
                            }
                            Ok(read)
                        })
                }
                Source::Stream(stream) => stream.read(space),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) if self.read + read as u64 > self.limit => {
                    return Err(io::Error::new(
                        io::ErrorKind::FileTooLarge,
                        format!("it has more than {} bytes", self.limit),
                    ));
                }
                other => return other,
            }
        }
    }
}

impl BufRead for Blob {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.read_more()?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), available.get(..length)) {
            to.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}
