//! gzip with any number of members (RFC 1952) over a raw inflate.
//!
//! Own framing because image layers need both: tens of thousands of small members (eStargz)
//! without a new decoder each, and zero padding after the last one.

use std::io::BufRead;

use flate2::{Crc, Decompress, FlushDecompress, Status};

const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
/// Most bytes of a file name or comment in a member's header.
const TEXT: usize = 64 << 10;

/// Decoder state between two reads.
pub(crate) struct Gzip {
    inflate: Decompress,
    crc: Crc,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    FirstHeader,
    NextHeader,
    Data,
    End,
}

impl Gzip {
    pub(crate) fn new() -> Self {
        Self {
            inflate: Decompress::new(false),
            crc: Crc::new(),
            state: State::FirstHeader,
        }
    }

    /// Fills `out` from the start and returns how much; 0 at the end of the last member.
    pub(crate) fn read(
        &mut self,
        input: &mut impl BufRead,
        out: &mut [u8],
    ) -> Result<usize, String> {
        let mut filled = 0;
        while filled < out.len() {
            match self.state {
                State::End => break,
                State::FirstHeader => self.begin(input)?,
                State::NextHeader => self.next_member(input)?,
                State::Data => {
                    let space = out.get_mut(filled..).unwrap_or_default();
                    filled += self.inflate(input, space)?;
                }
            }
        }
        Ok(filled)
    }

    fn begin(&mut self, input: &mut impl BufRead) -> Result<(), String> {
        header(input)?;
        self.inflate.reset(false);
        self.crc.reset();
        self.state = State::Data;
        Ok(())
    }

    /// Another member, zero padding up to the end, or the end.
    fn next_member(&mut self, input: &mut impl BufRead) -> Result<(), String> {
        let mut padding = false;
        loop {
            let available = input.fill_buf().map_err(|error| error.to_string())?;
            match available.first() {
                None => {
                    self.state = State::End;
                    return Ok(());
                }
                Some(0x1f) if !padding => return self.begin(input),
                Some(_) => {
                    let length = available.len();
                    if available.iter().any(|byte| *byte != 0) {
                        return Err("garbage follows the last gzip member".to_owned());
                    }
                    input.consume(length);
                    padding = true;
                }
            }
        }
    }

    fn inflate(&mut self, input: &mut impl BufRead, out: &mut [u8]) -> Result<usize, String> {
        let available = input.fill_buf().map_err(|error| error.to_string())?;
        let at_end = available.is_empty();
        let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(available, out, FlushDecompress::None)
            .map_err(|error| format!("the deflate data is damaged ({error})"))?;
        let length = |count: u64| usize::try_from(count).map_err(|error| error.to_string());
        let read = length(self.inflate.total_in() - read)?;
        let written = length(self.inflate.total_out() - written)?;
        input.consume(read);
        self.crc.update(out.get(..written).unwrap_or_default());
        if status == Status::StreamEnd {
            self.trailer(input)?;
        } else if at_end && written == 0 {
            return Err("the gzip data is cut short".to_owned());
        }
        Ok(written)
    }

    fn trailer(&mut self, input: &mut impl BufRead) -> Result<(), String> {
        let sum = u32::from_le_bytes(bytes(input)?);
        let length = u32::from_le_bytes(bytes(input)?);
        if sum != self.crc.sum() {
            return Err("the gzip checksum differs from the data's".to_owned());
        }
        if length != self.crc.amount() {
            return Err("the gzip length differs from the data's".to_owned());
        }
        self.state = State::NextHeader;
        Ok(())
    }
}

fn bytes<const N: usize>(input: &mut impl BufRead) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    input
        .read_exact(&mut bytes)
        .map_err(|error| format!("the gzip data is cut short ({error})"))?;
    Ok(bytes)
}

fn header(input: &mut impl BufRead) -> Result<(), String> {
    let [id1, id2, method, flags, ..] = bytes::<10>(input)?;
    if (id1, id2) != (0x1f, 0x8b) {
        return Err("no gzip header where one must be".to_owned());
    }
    if method != 8 || flags & 0xe0 != 0 {
        return Err(format!(
            "the gzip header is wrong (method {method}, flags {flags:#x})"
        ));
    }
    if flags & EXTRA != 0 {
        for _ in 0..u16::from_le_bytes(bytes(input)?) {
            bytes::<1>(input)?;
        }
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            skip_text(input)?;
        }
    }
    if flags & HEADER_CRC != 0 {
        bytes::<2>(input)?;
    }
    Ok(())
}

fn skip_text(input: &mut impl BufRead) -> Result<(), String> {
    for _ in 0..TEXT {
        if bytes::<1>(input)? == [0] {
            return Ok(());
        }
    }
    Err(format!(
        "a gzip header has a name or comment of more than {TEXT} bytes"
    ))
}
