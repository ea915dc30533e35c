//! `update`: changes the limits of a container.

use std::path::Path;

use super::commands::{STEP, precondition};
use super::state::{Record, Status, dir_of};
use crate::error::{ErrorCode, IsolateError};
use crate::host::Host;
use crate::limits::update_resources;
use crate::spec::Resources;
use crate::spec_check::is_set;

/// Changes the limits that are given, all of them or none. `resources` is the part of that name of an
/// OCI runtime spec; device rules in it have no effect, as in other runtimes.
///
/// # Errors
/// `FailedPrecondition` when the container is over, or more is in use than a limit allows;
/// `Unimplemented` for what is not limited here; the limit that was refused.
pub fn update(host: &Host, root: &Path, id: &str, resources: &[u8]) -> Result<(), IsolateError> {
    let record = Record::load(&dir_of(root, id)?, id)?;
    let status = record.status_on(host)?;
    if matches!(status, Status::Creating | Status::Stopped) {
        return Err(precondition(format!(
            "cannot update container {id:?}: it is {status}: container not running"
        )));
    }
    let mut resources: Resources = serde_json::from_slice(resources).map_err(|error| {
        let message = format!("cannot update container {id:?}: cannot read resources: {error}");
        IsolateError::invalid(STEP, message)
    })?;
    if let Some(what) = unsupported(&resources) {
        let message = format!("cannot update container {id:?}: {what} is not supported yet");
        return Err(IsolateError::new(ErrorCode::Unimplemented, STEP, message));
    }
    // Here 0 says that nothing was said.
    resources.pids.limit = resources.pids.limit.filter(|limit| *limit != 0);
    update_resources(host, &record.cgroup, &resources)
}

fn unsupported(resources: &Resources) -> Option<&'static str> {
    let cpu = &resources.cpu;
    let has_realtime = cpu.realtime_runtime.is_some_and(|us| us != 0)
        || cpu.realtime_period.is_some_and(|us| us != 0);
    [
        ("resources.blockIO", is_set(resources.block_io.as_ref())),
        ("resources.network", is_set(resources.network.as_ref())),
        ("resources.rdma", is_set(resources.rdma.as_ref())),
        (
            "resources.memory.disableOOMKiller",
            resources.memory.disable_oom_killer == Some(true),
        ),
        ("resources.cpu.realtime*", has_realtime),
    ]
    .into_iter()
    .find_map(|(what, is_used)| is_used.then_some(what))
}
