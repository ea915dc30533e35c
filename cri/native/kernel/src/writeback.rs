//! Writing file data to disk ahead of the call that waits for it.

#![allow(unsafe_code, reason = "sync_file_range has no safe wrapper")]

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;

use crate::spawn::last_errno;

/// Begins to write `length` dirty bytes of `file` from `offset` on to disk and does not wait: a
/// `syncfs` that comes later finds them written. It promises nothing about durability by itself.
///
/// # Errors
/// The kernel's answer; `SPIPE` for what has no data of its own on a disk.
pub fn begin_writeback(file: impl AsFd, offset: u64, length: u64) -> Result<(), Errno> {
    let too_far = |_| Errno::OVERFLOW;
    let offset = i64::try_from(offset).map_err(too_far)?;
    let length = i64::try_from(length).map_err(too_far)?;
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open for as long as it is borrowed, and no memory is passed.
    let result = unsafe { libc::sync_file_range(fd, offset, length, libc::SYNC_FILE_RANGE_WRITE) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing step is a failing test")]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_is_written_on_and_a_pipe_is_refused() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 100_000]).unwrap();
        assert_eq!(begin_writeback(&file, 0, 100_000), Ok(()));
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        assert_eq!(begin_writeback(&reader, 0, 1), Err(Errno::SPIPE));
        assert_eq!(begin_writeback(&file, u64::MAX, 1), Err(Errno::OVERFLOW));
    }
}
