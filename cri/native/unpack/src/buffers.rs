//! Buffers that go from the thread that fills them to those that read them, and back.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Size of every buffer: half of it fits any second-level cache beside its neighbour.
pub(crate) const CHUNK: usize = 256 << 10;

/// A fixed number of empty buffers.
pub(crate) struct Pool {
    empty: Receiver<Vec<u8>>,
    back: Sender<Vec<u8>>,
}

impl Pool {
    pub(crate) fn new(buffers: usize) -> Self {
        let (back, empty) = channel();
        for _ in 0..buffers {
            // Cannot fail: the receiver is right here.
            back.send(vec![0; CHUNK]).unwrap_or_default();
        }
        Self { empty, back }
    }

    /// Waits for a buffer that nobody reads any more.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        self.empty.recv().ok()
    }

    /// Makes the first `length` bytes of a buffer readable for many.
    pub(crate) fn fill(&self, buffer: Vec<u8>, length: usize) -> Chunk {
        Chunk {
            buffer: Some(Arc::new((buffer, length))),
            pool: self.back.clone(),
        }
    }
}

/// A filled buffer; it goes back to its pool when its last reader drops it.
pub(crate) struct Chunk {
    buffer: Option<Arc<(Vec<u8>, usize)>>,
    pool: Sender<Vec<u8>>,
}

impl Chunk {
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.buffer {
            Some(buffer) => buffer.0.get(..buffer.1).unwrap_or_default(),
            None => &[],
        }
    }

    /// Another reader of the same bytes.
    pub(crate) fn share(&self) -> Self {
        Self {
            buffer: self.buffer.clone(),
            pool: self.pool.clone(),
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some((bytes, _)) = self.buffer.take().and_then(Arc::into_inner) {
            // Nobody fills buffers any more when the pool is gone.
            self.pool.send(bytes).unwrap_or_default();
        }
    }
}
