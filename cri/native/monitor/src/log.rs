//! Container logs in CRI format: `<RFC3339Nano> stdout|stderr P|F <bytes>\n`.
//!
//! One read of a pipe becomes one timestamp and, for ordinary lines, one write of the log. No record
//! is ever spread over two writes.

mod file;

use rustix::io::Errno;

pub(crate) use file::LogFile;

use crate::timestamp;

/// Longer lines are cut into partial records of this many bytes.
pub(crate) const MAX_LINE: usize = 16 << 10;
/// What one read of a pipe takes at most.
pub(crate) const READ_BYTES: usize = 64 << 10;
/// What one write to a log takes at most: a read of 80-byte lines with their prefixes fits.
const WRITE_BYTES: usize = 128 << 10;
/// Timestamp, stream name, tag and the spaces between them.
const PREFIX_BYTES: usize = timestamp::TEXT_BYTES + " stdout F ".len();

/// Buffers shared by everything the monitor reads. They exist while there is traffic.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) input: Vec<u8>,
    output: Vec<u8>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        // Fresh pages of zeroes: only what is used takes memory.
        Self {
            input: vec![0; READ_BYTES],
            output: Vec::with_capacity(WRITE_BYTES),
        }
    }

    /// Reads once; the bytes are the first of `input`.
    pub(crate) fn read(&mut self, fd: impl std::os::fd::AsFd) -> Result<usize, Errno> {
        loop {
            match rustix::io::read(&fd, self.input.as_mut_slice()) {
                Err(Errno::INTR) => {}
                other => return other,
            }
        }
    }
}

/// Takes whole blocks of records.
pub(crate) trait Sink {
    /// One write(2). Failures are the sink's own affair: the container must not feel them.
    fn write(&mut self, records: &[u8]);
}

/// Which stream a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamName {
    Stdout,
    Stderr,
}

/// Cuts one stream into records. Holds the unfinished last line, at most [`MAX_LINE`] bytes.
#[derive(Debug)]
pub(crate) struct Splitter {
    name: StreamName,
    partial: Vec<u8>,
}

impl Splitter {
    pub(crate) fn new(name: StreamName) -> Self {
        Self {
            name,
            partial: Vec::new(),
        }
    }

    /// Writes the records that the first `count` bytes of the scratch input complete.
    pub(crate) fn push(&mut self, scratch: &mut Scratch, count: usize, sink: &mut dyn Sink) {
        let Scratch { input, output } = scratch;
        let mut rest = input.get(..count).unwrap_or_default();
        let mut records = Records::new(self.name, output, sink);
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            let tail = cut(&mut self.partial, line, &mut records);
            records.add(b'F', &self.partial, tail);
            forget(&mut self.partial);
        }
        let tail = cut(&mut self.partial, rest, &mut records);
        self.partial.extend_from_slice(tail);
        records.flush();
    }

    /// Writes what has no line end as a partial record: the stream is over.
    pub(crate) fn finish(&mut self, scratch: &mut Scratch, sink: &mut dyn Sink) {
        if self.partial.is_empty() {
            return;
        }
        let mut records = Records::new(self.name, &mut scratch.output, sink);
        records.add(b'P', &self.partial, &[]);
        records.flush();
        self.partial = Vec::new();
    }
}

/// Writes partial records while `partial` and `line` together are longer than a record may be;
/// returns the rest of `line`, which belongs behind what is left in `partial`.
fn cut<'a>(partial: &mut Vec<u8>, mut line: &'a [u8], records: &mut Records<'_>) -> &'a [u8] {
    while partial.len() + line.len() > MAX_LINE {
        let (now, later) = line.split_at(MAX_LINE - partial.len());
        records.add(b'P', partial, now);
        forget(partial);
        line = later;
    }
    line
}

fn forget(partial: &mut Vec<u8>) {
    if partial.capacity() > 1024 {
        *partial = Vec::new();
    } else {
        partial.clear();
    }
}

/// Records on their way to the sink, all with the same timestamp.
struct Records<'a> {
    prefix: [u8; PREFIX_BYTES],
    buffer: &'a mut Vec<u8>,
    sink: &'a mut dyn Sink,
}

impl<'a> Records<'a> {
    fn new(name: StreamName, buffer: &'a mut Vec<u8>, sink: &'a mut dyn Sink) -> Self {
        let name = match name {
            StreamName::Stdout => b" stdout F ",
            StreamName::Stderr => b" stderr F ",
        };
        let time = timestamp::write_utc(timestamp::now_ns());
        let mut prefix = [0; PREFIX_BYTES];
        for (target, source) in prefix.iter_mut().zip(time.iter().chain(name)) {
            *target = *source;
        }
        buffer.clear();
        Self {
            prefix,
            buffer,
            sink,
        }
    }

    #[inline]
    fn add(&mut self, tag: u8, first: &[u8], second: &[u8]) {
        let length = PREFIX_BYTES + first.len() + second.len() + 1;
        if self.buffer.len() + length > WRITE_BYTES {
            self.flush();
        }
        let [.., slot, _] = &mut self.prefix;
        *slot = tag;
        self.buffer.extend_from_slice(&self.prefix);
        if !first.is_empty() {
            self.buffer.extend_from_slice(first);
        }
        self.buffer.extend_from_slice(second);
        self.buffer.push(b'\n');
    }

    fn flush(&mut self) {
        if !self.buffer.is_empty() {
            self.sink.write(self.buffer);
            self.buffer.clear();
        }
    }
}

#[cfg(test)]
mod tests;
