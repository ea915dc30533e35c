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

/// Makes the program forget a container that has ended, in the child that removes its traces.
pub(crate) fn forget(program: &Program, directory: &Path) -> Result<(), Fault> {
    let id = directory.file_name().and_then(|name| name.to_str());
    let log = directory.join("delete.log");
    program
        .delete(id.unwrap_or_default(), &log)
        .map_err(convert::fault)
}
