//! The monitor: one small single-threaded process per pod that owns the pod's namespaces, its
//! containers' logs and exits, and runs execs.

mod abandoned;
mod calls;
mod client;
mod container;
pub mod convert;
mod create;
mod death;
mod exec;
mod exec_end;
mod exec_output;
mod exec_run;
pub mod hooks;
mod life;
mod log;
mod monitor;
mod oom;
mod poller;
pub mod process;
mod record;
mod release;
mod removal;
mod runtime;
mod serving;
mod spec_head;
mod start;
pub mod stderr_log;
mod strays;
pub mod timestamp;
mod update;

pub use start::run;

/// First line of what `estiba-isolator --version` prints; peers are told it.
pub const BUILD: &str = concat!("estiba-isolator ", env!("CARGO_PKG_VERSION"));

use std::os::fd::OwnedFd;

/// Only root, or whoever this process runs as, may ask for anything.
#[must_use]
pub fn is_trusted(connection: &OwnedFd) -> bool {
    let own = rustix::process::geteuid().as_raw();
    estiba_kernel::socket::peer_uid(connection).is_ok_and(|peer| peer == 0 || peer == own)
}

/// Makes this process one of the last that the OOM killer picks. Where the score may not be
/// lowered it stays, and a line says so.
pub fn protect_from_oom(component: &str, score: i32) {
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", score.to_string()) {
        let message = "cannot lower oom_score_adj, keeping the inherited one";
        let why = error.to_string();
        stderr_log::line(
            stderr_log::Level::Info,
            component,
            message,
            &[("why", &why)],
        );
    }
}
