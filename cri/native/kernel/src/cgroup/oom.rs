//! Whom the kernel kills for lack of memory, and whose limit made it do so.
//!
//! A process is counted where it was, whichever limit was reached: the container's, one above it, or
//! the end of the machine's memory. v2 also counts how often a cgroup ran into its own limit; v1
//! signals that to whoever asked for it, for every cgroup below as well.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::event::EventfdFlags;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::change::keyed_value;
use super::{CgroupError, Hierarchies, read_value, write_value};

/// Whose limit was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OomLevel {
    /// The watched cgroup's own.
    Own,
    /// That of the cgroup so many levels above it; 1 = its parent.
    Above(usize),
    /// Nobody's: the machine had no memory left.
    Machine,
}

/// Processes that were killed since the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomKills {
    /// How many.
    pub kills: u64,
    /// Whose limit was reached.
    pub level: OomLevel,
    /// The cgroup with that limit; "" for the machine.
    pub cgroup: String,
    /// That limit in bytes; 0 for the machine, and where it cannot be read.
    pub limit_bytes: u64,
}

/// The cgroups above one or more others, nearest first, and how often each ran out of memory.
#[derive(Debug)]
pub struct OomAncestors {
    levels: Vec<(String, Option<Count>)>,
}

/// How often a cgroup ran into its own limit or (v1) into one above it.
#[derive(Debug)]
enum Count {
    /// A v2 file with a counter of its own.
    V2(PathBuf),
    /// A v1 event, and how often it came.
    V1(OwnedFd, u64),
}

/// A cgroup whose processes may be killed.
#[derive(Debug)]
pub struct OomWatch {
    cgroup: String,
    /// v2: memory.events; v1: memory.oom_control. Kept open, which also keeps the counters.
    file: OwnedFd,
    /// v1: signaled before a process is killed. v2 has the file itself for that.
    event: Option<Count>,
    kills_seen: u64,
    own_seen: u64,
    above_seen: Vec<u64>,
}

impl Hierarchies {
    /// What is above a cgroup, from its parent to the top. Where a level cannot be watched it is
    /// never found to be the reason.
    #[must_use]
    pub fn oom_ancestors(&self, cgroup: &str) -> OomAncestors {
        let mut levels = Vec::new();
        let mut rest = cgroup;
        while let Some((above, _)) = rest.rsplit_once('/').filter(|(above, _)| !above.is_empty()) {
            levels.push((above.to_owned(), self.oom_count(above).ok()));
            rest = above;
        }
        OomAncestors { levels }
    }

    fn oom_count(&self, cgroup: &str) -> Result<Count, CgroupError> {
        match self.v1_dir("memory", cgroup) {
            Some(dir) => {
                let file = open(&dir.join("memory.oom_control"))?;
                v1_event(&dir, &file)
            }
            None => {
                let dir = self.v2_dir(cgroup).unwrap_or_default();
                Ok(Count::V2(dir.join("memory.events.local")))
            }
        }
    }

    /// Watches a cgroup from now on; what has happened in it before counts as not seen yet.
    ///
    /// # Errors
    /// When its files cannot be opened: it is gone, or there is no memory controller.
    pub fn watch_oom(
        &self,
        cgroup: &str,
        ancestors: &mut OomAncestors,
    ) -> Result<OomWatch, CgroupError> {
        let (file, event) = match self.v1_dir("memory", cgroup) {
            Some(dir) => {
                let file = open(&dir.join("memory.oom_control"))?;
                let event = v1_event(&dir, &file)?;
                (file, Some(event))
            }
            None => {
                let dir = self.v2_dir(cgroup).unwrap_or_default();
                (open(&dir.join("memory.events"))?, None)
            }
        };
        Ok(OomWatch {
            cgroup: cgroup.to_owned(),
            file,
            event,
            kills_seen: 0,
            own_seen: 0,
            above_seen: ancestors.totals(),
        })
    }

    fn memory_limit(&self, cgroup: &str) -> u64 {
        let file = match self.v1_dir("memory", cgroup) {
            Some(dir) => dir.join("memory.limit_in_bytes"),
            None => match self.v2_dir(cgroup) {
                Some(dir) => dir.join("memory.max"),
                None => return 0,
            },
        };
        let text = read_value(&file).ok().flatten().unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }
}

impl OomWatch {
    /// What to wait for, and whether it is an exceptional condition (v2) or input (v1).
    #[must_use]
    pub fn event(&self) -> (BorrowedFd<'_>, bool) {
        match &self.event {
            Some(Count::V1(event, _)) => (event.as_fd(), false),
            Some(Count::V2(_)) | None => (self.file.as_fd(), true),
        }
    }

    /// Processes killed since the last call; `None` when there are none. To be called at every
    /// event: it may come before the kill that it announces.
    pub fn take(
        &mut self,
        hierarchies: &Hierarchies,
        ancestors: &mut OomAncestors,
    ) -> Option<OomKills> {
        let text = self.read();
        let killed = keyed_value(&text, "oom_kill").unwrap_or(0);
        let own = match &mut self.event {
            Some(count) => count.total(),
            None => keyed_value(&text, "oom").unwrap_or(0),
        };
        let kills = killed.saturating_sub(self.kills_seen);
        if kills == 0 {
            return None;
        }
        let above = ancestors.totals();
        let since = |now: &[u64]| -> Vec<u64> {
            let seen = self.above_seen.iter();
            now.iter()
                .zip(seen)
                .map(|(now, seen)| now.saturating_sub(*seen))
                .collect()
        };
        let mut reached = vec![own.saturating_sub(self.own_seen)];
        reached.extend(since(&above));
        if self.event.is_some() {
            own_share(&mut reached);
        }
        (self.kills_seen, self.own_seen, self.above_seen) = (killed, own, above);
        let level = match reached.iter().position(|count| *count > 0) {
            Some(0) => OomLevel::Own,
            Some(above) => OomLevel::Above(above),
            None => OomLevel::Machine,
        };
        let cgroup = match level {
            OomLevel::Own => self.cgroup.clone(),
            OomLevel::Above(above) => ancestors.name(above),
            OomLevel::Machine => String::new(),
        };
        let limit_bytes = match level {
            OomLevel::Machine => 0,
            OomLevel::Own | OomLevel::Above(_) => hierarchies.memory_limit(&cgroup),
        };
        Some(OomKills {
            kills,
            level,
            cgroup,
            limit_bytes,
        })
    }

    /// Forgets that limits were reached above when that has killed nobody here.
    pub fn settle(&mut self, ancestors: &mut OomAncestors) {
        self.above_seen = ancestors.totals();
        self.own_seen = match &mut self.event {
            Some(count) => count.total(),
            None => keyed_value(&self.read(), "oom").unwrap_or(0),
        };
    }

    /// Reading is what ends the exceptional condition of a v2 file.
    fn read(&self) -> String {
        let mut buffer = [0; 512];
        // Nothing to read: the cgroup is gone, and nobody can be killed in it any more.
        let count = rustix::io::pread(&self.file, &mut buffer, 0).unwrap_or(0);
        String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()).into_owned()
    }
}

/// A v1 event comes to every cgroup below the one whose limit was reached: what also came to the
/// next one above was not a cgroup's own.
fn own_share(reached: &mut [u64]) {
    let above: Vec<u64> = reached.iter().skip(1).copied().chain([0]).collect();
    for (own, above) in reached.iter_mut().zip(above) {
        *own = own.saturating_sub(above);
    }
}

impl OomAncestors {
    fn totals(&mut self) -> Vec<u64> {
        let levels = self.levels.iter_mut();
        let total = |count: &mut Option<Count>| count.as_mut().map_or(0, Count::total);
        levels.map(|(_, count)| total(count)).collect()
    }

    fn name(&self, above: usize) -> String {
        let level = above
            .checked_sub(1)
            .and_then(|index| self.levels.get(index));
        level.map(|(cgroup, _)| cgroup.clone()).unwrap_or_default()
    }
}

impl Count {
    fn total(&mut self) -> u64 {
        match self {
            Self::V2(file) => {
                let text = read_value(file).ok().flatten().unwrap_or_default();
                keyed_value(&text, "oom").unwrap_or(0)
            }
            Self::V1(event, total) => {
                let mut buffer = [0; 8];
                if rustix::io::read(event.as_fd(), &mut buffer) == Ok(8) {
                    *total = total.saturating_add(u64::from_ne_bytes(buffer));
                }
                *total
            }
        }
    }
}

fn open(path: &std::path::Path) -> Result<OwnedFd, CgroupError> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| CgroupError::new("open", path, errno))
}

fn v1_event(dir: &std::path::Path, oom_control: &OwnedFd) -> Result<Count, CgroupError> {
    let control = dir.join("cgroup.event_control");
    let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
    let event = rustix::event::eventfd(0, flags)
        .map_err(|errno: Errno| CgroupError::new("make an event for", &control, errno))?;
    let pair = format!("{} {}", event.as_raw_fd(), oom_control.as_raw_fd());
    write_value(&control, &pair)?;
    Ok(Count::V1(event, 0))
}

#[cfg(test)]
mod tests;
