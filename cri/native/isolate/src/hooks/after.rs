//! Hooks of a container that runs, or is no more.

use std::path::Path;

use super::child::settle_on_host;
use super::{Hook, Place, run_all, state_of};
use crate::config;
use crate::error::ErrorCode;
use crate::oci::{Status, Warn};
use crate::spec::Spec;

/// Runs the poststart hooks of the spec at `config_path`, all of them, with `bundle` as their state
/// has it. `warn` hears which failed, and why: the container goes on.
pub fn poststart(config_path: &Path, id: &str, bundle: &Path, pid: i32, warn: Warn<'_>) {
    match config::read(config_path) {
        Ok(spec) => after(&spec, id, bundle, Status::Running, pid, warn),
        Err(error) => warn(error),
    }
}

/// Runs the poststop hooks of a container that is gone by the spec at `config_path`, all of them, and
/// takes the spec away: whoever has to remove the rest once more does not run them again. A creation
/// that failed early has left none. `warn` hears which failed.
pub fn poststop(config_path: &Path, id: &str, bundle: &Path, warn: Warn<'_>) {
    match config::read(config_path) {
        Ok(spec) => after(&spec, id, bundle, Status::Stopped, 0, warn),
        Err(error) if error.code == ErrorCode::NotFound => return,
        Err(error) => warn(error),
    }
    // What stays here keeps the directory from being removed too, which is told.
    std::fs::remove_file(config_path).ok();
}

/// Runs the hooks that come after a container has got this status.
pub(crate) fn after(
    spec: &Spec,
    id: &str,
    bundle: &Path,
    status: Status,
    pid: i32,
    warn: Warn<'_>,
) {
    let Some(hooks) = &spec.hooks else { return };
    let (kind, purpose, hooks): (_, _, &[Hook]) = match status {
        Status::Running => (
            "poststart",
            "finish the start of container",
            &hooks.poststart,
        ),
        Status::Stopped => ("poststop", "finish the end of container", &hooks.poststop),
        Status::Creating | Status::Created | Status::Paused => return,
    };
    if hooks.is_empty() {
        return;
    }
    let place = Place {
        kind,
        purpose,
        cgroup: None,
        confinement: None,
        old_call: false,
        until: None,
        enter: &|| {
            settle_on_host(bundle);
            Ok(())
        },
    };
    match state_of(spec, id, bundle, status, pid) {
        Ok(state) => hooks
            .iter()
            .filter_map(|hook| run_all(std::slice::from_ref(hook), &state, &place).err())
            .for_each(warn),
        Err(error) => warn(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poststop_hooks_that_are_through_are_not_run_by_the_next_attempt() {
        let dir = tempfile::tempdir().unwrap();
        let config_path = dir.path().join("config.json");
        let script = format!("echo >>{}", dir.path().join("ran").display());
        let spec = serde_json::json!({
            "ociVersion": "1.1.0",
            "process": {"args": ["true"], "cwd": "/"},
            "linux": {"namespaces": [{"type": "mount"}], "cgroupsPath": "/c"},
            "hooks": {"poststop": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]},
        });
        std::fs::write(&config_path, spec.to_string()).unwrap();
        for _ in 0..2 {
            poststop(&config_path, "c", dir.path(), &|error| panic!("{error}"));
        }
        assert_eq!(std::fs::read(dir.path().join("ran")).unwrap(), b"\n");
    }
}
