//! The monitor: one small single-threaded process per pod that owns the pod's namespaces, its
//! containers' logs and exits, and runs execs.

pub mod convert;
pub mod process;
pub mod stderr_log;
mod timestamp;

/// What `estiba-isolator --version` prints and peers are told.
pub const BUILD: &str = concat!("estiba-isolator ", env!("CARGO_PKG_VERSION"));
