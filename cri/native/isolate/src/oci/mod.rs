//! The OCI runtime command line. The caller parses arguments and prints; everything else is here.

mod commands;
mod create;
mod exec;
mod foreground;
mod handover;
mod run;
mod state;

pub use commands::{SPEC_VERSION, Warn, delete, kill, pause, resume, signal_number, start, state};
pub use create::{CreateOptions, create};
pub use exec::{Changes, ExecCommand, ExecOptions, exec};
pub use run::run;
pub use state::{State, Status};

/// Names of all capabilities that a spec may grant, as OCI writes them.
#[must_use]
pub fn capability_names() -> Vec<String> {
    estiba_kernel::caps::names()
        .map(|name| format!("CAP_{name}"))
        .collect()
}
