//! A strict reader of tar streams: every length is bounded before it is believed.

mod header;
mod maps;
mod number;
mod pax;
mod reader;
mod sparse;

pub(crate) use number::Time;
pub(crate) use reader::TarReader;
pub(crate) use sparse::Extent;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Regular,
    HardLink,
    Symlink,
    CharDevice,
    BlockDevice,
    Directory,
    Fifo,
}

/// One entry, with everything that came before it in extension headers applied.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// As the archive gives it, not yet checked.
    pub(crate) path: Vec<u8>,
    /// Target of a link.
    pub(crate) link: Vec<u8>,
    pub(crate) kind: Kind,
    /// Permission bits with setuid, setgid and sticky.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Time,
    pub(crate) device: (u32, u32),
    /// Size of the file, holes included.
    pub(crate) size: u64,
    /// Where the stored data goes when the file has holes.
    pub(crate) sparse: Option<Vec<Extent>>,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Offset of its first header in the tar.
    pub(crate) offset: u64,
}
