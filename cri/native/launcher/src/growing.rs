//! A blob in a file that the client is still writing. The client says on the connection how far it
//! is, so that the bytes go through the page cache once and through no socket.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use estiba_wire::FrameReader;
use estiba_wire::v1::UnpackGrown;

/// Reads the file as far as it has grown, waits for the client's word there, and ends with the blob.
pub(crate) struct GrowingFile {
    file: File,
    connection: OwnedFd,
    reader: FrameReader,
    position: u64,
    /// How far the client said that the blob is written.
    bytes: u64,
    last: bool,
}

impl GrowingFile {
    /// `reader` has taken the request off the `connection`, and perhaps more.
    pub(crate) fn new(file: File, connection: OwnedFd, reader: FrameReader) -> Self {
        Self {
            file,
            connection,
            reader,
            position: 0,
            bytes: 0,
            last: false,
        }
    }

    /// Waits until there is more to read, or the blob's end is known.
    fn wait(&mut self) -> io::Result<()> {
        while self.position == self.bytes && !self.last {
            let grown: UnpackGrown = estiba_wire::receive(&self.connection, &mut self.reader)
                .map_err(io::Error::other)?;
            if grown.bytes < self.bytes {
                let why = format!(
                    "the client took back what it had said: {} bytes, then {}",
                    self.bytes, grown.bytes
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            (self.bytes, self.last) = (grown.bytes, grown.last);
        }
        Ok(())
    }
}

impl Read for GrowingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait()?;
        let left = self.bytes - self.position;
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let part = buffer.get_mut(..most).unwrap_or_default();
        let count = self.file.read_at(part, self.position)?;
        if count == 0 && most > 0 {
            let why = format!(
                "the file ends at byte {}, the client said {}",
                self.position, self.bytes
            );
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        self.position += count as u64;
        Ok(count)
    }
}
