//! Turns the tar stream into entries.

use super::header::{BLOCK, Header};
use super::number::Time;
use super::pax::{self, Pax};
use super::{Entry, Kind};
use crate::error::{EntryName, UnpackError};
use crate::stream::{Digests, TarInput};

/// Most bytes of one PAX header, as Go's reader allows.
const MAX_PAX: u64 = 1 << 20;
/// Most bytes of one GNU long name; longer ones could not be made anyway.
const MAX_LONG_NAME: u64 = 64 << 10;

/// Reads entries one after the other; data not taken is skipped.
pub(crate) struct TarReader<'a> {
    input: TarInput<'a>,
    /// Stored bytes of the current entry not yet taken, then its padding.
    pub(super) remaining: u64,
    padding: u64,
    /// For messages.
    last_name: Vec<u8>,
}

/// What extension headers said about the next entry.
#[derive(Default)]
struct Extensions {
    pax: Pax,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    start: Option<u64>,
}

impl<'a> TarReader<'a> {
    pub(crate) fn new(input: TarInput<'a>) -> Self {
        Self {
            input,
            remaining: 0,
            padding: 0,
            last_name: Vec::new(),
        }
    }

    /// The next entry; `None` at the end of the archive.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, UnpackError> {
        self.skip_rest()?;
        let mut extensions = Extensions::default();
        loop {
            let offset = self.input.offset();
            let Some(block) = self.header_block()? else {
                if extensions.start.is_some() {
                    return Err(self.broken("the archive ends after an extension header"));
                }
                return Ok(None);
            };
            let Some(header) = Header::new(&block) else {
                return Err(self.broken("the header's checksum is wrong"));
            };
            let start = *extensions.start.get_or_insert(offset);
            match header.kind() {
                b'x' | b'X' => {
                    let data = self.extension(&header, "PAX header", MAX_PAX)?;
                    extensions.pax = pax::parse(&data).map_err(|why| self.broken(&why))?;
                }
                b'g' => {
                    // Like other runtimes: global records (git's commit id) change no entry.
                    self.extension(&header, "global PAX header", MAX_PAX)?;
                    if start == offset {
                        extensions.start = None;
                    }
                }
                b'L' => extensions.long_name = Some(self.long_name(&header)?),
                b'K' => extensions.long_link = Some(self.long_name(&header)?),
                _ => return self.entry(&header, extensions, start).map(Some),
            }
        }
    }

    /// The next piece of the current entry's data; empty when all is taken.
    pub(crate) fn data(&mut self) -> Result<&[u8], UnpackError> {
        if self.remaining == 0 {
            return Ok(&[]);
        }
        if self.input.fill()?.is_empty() {
            return Err(self.broken("the archive ends in the entry's data"));
        }
        let most = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let bytes = self.input.fill()?;
        Ok(bytes.get(..most.min(bytes.len())).unwrap_or_default())
    }

    /// Takes `amount` bytes of what [`TarReader::data`] gave.
    pub(crate) fn consume(&mut self, amount: usize) {
        self.input.consume(amount);
        self.remaining -= amount as u64;
    }

    /// Ends the job of this reader: the rest of the stream is only hashed.
    pub(crate) fn finish(self) -> Result<Digests, UnpackError> {
        self.input.finish()
    }

    /// Number of entries read so far.
    pub(crate) fn entries(&self) -> u64 {
        self.input.entries
    }

    /// Fails once the job's time is over.
    pub(crate) fn check_time(&self) -> Result<(), UnpackError> {
        self.input.time_left().map(drop)
    }

    pub(super) fn broken(&self, why: &str) -> UnpackError {
        let entry = match self.last_name.as_slice() {
            [] => "before the first entry".to_owned(),
            name if self.remaining > 0 => format!("in entry {}", EntryName::new(name)),
            name => format!("after entry {}", EntryName::new(name)),
        };
        UnpackError::Tar {
            offset: self.input.offset(),
            entry,
            why: why.to_owned(),
        }
    }

    pub(super) fn refused(&self, name: &[u8], offset: u64, why: &str) -> UnpackError {
        UnpackError::Refused {
            entry: EntryName::new(name),
            offset,
            why: why.to_owned(),
        }
    }

    fn skip_rest(&mut self) -> Result<(), UnpackError> {
        while self.remaining > 0 {
            let length = self.data()?.len();
            self.consume(length);
        }
        while self.padding > 0 {
            let length = self.input.fill()?.len() as u64;
            if length == 0 {
                // Like other readers: the last padding may be missing.
                self.padding = 0;
            }
            let taken = length.min(self.padding);
            self.input.consume(usize::try_from(taken).unwrap_or(0));
            self.padding -= taken;
        }
        Ok(())
    }

    /// Fills `block`; how much was there.
    pub(super) fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<usize, UnpackError> {
        let mut filled = 0;
        while filled < BLOCK {
            let available = self.input.fill()?;
            let length = available.len().min(BLOCK - filled);
            if length == 0 {
                break;
            }
            if let (Some(to), Some(from)) = (
                block.get_mut(filled..filled + length),
                available.get(..length),
            ) {
                to.copy_from_slice(from);
            }
            self.input.consume(length);
            filled += length;
        }
        Ok(filled)
    }

    /// The next header; `None` at the end of the archive, marked by two zero blocks or not.
    fn header_block(&mut self) -> Result<Option<[u8; BLOCK]>, UnpackError> {
        let mut block = [0; BLOCK];
        match self.read_block(&mut block)? {
            0 => return Ok(None),
            BLOCK => {}
            _ => return Err(self.broken("the archive ends in a header")),
        }
        if block.iter().any(|byte| *byte != 0) {
            return Ok(Some(block));
        }
        match self.read_block(&mut block)? {
            0 => Ok(None),
            _ if block.iter().all(|byte| *byte == 0) => Ok(None),
            _ => Err(self.broken("a single zero block is followed by something else")),
        }
    }

    fn start_data(&mut self, size: u64) {
        self.remaining = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    fn extension(
        &mut self,
        header: &Header,
        what: &str,
        most: u64,
    ) -> Result<Vec<u8>, UnpackError> {
        let size = header
            .size()
            .ok_or_else(|| self.broken(&format!("the {what} has no size")))?;
        if size > most {
            return Err(self.broken(&format!(
                "the {what} has {size} bytes, at most {most} may be"
            )));
        }
        self.start_data(size);
        let mut data = Vec::new();
        while self.remaining > 0 {
            let piece = self.data()?;
            data.extend_from_slice(piece);
            let length = piece.len();
            self.consume(length);
        }
        self.skip_rest()?;
        Ok(data)
    }

    fn long_name(&mut self, header: &Header) -> Result<Vec<u8>, UnpackError> {
        let mut name = self.extension(header, "long name", MAX_LONG_NAME)?;
        if let Some(end) = name.iter().position(|byte| *byte == 0) {
            name.truncate(end);
        }
        Ok(name)
    }

    fn entry(
        &mut self,
        header: &Header,
        extensions: Extensions,
        offset: u64,
    ) -> Result<Entry, UnpackError> {
        let Extensions {
            mut pax,
            long_name,
            long_link,
            ..
        } = extensions;
        let path = long_name
            .or(pax.path.take())
            .unwrap_or_else(|| header.name());
        let path = pax.sparse.name.take().unwrap_or(path);
        self.last_name.clone_from(&path);
        let link = long_link
            .or(pax.link.take())
            .unwrap_or_else(|| header.link());
        let bad = |field: &str| format!("its {field} is no number that can be");
        let refuse = |this: &Self, field: &str| this.refused(&path, offset, &bad(field));

        let kind = kind(header.kind(), &path)
            .ok_or_else(|| self.refused(&path, offset, &unknown_kind(header.kind())))?;
        let stored = pax
            .size
            .or_else(|| header.size())
            .ok_or_else(|| refuse(self, "size"))?;
        // Only regular files have data, whatever the size says; so do Go and with it Docker.
        let has_data = matches!(header.kind(), b'0' | 0 | b'7' | b'S');
        self.start_data(if has_data { stored } else { 0 });
        let id = |value: Option<u64>| {
            value
                .and_then(|id| u32::try_from(id).ok())
                .filter(|id| *id != u32::MAX)
        };
        let uid = id(pax.uid.or_else(|| header.uid())).ok_or_else(|| refuse(self, "user id"))?;
        let gid = id(pax.gid.or_else(|| header.gid())).ok_or_else(|| refuse(self, "group id"))?;
        let mode = header.mode().ok_or_else(|| refuse(self, "mode"))?;
        let mtime = match pax.mtime {
            Some(mtime) => mtime,
            None => {
                let seconds = header.mtime().ok_or_else(|| refuse(self, "time"))?;
                Time { seconds, nanos: 0 }
            }
        };
        let device = match kind {
            Kind::CharDevice | Kind::BlockDevice => header
                .device()
                .filter(|(major, minor)| *major < 1 << 12 && *minor < 1 << 20)
                .and_then(|(a, b)| Some((u32::try_from(a).ok()?, u32::try_from(b).ok()?)))
                .ok_or_else(|| refuse(self, "device number"))?,
            Kind::Regular | Kind::HardLink | Kind::Symlink | Kind::Directory | Kind::Fifo => (0, 0),
        };
        let (size, sparse) = if kind == Kind::Regular {
            self.sparse_map(header, &mut pax, stored, &path, offset)?
        } else {
            (0, None)
        };
        self.input.entries += 1;
        Ok(Entry {
            link,
            kind,
            mode: u32::try_from(mode & 0o7777).unwrap_or(0),
            uid,
            gid,
            mtime,
            device,
            size,
            sparse,
            xattrs: pax.xattrs,
            offset,
            path,
        })
    }
}

fn kind(flag: u8, path: &[u8]) -> Option<Kind> {
    match flag {
        // Tars from before ustar mark directories by the slash only.
        b'0' | 0 if path.ends_with(b"/") => Some(Kind::Directory),
        b'0' | 0 | b'7' | b'S' => Some(Kind::Regular),
        b'1' => Some(Kind::HardLink),
        b'2' => Some(Kind::Symlink),
        b'3' => Some(Kind::CharDevice),
        b'4' => Some(Kind::BlockDevice),
        b'5' => Some(Kind::Directory),
        b'6' => Some(Kind::Fifo),
        _ => None,
    }
}

fn unknown_kind(flag: u8) -> String {
    format!(
        "its type {:?} is not one that layers may have",
        char::from(flag)
    )
}
