//! `run`: creates and starts a container, and in the foreground waits for its end.

use std::os::fd::OwnedFd;

use super::commands::{Warn, start};
use super::create::{CreateOptions, build};
use super::delete::delete;
use super::foreground::Foreground;
use crate::control::Created;
use crate::error::IsolateError;
use crate::host::Host;

/// Creates and starts a container. `detach`: returns 0 then; else its exit code when it has ended,
/// and removes it unless `keep` is given.
///
/// # Errors
/// As `create` and `start`. Nothing is left behind then.
pub fn run(
    host: &Host,
    options: &CreateOptions<'_>,
    detach: bool,
    keep: bool,
    warn: Warn<'_>,
) -> Result<i32, IsolateError> {
    let foreground = match detach {
        true => None,
        false => Some(Foreground::prepare()?),
    };
    let Created { pidfd, console, .. } = build(host, options, !detach)?;
    let ended = start(host, options.root, options.id, warn)
        .and_then(|()| attend(foreground.as_ref(), &pidfd, console.as_ref()));
    if ended.is_err() || !(detach || keep) {
        let deleted = delete(host, options.root, options.id, true, warn);
        // Why it has failed is what counts.
        let code = ended?;
        return deleted.map(|()| code);
    }
    ended
}

fn attend(
    foreground: Option<&Foreground>,
    pidfd: &OwnedFd,
    console: Option<&OwnedFd>,
) -> Result<i32, IsolateError> {
    match foreground {
        Some(foreground) => foreground.attend(pidfd, console),
        None => Ok(0),
    }
}
