//! Containers that another OCI runtime has made: what the monitor asks of the program itself.

use std::path::Path;

use estiba_isolate::{Building, ExecRequest, Program};
use estiba_wire::v1::Fault;
use rustix::io::Errno;

use crate::convert;
use crate::monitor::Monitor;
use crate::poller::Key;
use crate::process;
use crate::record::container_dir;
use crate::removal::REMOVAL_PATIENCE;
use crate::stderr_log::{self, Level};

impl Monitor {
    /// Sends a signal to the container's process, if there is one.
    pub(crate) fn signal_init(&mut self, key: Key, signal: i32) -> Result<(), Fault> {
        let Some(container) = self.containers.get(&key) else {
            return Ok(());
        };
        let Some(init) = &container.init else {
            return Ok(());
        };
        let fail = |errno: Errno| {
            let id = &container.id;
            let what = format!("cannot send signal {signal} to container {id:?}");
            Fault::from_errno("signal", &what, errno.raw_os_error())
        };
        let Some(program) = &self.program else {
            return process::send_signal(&init.pidfd, signal).map_err(fail);
        };
        let Some(child) = process::fork().map_err(fail)? else {
            rustix::thread::set_name(c"estiba-shim").ok();
            estiba_kernel::fd::close_all_except(&[]).ok();
            let log = container_dir(&self.identity.pod_dir, &container.id).join("kill.log");
            let sent = program.kill(&container.id, signal, &log);
            if let Err(error) = &sent {
                let fields = [("container", &*container.id), ("why", &*error.message)];
                stderr_log::line(Level::Warn, "monitor", "cannot signal container", &fields);
            }
            process::exit_now(i32::from(sent.is_err()));
        };
        self.add_stray(child.pidfd, None);
        Ok(())
    }
}

/// Runs a command in a container.
pub(crate) fn spawn_exec(
    host: &estiba_isolate::Host,
    program: Option<&Program>,
    id: &str,
    request: ExecRequest<'_>,
) -> Result<Building, Fault> {
    let spawned = match program {
        None => estiba_isolate::spawn_exec(host, request),
        Some(program) => estiba_isolate::spawn_exec_shim(request, program, id),
    };
    spawned.map_err(convert::fault)
}

/// Ends what is left of a container and makes the program forget it, in the child that removes its
/// traces. A program that cannot, or is gone, keeps nobody from removing a container that is dead.
pub(crate) fn remove(
    host: &estiba_isolate::Host,
    program: &Program,
    (cgroup, directory): (&str, &Path),
) -> Result<(), Fault> {
    let name = directory.file_name().and_then(|name| name.to_str());
    let id = name.unwrap_or_default();
    let forgotten = program.delete(id, &directory.join("delete.log"));
    // The program knows nothing of what it had begun when its time was over.
    estiba_isolate::kill_cgroup(host, cgroup).map_err(convert::fault)?;
    let removed = estiba_isolate::remove_cgroup(host, cgroup, REMOVAL_PATIENCE);
    match (forgotten, removed) {
        (Ok(()), removed) => removed.map_err(convert::fault),
        (Err(error), Err(_)) => Err(convert::fault(error)),
        (Err(error), Ok(())) => {
            let fields = [("container", id), ("why", &*error.message)];
            let message = "cannot have the container deleted by its runtime, removing its record";
            stderr_log::line(Level::Warn, "monitor", message, &fields);
            let record = program.state_dir.join(id);
            estiba_trees::remove_tree(&record).map_err(|error| convert::remove_fault(&error))
        }
    }
}
