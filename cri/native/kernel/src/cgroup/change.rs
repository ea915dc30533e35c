//! Killing and counting what is in a cgroup.

use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use super::remove::children;
use super::{CgroupError, Hierarchies, read_value, write_value};

/// Rounds of the kill loop: every round can meet processes forked since the one before.
const KILL_ROUNDS: usize = 64;

impl Hierarchies {
    /// Sends SIGKILL to every process in the cgroup and below. A cgroup that is gone is fine.
    ///
    /// # Errors
    /// When the kernel refuses; `INVAL` for a path that is none, such as "/", whose processes are all
    /// there are.
    pub fn kill(&self, cgroup: &str) -> Result<(), CgroupError> {
        must_be_cgroup(cgroup)?;
        if let Some(dir) = self.v2_dir(cgroup) {
            match write_value(&dir.join("cgroup.kill"), "1") {
                Ok(()) => return Ok(()),
                Err(error) if error.errno == Errno::NODEV => return Ok(()),
                // Before Linux 5.14 there is no such file.
                Err(error) if error.errno == Errno::NOENT => {
                    return kill_loop(&dir);
                }
                Err(error) => return Err(error),
            }
        }
        match self.v1_kill_dir(cgroup) {
            Some(dir) => kill_frozen(&dir),
            None => Ok(()),
        }
    }

    /// How often the kernel has killed a process of the cgroup for lack of memory.
    ///
    /// # Errors
    /// When the counter cannot be read; a cgroup that is gone counts 0.
    pub fn oom_kill_count(&self, cgroup: &str) -> Result<u64, CgroupError> {
        let file = match self.v1_dir("memory", cgroup) {
            Some(dir) => dir.join("memory.oom_control"),
            None => match self.v2_dir(cgroup) {
                Some(dir) => dir.join("memory.events"),
                None => return Ok(0),
            },
        };
        Ok(read_value(&file)?.map_or(0, |text| keyed_value(&text, "oom_kill").unwrap_or(0)))
    }

    /// Whether a process is in the cgroup or below it. A cgroup that is gone is empty.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn populated(&self, cgroup: &str) -> Result<bool, CgroupError> {
        if let Some(dir) = self.v2_dir(cgroup) {
            let text = read_value(&dir.join("cgroup.events"))?;
            return Ok(text.is_some_and(|text| keyed_value(&text, "populated") == Some(1)));
        }
        match self.v1_kill_dir(cgroup) {
            Some(dir) => any_process(&dir),
            None => Ok(false),
        }
    }

    /// Pids (as this process sees them) of the cgroup and below.
    ///
    /// # Errors
    /// When it cannot be read; `INVAL` for a path that is none.
    pub fn processes(&self, cgroup: &str) -> Result<Vec<i32>, CgroupError> {
        must_be_cgroup(cgroup)?;
        let mut pids = Vec::new();
        if let Some(dir) = self.v2_dir(cgroup).or_else(|| self.v1_kill_dir(cgroup)) {
            collect(&dir, &mut pids)?;
        }
        Ok(pids)
    }
}

fn must_be_cgroup(cgroup: &str) -> Result<(), CgroupError> {
    if super::is_cgroup_path(cgroup) {
        return Ok(());
    }
    let path = Path::new(cgroup);
    Err(CgroupError::new("use as cgroup", path, Errno::INVAL))
}

fn collect(dir: &Path, pids: &mut Vec<i32>) -> Result<(), CgroupError> {
    let text = read_value(&dir.join("cgroup.procs"))?.unwrap_or_default();
    pids.extend(
        text.lines()
            .filter_map(|line| line.parse::<i32>().ok())
            .filter(|pid| *pid > 0),
    );
    for child in children(dir) {
        collect(&child, pids)?;
    }
    Ok(())
}

fn any_process(dir: &Path) -> Result<bool, CgroupError> {
    let mut pids = Vec::new();
    collect(dir, &mut pids)?;
    Ok(!pids.is_empty())
}

/// v1: nothing can fork away while it is frozen; the signals act when it is thawed.
fn kill_frozen(dir: &Path) -> Result<(), CgroupError> {
    let state = dir.join("freezer.state");
    let can_freeze = state.exists();
    if can_freeze {
        // Best effort: an unfrozen group is killed by the loop below as well.
        drop(write_value(&state, "FROZEN"));
    }
    let mut pids = Vec::new();
    let listed = collect(dir, &mut pids);
    for pid in &pids {
        kill_one(*pid);
    }
    if can_freeze && dir.exists() {
        write_value(&state, "THAWED")?;
    }
    listed?;
    kill_loop(dir)
}

fn kill_loop(dir: &Path) -> Result<(), CgroupError> {
    for _ in 0..KILL_ROUNDS {
        let mut pids = Vec::new();
        collect(dir, &mut pids)?;
        // Zombies that somebody has not reaped yet stay listed; killing them again does nothing.
        pids.retain(|pid| crate::process::state_letter(*pid).is_some_and(|letter| letter != 'Z'));
        if pids.is_empty() {
            return Ok(());
        }
        for pid in pids {
            kill_one(pid);
        }
        std::thread::yield_now();
    }
    Ok(())
}

fn kill_one(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // Gone already is what we want; no other error can stop root.
        kill_process(pid, Signal::KILL).ok();
    }
}

/// The number behind a key in a file of `key number` lines.
pub(super) fn keyed_value(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        if name == key {
            value.trim().parse().ok()
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Errno, keyed_value, must_be_cgroup};

    #[test]
    fn what_is_no_cgroup_of_ours_is_neither_killed_nor_listed() {
        for path in ["", "/", "/..", "/a/../..", "//", "/a/", "a"] {
            assert_eq!(
                must_be_cgroup(path).unwrap_err().errno,
                Errno::INVAL,
                "{path}"
            );
        }
        must_be_cgroup("/a/b").unwrap();
    }

    #[test]
    fn keyed_files_are_read_by_whole_keys() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
        assert_eq!(keyed_value(text, "oom_kill"), Some(3));
        assert_eq!(keyed_value(text, "oom"), None);
        assert_eq!(keyed_value("oom_kill x\n", "oom_kill"), None);
    }
}
