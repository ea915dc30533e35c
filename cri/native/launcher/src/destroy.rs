//! Ends what a dead monitor has left behind.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use estiba_isolate::{Host, remove_cgroup};
use estiba_monitor::convert;
use estiba_monitor::process;
use estiba_wire::Message;
use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use crate::job::{self, Context, Reply};

/// For processes to go away after SIGKILL.
const PATIENCE: Duration = Duration::from_secs(10);
/// No container's poststop hooks are begun later, so that somebody hears the answer.
const HOOKS_TIME: Duration = Duration::from_secs(20);

/// Kills, waits, removes; every step is tried even when one before it failed. The first failure is
/// answered, the others stand in its chain.
pub(crate) fn run(request: &v1::DestroyPod, context: &Context) -> Result<Option<Reply>, Fault> {
    let pod_dir = job::absolute(&request.pod_dir, "check")?;
    let host = context.host()?;
    let mut failures = Vec::new();
    let record = read_record(&pod_dir).unwrap_or_else(|fault| {
        failures.push(fault);
        None
    });
    let record = record.unwrap_or_default();
    if host.boot_id == record.boot_id {
        failures.extend(kill_monitor(&record).err());
    }
    let mut cgroups: Vec<&String> = record.cgroups.iter().chain(&request.cgroups).collect();
    cgroups.sort_unstable();
    cgroups.dedup();
    failures.extend(remove_cgroups(host, &cgroups));
    for netns in [&record.netns_path, &request.netns_path] {
        failures.extend(unpin(netns).err());
    }
    if request.remove_dir && failures.is_empty() {
        let removed = end_containers(&record.pod_id, &pod_dir).and_then(|()| remove_tree(&pod_dir));
        failures.extend(removed.err());
    }
    let mut failures = failures.into_iter();
    let Some(mut first) = failures.next() else {
        return Ok(Some(Reply::Destroyed(v1::Done {})));
    };
    first.chain.extend(failures.map(|fault| fault.message));
    Err(first)
}

/// Runs the poststop hooks of containers that no monitor has removed. Whose hooks are through loses
/// its directory, so that whoever tries again goes on with the next.
fn end_containers(pod_id: &str, pod_dir: &Path) -> Result<(), Fault> {
    let containers = pod_dir.join("containers");
    let what = format!("cannot end the containers of pod {pod_id:?}");
    let fail = |errno: Errno| Fault::from_errno("poststop", &what, errno.raw_os_error());
    let later = |code, why: &str| Fault::new(code, "poststop", format!("{what}: {why}"));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let lock = match rustix::fs::open(&containers, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        opened => opened.map_err(fail)?,
    };
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::AGAIN) => {
            let why = "another job runs their poststop hooks";
            return Err(later(ErrorCode::Unavailable, why));
        }
        locked => locked.map_err(fail)?,
    }
    let end = Instant::now() + HOOKS_TIME;
    let entries =
        fs::read_dir(&containers).map_err(|error| Fault::from_io("poststop", &what, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Fault::from_io("poststop", &what, &error))?;
        if Instant::now() >= end {
            let why = format!(
                "poststop hooks took {} s, some are still to be run",
                HOOKS_TIME.as_secs()
            );
            return Err(later(ErrorCode::DeadlineExceeded, &why));
        }
        let directory = entry.path();
        estiba_monitor::hooks::poststop(pod_id, &directory);
        remove_tree(&directory)?;
    }
    Ok(())
}

fn remove_tree(tree: &Path) -> Result<(), Fault> {
    estiba_trees::remove_tree(tree).map_err(|error| convert::remove_fault(&error))
}

/// `None` when there is no record; a record that cannot be read is an error.
fn read_record(pod_dir: &Path) -> Result<Option<v1::PodStateRecord>, Fault> {
    let path = pod_dir.join("state");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let what = format!("cannot read pod state {path:?}");
            return Err(Fault::from_io("read-state", &what, &error));
        }
    };
    v1::PodStateRecord::decode(bytes.as_slice())
        .map(Some)
        .map_err(|error| {
            let message = format!("cannot read pod state {path:?}: {error}");
            Fault::new(ErrorCode::Internal, "read-state", message)
        })
}

/// A monitor that does not answer is killed; a pid that somebody else has got is left alone.
fn kill_monitor(record: &v1::PodStateRecord) -> Result<(), Fault> {
    let Some(pid) = Pid::from_raw(record.monitor_pid) else {
        return Ok(());
    };
    let what = format!("cannot kill monitor {}", record.monitor_pid);
    let fault = |errno: Errno| Fault::from_errno("kill-monitor", &what, errno.raw_os_error());
    let pidfd = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Ok(()),
        opened => opened.map_err(fault)?,
    };
    let started = estiba_kernel::process::start_time_ticks(record.monitor_pid);
    if started != Some(record.monitor_start_time_ticks) {
        return Ok(());
    }
    process::send_signal(&pidfd, 9).map_err(fault)?;
    if estiba_kernel::fd::is_readable_within(&pidfd, PATIENCE) {
        return Ok(());
    }
    Err(Fault::new(
        ErrorCode::DeadlineExceeded,
        "kill-monitor",
        format!("{what}: it does not die"),
    ))
}

/// All are killed before the first is waited for.
fn remove_cgroups(host: &Host, cgroups: &[&String]) -> Vec<Fault> {
    let mut failures = Vec::new();
    for cgroup in cgroups {
        failures.extend(estiba_isolate::kill_cgroup(host, cgroup).err());
    }
    for cgroup in cgroups {
        failures.extend(remove_cgroup(host, cgroup, PATIENCE).err());
    }
    failures.into_iter().map(convert::fault).collect()
}

/// Unmounts and unlinks the pinned network namespace.
fn unpin(netns_path: &str) -> Result<(), Fault> {
    if netns_path.is_empty() {
        return Ok(());
    }
    let path = job::absolute(netns_path, "check")?;
    estiba_isolate::unpin_network(&path).map_err(convert::fault)
}
