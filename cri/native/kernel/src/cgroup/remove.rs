//! Removing cgroups.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::{CgroupError, Hierarchies};

impl Hierarchies {
    /// Removes the cgroup and everything below it in every hierarchy. What does not exist is fine.
    /// While processes are still going away it tries again, until `patience` is over.
    ///
    /// # Errors
    /// `BUSY` when processes are still in it at the end.
    pub fn remove(&self, cgroup: &str, patience: Duration) -> Result<(), CgroupError> {
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_micros(500);
        loop {
            match self.remove_once(cgroup) {
                Err(error) if error.errno == Errno::BUSY && Instant::now() < deadline => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                result => return result,
            }
        }
    }

    /// One try in every hierarchy; the first failure is reported when all have been tried.
    ///
    /// # Errors
    /// `BUSY` when processes are in it.
    pub fn remove_once(&self, cgroup: &str) -> Result<(), CgroupError> {
        if !super::is_cgroup_path(cgroup) {
            return Err(CgroupError::new(
                "remove cgroup",
                Path::new(cgroup),
                Errno::INVAL,
            ));
        }
        let mut result = Ok(());
        for dir in self.dirs(cgroup) {
            let one = remove_tree(&dir);
            if result.is_ok() {
                result = one;
            }
        }
        result
    }
}

/// Removes a cgroup directory with what is below it.
pub(crate) fn remove_tree(dir: &Path) -> Result<(), CgroupError> {
    match rustix::fs::rmdir(dir) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // Processes or sub-cgroups.
        Err(Errno::BUSY) => {}
        Err(errno) => return Err(CgroupError::new("remove", dir, errno)),
    }
    for child in children(dir) {
        remove_tree(&child)?;
    }
    match rustix::fs::rmdir(dir) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(CgroupError::new("remove", dir, errno)),
    }
}

pub(crate) fn children(dir: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// What stands between prefix and suffix in the names of a directory's files, sorted.
pub(crate) fn children_named(dir: &Path, prefix: &str, suffix: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let middle = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        let rest = name.to_str()?.strip_prefix(prefix)?;
        Some(rest.strip_suffix(suffix)?.to_owned())
    };
    let mut found: Vec<String> = entries.flatten().filter_map(middle).collect();
    found.sort_unstable();
    found
}
