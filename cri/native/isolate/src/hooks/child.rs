//! From a fresh child to the hook.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};

use estiba_kernel::spawn::exit_now;
use estiba_kernel::{fd, process, signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::process::Signal;

use super::run::Place;
use super::{Hook, STEP};
use crate::error::{ErrorCode, IsolateError, errno_text};
use crate::host_proc;

/// Returns only to say why the hook could not be executed.
pub(super) fn become_hook(
    hook: &Hook,
    stdin: &OwnedFd,
    output: &OwnedFd,
    report: &OwnedFd,
    place: &Place<'_>,
) -> IsolateError {
    let fail = |errno| IsolateError::kernel(STEP, "prepare the process", errno);
    let die_with_parent =
        || rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(fail);
    let prepare = || -> Result<_, IsolateError> {
        die_with_parent()?;
        // With it a process group of its own: what it leaves behind can be killed.
        process::set_session();
        for (source, target) in [(stdin, 0), (output, 1), (output, 2)] {
            fd::duplicate_to(source, target).map_err(fail)?;
        }
        let text = |text: &String| {
            CString::new(text.as_str()).map_err(|error| {
                IsolateError::invalid(STEP, format!("{text:?} cannot be passed: {error}"))
            })
        };
        let path = text(&hook.path)?;
        let args: Vec<CString> = hook.args.iter().map(text).collect::<Result<_, _>>()?;
        let env: Vec<CString> = hook.env.iter().map(text).collect::<Result<_, _>>()?;
        signal::reset_all();
        rustix::process::umask(Mode::from_raw_mode(0o022));
        (place.enter)()?;
        fd::close_all_except(&[report.as_raw_fd()]).map_err(fail)?;
        // Again: a change of credentials would have cleared it.
        die_with_parent()?;
        if !has_reader(report) {
            // It died before the first time, and nobody would end this hook.
            exit_now(127);
        }
        if let Some(confinement) = place.confinement {
            confinement.install()?;
        }
        Ok((path, args, env))
    };
    match prepare() {
        Err(error) => error,
        Ok((path, args, env)) => {
            let args = if args.is_empty() {
                vec![path.clone()]
            } else {
                args
            };
            let errno = process::execve(&path, &args, &env);
            let mut error = IsolateError::kernel(STEP, "execute it", errno);
            error.code = ErrorCode::FailedPrecondition;
            error.message = errno_text(errno);
            error
        }
    }
}

/// Whether somebody could read what is written to this pipe.
fn has_reader(pipe: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(pipe, PollFlags::empty())];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let found = rustix::io::retry_on_intr(|| poll(&mut fds, Some(&now)));
    found.is_ok_and(|count| count == 0)
}

/// For programs of the host: as likely to be picked by the OOM killer as others, and nothing of our
/// keyring.
pub(super) fn settle_on_host(dir: &std::path::Path) {
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
    if own.trim_start().starts_with('-') {
        host_proc::write("self/oom_score_adj", "0").ok();
    }
    process::leave_session_keyring();
    if rustix::process::chdir(dir).is_err() {
        rustix::process::chdir("/").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_has_a_reader_until_that_is_closed() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        assert!(has_reader(&writer));
        drop(reader);
        assert!(!has_reader(&writer));
    }
}
