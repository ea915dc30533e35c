//! `events`: what a container uses, and when it runs out of memory, in the form of runc.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use estiba_kernel::Errno;
use estiba_kernel::cgroup::{DeviceStats, MemoryStats, OomAncestors, OomWatch, Stats};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value, json};

use super::commands::{STEP, open_pidfd, precondition};
use super::state::{Record, Status, dir_of};
use crate::error::IsolateError;
use crate::host::{Host, cgroup_error, oom_ancestors, take_oom_kills, watch_oom};

/// The kernel may announce a kill before it counts it.
const SOON: Duration = Duration::from_millis(20);
const LOOKS: u32 = 50;

/// What the container uses now, as one event.
///
/// # Errors
/// `FailedPrecondition` when it is over.
pub fn stats(host: &Host, root: &Path, id: &str) -> Result<Value, IsolateError> {
    stats_event(host, &living(host, root, id)?)
}

fn living(host: &Host, root: &Path, id: &str) -> Result<Record, IsolateError> {
    let record = Record::load(&dir_of(root, id)?, id)?;
    match record.status_on(host)? {
        status @ (Status::Creating | Status::Stopped) => Err(precondition(format!(
            "cannot tell events of container {id:?}: it is {status}: container not running"
        ))),
        Status::Created | Status::Running | Status::Paused => Ok(record),
    }
}

/// Tells what the container uses at every interval, and each time a process of it is killed for lack
/// of memory, until it is over or `tell` answers that nobody listens.
///
/// # Errors
/// `FailedPrecondition` when it is over already.
pub fn events(
    host: &Host,
    root: &Path,
    id: &str,
    interval: Duration,
    tell: &mut dyn FnMut(&Value) -> bool,
) -> Result<(), IsolateError> {
    let record = living(host, root, id)?;
    let Some(pidfd) = open_pidfd(record.pid).filter(|_| record.is_alive(&host.boot_id)) else {
        return Ok(());
    };
    let mut oom = Oom::watch(host, &record.cgroup);
    let mut next = Instant::now() + interval;
    loop {
        let is_over = oom.wait(pidfd.as_fd(), next)?;
        if oom.has_killed(host) && !tell(&json!({"type": "oom", "id": id})) {
            return Ok(());
        }
        if is_over {
            return Ok(());
        }
        if Instant::now() >= next {
            next = Instant::now() + interval;
            match stats_event(host, &record) {
                Ok(event) if tell(&event) => {}
                Ok(_) => return Ok(()),
                // Its cgroup goes with it.
                Err(_) if !record.is_alive(&host.boot_id) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Kills for lack of memory; none are seen where memory is not accounted.
struct Oom {
    ancestors: OomAncestors,
    watch: Option<OomWatch>,
    /// Looks still to be taken without being told to.
    looks: u32,
}

impl Oom {
    fn watch(host: &Host, cgroup: &str) -> Self {
        let mut ancestors = oom_ancestors(host, cgroup);
        let mut watch = watch_oom(host, cgroup, &mut ancestors).ok();
        if let Some(watch) = &mut watch {
            // What was before is none of ours.
            take_oom_kills(host, watch, &mut ancestors);
        }
        Self {
            ancestors,
            watch,
            looks: 0,
        }
    }

    fn has_killed(&mut self, host: &Host) -> bool {
        let watch = self.watch.as_mut();
        watch.is_some_and(|watch| take_oom_kills(host, watch, &mut self.ancestors).is_some())
    }

    /// Waits for anything to look at; true at the end of the process.
    fn wait(
        &mut self,
        pidfd: std::os::fd::BorrowedFd<'_>,
        until: Instant,
    ) -> Result<bool, IsolateError> {
        let mut rest = until.saturating_duration_since(Instant::now());
        if self.looks > 0 {
            self.looks -= 1;
            rest = rest.min(SOON);
        }
        let mut fds = vec![PollFd::from_borrowed_fd(pidfd, PollFlags::IN)];
        // What has just been announced would only be announced again.
        if let Some(watch) = self.watch.as_ref().filter(|_| self.looks == 0) {
            let (event, is_exceptional) = watch.event();
            let flags = if is_exceptional {
                PollFlags::PRI
            } else {
                PollFlags::IN
            };
            fds.push(PollFd::from_borrowed_fd(event, flags));
        }
        match poll(&mut fds, Timespec::try_from(rest).ok().as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(IsolateError::kernel(STEP, "wait for events", errno)),
        }
        let is_announced = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
        let is_over = fds.first().is_some_and(|fd| !fd.revents().is_empty());
        if is_announced {
            self.looks = LOOKS;
        }
        Ok(is_over)
    }
}

fn stats_event(host: &Host, record: &Record) -> Result<Value, IsolateError> {
    let stats = host.cgroups.stats(&record.cgroup);
    let stats = stats.map_err(|error| cgroup_error(STEP, &error))?;
    Ok(json!({"type": "stats", "id": record.id, "data": data(&stats)}))
}

fn data(stats: &Stats) -> Value {
    let cpu = &stats.cpu;
    let details: Map<String, Value> = stats
        .memory_details
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(*value)))
        .collect();
    let pages: Map<String, Value> = stats
        .huge_pages
        .iter()
        .map(|(size, pages)| (size.clone(), memory(pages)))
        .collect();
    json!({
        "cpu": {
            "usage": {
                "total": cpu.total, "user": cpu.user, "kernel": cpu.kernel, "percpu": cpu.per_cpu,
            },
            "throttling": {
                "periods": cpu.periods,
                "throttledPeriods": cpu.throttled_periods,
                "throttledTime": cpu.throttled,
            },
        },
        "memory": {
            "usage": memory(&stats.memory),
            "swap": memory(&stats.swap),
            "cache": stats.cache,
            "raw": details,
        },
        "pids": {"current": stats.pids, "limit": stats.pids_limit},
        "blkio": {
            "ioServiceBytesRecursive": devices(&stats.io_bytes),
            "ioServicedRecursive": devices(&stats.io_operations),
        },
        "hugetlb": pages,
    })
}

fn memory(stats: &MemoryStats) -> Value {
    json!({
        "usage": stats.usage, "max": stats.max, "limit": stats.limit, "failcnt": stats.fails,
    })
}

fn devices(list: &[DeviceStats]) -> Value {
    let one = |stats: &DeviceStats| {
        let (major, minor) = stats.device;
        json!({"major": major, "minor": minor, "op": stats.operation, "value": stats.value})
    };
    list.iter().map(one).collect()
}
