//! Removes what a container has left, in a child: that may take its time.

use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Duration;

use estiba_isolate::remove_cgroup;
use estiba_wire::Message;
use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use crate::container::Remover;
use crate::convert;
use crate::hooks;
use crate::monitor::{Answer, Monitor};
use crate::poller::{Key, Source};
use crate::process::{self, Ended};
use crate::record::container_dir;
use crate::runtime;
use crate::stderr_log::Level;

/// For processes of a dead container to leave their cgroup.
pub(crate) const REMOVAL_PATIENCE: Duration = Duration::from_secs(10);

impl Monitor {
    /// Forks a child that removes what the container has left: that may take its time.
    pub(crate) fn start_removal(&mut self, key: Key) {
        let Some(container) = self.containers.get(&key) else {
            return;
        };
        if container.remover.is_some() {
            return;
        }
        let cgroup = container.cgroup.clone();
        let directory = container_dir(&self.identity.pod_dir, &container.id);
        let writable = container.writable_dir.clone();
        let started = self.fork_remover(key, &cgroup, (&writable, &directory));
        match (started, self.containers.get_mut(&key)) {
            (Ok(remover), Some(container)) => container.remover = Some(remover),
            (Err(fault), Some(container)) => {
                let waiters = std::mem::take(&mut container.remove_waiters);
                self.answer_all(waiters, &Answer::Fault(fault));
            }
            (_, None) => {}
        }
    }

    /// The container's directory goes last: by its record somebody can find the rest.
    fn fork_remover(
        &mut self,
        key: Key,
        cgroup: &str,
        (writable, directory): (&Path, &Path),
    ) -> Result<Remover, Fault> {
        let fault = |errno: Errno| {
            Fault::from_errno("fork", "cannot fork the remover", errno.raw_os_error())
        };
        let (report, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(fault)?;
        let container = self.containers.get(&key);
        let has_poststop = container.is_some_and(|one| one.after.has_poststop());
        let Some(child) = process::fork().map_err(fault)? else {
            rustix::thread::set_name(c"estiba-remover").ok();
            estiba_kernel::fd::close_all_except(&[theirs.as_raw_fd()]).ok();
            let mut failures = Vec::new();
            let removed = match &self.program {
                Some(program) => runtime::remove(&self.host, program, (cgroup, directory)),
                None => remove_cgroup(&self.host, cgroup, REMOVAL_PATIENCE).map_err(convert::fault),
            };
            failures.extend(removed.err());
            failures.extend(remove_tree(writable).err());
            // Else everything that the next attempt needs is kept, the spec with its hooks too.
            if failures.is_empty() {
                if has_poststop {
                    hooks::poststop(&self.identity.pod_id, directory);
                }
                failures.extend(remove_tree(directory).err());
            }
            if let Some(fault) = failures.first() {
                rustix::io::write(&theirs, &fault.encode_to_vec()).ok();
            }
            process::exit_now(i32::from(!failures.is_empty()));
        };
        let pidfd = self.watch_process(child.pidfd, Source::Remover(key), None)?;
        Ok(Remover { pidfd, report })
    }

    pub(crate) fn remover_ended(&mut self, key: Key) {
        let Some(container) = self.containers.get_mut(&key) else {
            return;
        };
        let Some(remover) = &container.remover else {
            return;
        };
        let ended = match process::reap(&remover.pidfd) {
            Ok(None) => return,
            Ok(Some(ended)) => ended,
            Err(_) => Ended::Exited(255),
        };
        let Some(remover) = container.remover.take() else {
            return;
        };
        let waiters = std::mem::take(&mut container.remove_waiters);
        let id = container.id.clone();
        self.poller.unwatch(remover.pidfd);
        if ended == Ended::Exited(0) {
            self.containers.remove(&key);
            if let Err(fault) = self.write_state() {
                self.log(
                    Level::Error,
                    "cannot write pod state",
                    &[("why", &fault.message)],
                );
            }
            return self.answer_all(waiters, &Answer::Removed(v1::Done {}));
        }
        let report = process::last_words(&remover.report);
        let fault = Fault::decode(report.as_slice())
            .ok()
            .filter(|fault| fault.code != 0);
        let fault = fault.unwrap_or_else(|| {
            let message = format!("cannot remove container {id:?}: the remover ended with {ended}");
            Fault::new(ErrorCode::Internal, "remove", message)
        });
        let fields = [("container", &*id), ("why", &*fault.message)];
        self.log(Level::Error, "cannot remove container", &fields);
        self.answer_all(waiters, &Answer::Fault(fault));
    }
}

fn remove_tree(tree: &Path) -> Result<(), Fault> {
    estiba_trees::remove_tree(tree).map_err(|error| convert::remove_fault(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Container, Phase};
    use crate::monitor::tests::monitor;

    #[test]
    fn a_remover_that_cannot_be_watched_is_reaped_and_the_next_one_does_its_work() {
        let scratch = tempfile::tempdir().unwrap();
        let Some(mut monitor) = monitor(scratch.path()) else {
            return;
        };
        let directory = container_dir(scratch.path(), "c");
        std::fs::create_dir_all(&directory).unwrap();
        let key = monitor.new_key();
        let cgroup = "/estiba-test-none/c".to_owned();
        let mut container = Container::new("c".into(), cgroup, scratch.path().join("writable"));
        container.phase = Phase::Exited;
        monitor.containers.insert(key, container);
        let working = monitor.poller.break_down();
        monitor.start_removal(key);
        assert!(monitor.containers[&key].remover.is_none());
        assert_eq!(monitor.strays.len(), 1);
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while let Some(stray) = monitor.strays.keys().next().copied() {
            assert!(std::time::Instant::now() < end, "it is not reaped");
            monitor.look_at_stray(stray);
        }
        monitor.poller.repair(working);
        monitor.start_removal(key);
        while monitor.containers.contains_key(&key) {
            assert!(std::time::Instant::now() < end, "it is not removed");
            monitor.remover_ended(key);
        }
        assert!(!directory.exists());
    }
}
