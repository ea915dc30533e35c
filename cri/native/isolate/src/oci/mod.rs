//! The OCI runtime command line: `create`, `start`, `state`, `kill`, `delete`. The caller parses
//! arguments and prints; everything else is here.

mod commands;
mod state;

pub use commands::{CreateOptions, create, delete, kill, signal_number, start, state};
pub use state::{State, Status};
