//! `<root>/<id>/state.json`: which process a container is.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use estiba_kernel::process;
use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, IsolateError};
use crate::host::{Host, cgroup_error};

const STEP: &str = "oci-state";
const FORMAT: u32 = 1;

/// Status as the OCI runtime spec names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being built, or left half-built by a creator that was killed.
    Creating,
    /// Parked before the program.
    Created,
    /// The program runs.
    Running,
    /// Created or running, and frozen.
    Paused,
    /// The process is gone.
    Stopped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        })
    }
}

/// What `state` prints, as the OCI runtime spec has it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Version of the runtime spec.
    pub oci_version: String,
    /// The container's id.
    pub id: String,
    /// What it is doing.
    pub status: Status,
    /// Pid as the host sees it; 0 when stopped.
    pub pid: i32,
    /// Absolute path of the bundle.
    pub bundle: PathBuf,
    /// Absolute path of the root file system.
    pub rootfs: PathBuf,
    /// When it was created, as RFC 3339 has it.
    pub created: String,
    /// The spec's annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What is kept on disk. A pid alone is never trusted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub version: u32,
    pub id: String,
    pub bundle: PathBuf,
    pub cgroup: String,
    pub boot_id: String,
    pub pid: i32,
    pub start_time_ticks: u64,
    pub started: bool,
    pub annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub rootfs: PathBuf,
    #[serde(default)]
    pub created: String,
    /// HOME is the spec's own, for every user.
    #[serde(default)]
    pub has_home: bool,
}

impl Record {
    pub(super) fn new(id: &str, bundle: &Path, cgroup: &str, boot_id: &str) -> Self {
        Self {
            version: FORMAT,
            id: id.to_owned(),
            bundle: bundle.to_owned(),
            cgroup: cgroup.to_owned(),
            boot_id: boot_id.to_owned(),
            pid: 0,
            start_time_ticks: 0,
            started: false,
            annotations: BTreeMap::new(),
            rootfs: PathBuf::new(),
            created: String::new(),
            has_home: false,
        }
    }

    /// Whether the recorded process is alive; a zombie is not.
    pub(super) fn is_alive(&self, boot_id: &str) -> bool {
        self.pid > 0
            && self.boot_id == boot_id
            && process::start_time_ticks(self.pid) == Some(self.start_time_ticks)
            && process::state_letter(self.pid).is_some_and(|letter| !"ZX".contains(letter))
    }

    pub(super) fn status(&self, boot_id: &str) -> Status {
        match (self.is_alive(boot_id), self.started) {
            (false, _) if self.pid == 0 && self.boot_id == boot_id => Status::Creating,
            (false, _) => Status::Stopped,
            (true, true) => Status::Running,
            (true, false) => Status::Created,
        }
    }

    /// The same with a look at the cgroup.
    pub(super) fn status_on(&self, host: &Host) -> Result<Status, IsolateError> {
        let status = self.status(&host.boot_id);
        if !matches!(status, Status::Created | Status::Running) {
            return Ok(status);
        }
        let frozen = host.cgroups.is_frozen(&self.cgroup);
        match frozen.map_err(|error| cgroup_error(STEP, &error))? {
            true => Ok(Status::Paused),
            false => Ok(status),
        }
    }

    pub(super) fn load(dir: &Path, id: &str) -> Result<Self, IsolateError> {
        let path = dir.join("state.json");
        let bytes = std::fs::read(&path).map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                not_found(id)
            } else {
                IsolateError::io(STEP, format!("read {path:?}"), &error)
            }
        })?;
        let record: Self = serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("cannot read {path:?}: {error}");
            IsolateError::new(ErrorCode::FailedPrecondition, STEP, message)
        })?;
        if record.version == FORMAT {
            return Ok(record);
        }
        let message = format!(
            "cannot read {path:?}: format {} is not known",
            record.version
        );
        Err(IsolateError::new(
            ErrorCode::FailedPrecondition,
            STEP,
            message,
        ))
    }

    /// Writes by temporary name and rename, mode 0600.
    pub(super) fn save(&self, dir: &Path) -> Result<(), IsolateError> {
        use std::io::Write;
        let (path, temporary) = (dir.join("state.json"), dir.join("state.json.new"));
        let fail =
            |error: &std::io::Error| IsolateError::io(STEP, format!("write {path:?}"), error);
        let bytes = serde_json::to_vec(self)
            .map_err(|error| IsolateError::invalid(STEP, format!("cannot write state: {error}")))?;
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(|error| fail(&error))?;
        file.write_all(&bytes).map_err(|error| fail(&error))?;
        std::fs::rename(&temporary, &path).map_err(|error| fail(&error))
    }
}

pub(super) fn not_found(id: &str) -> IsolateError {
    let message = format!("cannot find container {id:?}: it does not exist");
    IsolateError::new(ErrorCode::NotFound, STEP, message)
}

/// Directory of a container, after a check that the id cannot name another one.
pub(super) fn dir_of(root: &Path, id: &str) -> Result<PathBuf, IsolateError> {
    let good = |c: char| c.is_ascii_alphanumeric() || "_+-.".contains(c);
    if id.is_empty() || id.len() > 255 || id == "." || id == ".." || !id.chars().all(good) {
        let message = format!("cannot use container id {id:?}: only letters, digits and _+-. work");
        return Err(IsolateError::invalid(STEP, message));
    }
    Ok(root.join(id))
}

/// Makes the directory of a new container; the one who makes it owns the id.
pub(super) fn claim(root: &Path, id: &str) -> Result<PathBuf, IsolateError> {
    let dir = dir_of(root, id)?;
    let mut builder = std::fs::DirBuilder::new();
    builder.mode(0o700).recursive(true);
    builder
        .create(root)
        .map_err(|error| IsolateError::io(STEP, format!("create {root:?}"), &error))?;
    match std::fs::DirBuilder::new().mode(0o700).create(&dir) {
        Ok(()) => Ok(dir),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("cannot create container {id:?}: it exists already");
            Err(IsolateError::new(ErrorCode::AlreadyExists, STEP, message))
        }
        Err(error) => Err(IsolateError::io(STEP, format!("create {dir:?}"), &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_leave_the_state_directory() {
        let root = Path::new("/r");
        assert_eq!(dir_of(root, "a-1.b").unwrap(), Path::new("/r/a-1.b"));
        for bad in ["", ".", "..", "a/b", "../x", "a\0", "a b"] {
            assert!(dir_of(root, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_reused_pid_or_another_boot_is_a_stopped_container() {
        let mut record = Record::new("x", Path::new("/b"), "/c", "boot");
        assert_eq!(record.status("boot"), Status::Creating);
        assert_eq!(record.status("another"), Status::Stopped);
        record.pid = i32::try_from(std::process::id()).unwrap();
        record.start_time_ticks = process::start_time_ticks(record.pid).unwrap();
        assert_eq!(record.status("boot"), Status::Created);
        record.started = true;
        assert_eq!(record.status("boot"), Status::Running);
        assert_eq!(record.status("another"), Status::Stopped);
        record.start_time_ticks += 1;
        assert_eq!(record.status("boot"), Status::Stopped);
    }

    #[test]
    fn an_id_can_be_claimed_once_and_its_record_survives() {
        let dir = tempfile::tempdir().unwrap();
        let claimed = claim(dir.path(), "one").unwrap();
        assert_eq!(
            claim(dir.path(), "one").unwrap_err().code,
            ErrorCode::AlreadyExists
        );
        let error = Record::load(&claimed, "one").unwrap_err();
        assert_eq!(error.code, ErrorCode::NotFound);
        Record::new("one", Path::new("/b"), "/c", "boot")
            .save(&claimed)
            .unwrap();
        assert_eq!(Record::load(&claimed, "one").unwrap().cgroup, "/c");
    }
}
