//! When and how a container's filter of system calls comes into force.
//!
//! Installing a filter takes no-new-privileges or CAP_SYS_ADMIN, and everything that happens after it
//! must be allowed by it. So it is the last step before execve where nobody in the pid namespace could
//! take hold of the process: until then it may make every call. Without no-new-privileges it keeps
//! CAP_SYS_ADMIN until that step, beside what its container has; execve takes it away, as it is not in
//! the bounding set. Where a neighbour with CAP_SYS_PTRACE may be, the filter is installed while the
//! process becomes the user, and the profile has to allow the few calls that lead from there to
//! execve. Only one that does not, of a process that can install it later with what it has anyway,
//! comes last all the same.

use estiba_seccomp::{Arch, Call, Instruction};

use crate::error::{ErrorCode, IsolateError};
use crate::request::SeccompFilter;
use crate::spec::{Process, Spec};

const STEP: &str = "seccomp";

/// A call that a filter has to allow. With its number: to look that up by the name the whole table
/// would be read, 0.2 ms in each of these short-lived processes.
pub(crate) type NamedCall = (&'static str, libc::c_long);

/// What is called between the early moment and the program's first instruction.
const ON_THE_WAY: [NamedCall; 18] = [
    ("brk", libc::SYS_brk),
    ("capset", libc::SYS_capset),
    ("clone", libc::SYS_clone),
    ("close", libc::SYS_close),
    ("close_range", libc::SYS_close_range),
    ("execve", libc::SYS_execve),
    ("exit_group", libc::SYS_exit_group),
    ("mmap", libc::SYS_mmap),
    ("munmap", libc::SYS_munmap),
    ("pipe2", libc::SYS_pipe2),
    ("prctl", libc::SYS_prctl),
    ("prlimit64", libc::SYS_prlimit64),
    ("read", libc::SYS_read),
    ("recvmsg", libc::SYS_recvmsg),
    ("sendmsg", libc::SYS_sendmsg),
    ("setsid", libc::SYS_setsid),
    ("umask", libc::SYS_umask),
    ("write", libc::SYS_write),
];

/// What taking a terminal calls.
pub(crate) const FOR_TERMINAL: NamedCall = ("ioctl", libc::SYS_ioctl);
/// What waiting for somebody who connects calls.
const FOR_LISTENER: [NamedCall; 2] = [
    ("accept4", libc::SYS_accept4),
    ("getsockopt", libc::SYS_getsockopt),
];

/// What running startContainer hooks calls.
const FOR_HOOKS: &[NamedCall] = &[
    #[cfg(target_arch = "x86_64")]
    ("dup2", libc::SYS_dup2),
    #[cfg(target_arch = "aarch64")]
    ("dup3", libc::SYS_dup3),
    ("getpid", libc::SYS_getpid),
    ("ioctl", libc::SYS_ioctl),
    ("kill", libc::SYS_kill),
    ("lseek", libc::SYS_lseek),
    ("memfd_create", libc::SYS_memfd_create),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    #[cfg(target_arch = "x86_64")]
    ("poll", libc::SYS_poll),
    ("ppoll", libc::SYS_ppoll),
    ("rt_sigaction", libc::SYS_rt_sigaction),
    ("rt_sigprocmask", libc::SYS_rt_sigprocmask),
    ("waitid", libc::SYS_waitid),
];

const ALLOW: u32 = 0x7fff_0000;
const LOG: u32 = 0x7ffc_0000;

/// When a filter is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Just before execve.
    Last,
    /// Just before execve, by means of CAP_SYS_ADMIN.
    LastAsAdmin,
    /// While the process becomes the user.
    Early,
}

/// What an init does on its way to execve besides the usual.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub has_terminal: bool,
    /// It waits until somebody connects.
    pub has_listener: bool,
    /// It runs startContainer hooks.
    pub has_hooks: bool,
}

impl Way {
    fn detours(self) -> Vec<NamedCall> {
        let mut detours = Vec::new();
        if self.has_terminal {
            detours.push(FOR_TERMINAL);
        }
        if self.has_listener {
            detours.extend(FOR_LISTENER);
        }
        if self.has_hooks {
            detours.extend(FOR_HOOKS);
        }
        detours
    }
}

/// A filter and the moment for it.
#[derive(Debug)]
pub(crate) struct Confinement {
    filter: SeccompFilter,
    moment: Moment,
}

/// The filter that a spec asks for: `given` when its compilation has been taken care of.
pub(crate) fn filter_of(
    given: Option<SeccompFilter>,
    spec: &Spec,
) -> Result<Option<SeccompFilter>, IsolateError> {
    let Some(profile) = &spec.linux.seccomp else {
        return Ok(given);
    };
    if given.is_some() {
        return Ok(given);
    }
    compile(profile.get().as_bytes()).map(Some)
}

/// Compiles a profile, the JSON text of `linux.seccomp`.
///
/// # Errors
/// What in the profile cannot be had, by name.
pub fn compile(profile: &[u8]) -> Result<SeccompFilter, IsolateError> {
    let filter = estiba_seccomp::compile(profile).map_err(|error| {
        IsolateError::invalid(STEP, format!("cannot use seccomp profile: {error}"))
    })?;
    Ok(SeccompFilter {
        program: filter.to_bytes(),
        flags: filter.flags,
    })
}

impl Confinement {
    /// That of an init. `is_first`: it is the first process of its pid namespace. Others may come
    /// before its execve: hooks, which are programs of the image, and, where it waits for anybody who
    /// connects, whoever is let into the namespace by its path meanwhile.
    pub(crate) fn of_init(
        filter: Option<SeccompFilter>,
        process: &Process,
        is_first: bool,
        way: Way,
    ) -> Result<Option<Self>, IsolateError> {
        let has_company = way.has_hooks || way.has_listener;
        let is_alone = is_first && !(has_company && may_trace(process));
        Self::plan(filter, process, is_alone, &way.detours())
    }

    /// `is_alone`: nobody in the pid namespace can take hold of the process. `detours`: what it calls
    /// on its way besides the usual.
    pub(crate) fn plan(
        filter: Option<SeccompFilter>,
        process: &Process,
        is_alone: bool,
        detours: &[NamedCall],
    ) -> Result<Option<Self>, IsolateError> {
        let Some(filter) = filter else {
            return Ok(None);
        };
        let program = estiba_seccomp::from_bytes(&filter.program).unwrap_or_default();
        if !allows(&program, libc::SYS_execve) {
            return Err(refused("it forbids execve, so no program could run"));
        }
        let last = if process.no_new_privileges {
            Some(Moment::Last)
        } else if is_alone || is_admin(process) {
            Some(Moment::LastAsAdmin)
        } else {
            None
        };
        let mut way = ON_THE_WAY.iter().chain(detours);
        let moment = match (last, way.find(|(_, number)| !allows(&program, *number))) {
            (Some(last), _) if is_alone => last,
            (_, None) => Moment::Early,
            (Some(last), Some(_)) => last,
            (None, Some((name, _))) => {
                let needed = ON_THE_WAY.iter().chain(detours).map(|(name, _)| *name);
                return Err(refused(&format!(
                    "it forbids {name}, which is needed on the way to execve where others could take \
                     hold of the process: allow these calls, or set no_new_privs: {}",
                    needed.collect::<Vec<_>>().join(" ")
                )));
            }
        };
        Ok(Some(Self { filter, moment }))
    }

    /// Whether the process has to keep CAP_SYS_ADMIN to the end.
    pub(crate) fn keeps_admin(&self) -> bool {
        self.moment == Moment::LastAsAdmin
    }

    /// Whether the filter comes while the process becomes the user.
    pub(crate) fn is_early(&self) -> bool {
        self.moment == Moment::Early
    }

    /// Puts the filter in force, for this process and all that come from it.
    pub(crate) fn install(&self) -> Result<(), IsolateError> {
        estiba_kernel::seccomp::install(&self.filter.program, self.filter.flags)
            .map_err(|errno| IsolateError::kernel(STEP, "install the seccomp filter", errno))
    }
}

/// Whether a container's processes may look into one another's.
pub(crate) fn may_trace(process: &Process) -> bool {
    has_capability(process, "CAP_SYS_PTRACE")
}

/// Whether a container's processes have the right to install filters, and much else.
pub(crate) fn is_admin(process: &Process) -> bool {
    has_capability(process, "CAP_SYS_ADMIN")
}

fn has_capability(process: &Process, name: &str) -> bool {
    process.capabilities.as_ref().is_some_and(|sets| {
        sets.bounding
            .iter()
            .any(|one| one.eq_ignore_ascii_case(name))
    })
}

fn refused(why: &str) -> IsolateError {
    let message = format!("cannot confine the container by its seccomp profile: {why}");
    IsolateError::new(ErrorCode::FailedPrecondition, STEP, message)
}

fn allows(program: &[Instruction], number: libc::c_long) -> bool {
    let Ok(number) = u32::try_from(number) else {
        return false;
    };
    let call = Call {
        token: Arch::native().token(),
        number,
        arguments: [0; 6],
    };
    matches!(estiba_seccomp::run(program, call), Some(ALLOW | LOG))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Capabilities;

    #[test]
    fn calls_that_must_be_allowed_have_the_numbers_that_filters_are_made_of() {
        let everything = Way {
            has_terminal: true,
            has_listener: true,
            has_hooks: true,
        };
        for (name, number) in ON_THE_WAY.iter().chain(&everything.detours()) {
            let known = estiba_seccomp::number_of(Arch::native(), name);
            assert_eq!(known.map(i64::from), Some(*number), "{name}");
        }
    }

    fn filter(profile: &str) -> Option<SeccompFilter> {
        Some(compile(profile.as_bytes()).unwrap())
    }

    const ALL_BUT_SETSID: &str = r#"{"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["setsid"], "action": "SCMP_ACT_ERRNO"}]}"#;

    fn moment(profile: &str, process: &Process, is_alone: bool) -> Moment {
        Confinement::plan(filter(profile), process, is_alone, &[])
            .unwrap()
            .unwrap()
            .moment
    }

    fn locked() -> Process {
        Process {
            no_new_privileges: true,
            ..Process::default()
        }
    }

    fn admin() -> Process {
        let capabilities = Capabilities {
            bounding: vec!["CAP_SYS_ADMIN".to_owned()],
            ..Capabilities::default()
        };
        Process {
            capabilities: Some(capabilities),
            ..Process::default()
        }
    }

    #[test]
    fn a_filter_comes_last_only_where_nobody_can_take_hold_of_the_process() {
        let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;
        assert_eq!(moment(profile, &locked(), true), Moment::Last);
        for process in [Process::default(), admin()] {
            assert_eq!(moment(profile, &process, true), Moment::LastAsAdmin);
        }
        for process in [Process::default(), admin(), locked()] {
            assert_eq!(moment(profile, &process, false), Moment::Early);
        }
    }

    #[test]
    fn a_filter_that_cannot_come_early_comes_last_where_that_takes_no_more_rights() {
        assert_eq!(moment(ALL_BUT_SETSID, &locked(), false), Moment::Last);
        assert_eq!(moment(ALL_BUT_SETSID, &admin(), false), Moment::LastAsAdmin);
    }

    fn tracer() -> Process {
        let mut process = admin();
        let sets = process.capabilities.as_mut().unwrap();
        sets.bounding = vec!["CAP_SYS_PTRACE".to_owned()];
        process
    }

    fn init(profile: &str, process: &Process, way: Way) -> Result<Moment, IsolateError> {
        let planned = Confinement::of_init(filter(profile), process, true, way)?;
        Ok(planned.unwrap().moment)
    }

    const STRAIGHT: Way = Way {
        has_terminal: false,
        has_listener: false,
        has_hooks: false,
    };

    #[test]
    fn who_may_trace_an_init_before_its_execve_finds_no_admin() {
        let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;
        let with_hooks = Way {
            has_hooks: true,
            ..STRAIGHT
        };
        let listening = Way {
            has_listener: true,
            ..STRAIGHT
        };
        for way in [with_hooks, listening] {
            assert_eq!(init(profile, &tracer(), way).unwrap(), Moment::Early);
            let plain = Process::default();
            assert_eq!(init(profile, &plain, way).unwrap(), Moment::LastAsAdmin);
        }
        let moment = init(profile, &tracer(), STRAIGHT).unwrap();
        assert_eq!(moment, Moment::LastAsAdmin);
    }

    #[test]
    fn hooks_that_an_early_filter_would_stop_are_refused_with_the_call() {
        let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["waitid"], "action": "SCMP_ACT_ERRNO"}]}"#;
        let with_hooks = Way {
            has_hooks: true,
            ..STRAIGHT
        };
        let error = init(profile, &tracer(), with_hooks).unwrap_err();
        assert!(error.message.contains("forbids waitid"), "{error}");
        let moment = init(profile, &tracer(), STRAIGHT).unwrap();
        assert_eq!(moment, Moment::LastAsAdmin);
    }

    #[test]
    fn a_detour_counts_as_part_of_the_way() {
        let profile = r#"{"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["ioctl"], "action": "SCMP_ACT_ERRNO"}]}"#;
        assert_eq!(moment(profile, &locked(), false), Moment::Early);
        let detours = [FOR_TERMINAL];
        let planned = Confinement::plan(filter(profile), &locked(), false, &detours);
        assert_eq!(planned.unwrap().unwrap().moment, Moment::Last);
        let error = Confinement::plan(filter(profile), &Process::default(), false, &detours);
        assert!(error.unwrap_err().message.contains("forbids ioctl"));
    }

    #[test]
    fn a_profile_that_nothing_could_start_under_is_refused_with_the_call() {
        let plain = Process::default();
        assert!(Confinement::plan(filter(ALL_BUT_SETSID), &plain, true, &[]).is_ok());
        let error = Confinement::plan(filter(ALL_BUT_SETSID), &plain, false, &[]).unwrap_err();
        assert!(error.message.contains("forbids setsid"), "{error}");
        let none = r#"{"defaultAction": "SCMP_ACT_ERRNO"}"#;
        let error = Confinement::plan(filter(none), &plain, true, &[]).unwrap_err();
        assert!(error.message.contains("forbids execve"), "{error}");
    }
}
