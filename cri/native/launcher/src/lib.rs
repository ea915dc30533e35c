//! The launcher: resident, stateless, one thread. It accepts connections and forks one child for
//! each; the child does the one job of its connection.

mod destroy;
mod growing;
mod image;
mod job;
mod place;
mod program;
mod program_start;
mod rendezvous;
mod serve;
mod unpack;

use std::path::PathBuf;
use std::process::ExitCode;

use rustix::io::Errno;

/// Exit status when another launcher serves the same run directory.
pub const EXIT_ALREADY_SERVED: u8 = 3;

/// What the command line says.
#[derive(Debug, Clone)]
pub struct Options {
    /// Directory of `launcher.sock`; exists.
    pub run_dir: PathBuf,
    /// Cgroup below which launcher and monitors are placed, absolute in cgroupfs syntax.
    pub cgroup_base: String,
}

/// Why the launcher cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// The sealed copy of the binary cannot be made or run.
    #[error("cannot run from a sealed copy: {step}: {why}")]
    Image {
        /// What failed.
        step: &'static str,
        /// Why.
        why: std::io::Error,
    },
    /// The run directory is unusable.
    #[error("cannot use run directory {run_dir:?}: {step}: {why}")]
    RunDir {
        /// The directory.
        run_dir: PathBuf,
        /// What failed.
        step: &'static str,
        /// Why.
        why: Errno,
    },
    /// Another launcher holds the lock or answers on the socket.
    #[error("cannot serve {0:?}: another launcher does")]
    AlreadyServed(PathBuf),
    /// The event loop failed.
    #[error("cannot wait for connections: {0}")]
    Loop(#[from] Errno),
}

/// Returns when this process runs from a sealed copy in memory, and otherwise replaces it by one that
/// does, with the same arguments: a container cannot overwrite the program that builds it. Inherited
/// descriptors above 2 are closed on the way.
///
/// # Errors
/// [`LauncherError::Image`] when the copy cannot be made or run.
pub fn ensure_sealed() -> Result<(), LauncherError> {
    image::ensure_sealed()
}

/// Runs the launcher until it is told to end or its run directory disappears. Returns in forked
/// children, too, when their job is done: the caller ends the process with the result either way.
///
/// # Errors
/// See [`LauncherError`].
pub fn run(options: &Options) -> Result<ExitCode, LauncherError> {
    image::ensure_sealed()?;
    // For all the children of all monitors.
    estiba_kernel::signal::take_stock();
    place::detach();
    estiba_monitor::process::keep_heap_small();
    let host = estiba_isolate::Host::probe();
    let placement = place::enter_cgroups(&options.cgroup_base);
    let rendezvous = rendezvous::Rendezvous::open(&options.run_dir)?;
    serve::run(rendezvous, job::Context::new(host, placement))
}
