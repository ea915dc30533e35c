//! Frames: a 4-byte little-endian length and that many bytes of protobuf.

use std::os::fd::AsFd;

use prost::Message;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

/// Longest message a frame may carry: as long as gRPC carries the kubelet's requests. Memory is taken
/// as the bytes come and given back when they are used.
pub const MAX_FRAME_BYTES: usize = 16 << 20;

const HEADER_BYTES: usize = 4;
/// One read takes at most this much, so that a peer cannot make us allocate ahead of its bytes.
const CHUNK_BYTES: usize = 16 << 10;
/// Buffers above this size are given back once they are empty.
const KEEP_BYTES: usize = 16 << 10;

/// Why a connection cannot go on, or a message cannot be queued.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer announced, or we tried to send, more than [`MAX_FRAME_BYTES`].
    #[error("cannot carry a frame of {0} bytes: the limit is {MAX_FRAME_BYTES}")]
    TooLong(usize),
    /// The bytes of a frame are not the expected message.
    #[error("cannot decode a frame: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// The connection ended inside a frame, or before the frame that was waited for.
    #[error("cannot read a frame: the peer closed the connection")]
    Closed,
    /// The peer does not take what is queued for it.
    #[error("cannot queue a frame: {queued} bytes wait already, the limit is {limit}")]
    QueueFull {
        /// Bytes that wait.
        queued: usize,
        /// Bytes that may wait.
        limit: usize,
    },
    /// The socket failed.
    #[error("cannot use the socket: {0}")]
    Socket(#[from] Errno),
}

/// What one [`FrameReader::fill`] brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Some bytes; there may be more.
    Some,
    /// Nothing now (non-blocking sockets only).
    WouldBlock,
    /// The peer will send nothing more.
    Eof,
}

/// Cuts a byte stream into messages. Holds at most one frame and one chunk.
#[derive(Debug, Default)]
pub struct FrameReader {
    pending: Vec<u8>,
    start: usize,
}

impl FrameReader {
    /// A reader that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the socket has, at most one chunk. Call [`Self::next_frame`] until it returns
    /// `None` before filling again.
    ///
    /// # Errors
    /// [`FrameError::Socket`], or [`FrameError::Closed`] when the stream ends inside a frame.
    pub fn fill(&mut self, socket: impl AsFd) -> Result<Fill, FrameError> {
        let mut chunk = [0_u8; CHUNK_BYTES];
        let (count, _) = loop {
            match rustix::net::recv(&socket, &mut chunk, RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Fill::WouldBlock),
                other => break other?,
            }
        };
        if count == 0 {
            return if self.rest().is_empty() {
                Ok(Fill::Eof)
            } else {
                Err(FrameError::Closed)
            };
        }
        self.push_bytes(chunk.get(..count).unwrap_or_default());
        Ok(Fill::Some)
    }

    /// Appends bytes that came by another way than [`Self::fill`].
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.pending.drain(..self.start);
            self.start = 0;
        }
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole message, if its last byte is here.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] or [`FrameError::Malformed`]; the connection is then useless.
    pub fn next_frame<M: Message + Default>(&mut self) -> Result<Option<M>, FrameError> {
        let Some((header, body)) = self.rest().split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*header)).unwrap_or(usize::MAX);
        if length > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong(length));
        }
        let Some(bytes) = body.get(..length) else {
            return Ok(None);
        };
        let message = M::decode(bytes)?;
        self.start += HEADER_BYTES + length;
        if self.start == self.pending.len() {
            self.start = 0;
            reset(&mut self.pending);
        }
        Ok(Some(message))
    }

    fn rest(&self) -> &[u8] {
        self.pending.get(self.start..).unwrap_or_default()
    }
}

/// Queues messages for a socket that may not take them at once.
#[derive(Debug)]
pub struct FrameWriter {
    queue: Vec<u8>,
    start: usize,
    limit: usize,
}

impl FrameWriter {
    /// A writer that refuses messages while `limit` bytes or more wait.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            queue: Vec::new(),
            start: 0,
            limit,
        }
    }

    /// Queues one message.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] or [`FrameError::QueueFull`].
    pub fn push(&mut self, message: &impl Message) -> Result<(), FrameError> {
        let queued = self.queued();
        if queued >= self.limit {
            return Err(FrameError::QueueFull {
                queued,
                limit: self.limit,
            });
        }
        append(&mut self.queue, message)
    }

    /// Bytes that the socket has not taken.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len() - self.start
    }

    /// Gives the socket what it takes; true when nothing is left.
    ///
    /// # Errors
    /// [`FrameError::Socket`].
    pub fn flush(&mut self, socket: impl AsFd) -> Result<bool, FrameError> {
        while let Some(rest) = self.queue.get(self.start..).filter(|rest| !rest.is_empty()) {
            match rustix::net::send(&socket, rest, SendFlags::NOSIGNAL) {
                Ok(count) => self.start += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.queue.drain(..self.start);
                    self.start = 0;
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.start = 0;
        reset(&mut self.queue);
        Ok(true)
    }
}

/// Sends one message over a blocking socket.
///
/// # Errors
/// [`FrameError::TooLong`] or [`FrameError::Socket`].
pub fn send(socket: impl AsFd, message: &impl Message) -> Result<(), FrameError> {
    let mut writer = FrameWriter::new(usize::MAX);
    writer.push(message)?;
    writer.flush(socket).map(|_| ())
}

/// Waits for one message on a blocking socket. `reader` keeps what came behind it.
///
/// # Errors
/// Any [`FrameError`]; [`FrameError::Closed`] when the stream ends before a message.
pub fn receive<M: Message + Default>(
    socket: impl AsFd,
    reader: &mut FrameReader,
) -> Result<M, FrameError> {
    loop {
        if let Some(message) = reader.next_frame()? {
            return Ok(message);
        }
        match reader.fill(&socket)? {
            Fill::Some => {}
            Fill::WouldBlock => return Err(Errno::AGAIN.into()),
            Fill::Eof => return Err(FrameError::Closed),
        }
    }
}

fn append(queue: &mut Vec<u8>, message: &impl Message) -> Result<(), FrameError> {
    let length = message.encoded_len();
    let Some(header) = u32::try_from(length)
        .ok()
        .filter(|_| length <= MAX_FRAME_BYTES)
    else {
        return Err(FrameError::TooLong(length));
    };
    queue.reserve(HEADER_BYTES + length);
    queue.extend_from_slice(&header.to_le_bytes());
    message.encode_raw(queue);
    Ok(())
}

fn reset(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEEP_BYTES {
        *buffer = Vec::new();
    } else {
        buffer.clear();
    }
}

#[cfg(test)]
mod tests;
