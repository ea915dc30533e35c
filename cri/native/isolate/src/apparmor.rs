//! The AppArmor profile that a program is executed under.

use estiba_kernel::Errno;
use rustix::fs::OFlags;

use crate::error::{ErrorCode, IsolateError};
use crate::host_proc;
use crate::spec::Process;

const STEP: &str = "apparmor";

/// Below /proc. Since Linux 5.1 modules have directories of their own; before, the first one had the file.
const LABELS: [&str; 2] = ["thread-self/attr/apparmor/exec", "thread-self/attr/exec"];

/// Has the next execve of this process, or of one that it makes from now on, change to the profile.
/// To be called while /proc is the host's: what a container shows there could be anything.
pub(crate) fn set_profile(process: &Process) -> Result<(), IsolateError> {
    let profile = process.apparmor_profile.as_str();
    if profile.is_empty() {
        return Ok(());
    }
    if profile.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        let message = format!("cannot use AppArmor profile {profile:?}: it is not a name");
        return Err(IsolateError::invalid(STEP, message));
    }
    if !is_enabled() {
        return Err(refused(profile, "this host has no AppArmor"));
    }
    let failed =
        |errno| IsolateError::kernel(STEP, format!("use AppArmor profile {profile:?}"), errno);
    let [own, old] = LABELS;
    let label = match host_proc::open(own, OFlags::WRONLY) {
        Err(Errno::NOENT) => host_proc::open(old, OFlags::WRONLY),
        opened => opened,
    };
    let written = rustix::io::write(label.map_err(failed)?, format!("exec {profile}").as_bytes());
    written.map(drop).map_err(|errno| match errno {
        Errno::NOENT => refused(profile, "it is not loaded"),
        errno => failed(errno),
    })
}

fn is_enabled() -> bool {
    std::fs::read("/sys/module/apparmor/parameters/enabled")
        .is_ok_and(|text| text.starts_with(b"Y"))
}

fn refused(profile: &str, why: &str) -> IsolateError {
    let message = format!("cannot use AppArmor profile {profile:?}: {why}");
    IsolateError::new(ErrorCode::FailedPrecondition, STEP, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(profile: &str) -> Result<(), IsolateError> {
        set_profile(&Process {
            apparmor_profile: profile.to_owned(),
            ..Process::default()
        })
    }

    #[test]
    fn a_profile_that_cannot_be_is_named() {
        attempt("").unwrap();
        let error = attempt("two words").unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        let error = attempt("no-such-profile-of-a-test").unwrap_err();
        assert_eq!(error.code, ErrorCode::FailedPrecondition, "{error}");
        assert!(
            error.message.contains("\"no-such-profile-of-a-test\""),
            "{error}"
        );
    }
}
