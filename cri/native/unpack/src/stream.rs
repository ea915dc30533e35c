//! The threads of a job: one reads, hashes and inflates the blob, one hashes the tar, and the
//! caller's thread takes the tar out of [`TarInput`]. They share a fixed set of buffers.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::blob::{Blob, Shared};
use crate::error::{EntryName, UnpackError};
use crate::gzip::Gzip;
use crate::job::{Compression, Progress, Source};

/// Size and number of the buffers that go round.
const CHUNK: usize = 256 << 10;
const CHUNKS: usize = 12;
/// Largest window a zstd frame may ask for: 128 MiB, as the zstd program allows.
const ZSTD_WINDOW_LOG: u32 = 27;
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// A filled buffer that goes back to the pool when its last reader drops it.
struct Chunk {
    buffer: Option<Arc<(Vec<u8>, usize)>>,
    pool: Sender<Vec<u8>>,
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match &self.buffer {
            Some(buffer) => buffer.0.get(..buffer.1).unwrap_or_default(),
            None => &[],
        }
    }

    fn share(&self) -> Self {
        Self {
            buffer: self.buffer.clone(),
            pool: self.pool.clone(),
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some((bytes, _)) = self.buffer.take().and_then(Arc::into_inner) {
            // The pool is gone only when the inflating thread is.
            self.pool.send(bytes).unwrap_or_default();
        }
    }
}

/// What the whole blob came to.
pub(crate) struct Digests {
    pub(crate) digest: [u8; 32],
    pub(crate) diff_id: [u8; 32],
    pub(crate) blob_bytes: u64,
}

type BlobEnd = Result<(Option<[u8; 32]>, u64), UnpackError>;

/// The tar stream, chunk by chunk, under the job's deadline.
pub(crate) struct TarInput<'a> {
    chunks: Option<Receiver<Chunk>>,
    current: Option<Chunk>,
    position: usize,
    offset: u64,
    blob_end: Receiver<BlobEnd>,
    diff_id: Receiver<[u8; 32]>,
    ended: Option<(Option<[u8; 32]>, u64)>,
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
        let (pool_in, pool) = channel();
        for _ in 0..CHUNKS {
            pool_in.send(vec![0; CHUNK]).unwrap_or_default();
        }
        let (tar_in, chunks) = channel::<Chunk>();
        let (hash_in, hash_chunks) = channel::<Chunk>();
        let (end_in, blob_end) = channel();
        let (diff_in, diff_id) = channel();
        let blob = Blob::new(start.source, start.limit, Arc::clone(&shared));
        let (compression, limit) = (start.compression, start.limit);
        spawn("hash", move || {
            let mut hasher = Sha256::new();
            for chunk in hash_chunks {
                hasher.update(chunk.bytes());
            }
            diff_in.send(hasher.finalize().into()).unwrap_or_default();
        })?;
        spawn("inflate", move || {
            let mut send = |buffer: Vec<u8>, length: usize| {
                let chunk = Chunk {
                    buffer: Some(Arc::new((buffer, length))),
                    pool: pool_in.clone(),
                };
                // A reader that has gone needs no bytes: the rest is only hashed.
                hash_in.send(chunk.share()).unwrap_or_default();
                tar_in.send(chunk).unwrap_or_default();
            };
            let end = inflate(blob, compression, limit, &pool, &mut send);
            end_in.send(end).unwrap_or_default();
        })?;
        Ok(Self {
            chunks: Some(chunks),
            current: None,
            position: 0,
            offset: 0,
            blob_end,
            diff_id,
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
        let diff_id = match self.diff_id.recv_timeout(left) {
            Ok(diff_id) => diff_id,
            Err(RecvTimeoutError::Timeout) => return Err(self.too_late()),
            Err(RecvTimeoutError::Disconnected) => return Err(UnpackError::Thread("hash")),
        };
        match self.ended.take() {
            Some((digest, blob_bytes)) => Ok(Digests {
                digest: digest.unwrap_or(diff_id),
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
            chosen => chosen,
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

    fn into_blob(self) -> Blob {
        match self {
            Self::None(blob) | Self::Gzip(_, blob) => blob,
            Self::Zstd(decoder) => decoder.finish(),
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
    let magic = match blob.peek(6) {
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
    pool: &Receiver<Vec<u8>>,
    send: &mut dyn FnMut(Vec<u8>, usize),
) -> BlobEnd {
    let mut decoder = Decoder::open(blob, compression)?;
    let mut total = 0u64;
    loop {
        let Ok(mut buffer) = pool.recv() else {
            return Err(UnpackError::Thread("inflate"));
        };
        let length = decoder.read(&mut buffer)?;
        if length == 0 {
            return Ok(decoder.into_blob().finish());
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
        send(buffer, length);
    }
}
