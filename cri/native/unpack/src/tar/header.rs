//! One 512-byte tar header block: V7, ustar, star and GNU.

use super::number::{number, unsigned};

/// Length of a header and the unit of everything in a tar.
pub(crate) const BLOCK: usize = 512;

/// A header block whose checksum was right.
pub(crate) struct Header<'a> {
    block: &'a [u8; BLOCK],
}

/// Which dialect the magic number tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    V7,
    Ustar,
    Star,
    Gnu,
}

impl<'a> Header<'a> {
    /// `None` when the checksum is not that of the block.
    pub(crate) fn new(block: &'a [u8; BLOCK]) -> Option<Self> {
        let header = Self { block };
        let stored = number(header.field(148, 8))?;
        let (before, rest) = block.split_at_checked(148)?;
        let after = rest.get(8..)?;
        let bytes = || before.iter().chain(after);
        let plain: i64 = bytes().map(|b| i64::from(*b)).sum::<i64>() + 8 * 32;
        // Some old programs summed signed bytes.
        let signed: i64 = bytes()
            .map(|b| i64::from(i8::from_ne_bytes([*b])))
            .sum::<i64>()
            + 8 * 32;
        (stored == plain || stored == signed).then_some(header)
    }

    fn field(&self, start: usize, length: usize) -> &'a [u8] {
        self.block.get(start..start + length).unwrap_or_default()
    }

    fn text(&self, start: usize, length: usize) -> &'a [u8] {
        let field = self.field(start, length);
        let end = field.iter().position(|b| *b == 0).unwrap_or(length);
        field.get(..end).unwrap_or_default()
    }

    fn dialect(&self) -> Dialect {
        match self.field(257, 8) {
            b"ustar  \0" => Dialect::Gnu,
            [b'u', b's', b't', b'a', b'r', 0, ..] if self.field(508, 4) == b"tar\0" => {
                Dialect::Star
            }
            [b'u', b's', b't', b'a', b'r', 0, ..] => Dialect::Ustar,
            _ => Dialect::V7,
        }
    }

    /// The name with the ustar prefix, as this block gives it.
    pub(crate) fn name(&self) -> Vec<u8> {
        let prefix = match self.dialect() {
            Dialect::Ustar => self.text(345, 155),
            Dialect::Star => self.text(345, 131),
            Dialect::V7 | Dialect::Gnu => &[],
        };
        let name = self.text(0, 100);
        if prefix.is_empty() {
            name.to_vec()
        } else {
            [prefix, b"/", name].concat()
        }
    }

    pub(crate) fn link(&self) -> Vec<u8> {
        self.text(157, 100).to_vec()
    }

    pub(crate) fn kind(&self) -> u8 {
        self.field(156, 1).first().copied().unwrap_or_default()
    }

    pub(crate) fn mode(&self) -> Option<u64> {
        unsigned(self.field(100, 8))
    }

    pub(crate) fn uid(&self) -> Option<u64> {
        unsigned(self.field(108, 8))
    }

    pub(crate) fn gid(&self) -> Option<u64> {
        unsigned(self.field(116, 8))
    }

    pub(crate) fn size(&self) -> Option<u64> {
        unsigned(self.field(124, 12))
    }

    pub(crate) fn mtime(&self) -> Option<i64> {
        number(self.field(136, 12))
    }

    pub(crate) fn device(&self) -> Option<(u64, u64)> {
        Some((unsigned(self.field(329, 8))?, unsigned(self.field(337, 8))?))
    }

    /// The four extents of an old GNU sparse header as raw pairs, whether more blocks follow, and
    /// the size of the file with its holes.
    pub(crate) fn old_sparse(&self) -> Option<(Vec<u64>, bool, u64)> {
        let mut map = Vec::new();
        push_extents(&mut map, self.field(386, 96))?;
        let more = self.field(482, 1) != b"\0";
        Some((map, more, unsigned(self.field(483, 12))?))
    }
}

/// Adds the 24-byte extents of `field` to `map`; the first empty one ends them.
pub(crate) fn push_extents(map: &mut Vec<u64>, field: &[u8]) -> Option<()> {
    for extent in field.chunks_exact(24) {
        let (offset, length) = extent.split_at_checked(12)?;
        if offset.first() == Some(&0) || length.first() == Some(&0) {
            break;
        }
        map.push(unsigned(offset)?);
        map.push(unsigned(length)?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(name: &[u8], prefix: &[u8], magic: &[u8; 8]) -> [u8; BLOCK] {
        let mut block = [0u8; BLOCK];
        block[..name.len()].copy_from_slice(name);
        block[257..265].copy_from_slice(magic);
        block[345..345 + prefix.len()].copy_from_slice(prefix);
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }

    #[test]
    fn the_prefix_counts_in_ustar_but_not_in_gnu_or_v7() {
        let ustar = block(b"name", b"some/prefix", b"ustar\x0000");
        assert_eq!(Header::new(&ustar).unwrap().name(), b"some/prefix/name");
        let gnu = block(b"name", b"some/prefix", b"ustar  \0");
        assert_eq!(Header::new(&gnu).unwrap().name(), b"name");
        let v7 = block(b"name", b"some/prefix", b"\0\0\0\0\0\0\0\0");
        assert_eq!(Header::new(&v7).unwrap().name(), b"name");
    }

    #[test]
    fn one_flipped_bit_breaks_the_checksum() {
        let mut damaged = block(b"name", b"", b"ustar\x0000");
        damaged[3] ^= 4;
        assert!(Header::new(&damaged).is_none());
    }

    proptest! {
        #[test]
        fn no_block_makes_the_accessors_panic(bytes in proptest::collection::vec(any::<u8>(), BLOCK)) {
            let mut block = [0u8; BLOCK];
            block.copy_from_slice(&bytes);
            let header = Header { block: &block };
            let _ = (header.name(), header.link(), header.kind(), header.mode(), header.uid());
            let _ = (header.gid(), header.size(), header.mtime(), header.device());
            let _ = (header.old_sparse(), Header::new(&block).is_some());
        }
    }
}
