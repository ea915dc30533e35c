//! The threads of a job: one reads, hashes and inflates the blob, one hashes the tar, and the
//! caller's thread takes the tar out of [`TarInput`]. They share a fixed set of buffers.

use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::blob::{Blob, Shared};
use crate::buffers::{Chunk, Pool};
use crate::error::{EntryName, UnpackError};
use crate::gzip::Gzip;
use crate::job::{Compression, Progress, Source};

/// Buffers of tar between the threads.
const BUFFERS: usize = 12;
/// Largest window a zstd frame may ask for: 128 MiB, as the zstd program allows.
const ZSTD_WINDOW_LOG: u32 = 27;
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// What the whole blob came to.
pub(crate) struct Digests {
    pub(crate) digest: [u8; 32],
    pub(crate) diff_id: [u8; 32],
    pub(crate) blob_bytes: u64,
}

/// The blob's length and whether it is the tar itself.
type BlobEnd = Result<(u64, bool), UnpackError>;

/// What the hashing thread gets.
enum Hashed {
    Blob(Chunk),
    Tar(Chunk),
}

/// Hashes of the blob and of the tar.
type Sums = ([u8; 32], [u8; 32]);

/// The tar stream, chunk by chunk, under the job's deadline.
pub(crate) struct TarInput<'a> {
    chunks: Option<Receiver<Chunk>>,
    current: Option<Chunk>,
    position: usize,
    offset: u64,
    blob_end: Receiver<BlobEnd>,
    sums: Receiver<Sums>,
    ended: Option<(u64, bool)>,
    shared: Arc<Shared>,
    started: Instant,
    deadline: Duration,
    reported: Instant,
    progress: &'a mut dyn FnMut(Progress),
    /// Entries taken so far, for progress and errors.
    pub(crate) entries: u64,
}

/// What the inflating thread needs.
pub(crate) struct Start<'a> {
    pub(crate) source: Source,
    pub(crate) compression: Compression,
    /// Most bytes of blob and of tar.
    pub(crate) limit: u64,
    pub(crate) started: Instant,
    pub(crate) deadline: Duration,
    pub(crate) progress: &'a mut dyn FnMut(Progress),
}

impl<'a> TarInput<'a> {
    /// Starts the threads.
    pub(crate) fn start(start: Start<'a>) -> Result<Self, UnpackError> {
        let shared = Arc::new(Shared::default());
        let (tar_in, chunks) = channel::<Chunk>();
        let (hash_in, hashed) = channel::<Hashed>();
        let (end_in, blob_end) = channel();
        let (sums_in, sums) = channel();
        let blob_hash = hash_in.clone();
        let blob = Blob::new(
            start.source,
            start.limit,
            Arc::clone(&shared),
            move |chunk| {
                blob_hash.send(Hashed::Blob(chunk)).unwrap_or_default();
            },
        );
        let (compression, limit) = (start.compression, start.limit);
        spawn("hash", move || {
            let (mut blob, mut tar) = (Sha256::new(), Sha256::new());
            for chunk in hashed {
                match chunk {
                    Hashed::Blob(chunk) => blob.update(chunk.bytes()),
                    Hashed::Tar(chunk) => tar.update(chunk.bytes()),
                }
            }
            sums_in
                .send((blob.finalize().into(), tar.finalize().into()))
                .unwrap_or_default();
        })?;
        spawn("inflate", move || {
            let mut send = |chunk: Chunk| {
                // A reader that has gone needs no bytes: the rest is only hashed.
                hash_in.send(Hashed::Tar(chunk.share())).unwrap_or_default();
                tar_in.send(chunk).unwrap_or_default();
            };
            let end = inflate(blob, compression, limit, &mut send);
            end_in.send(end).unwrap_or_default();
        })?;
        Ok(Self {
            chunks: Some(chunks),
            current: None,
            position: 0,
            offset: 0,
            blob_end,
            sums,
            ended: None,
            shared,
            started: start.started,
            deadline: start.deadline,
            reported: start.started,
            progress: start.progress,
            entries: 0,
        })
    }

    /// Offset in the tar of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next bytes, at least one; empty only at the end of the tar.
    pub(crate) fn fill(&mut self) -> Result<&[u8], UnpackError> {
        let length = self.current.as_ref().map_or(0, |chunk| chunk.bytes().len());
        if self.position >= length {
            self.next_chunk()?;
        }
        let bytes = self.current.as_ref().map_or(&[][..], Chunk::bytes);
        Ok(bytes.get(self.position..).unwrap_or_default())
    }

    /// Takes `amount` bytes of what [`TarInput::fill`] gave.
    pub(crate) fn consume(&mut self, amount: usize) {
        self.position += amount;
        self.offset += amount as u64;
    }

    fn next_chunk(&mut self) -> Result<(), UnpackError> {
        self.current = None;
        self.position = 0;
        self.report();
        let left = self.time_left()?;
        let Some(chunks) = &self.chunks else {
            return Ok(());
        };
        match chunks.recv_timeout(left) {
            Ok(chunk) => {
                self.current = Some(chunk);
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Err(self.too_late()),
            Err(RecvTimeoutError::Disconnected) => {
                self.chunks = None;
                self.wait_for_blob_end()
            }
        }
    }

    /// Fails once the job's time is over.
    pub(crate) fn time_left(&self) -> Result<Duration, UnpackError> {
        match self.deadline.checked_sub(self.started.elapsed()) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(self.too_late()),
        }
    }

    fn too_late(&self) -> UnpackError {
        let limit_ms = u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX);
        let blob_bytes = self.shared.blob_bytes.load(Ordering::Relaxed);
        let done = format!(
            "{blob_bytes} bytes of the blob and {} entries done",
            self.entries
        );
        UnpackError::Deadline { limit_ms, done }
    }

    fn report(&mut self) {
        if self.reported.elapsed() >= REPORT_EVERY {
            self.reported = Instant::now();
            let blob_bytes = self.shared.blob_bytes.load(Ordering::Relaxed);
            (self.progress)(Progress {
                blob_bytes,
                entries: self.entries,
            });
        }
    }

    fn wait_for_blob_end(&mut self) -> Result<(), UnpackError> {
        while self.ended.is_none() {
            let left = self.time_left()?;
            match self.blob_end.recv_timeout(left.min(REPORT_EVERY)) {
                Ok(end) => self.ended = Some(end?),
                Err(RecvTimeoutError::Timeout) => self.report(),
                Err(RecvTimeoutError::Disconnected) => return Err(UnpackError::Thread("inflate")),
            }
        }
        Ok(())
    }

    /// Lets the rest of the blob be hashed without looking at it, and returns the digests.
    pub(crate) fn finish(mut self) -> Result<Digests, UnpackError> {
        self.current = None;
        self.chunks = None;
        self.wait_for_blob_end()?;
        let left = self.time_left()?;
        let (digest, diff_id) = match self.sums.recv_timeout(left) {
            Ok(sums) => sums,
            Err(RecvTimeoutError::Timeout) => return Err(self.too_late()),
            Err(RecvTimeoutError::Disconnected) => return Err(UnpackError::Thread("hash")),
        };
        match self.ended.take() {
            Some((blob_bytes, true)) => Ok(Digests {
                digest: diff_id,
                diff_id,
                blob_bytes,
            }),
            Some((blob_bytes, false)) => Ok(Digests {
                digest,
                diff_id,
                blob_bytes,
            }),
            None => Err(UnpackError::Thread("inflate")),
        }
    }
}

impl Drop for TarInput<'_> {
    fn drop(&mut self) {
        self.shared.canceled.store(true, Ordering::Relaxed);
    }
}

fn spawn(name: &'static str, run: impl FnOnce() + Send + 'static) -> Result<(), UnpackError> {
    match thread::Builder::new().name(name.to_owned()).spawn(run) {
        Ok(_detached) => Ok(()),
        Err(_no_thread) => Err(UnpackError::Thread(name)),
    }
}

enum Decoder {
    None(Blob),
    Gzip(Box<Gzip>, Blob),
    Zstd(zstd::Decoder<'static, Blob>),
}

impl Decoder {
    fn open(mut blob: Blob, compression: Compression) -> Result<Self, UnpackError> {
        let compression = match compression {
            Compression::Auto => by_magic(&mut blob)?,
            Compression::None | Compression::Gzip | Compression::Zstd => compression,
        };
        match compression {
            Compression::Gzip => Ok(Self::Gzip(Box::new(Gzip::new()), blob)),
            Compression::Zstd => {
                let offset = blob.position();
                let failed = |error: std::io::Error| UnpackError::Inflate {
                    compression: "zstd",
                    offset,
                    why: error.to_string(),
                };
                let mut decoder = zstd::Decoder::with_buffer(blob).map_err(failed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(failed)?;
                Ok(Self::Zstd(decoder))
            }
            Compression::None | Compression::Auto => {
                blob.skip_hashing();
                Ok(Self::None(blob))
            }
        }
    }

    /// Fills `out` as far as the blob reaches.
    fn read(&mut self, out: &mut [u8]) -> Result<usize, UnpackError> {
        match self {
            Self::Gzip(gzip, blob) => gzip
                .read(blob, out)
                .map_err(|why| blob.explain("gzip", why)),
            Self::None(blob) => {
                fill(blob, out).map_err(|error| blob.explain("none", error.to_string()))
            }
            Self::Zstd(decoder) => fill(decoder, out)
                .map_err(|error| decoder.get_mut().explain("zstd", error.to_string())),
        }
    }

    fn end(&self) -> (u64, bool) {
        match self {
            Self::None(blob) => (blob.position(), true),
            Self::Gzip(_, blob) => (blob.position(), false),
            Self::Zstd(decoder) => (decoder.get_ref().position(), false),
        }
    }
}

fn by_magic(blob: &mut Blob) -> Result<Compression, UnpackError> {
    let unknown = |compression, why: &str| {
        Err(UnpackError::Inflate {
            compression,
            offset: 0,
            why: why.to_owned(),
        })
    };
    let magic = match blob.fill_buf() {
        Ok(magic) => magic,
        Err(error) => return Err(blob.explain("unknown", error.to_string())),
    };
    match magic {
        [0x1f, 0x8b, ..] => Ok(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Compression::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => unknown("xz", "layers may be gzip, zstd or plain"),
        [b'B', b'Z', b'h', ..] => unknown("bzip2", "layers may be gzip, zstd or plain"),
        _ => Ok(Compression::None),
    }
}

fn fill(reader: &mut impl Read, out: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match reader.read(out.get_mut(filled..).unwrap_or_default())? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

fn inflate(
    blob: Blob,
    compression: Compression,
    limit: u64,
    send: &mut dyn FnMut(Chunk),
) -> BlobEnd {
    let mut decoder = Decoder::open(blob, compression)?;
    let pool = Pool::new(BUFFERS);
    let mut total = 0u64;
    loop {
        let Some(mut buffer) = pool.take() else {
            return Err(UnpackError::Thread("inflate"));
        };
        let length = decoder.read(&mut buffer)?;
        if length == 0 {
            return Ok(decoder.end());
        }
        total += length as u64;
        if total > limit {
            let entry = EntryName::new(b"(tar stream)");
            return Err(UnpackError::Limit {
                what: "bytes of tar",
                limit,
                entry,
            });
        }
        send(pool.fill(buffer, length));
    }
}
