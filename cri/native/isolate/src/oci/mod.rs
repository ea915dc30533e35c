//! The OCI runtime command line. The caller parses arguments and prints; everything else is here.

mod commands;
mod create;
mod delete;
mod events;
mod exec;
mod foreground;
mod handover;
mod list;
mod neighbour;
mod ps;
mod run;
mod state;
mod update;

pub use crate::config::read_whole;
pub use commands::{SPEC_VERSION, Warn, kill, pause, resume, signal_number, start, state};
pub use create::{CreateOptions, create};
pub use delete::delete;
pub use events::{events, stats};
pub use exec::{Changes, ExecCommand, ExecOptions, exec};
pub use list::{Listed, list};
pub use ps::{processes, table};
pub use run::run;
pub use state::{State, Status};
pub use update::update;

/// Names of all mount options that `create` understands itself, as OCI writes them.
#[must_use]
pub fn mount_option_names() -> Vec<String> {
    crate::options::names()
}

/// Names of all architectures that a seccomp profile may list, as OCI writes them.
#[must_use]
pub fn architecture_names() -> Vec<&'static str> {
    estiba_seccomp::architecture_names()
}

/// Names of all capabilities that a spec may grant, as OCI writes them.
#[must_use]
pub fn capability_names() -> Vec<String> {
    estiba_kernel::caps::names()
        .map(|name| format!("CAP_{name}"))
        .collect()
}
