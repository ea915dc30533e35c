//! Stopping everything in a cgroup without its knowing, and letting it go on.
//!
//! The v2 tree does it where there is one, on hybrid hosts too: what it has frozen can be killed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::change::keyed_value;
use super::{CgroupError, Hierarchies, read_value, write_value};

enum Freezer {
    /// The cgroup's directory.
    V2(PathBuf),
    /// Its freezer.state.
    V1(PathBuf),
}

impl Freezer {
    fn write(&self, freeze: bool) -> Result<(), CgroupError> {
        match self {
            Self::V2(dir) => {
                write_value(&dir.join("cgroup.freeze"), if freeze { "1" } else { "0" })
            }
            Self::V1(state) => write_value(state, if freeze { "FROZEN" } else { "THAWED" }),
        }
    }

    /// Whether all that was asked to stop has stopped.
    fn has_frozen(&self) -> Result<bool, CgroupError> {
        match self {
            Self::V2(dir) => {
                let events = read_value(&dir.join("cgroup.events"))?;
                Ok(events.is_some_and(|text| keyed_value(&text, "frozen") == Some(1)))
            }
            Self::V1(state) => Ok(read_value(state)?.is_some_and(|text| text.trim() == "FROZEN")),
        }
    }

    fn is_asked_to_freeze(&self) -> Result<bool, CgroupError> {
        match self {
            Self::V2(dir) => {
                let asked = read_value(&dir.join("cgroup.freeze"))?;
                Ok(asked.is_some_and(|text| text.trim() == "1"))
            }
            Self::V1(state) => Ok(read_value(state)?.is_some_and(|text| text.trim() != "THAWED")),
        }
    }
}

impl Hierarchies {
    /// All that there are: another program may have used the one that this one does not.
    fn freezers(&self, cgroup: &str) -> impl Iterator<Item = Freezer> {
        let v2 = self.v2_dir(cgroup);
        let v2 = v2.filter(|dir| dir.join("cgroup.freeze").exists());
        let v1 = self.v1_dir("freezer", cgroup);
        let v1 = v1.map(|dir| dir.join("freezer.state"));
        let v1 = v1.filter(|state| state.exists()).map(Freezer::V1);
        v2.map(Freezer::V2).into_iter().chain(v1)
    }

    /// Stops every process of the cgroup and below. What has not stopped when `patience` is over
    /// goes on, all of it.
    ///
    /// # Errors
    /// `TIMEDOUT` for that; `OPNOTSUPP` where the host has no freezer.
    pub fn freeze(&self, cgroup: &str, patience: Duration) -> Result<(), CgroupError> {
        let fail = |errno| CgroupError::new("freeze", Path::new(cgroup), errno);
        let mut freezers = self.freezers(cgroup);
        let freezer = freezers.next().ok_or_else(|| fail(Errno::OPNOTSUPP))?;
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_micros(100);
        let stopped = loop {
            // Again and again: v1 forgets processes that were born meanwhile.
            if let Err(error) = freezer.write(true) {
                break Err(error);
            }
            match freezer.has_frozen() {
                Ok(false) if Instant::now() < deadline => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                Ok(false) => break Err(fail(Errno::TIMEDOUT)),
                Ok(true) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if stopped.is_err() {
            freezer.write(false).ok();
        }
        stopped
    }

    /// Lets the processes of the cgroup go on. One that is not frozen, or is gone, is fine.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn thaw(&self, cgroup: &str) -> Result<(), CgroupError> {
        for freezer in self.freezers(cgroup) {
            if freezer.is_asked_to_freeze()? {
                match freezer.write(false) {
                    Err(error) if matches!(error.errno, Errno::NODEV | Errno::NOENT) => {}
                    result => result?,
                }
            }
        }
        Ok(())
    }

    /// Whether the cgroup is frozen, or about to be.
    ///
    /// # Errors
    /// When it cannot be read; one that is gone is not frozen.
    pub fn is_frozen(&self, cgroup: &str) -> Result<bool, CgroupError> {
        for freezer in self.freezers(cgroup) {
            if freezer.is_asked_to_freeze()? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::V1Hierarchy;

    fn fake(files: &[(&str, &str)]) -> (tempfile::TempDir, Hierarchies) {
        let scratch = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = scratch.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let freezer = V1Hierarchy {
            mountpoint: scratch.path().join("v1"),
            controllers: vec!["freezer".to_owned()],
            name: None,
        };
        let hierarchies = Hierarchies {
            v2: Some(scratch.path().join("v2")),
            v1: vec![freezer],
            ..Hierarchies::default()
        };
        (scratch, hierarchies)
    }

    #[test]
    fn the_v2_tree_freezes_and_what_does_not_stop_goes_on() {
        let (scratch, hierarchies) = fake(&[
            ("v2/x/cgroup.freeze", "0"),
            ("v2/x/cgroup.events", "populated 1\nfrozen 0\n"),
            ("v1/x/freezer.state", "THAWED\n"),
        ]);
        let error = hierarchies.freeze("/x", Duration::ZERO).unwrap_err();
        assert_eq!(error.errno, Errno::TIMEDOUT);
        assert!(!hierarchies.is_frozen("/x").unwrap());
        let events = scratch.path().join("v2/x/cgroup.events");
        std::fs::write(events, "populated 1\nfrozen 1\n").unwrap();
        hierarchies.freeze("/x", Duration::ZERO).unwrap();
        assert!(hierarchies.is_frozen("/x").unwrap());
        let v1 = std::fs::read_to_string(scratch.path().join("v1/x/freezer.state")).unwrap();
        assert_eq!(v1, "THAWED\n");
        hierarchies.thaw("/x").unwrap();
        assert!(!hierarchies.is_frozen("/x").unwrap());
    }

    #[test]
    fn without_a_v2_tree_v1_freezes() {
        let (_scratch, hierarchies) = fake(&[("v1/x/freezer.state", "THAWED")]);
        hierarchies.freeze("/x", Duration::ZERO).unwrap();
        assert!(hierarchies.is_frozen("/x").unwrap());
        hierarchies.thaw("/x").unwrap();
        assert!(!hierarchies.is_frozen("/x").unwrap());
    }

    #[test]
    fn a_cgroup_that_is_gone_is_not_frozen_and_cannot_be() {
        let (_scratch, hierarchies) = fake(&[]);
        assert!(!hierarchies.is_frozen("/x").unwrap());
        hierarchies.thaw("/x").unwrap();
        let error = hierarchies.freeze("/x", Duration::ZERO).unwrap_err();
        assert_eq!(error.errno, Errno::OPNOTSUPP);
    }
}
