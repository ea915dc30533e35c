//! The compressed side: reads the blob, counts it, and hands it on to be hashed as it is stored.

use std::io::{self, BufRead, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::buffers::{Chunk, Pool};
use crate::error::UnpackError;
use crate::job::Source;

/// A source that gives less at once is asked again.
const ENOUGH: usize = 64 << 10;
const BUFFERS: usize = 4;

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
    pool: Pool,
    current: Option<Chunk>,
    /// Bytes of `current` already consumed.
    start: usize,
    read: u64,
    limit: u64,
    /// Whoever hashes the blob; `None` when that is not needed.
    hash: Option<Box<dyn FnMut(Chunk) + Send>>,
    failure: Option<io::Error>,
    shared: Arc<Shared>,
}

impl Blob {
    /// Reads at most `limit` bytes from `source`, more is an error, and shows all to `hash`.
    pub(crate) fn new(
        source: Source,
        limit: u64,
        shared: Arc<Shared>,
        hash: impl FnMut(Chunk) + Send + 'static,
    ) -> Self {
        Self {
            source,
            pool: Pool::new(BUFFERS),
            current: None,
            start: 0,
            read: 0,
            limit,
            hash: Some(Box::new(hash)),
            failure: None,
            shared,
        }
    }

    /// Bytes read from the source.
    pub(crate) fn position(&self) -> u64 {
        self.read
    }

    /// The blob equals what it decodes to: its hash is that of the tar.
    pub(crate) fn skip_hashing(&mut self) {
        self.hash = None;
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

    /// Takes the next chunk from the source; afterwards `current` is `None` only at its end.
    fn next_chunk(&mut self) -> io::Result<()> {
        self.current = None;
        self.start = 0;
        let mut buffer = self
            .pool
            .take()
            .ok_or_else(|| io::Error::other("the job was given up"))?;
        let mut filled = 0;
        while filled < ENOUGH {
            match self.read_source(buffer.get_mut(filled..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(length) => {
                    filled += length;
                    self.read += length as u64;
                }
                Err(error) => {
                    let copy = io::Error::new(error.kind(), error.to_string());
                    self.failure = Some(error);
                    return Err(copy);
                }
            }
        }
        self.shared.blob_bytes.store(self.read, Ordering::Relaxed);
        let chunk = self.pool.fill(buffer, filled);
        if filled > 0 {
            if let Some(hash) = &mut self.hash {
                hash(chunk.share());
            }
            self.current = Some(chunk);
        }
        Ok(())
    }

    fn read_source(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.shared.canceled.load(Ordering::Relaxed) {
            return Err(io::Error::other("the job was given up"));
        }
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
        if self
            .current
            .as_ref()
            .is_none_or(|chunk| self.start >= chunk.bytes().len())
        {
            self.next_chunk()?;
        }
        let bytes = self.current.as_ref().map_or(&[][..], Chunk::bytes);
        Ok(bytes.get(self.start..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.start += amount;
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
