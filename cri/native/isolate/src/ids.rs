//! Ids of a container and of the host, and the user namespace between them.

use std::os::fd::{AsFd, OwnedFd};

use estiba_kernel::spawn::{setns, unshare};
use estiba_kernel::userns::{self, Range};
use estiba_kernel::{Errno, process};
use rustix::fs::{Mode, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::namespaces;
use crate::request::{PodNamespaces, ResolvedUser};
use crate::spec::{IdMapping, Linux};

const STEP: &str = "user-namespace";

/// Which ids of the host stand for those of a container. Empty: they are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    /// Of users.
    pub uids: Vec<Range>,
    /// Of groups.
    pub gids: Vec<Range>,
}

fn outside(ranges: &[Range], inside: u32) -> Option<u32> {
    if ranges.is_empty() {
        return Some(inside);
    }
    ranges.iter().find_map(|range| {
        let offset = inside.checked_sub(range.inside)?;
        let id = range.outside.checked_add(offset)?;
        (offset < range.length).then_some(id)
    })
}

impl Ids {
    pub(crate) fn of_spec(uids: Option<&[IdMapping]>, gids: Option<&[IdMapping]>) -> Self {
        let ranges = |list: Option<&[IdMapping]>| {
            let range = |one: &IdMapping| Range {
                inside: one.container_id,
                outside: one.host_id,
                length: one.size,
            };
            list.unwrap_or_default().iter().map(range).collect()
        };
        Self {
            uids: ranges(uids),
            gids: ranges(gids),
        }
    }

    pub(crate) fn of(linux: &Linux) -> Self {
        if linux.namespace("user").is_none() {
            return Self::default();
        }
        Self::of_spec(linux.uid_mappings.as_deref(), linux.gid_mappings.as_deref())
    }

    /// Whether there is a user namespace at all.
    pub(crate) fn are_mapped(&self) -> bool {
        !self.uids.is_empty() || !self.gids.is_empty()
    }

    /// The host's id of a user of the container; `None` when it has none.
    pub(crate) fn uid(&self, inside: u32) -> Option<u32> {
        outside(&self.uids, inside)
    }

    /// The host's id of a group of the container.
    pub(crate) fn gid(&self, inside: u32) -> Option<u32> {
        outside(&self.gids, inside)
    }

    /// What the container's root is on the host.
    pub(crate) fn root(&self) -> Result<(u32, u32), IsolateError> {
        self.uid(0).zip(self.gid(0)).ok_or_else(|| {
            let message = "cannot use user namespace: its id 0 has no id on the host";
            IsolateError::invalid(STEP, message)
        })
    }

    /// The host's id of a user of whom every id is mapped: the owner of his streams.
    pub(crate) fn owner(&self, user: &ResolvedUser) -> Result<u32, IsolateError> {
        let mut groups = std::iter::once(&user.gid).chain(&user.additional_gids);
        let stranger = groups.find(|gid| self.gid(**gid).is_none());
        let refuse = |what: &str, id: u32| {
            let message = format!(
                "cannot become user {}:{}: {what} {id} has no id in the pod's user namespace",
                user.uid, user.gid
            );
            IsolateError::invalid("set-user", message)
        };
        match (self.uid(user.uid), stranger) {
            (None, _) => Err(refuse("user", user.uid)),
            (_, Some(gid)) => Err(refuse("group", *gid)),
            (Some(uid), None) => Ok(uid),
        }
    }

    /// Makes a user namespace with these mappings that nobody is in.
    #[allow(unsafe_code, reason = "fork point")]
    pub(crate) fn make_namespace(&self) -> Result<OwnedFd, IsolateError> {
        // SAFETY: the crate's contract: the calling process has one thread.
        unsafe { userns::make(&self.uids, &self.gids) }.map_err(no_namespace)
    }
}

/// What is made from here on belongs to the container's root, until `make_files_as_host`.
pub(crate) fn make_files_as_root(ids: &Ids) -> Result<(), IsolateError> {
    if !ids.are_mapped() {
        return Ok(());
    }
    let (uid, gid) = ids.root()?;
    userns::make_files_as(uid, gid).map_err(owner_failed)
}

/// Back to the host's root.
pub(crate) fn make_files_as_host(ids: &Ids) -> Result<(), IsolateError> {
    if !ids.are_mapped() {
        return Ok(());
    }
    userns::make_files_as(0, 0).map_err(owner_failed)
}

fn owner_failed(errno: Errno) -> IsolateError {
    IsolateError::kernel(STEP, "make files for the container's root", errno)
}

/// What the kernel means by its refusal to make a user namespace.
pub(crate) fn no_namespace(errno: Errno) -> IsolateError {
    let error = IsolateError::kernel(STEP, "make a user namespace", errno);
    match errno {
        Errno::NOSPC => error
            .with_code(ErrorCode::ResourceExhausted)
            .because("the limit in /proc/sys/user/max_user_namespaces is reached"),
        Errno::INVAL => error.with_code(ErrorCode::InvalidArgument),
        _ => error,
    }
}

/// Whether the spec wants a user namespace of the container's own.
pub(crate) fn are_for_new_namespace(linux: &Linux) -> bool {
    let user = linux.namespace("user");
    user.is_some_and(|namespace| namespace.path.is_empty())
}

/// The user namespace that the spec gives by path.
pub(crate) fn open(
    linux: &Linux,
    monitor: i32,
    pod: Option<&PodNamespaces>,
) -> Result<Option<OwnedFd>, IsolateError> {
    let Some(namespace) = linux.namespace("user") else {
        return Ok(None);
    };
    let fail = |errno| {
        let action = format!("open user namespace {:?}", namespace.path);
        IsolateError::kernel(STEP, action, errno)
    };
    if let Some(fd) = namespaces::inherited(&namespace.path, monitor, pod) {
        let copy = fd
            .try_clone_to_owned()
            .map_err(|error| fail(Errno::from_io_error(&error).unwrap_or(Errno::MFILE)))?;
        return Ok(Some(copy));
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(&namespace.path, flags, Mode::empty())
        .map(Some)
        .map_err(fail)
}

/// Enters the user namespace for good, as its root, with every capability there and none outside.
/// Mounts (and with `cgroup` the cgroup namespace) become the user namespace's own as they stand:
/// what has been mounted cannot be taken apart in there, nor be made writable again.
pub(crate) fn enter(user: impl AsFd, mounts: bool, cgroup: bool) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, "enter the pod's user namespace", errno);
    setns(user, libc::CLONE_NEWUSER).map_err(fail)?;
    let mut flags = 0;
    for (wanted, flag) in [(mounts, libc::CLONE_NEWNS), (cgroup, libc::CLONE_NEWCGROUP)] {
        if wanted {
            flags |= flag;
        }
    }
    if flags != 0 {
        unshare(flags).map_err(fail)?;
    }
    process::set_identity(0, 0, &[]).map_err(fail)?;
    // The keyring from before belongs to the host's root.
    process::leave_session_keyring();
    process::set_not_dumpable().map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(inside: u32, outside: u32, length: u32) -> Range {
        Range {
            inside,
            outside,
            length,
        }
    }

    #[test]
    fn ids_outside_of_the_ranges_are_nobody() {
        let ids = Ids {
            uids: vec![range(0, 100_000, 1000), range(2000, 7, 1)],
            gids: vec![range(0, 200_000, 10)],
        };
        assert_eq!(ids.root().unwrap(), (100_000, 200_000));
        assert_eq!(ids.uid(999), Some(100_999));
        assert_eq!(ids.uid(1000), None);
        assert_eq!(ids.uid(2000), Some(7));
        assert_eq!(ids.gid(10), None);
        assert_eq!(Ids::default().uid(77), Some(77));
    }

    #[test]
    fn a_range_at_the_end_of_all_ids_does_not_wrap() {
        let ids = Ids {
            uids: vec![range(0, u32::MAX - 1, 65_536)],
            gids: Vec::new(),
        };
        assert_eq!(ids.uid(1), Some(u32::MAX));
        assert_eq!(ids.uid(2), None);
    }
}
