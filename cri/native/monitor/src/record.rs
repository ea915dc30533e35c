//! What the monitor leaves on disk for whoever comes after it.

use std::path::{Path, PathBuf};

use estiba_wire::v1::{self, Fault};
use estiba_wire::{Message, PROTOCOL_VERSION};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Where one container's files are.
pub(crate) fn container_dir(pod_dir: &Path, id: &str) -> PathBuf {
    pod_dir.join("containers").join(id)
}

/// Who this monitor is, for the state record and for clients.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) pod_id: String,
    pub(crate) pod_dir: PathBuf,
    pub(crate) netns_path: String,
    pub(crate) boot_id: String,
    pub(crate) pid: i32,
    pub(crate) start_time_ticks: u64,
}

impl Identity {
    /// Writes `<pod dir>/state`.
    pub(crate) fn write_state(&self, cgroups: Vec<String>) -> Result<(), Fault> {
        let record = v1::PodStateRecord {
            version: PROTOCOL_VERSION,
            boot_id: self.boot_id.clone(),
            pod_id: self.pod_id.clone(),
            monitor_pid: self.pid,
            monitor_start_time_ticks: self.start_time_ticks,
            cgroups,
            netns_path: self.netns_path.clone(),
        };
        replace(&self.pod_dir, "state", &record)
    }

    /// Writes the exit record of a container.
    pub(crate) fn write_exit(&self, id: &str, exit: &v1::ExitRecord) -> Result<(), Fault> {
        replace(&container_dir(&self.pod_dir, id), "exit", exit)
    }
}

/// Writes a file under a temporary name and renames it: readers see the old or the new content.
fn replace(directory: &Path, name: &str, content: &impl Message) -> Result<(), Fault> {
    let path = directory.join(name);
    let attempt = || -> Result<(), Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(directory, flags, Mode::empty())?;
        let temporary = format!(".{name}.new");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let flags = flags | OFlags::NOFOLLOW;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(&directory, &temporary, flags, mode)?;
        let bytes = content.encode_to_vec();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let count = rustix::io::retry_on_intr(|| rustix::io::write(&file, rest))?;
            rest = rest.get(count..).unwrap_or_default();
        }
        rustix::fs::renameat(&directory, &temporary, &directory, name)
    };
    attempt().map_err(|errno| {
        let what = format!("cannot write record {path:?}");
        Fault::from_errno("write-record", &what, errno.raw_os_error())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_replaced_whole_and_leaves_no_temporary_file() {
        let scratch = tempfile::tempdir().unwrap();
        let identity = Identity {
            pod_id: "p".into(),
            pod_dir: scratch.path().to_owned(),
            netns_path: "/n".into(),
            boot_id: "b".into(),
            pid: 1,
            start_time_ticks: 2,
        };
        identity
            .write_state(vec!["/a".into(), "/b".into()])
            .unwrap();
        identity.write_state(vec!["/c".into()]).unwrap();
        let bytes = std::fs::read(scratch.path().join("state")).unwrap();
        let record = v1::PodStateRecord::decode(bytes.as_slice()).unwrap();
        assert_eq!(record.cgroups, ["/c"]);
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);
        let fault = identity
            .write_exit("missing", &v1::ExitRecord::default())
            .unwrap_err();
        assert_eq!(fault.errno, 2);
    }
}
