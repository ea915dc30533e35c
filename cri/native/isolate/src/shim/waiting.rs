//! Waiting for a process that another program has made, and ending as it did.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use estiba_kernel::spawn::{exit_now, send_signal};
use estiba_kernel::{fd, process};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitOptions};

use crate::error::{ErrorCode, IsolateError};

const MAX_PID_FILE: u64 = 64;
/// Looks for children that were born since the last one.
const MAX_SWEEPS: usize = 100;
/// More processes than that are not looked through: no cgroup has room for them.
const MAX_TREE: usize = 1 << 16;
const HOUR: Duration = Duration::from_secs(3600);

/// How the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Exited(i32),
    Killed(i32),
}

/// A process that a program has made, held: its number alone may be another's one day.
pub(super) struct Process {
    pub pid: i32,
    pub pidfd: OwnedFd,
}

impl Process {
    /// The one that a pid file names.
    pub(super) fn of(pid_file: &Path) -> Result<Self, IsolateError> {
        let pid = read_pid(pid_file)?;
        let held = Pid::from_raw(pid)
            .ok_or(Errno::SRCH)
            .and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()));
        match held {
            Ok(pidfd) => Ok(Self { pid, pidfd }),
            Err(errno) => {
                let action = format!("hold process {pid}, which {pid_file:?} names");
                Err(IsolateError::kernel("pid-file", action, errno))
            }
        }
    }

    /// Waits until it has ended, and reaps whoever else has become a child of this subreaper. One
    /// that never became a child of ours is waited for too, and its exit code is not known.
    pub(super) fn wait(&self) -> Ended {
        loop {
            match rustix::process::wait(WaitOptions::empty()) {
                Ok(Some((ended, status))) if ended.as_raw_nonzero().get() == self.pid => {
                    return match (status.exit_status(), status.terminating_signal()) {
                        (Some(code), _) => Ended::Exited(code),
                        (None, Some(signal)) => Ended::Killed(signal),
                        (None, None) => Ended::Exited(255),
                    };
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => {
                    while !fd::is_readable_within(&self.pidfd, HOUR) {}
                    return Ended::Exited(255);
                }
            }
        }
    }

    /// As `wait`, looking once.
    pub(super) fn look(&self) -> Option<Ended> {
        fd::is_readable_within(&self.pidfd, Duration::ZERO).then(|| self.wait())
    }
}

/// The number in a pid file.
fn read_pid(path: &Path) -> Result<i32, IsolateError> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_PID_FILE).read_to_string(&mut text))
        .map_err(|error| IsolateError::io("pid-file", format!("read {path:?}"), &error))?;
    text.trim().parse().map_err(|_invalid| {
        let message = format!("cannot read {path:?}: {:?} is not a pid", text.trim());
        IsolateError::new(ErrorCode::Internal, "pid-file", message)
    })
}

/// Ends this process as another one did.
pub(super) fn end_as(ended: Ended) -> ! {
    match ended {
        Ended::Exited(code) => exit_now(code),
        Ended::Killed(signal) => {
            // It is not the shim that crashed.
            process::set_limit(libc::RLIMIT_CORE, 0, 0).ok();
            estiba_kernel::signal::reset_all();
            let own = rustix::process::getpid();
            let flags = rustix::process::PidfdFlags::empty();
            // By descriptor: real-time signals have no names.
            if let Ok(own) = rustix::process::pidfd_open(own, flags) {
                send_signal(own, signal).ok();
            }
            exit_now(128 + signal)
        }
    }
}

/// A process that is known by its start time too: its pid alone may be another's by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    pid: i32,
    start_time_ticks: u64,
}

impl Known {
    fn is_there(self) -> bool {
        process::start_time_ticks(self.pid) == Some(self.start_time_ticks)
    }

    /// One that is gone needs no signal.
    fn signal(self, number: i32) {
        // The pidfd first, the check of its identity second.
        let held = Pid::from_raw(self.pid)
            .and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok());
        if let Some(held) = held.filter(|_| self.is_there()) {
            send_signal(held, number).ok();
        }
    }
}

/// Kills a process, which somebody has to hold, with all its descendants, as far as /proc tells. They
/// are stopped before the first is killed: the children of one that dies get other parents, and could
/// not be found.
pub(super) fn kill_tree(pid: i32) {
    let Some(start_time_ticks) = process::start_time_ticks(pid) else {
        return;
    };
    let top = Known {
        pid,
        start_time_ticks,
    };
    let mut stopped: Vec<Known> = Vec::new();
    for _ in 0..MAX_SWEEPS {
        let mut tree = with_descendants(top);
        tree.retain(|one| !stopped.contains(one));
        if tree.is_empty() {
            break;
        }
        tree.iter().for_each(|one| one.signal(libc::SIGSTOP));
        stopped.append(&mut tree);
    }
    stopped.iter().for_each(|one| one.signal(libc::SIGKILL));
}

/// Nearest first.
fn with_descendants(top: Known) -> Vec<Known> {
    let mut found = vec![top];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied().filter(|_| next < MAX_TREE) {
        next += 1;
        let children = children_of(parent.pid);
        // Else they were another's.
        if parent.is_there() {
            found.extend(children);
        }
    }
    found
}

/// The children of one thread are not those of another.
fn children_of(parent: i32) -> Vec<Known> {
    // Whose parent has just died has become a child of this subreaper.
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut found = Vec::new();
    let threads = std::fs::read_dir(format!("/proc/{parent}/task"));
    for thread in threads.into_iter().flatten().flatten() {
        let listed = std::fs::read_to_string(thread.path().join("children"));
        let listed = listed.unwrap_or_default();
        for pid in listed.split_ascii_whitespace() {
            let known = pid.parse().ok().and_then(|pid| {
                let (now, start_time_ticks) = process::parent_and_start(pid)?;
                ([parent, own].contains(&now)).then_some(Known {
                    pid,
                    start_time_ticks,
                })
            });
            found.extend(known);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_that_holds_no_pid_is_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        assert!(read_pid(&path).unwrap_err().message.contains("cannot read"));
        std::fs::write(&path, "12 no\n").unwrap();
        assert!(read_pid(&path).unwrap_err().message.contains("\"12 no\""));
        std::fs::write(&path, "12\n").unwrap();
        assert_eq!(read_pid(&path).unwrap(), 12);
    }

    fn pids_below(pid: i32) -> Vec<i32> {
        let top = Known {
            pid,
            start_time_ticks: process::start_time_ticks(pid).unwrap_or_default(),
        };
        let found = with_descendants(top).into_iter();
        found.map(|one| one.pid).collect()
    }

    #[test]
    fn whoever_has_got_the_pid_of_one_of_the_tree_is_left_alone() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 30 & wait"])
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while pids_below(pid).len() != 2 {
            assert!(std::time::Instant::now() < deadline, "no descendant");
        }
        let another = Known {
            pid,
            start_time_ticks: process::start_time_ticks(pid).unwrap() - 1,
        };
        assert_eq!(with_descendants(another), [another]);
        another.signal(libc::SIGKILL);
        std::thread::sleep(Duration::from_millis(20));
        assert!(child.try_wait().unwrap().is_none());
        kill_tree(pid);
        child.wait().unwrap();
    }

    #[test]
    fn descendants_are_found_below_their_parents() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 30 & sleep 30 & wait"])
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let mut tree = pids_below(pid);
        while tree.len() != 3 && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(1));
            tree = pids_below(pid);
        }
        assert_eq!((tree.len(), tree.first()), (3, Some(&pid)));
        kill_tree(pid);
        child.wait().unwrap();
    }

    #[test]
    fn children_of_every_thread_are_found() {
        let (tell, told) = std::sync::mpsc::channel();
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let mut child = std::process::Command::new("sleep")
                .arg("30")
                .spawn()
                .unwrap();
            tell.send(child.id()).unwrap();
            wait.recv().ok();
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let child = i32::try_from(told.recv().unwrap()).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        let found = pids_below(own);
        drop(done);
        thread.join().unwrap();
        assert!(found.contains(&child), "{child}: {found:?}");
    }

    #[test]
    fn a_tree_that_grows_while_it_is_killed_leaves_nobody() {
        // Nobody else on this machine sleeps for so long.
        let nap = format!("{}.4399", std::process::id());
        let script = format!(
            "for one in {}; do sh -c 'sleep {nap} & sleep {nap}; :' & done; wait",
            "x ".repeat(60)
        );
        let mut child = std::process::Command::new("sh")
            .args(["-c", &script])
            .spawn()
            .unwrap();
        let sleepers = || {
            let all = std::fs::read_dir("/proc").unwrap().flatten();
            all.filter(|entry| {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                line.ends_with(format!("\0{nap}\0").as_bytes())
            })
            .count()
        };
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while sleepers() < 5 && std::time::Instant::now() < deadline {}
        kill_tree(i32::try_from(child.id()).unwrap());
        child.wait().unwrap();
        while sleepers() > 0 {
            assert!(
                std::time::Instant::now() < deadline,
                "{} live on",
                sleepers()
            );
        }
    }
}
