//! Hooks that the OCI runtime spec wants after a container's start and after its end. They run in
//! children: the event loop never waits for a program of the host.

use std::path::Path;

use estiba_isolate::IsolateError;
use estiba_isolate::hooks;
use estiba_wire::v1;
use rustix::io::Errno;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::client::Address;
use crate::monitor::{Answer, Monitor};
use crate::poller::{Key, Source, Watched};
use crate::process;
use crate::record::container_dir;
use crate::stderr_log::{self, Level};

/// Which of them a spec has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct After {
    poststart: Vec<IgnoredAny>,
    poststop: Vec<IgnoredAny>,
}

impl After {
    pub(crate) fn has_poststart(&self) -> bool {
        !self.poststart.is_empty()
    }

    pub(crate) fn has_poststop(&self) -> bool {
        !self.poststop.is_empty()
    }
}

/// The child that runs a container's poststart hooks.
#[derive(Debug)]
pub(crate) struct Poststart {
    container: Key,
    pidfd: Watched,
    /// Who is told of the start when the hooks are through.
    pub(crate) waiter: Option<Address>,
    started: v1::ContainerStarted,
}

/// Logs what a hook has failed with.
fn warn(pod: &str, id: &str, failure: &IsolateError) {
    let fields = [("pod", pod), ("container", id), ("why", &*failure.message)];
    stderr_log::line(Level::Warn, "monitor", "a hook has failed", &fields);
}

/// Runs the poststop hooks of a container that is gone but for its directory, once.
pub fn poststop(pod: &str, directory: &Path) {
    let id = directory.file_name().unwrap_or_default().to_string_lossy();
    let warn = |failure| warn(pod, &id, &failure);
    hooks::poststop(&directory.join("config.json"), &id, directory, &warn);
}

impl Monitor {
    /// Answers a start, after the hooks that want to be run before.
    pub(crate) fn container_started(
        &mut self,
        container: Key,
        waiter: Option<Address>,
        started: v1::ContainerStarted,
    ) {
        let found = self.containers.get(&container);
        if found.is_some_and(|one| one.after.has_poststart()) {
            match self.fork_poststart(container) {
                Ok((key, pidfd)) => {
                    let run = Poststart {
                        container,
                        pidfd,
                        waiter,
                        started,
                    };
                    self.poststarts.insert(key, run);
                    return;
                }
                Err(why) => {
                    let fields = [("why", why.as_str())];
                    self.log(Level::Warn, "cannot run poststart hooks", &fields);
                }
            }
        }
        if let Some(address) = waiter {
            self.answer(address, Answer::ContainerStarted(started));
        }
    }

    fn fork_poststart(&mut self, container: Key) -> Result<(Key, Watched), String> {
        let found = self.containers.get(&container);
        let (id, pid) = found
            .and_then(|one| Some((one.id.clone(), one.init.as_ref()?.pid)))
            .ok_or("it has ended")?;
        let directory = container_dir(&self.identity.pod_dir, &id);
        let forked = process::fork().map_err(|errno: Errno| errno.to_string())?;
        let Some(child) = forked else {
            rustix::thread::set_name(c"estiba-hooks").ok();
            estiba_kernel::fd::close_all_except(&[]).ok();
            let warn = |failure| warn(&self.identity.pod_id, &id, &failure);
            let config_path = directory.join("config.json");
            hooks::poststart(&config_path, &id, &directory, pid, &warn);
            process::exit_now(0);
        };
        let key = self.new_key();
        let pidfd = self.watch_process(child.pidfd, Source::Poststart(key), None);
        Ok((key, pidfd.map_err(|fault| fault.message)?))
    }

    /// Its container has ended: the hooks have nothing to wait for.
    pub(crate) fn end_poststart(&mut self, container: Key) {
        let runs = self.poststarts.values();
        for run in runs.filter(|run| run.container == container) {
            // Its hook dies with it.
            process::send_signal(&run.pidfd, 9).ok();
        }
    }

    pub(crate) fn poststart_ended(&mut self, key: Key) {
        let Some(run) = self.poststarts.get(&key) else {
            return;
        };
        if matches!(process::reap(&run.pidfd), Ok(None)) {
            return;
        }
        let Some(run) = self.poststarts.remove(&key) else {
            return;
        };
        self.poller.unwatch(run.pidfd);
        if let Some(address) = run.waiter {
            self.answer(address, Answer::ContainerStarted(run.started));
        }
    }
}
