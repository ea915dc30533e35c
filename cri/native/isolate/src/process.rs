//! Turning this process into what the program starts as: limits, identity, capabilities, stdio.

use std::os::fd::{AsFd, OwnedFd};

use estiba_kernel::caps::{self, CapSet};
use estiba_kernel::{Errno, fd, process};
use rustix::fs::{Gid, Mode, Uid};

use crate::console::Console;
use crate::error::{ErrorCode, IsolateError};
use crate::host_proc;
use crate::request::ResolvedUser;
use crate::seccomp::Confinement;
use crate::spec::{Capabilities, Process, Rlimit};

/// Name and number on x86-64 and aarch64 alike.
const RLIMITS: [(&str, u32); 16] = [
    ("RLIMIT_CPU", 0),
    ("RLIMIT_FSIZE", 1),
    ("RLIMIT_DATA", 2),
    ("RLIMIT_STACK", 3),
    ("RLIMIT_CORE", 4),
    ("RLIMIT_RSS", 5),
    ("RLIMIT_NPROC", 6),
    ("RLIMIT_NOFILE", 7),
    ("RLIMIT_MEMLOCK", 8),
    ("RLIMIT_AS", 9),
    ("RLIMIT_LOCKS", 10),
    ("RLIMIT_SIGPENDING", 11),
    ("RLIMIT_MSGQUEUE", 12),
    ("RLIMIT_NICE", 13),
    ("RLIMIT_RTPRIO", 14),
    ("RLIMIT_RTTIME", 15),
];

const RLIMIT_NPROC: u32 = 6;

/// Capability sets as numbers, computed in one place for init and exec.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CapabilitySets {
    bounding: CapSet,
    effective: CapSet,
    permitted: CapSet,
    inheritable: CapSet,
    ambient: CapSet,
}

impl CapabilitySets {
    /// Reads the names; what is not listed is not granted.
    pub(crate) fn parse(wanted: Option<&Capabilities>) -> Result<Self, IsolateError> {
        let Some(wanted) = wanted else {
            return Ok(Self::default());
        };
        let set = |names: &[String]| {
            CapSet::from_names(names).map_err(|name| {
                let message = format!("cannot set capabilities: {name:?} is not a capability");
                IsolateError::invalid("capabilities", message)
            })
        };
        let permitted = set(&wanted.permitted)?;
        let inheritable = set(&wanted.inheritable)?;
        Ok(Self {
            bounding: set(&wanted.bounding)?,
            effective: set(&wanted.effective)?.and(permitted),
            permitted,
            inheritable,
            // The kernel refuses ambient capabilities that are not in both.
            ambient: set(&wanted.ambient)?.and(permitted).and(inheritable),
        })
    }

    /// Without what this host does not let us give.
    fn within(self, available: CapSet) -> Self {
        Self {
            bounding: self.bounding.and(available),
            effective: self.effective.and(available),
            permitted: self.permitted.and(available),
            inheritable: self.inheritable.and(available),
            ambient: self.ambient.and(available),
        }
    }
}

/// Sets oom_score_adj through the host's procfs; where lowering it is not allowed the process keeps
/// its own.
pub(crate) fn set_oom_score(value: Option<i32>) -> Result<(), IsolateError> {
    let Some(value) = value else { return Ok(()) };
    match host_proc::write("self/oom_score_adj", &value.to_string()) {
        Ok(()) | Err(Errno::ACCESS | Errno::PERM) => Ok(()),
        Err(errno) => {
            let action = format!("set oom_score_adj to {value}");
            let made = IsolateError::kernel("oom-score", action, errno);
            Err(if errno == Errno::INVAL {
                made.with_code(ErrorCode::InvalidArgument)
            } else {
                made
            })
        }
    }
}

/// Sets resource limits; where a hard limit must not rise the present one is used. The number of
/// processes is only made room for: the user's last one is yet to be born, see `set_process_limit`.
pub(crate) fn set_rlimits(limits: &[Rlimit]) -> Result<(), IsolateError> {
    for limit in limits {
        let number = limit_number(limit)?;
        let fail = |errno| limit_failed(limit, errno);
        if number == RLIMIT_NPROC {
            let present = process::hard_limit(number).map_err(fail)?;
            // Refused: then it cannot rise above the present one anyway.
            process::set_limit(number, limit.hard.max(present), limit.hard.max(present))
                .or_else(|_refused| process::set_limit(number, present, present))
                .map_err(fail)?;
            continue;
        }
        set_within(number, limit)?;
    }
    Ok(())
}

/// Sets the limit of the number of processes, in the last process.
pub(crate) fn set_process_limit(limits: &[Rlimit]) -> Result<(), IsolateError> {
    for limit in limits {
        let number = limit_number(limit)?;
        if number == RLIMIT_NPROC {
            set_within(number, limit)?;
        }
    }
    Ok(())
}

fn limit_number(limit: &Rlimit) -> Result<u32, IsolateError> {
    let known = RLIMITS.iter().find(|(name, _)| *name == limit.kind);
    known.map(|(_, number)| *number).ok_or_else(|| {
        let message = format!("cannot set rlimit {:?}: there is no such limit", limit.kind);
        IsolateError::invalid("rlimits", message)
    })
}

fn limit_failed(limit: &Rlimit, errno: Errno) -> IsolateError {
    let action = format!("set {} to {}:{}", limit.kind, limit.soft, limit.hard);
    let error = IsolateError::kernel("rlimits", action, errno);
    if errno == Errno::INVAL {
        error.with_code(ErrorCode::InvalidArgument)
    } else {
        error
    }
}

fn set_within(number: u32, limit: &Rlimit) -> Result<(), IsolateError> {
    let fail = |errno| limit_failed(limit, errno);
    match process::set_limit(number, limit.soft, limit.hard) {
        Err(Errno::PERM) => {
            let hard = process::hard_limit(number).map_err(fail)?.min(limit.hard);
            process::set_limit(number, limit.soft.min(hard), hard).map_err(fail)
        }
        result => result.map_err(fail),
    }
}

/// Standard streams of the program.
#[derive(Debug, Default)]
pub(crate) struct Stdio {
    pub stdin: Option<OwnedFd>,
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
}

/// Puts the streams (or the terminal, or the null device) on 0, 1 and 2, owned by the user so that
/// the program can open /dev/stdout again.
pub(crate) fn place_stdio(
    stdio: &Stdio,
    console: Option<&Console>,
    null: &OwnedFd,
    uid: u32,
) -> Result<(), IsolateError> {
    const STEP: &str = "stdio";
    let streams = [&stdio.stdin, &stdio.stdout, &stdio.stderr];
    for (number, stream) in streams.into_iter().enumerate() {
        let target = i32::try_from(number).unwrap_or(0);
        let source = match (console, stream) {
            (Some(console), _) => console.slave.as_fd(),
            (None, Some(stream)) => stream.as_fd(),
            (None, None) => null.as_fd(),
        };
        if console.is_none() && stream.is_some() && uid != 0 {
            // Files on read-only or foreign file systems keep their owner, as in runc.
            rustix::fs::fchown(source, Some(Uid::from_raw(uid)), None::<Gid>).ok();
        }
        fd::duplicate_to(source, target)
            .map_err(|errno| IsolateError::kernel(STEP, "set up standard streams", errno))?;
    }
    Ok(())
}

/// Becomes the user with exactly these capabilities, and with what installing the filter at the end
/// takes. The last thing that needs privileges.
pub(crate) fn become_user(
    spec: &Process,
    sets: CapabilitySets,
    user: &ResolvedUser,
    confinement: Option<&Confinement>,
) -> Result<(), IsolateError> {
    let caps_failed = |errno| IsolateError::kernel("capabilities", "set capabilities", errno);
    let (_, permitted, _) = caps::current().map_err(caps_failed)?;
    let sets = sets.within(permitted);
    caps::limit_bounding(sets.bounding).map_err(caps_failed)?;
    process::set_keep_capabilities(true).map_err(caps_failed)?;
    process::set_identity(user.uid, user.gid, &user.additional_gids).map_err(|errno| {
        let action = format!("become user {}:{}", user.uid, user.gid);
        IsolateError::kernel("set-user", action, errno)
    })?;
    process::set_keep_capabilities(false).map_err(caps_failed)?;
    // After a change from root the effective set is empty; capset fills it again.
    let with_admin = || {
        let admin = CapSet::SYS_ADMIN.and(permitted);
        let (effective, permitted) = (sets.effective.or(admin), sets.permitted.or(admin));
        caps::set(effective, permitted, sets.inheritable).map_err(caps_failed)
    };
    if let Some(early) = confinement.filter(|one| one.is_early()) {
        with_admin()?;
        early.install()?;
    }
    if confinement.is_some_and(Confinement::keeps_admin) {
        with_admin()?;
    } else {
        caps::set(sets.effective, sets.permitted, sets.inheritable).map_err(caps_failed)?;
    }
    caps::set_ambient(sets.ambient).map_err(caps_failed)?;
    if spec.no_new_privileges {
        process::set_no_new_privs().map_err(|errno| {
            IsolateError::kernel("no-new-privileges", "set no_new_privs", errno)
        })?;
    }
    rustix::process::umask(Mode::from_raw_mode(spec.user.umask.unwrap_or(0o022)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn nothing_listed_is_nothing_granted() {
        assert_eq!(
            CapabilitySets::parse(None).unwrap(),
            CapabilitySets::default()
        );
    }

    #[test]
    fn sets_stay_within_one_another() {
        let wanted = Capabilities {
            bounding: names(&["CAP_KILL", "CAP_CHOWN"]),
            effective: names(&["CAP_KILL", "CAP_CHOWN"]),
            permitted: names(&["CAP_KILL"]),
            inheritable: names(&[]),
            ambient: names(&["CAP_KILL"]),
        };
        let sets = CapabilitySets::parse(Some(&wanted)).unwrap();
        assert_eq!(sets.effective, CapSet(1 << 5));
        assert_eq!(sets.ambient, CapSet(0));
        assert_eq!(sets.within(CapSet(1)).bounding, CapSet(1));
    }

    #[test]
    fn unknown_capabilities_are_named() {
        let wanted = Capabilities {
            bounding: names(&["CAP_FLY"]),
            ..Capabilities::default()
        };
        let error = CapabilitySets::parse(Some(&wanted)).unwrap_err();
        assert!(error.message.contains("CAP_FLY"), "{error}");
    }
}
