//! The wire between `estiba serve` and the native half: message types of `isolation.proto` and the
//! frame codec that carries them over unix stream sockets.

mod fault;
mod frame;

pub use frame::{Fill, FrameError, FrameReader, FrameWriter, MAX_FRAME_BYTES, receive, send};
pub use prost::Message;

/// Protocol version that this build speaks; peers of the version before are served as well.
pub const PROTOCOL_VERSION: u32 = 2;

/// Message types generated from `isolation.proto`.
#[allow(
    missing_docs,
    clippy::doc_markdown,
    clippy::doc_lazy_continuation,
    clippy::large_enum_variant,
    reason = "generated; the schema carries the documentation"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/estiba.isolation.v1.rs"));
}
