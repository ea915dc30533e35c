//! Reads the map of a sparse file in its four forms: old GNU, PAX 0.0, 0.1 and 1.0.

use super::header::{BLOCK, Header, push_extents};
use super::number::decimal;
use super::pax::Pax;
use super::reader::TarReader;
use super::sparse::{self, Extent, MAX_EXTENTS};
use crate::error::UnpackError;

impl TarReader<'_> {
    /// The file's size with holes, and its extents when it has a map in any of the four forms.
    pub(super) fn sparse_map(
        &mut self,
        header: &Header,
        pax: &mut Pax,
        stored: u64,
        path: &[u8],
        offset: u64,
    ) -> Result<(u64, Option<Vec<Extent>>), UnpackError> {
        let keys = std::mem::take(&mut pax.sparse);
        let (map, real_size) = if header.kind() == b'S' {
            self.old_sparse(header, path, offset)?
        } else if (keys.major, keys.minor) == (Some(1), Some(0)) {
            let real_size = keys.real_size;
            (self.map_in_data(path, offset)?, real_size.unwrap_or(stored))
        } else if !keys.map.is_empty() || keys.real_size.is_some() {
            (keys.map, keys.real_size.unwrap_or(stored))
        } else {
            return Ok((stored, None));
        };
        let extents = sparse::extents(&map, real_size, self.remaining)
            .map_err(|why| self.refused(path, offset, &why))?;
        Ok((real_size, Some(extents)))
    }

    fn old_sparse(
        &mut self,
        header: &Header,
        path: &[u8],
        offset: u64,
    ) -> Result<(Vec<u64>, u64), UnpackError> {
        let wrong = |this: &Self| this.refused(path, offset, "its sparse map has no numbers");
        let (mut map, mut more, real_size) = header.old_sparse().ok_or_else(|| wrong(self))?;
        while more {
            let mut block = [0; BLOCK];
            if self.read_block(&mut block)? != BLOCK {
                return Err(self.broken("the archive ends in a sparse map"));
            }
            let extents = block.get(..504).unwrap_or_default();
            push_extents(&mut map, extents).ok_or_else(|| wrong(self))?;
            if map.len() / 2 > MAX_EXTENTS {
                return Err(self.refused(path, offset, "its sparse map is too long"));
            }
            more = block.get(504).is_some_and(|flag| *flag != 0);
        }
        Ok((map, real_size))
    }

    /// Form 1.0: decimal lines in front of the data, padded to a block.
    fn map_in_data(&mut self, path: &[u8], offset: u64) -> Result<Vec<u64>, UnpackError> {
        let start = self.remaining;
        let wrong =
            |this: &Self| this.refused(path, offset, "its sparse map is no list of numbers");
        let count = self.line()?.ok_or_else(|| wrong(self))?;
        if count > MAX_EXTENTS as u64 {
            return Err(self.refused(path, offset, "its sparse map is too long"));
        }
        let mut map = Vec::new();
        for _ in 0..count * 2 {
            map.push(self.line()?.ok_or_else(|| wrong(self))?);
        }
        let mut padding = (start - self.remaining).wrapping_neg() % BLOCK as u64;
        while padding > 0 {
            let available = self.data()?.len() as u64;
            let taken = available.min(padding);
            if taken == 0 {
                return Err(wrong(self));
            }
            self.consume(usize::try_from(taken).unwrap_or(0));
            padding -= taken;
        }
        Ok(map)
    }

    fn line(&mut self) -> Result<Option<u64>, UnpackError> {
        let mut digits = Vec::new();
        while digits.len() <= 20 {
            let Some(byte) = self.data()?.first().copied() else {
                return Ok(None);
            };
            self.consume(1);
            if byte == b'\n' {
                return Ok(decimal(&digits));
            }
            digits.push(byte);
        }
        Ok(None)
    }
}
