//! Keeps procfs as it is: nothing is mounted in it but over a few files, and nothing on the place that
//! it will have.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;

use crate::error::{ErrorCode, IsolateError};
use crate::mounts::{Copies, STEP, open_target};
use crate::own_fds::OwnFds;
use crate::sources::{Planned, Source};
use crate::spec::Mount;

/// Files in procfs that a mount may cover (lxcfs does); everything else there stays as it is.
const PROC_FILES: [&str; 11] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/net/dev",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/uptime",
];

/// Whether a mount may be at this place in procfs.
pub(crate) fn may_be_covered(path: &str) -> bool {
    PROC_FILES.contains(&path.trim_end_matches('/'))
}

/// Places in this mount namespace, by their paths.
#[derive(Debug)]
pub(crate) struct Guard<'a> {
    own_fds: &'a OwnFds,
    places: Vec<PathBuf>,
}

impl<'a> Guard<'a> {
    pub(crate) fn new(own_fds: &'a OwnFds) -> Self {
        Self {
            own_fds,
            places: Vec::new(),
        }
    }

    /// Makes the directories that procfs is to be mounted on and keeps them free.
    pub(crate) fn keep_free(
        &mut self,
        root: BorrowedFd<'_>,
        late: &[Planned<'_>],
    ) -> Result<(), IsolateError> {
        for one in late.iter().filter(|one| one.mount.kind == "proc") {
            let target = open_target(root, one.mount, false, &Copies::default())?;
            self.places.push(self.place_of(&target)?);
        }
        Ok(())
    }

    fn place_of(&self, fd: &OwnedFd) -> Result<PathBuf, IsolateError> {
        let place = self.own_fds.place_of(fd);
        place.map_err(|errno| IsolateError::kernel(STEP, "look up a mount target", errno))
    }

    pub(crate) fn check(&self, mount: &Mount, target: &OwnedFd) -> Result<(), IsolateError> {
        if self.places.is_empty() {
            return Ok(());
        }
        let place = self.place_of(target)?;
        if self.places.iter().any(|kept| place.starts_with(kept)) {
            return Err(in_procfs(mount));
        }
        Ok(())
    }
}

/// The components of a path, without looking at links.
fn components(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names
}

/// Whether `path` is `top` or below it, by its words.
pub(crate) fn is_below(path: &str, top: &str) -> bool {
    components(path).starts_with(&components(top))
}

/// Takes out procfs and what is mounted in it: the rest is mounted first.
pub(crate) fn split_off_procfs<'a>(planned: &mut Vec<Planned<'a>>) -> Vec<Planned<'a>> {
    let tops: Vec<&str> = planned
        .iter()
        .filter(|one| matches!(one.source, Source::New | Source::PodProc))
        .filter(|one| one.mount.kind == "proc")
        .map(|one| one.mount.destination.as_str())
        .collect();
    let is_late = |one: &Planned<'_>| tops.iter().any(|top| is_below(&one.mount.destination, top));
    let (late, early) = std::mem::take(planned).into_iter().partition(is_late);
    *planned = early;
    late
}

/// Refuses what is to be mounted inside procfs, by the words of its path; links are looked at when
/// it is mounted.
pub(crate) fn refuse_in_procfs(late: &[Planned<'_>]) -> Result<(), IsolateError> {
    let is_allowed = |one: &Planned<'_>| {
        let path = format!("/{}", components(&one.mount.destination).join("/"));
        one.mount.kind == "proc" || may_be_covered(&path)
    };
    match late.iter().find(|one| !is_allowed(one)) {
        Some(one) => Err(in_procfs(one.mount)),
        None => Ok(()),
    }
}

pub(crate) fn in_procfs(mount: &Mount) -> IsolateError {
    let message = format!(
        "cannot mount {:?} at {:?}: this is inside the container's procfs",
        mount.source, mount.destination
    );
    IsolateError::new(ErrorCode::InvalidArgument, STEP, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_procfs_is_told_by_the_words_of_its_path() {
        for below in ["/proc", "/proc/", "//proc/./stat", "/x/../proc/stat"] {
            assert!(is_below(below, "/proc"), "{below}");
        }
        for beside in ["/", "/processes", "/x/proc", "/proc/../etc"] {
            assert!(!is_below(beside, "/proc"), "{beside}");
        }
    }
}
