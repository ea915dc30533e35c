//! One value for one file of a cgroup: written, and put back as it was.

use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::limits::LimitsError;
use super::{CgroupError, read_value, write_value};

/// What it means when the file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// The host does not account it: there is nothing to limit.
    Fine,
    /// The file's controller is not there.
    NoController,
}

/// A value to write.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The limit as the OCI spec calls it, for messages.
    pub(super) what: String,
    pub(super) path: PathBuf,
    /// Written line by line, as files with a line for each device want it.
    pub(super) value: String,
    pub(super) absent: Absent,
}

impl Setting {
    pub(super) fn new(what: &str, path: PathBuf, value: &impl ToString) -> Self {
        Self {
            what: what.to_owned(),
            path,
            value: value.to_string(),
            absent: Absent::NoController,
        }
    }

    /// The same for a file that not every kernel or host has.
    pub(super) fn where_there_is_one(mut self) -> Self {
        self.absent = Absent::Fine;
        self
    }

    pub(super) fn file_name(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.unwrap_or_default()
    }

    /// Writes the value.
    pub(super) fn write(&self) -> Result<(), LimitsError> {
        let lines = self.value.lines().filter(|line| !line.trim().is_empty());
        for line in lines {
            match write_value(&self.path, line) {
                Err(error) if is_absent(&error) => return self.without_file(error),
                result => result?,
            }
        }
        Ok(())
    }

    /// What the file holds now; `None` when it is fine that there is no such file.
    pub(super) fn present(&self) -> Result<Option<String>, LimitsError> {
        match read_value(&self.path)? {
            Some(text) => Ok(Some(text)),
            None => {
                let gone = CgroupError::new("read", &self.path, Errno::NOENT);
                self.without_file(gone).map(|()| None)
            }
        }
    }

    /// Undoes `write`, given what `present` said before it.
    pub(super) fn put_back(&self, old: &str) -> Result<(), CgroupError> {
        let key = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let old_keys: Vec<String> = old.lines().map(key).collect();
        for line in self.value.lines() {
            let device = key(line);
            if device.contains(':') && !old_keys.contains(&device) {
                write_value(&self.path, &self.without_limit(&device))?;
            }
        }
        if old.trim().is_empty() {
            // The end of the line makes it a write; there is no other way to empty a list of CPUs.
            return match old_keys.is_empty() && self.value.contains(':') {
                true => Ok(()),
                false => write_value(&self.path, "\n"),
            };
        }
        old.lines()
            .try_for_each(|line| write_value(&self.path, line))
    }

    fn without_limit(&self, device: &str) -> String {
        match self.file_name() {
            "io.max" => format!("{device} rbps=max wbps=max riops=max wiops=max"),
            "io.latency" => format!("{device} target=0"),
            _ => format!("{device} default"),
        }
    }

    fn without_file(&self, error: CgroupError) -> Result<(), LimitsError> {
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        if !dir.exists() {
            return Err(error.into());
        }
        match self.absent {
            Absent::Fine => Ok(()),
            Absent::NoController => {
                let controller = self.file_name().split('.').next().unwrap_or_default();
                let available = read_value(&dir.join("cgroup.controllers"))?.unwrap_or_default();
                let is_there = available
                    .split_ascii_whitespace()
                    .any(|name| name == controller);
                let what = self.what.clone();
                Err(if is_there {
                    let why = format!("its controller has no file {:?}", self.file_name());
                    LimitsError::Invalid(what, why)
                } else {
                    LimitsError::NoController(what, controller.to_owned())
                })
            }
        }
    }
}

// EACCES: the directory of a cgroup takes no new files.
fn is_absent(error: &CgroupError) -> bool {
    error.errno == Errno::NOENT || (error.errno == Errno::ACCESS && !error.path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(path: &Path, value: &str) -> Setting {
        Setting::new("x", path.to_owned(), &value)
    }

    #[test]
    fn a_file_of_a_controller_that_is_not_there_is_named_with_it() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("cgroup.controllers"), "memory pids\n").unwrap();
        let error = |file: &str| {
            let error = setting(&scratch.path().join(file), "1").write();
            error.unwrap_err().to_string()
        };
        assert_eq!(
            error("cpu.max"),
            "cannot set x: this host has no cpu controller"
        );
        assert_eq!(
            error("memory.nonsense"),
            "cannot set x: its controller has no file \"memory.nonsense\""
        );
    }

    #[test]
    fn a_file_that_not_every_host_has_may_be_missing_but_its_cgroup_may_not() {
        let scratch = tempfile::tempdir().unwrap();
        let optional = setting(&scratch.path().join("a.b"), "1").where_there_is_one();
        optional.write().unwrap();
        assert_eq!(optional.present().unwrap(), None);
        let gone = setting(&scratch.path().join("gone/a.b"), "1").where_there_is_one();
        assert!(matches!(gone.write(), Err(LimitsError::Cgroup(_))));
    }

    #[test]
    fn what_is_put_back_is_what_was_read() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("memory.max");
        std::fs::write(&path, "max\n").unwrap();
        let setting = setting(&path, "5");
        let old = setting.present().unwrap().unwrap();
        setting.write().unwrap();
        // An ordinary file keeps the rest of what was longer.
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "5ax\n");
        setting.put_back(&old).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "max\n");
    }

    #[test]
    fn the_limit_of_a_device_that_had_none_is_taken_back() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("io.max");
        std::fs::write(&path, "").unwrap();
        setting(&path, "8:0 wbps=5").put_back("").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "8:0 rbps=max wbps=max riops=max wiops=max");
    }
}
