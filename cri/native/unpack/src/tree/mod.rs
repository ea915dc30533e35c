//! The directory tree under construction. Every step is one name inside an open directory;
//! nothing is ever resolved from a string path.

pub(crate) mod dirs;
pub(crate) mod entry;
pub(crate) mod extract;
mod hide;
mod link;
pub(crate) mod walk;
