//! Changing the limits of a cgroup that is in use: all of them or none.

use std::path::Path;

use rustix::io::Errno;

use super::limits::{Limits, LimitsError};
use super::setting::Setting;
use super::{Hierarchies, read_value, write_value};

impl Hierarchies {
    /// Changes the limits that are given; the others stay, device rules too. Nothing is changed when
    /// one of them is refused. Memory that is in use is never taken away by killing.
    ///
    /// May take as long as the kernel needs to give memory back.
    ///
    /// # Errors
    /// The limit that was refused, with its file and value.
    pub fn update(&self, cgroup: &str, limits: &Limits) -> Result<(), LimitsError> {
        let settings = self.settings(cgroup, limits, true)?;
        // Read before anything is written: what cannot be read cannot be put back.
        let mut planned = Vec::with_capacity(settings.len());
        for setting in &settings {
            if let Some(old) = setting.present()? {
                planned.push((setting, old));
            }
        }
        let mut done: Vec<(&Setting, &str)> = Vec::new();
        for (setting, old) in &planned {
            let written = make_room(setting).and_then(|()| setting.write());
            if let Err(error) = written {
                let why = in_use(setting, error);
                // Half of a value of several lines may have been taken.
                done.push((setting, old));
                return Err(undo(&done, why));
            }
            done.push((setting, old));
        }
        Ok(())
    }
}

fn undo(done: &[(&Setting, &str)], why: LimitsError) -> LimitsError {
    let mut left = Vec::new();
    for (setting, old) in done.iter().rev() {
        let is_as_before = setting
            .present()
            .is_ok_and(|now| now.as_deref() == Some(*old));
        if !is_as_before {
            if let Err(error) = setting.put_back(old) {
                left.push(error.to_string());
            }
        }
    }
    if left.is_empty() {
        return why;
    }
    LimitsError::HalfDone {
        why: Box::new(why),
        left: left.join("; "),
    }
}

/// v2 kills to get below a lower limit, so that the use is lowered before: by what can be given back
/// without harm.
fn make_room(setting: &Setting) -> Result<(), LimitsError> {
    if setting.file_name() != "memory.max" {
        return Ok(());
    }
    let Ok(limit) = setting.value.trim().parse::<u64>() else {
        return Ok(()); // "max", or what the kernel will refuse
    };
    let current = setting.path.with_file_name("memory.current");
    let excess = |limit: u64| -> Option<u64> { number(&current)?.checked_sub(limit) };
    if let Some(bytes) = excess(limit).filter(|bytes| *bytes > 0) {
        // Before Linux 5.19 there is no such file, and EAGAIN means that less was freed: what counts
        // is what is in use afterwards.
        let reclaim = setting.path.with_file_name("memory.reclaim");
        write_value(&reclaim, &bytes.to_string()).ok();
        if let Some(still) = excess(limit).filter(|bytes| *bytes > 0) {
            return Err(LimitsError::InUse {
                what: setting.what.clone(),
                limit,
                in_use: limit.saturating_add(still),
            });
        }
    }
    Ok(())
}

/// v1 refuses what is in use by itself: says how much that is.
fn in_use(setting: &Setting, error: LimitsError) -> LimitsError {
    let usage = match setting.file_name() {
        "memory.limit_in_bytes" => "memory.usage_in_bytes",
        "memory.memsw.limit_in_bytes" => "memory.memsw.usage_in_bytes",
        _ => return error,
    };
    let is_busy = matches!(&error, LimitsError::Cgroup(inner) if inner.errno == Errno::BUSY);
    let limit = setting.value.trim().parse::<u64>().ok();
    match (limit, number(&setting.path.with_file_name(usage))) {
        (Some(limit), Some(in_use)) if is_busy => LimitsError::InUse {
            what: setting.what.clone(),
            limit,
            in_use,
        },
        _ => error,
    }
}

fn number(path: &Path) -> Option<u64> {
    read_value(path).ok()??.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A directory that looks like a v2 cgroup "/x" with these files.
    fn fake(files: &[(&str, &str)]) -> (tempfile::TempDir, Hierarchies, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("x");
        std::fs::create_dir(&dir).unwrap();
        for (name, text) in files {
            std::fs::write(dir.join(name), text).unwrap();
        }
        let hierarchies = Hierarchies {
            v2: Some(scratch.path().to_owned()),
            v2_controllers: vec!["memory".to_owned(), "cpu".to_owned()],
            v1: Vec::new(),
        };
        (scratch, hierarchies, dir)
    }

    fn limits(memory: i64, pids: Option<i64>) -> Limits {
        Limits {
            memory: Some(memory),
            pids,
            ..Limits::default()
        }
    }

    #[test]
    fn a_limit_below_what_is_in_use_is_refused_and_nothing_is_written() {
        let (_scratch, hierarchies, dir) =
            fake(&[("memory.max", "9000\n"), ("memory.current", "5000\n")]);
        let error = hierarchies.update("/x", &limits(4000, None)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot set memory.limit to 4000 bytes: 5000 bytes are in use"
        );
        let text = std::fs::read_to_string(dir.join("memory.max")).unwrap();
        assert_eq!(text, "9000\n");
    }

    #[test]
    fn what_was_written_before_a_refusal_is_put_back() {
        let (_scratch, hierarchies, dir) =
            fake(&[("memory.max", "9000\n"), ("memory.current", "5000\n")]);
        // A file that can be read and not written.
        std::os::unix::fs::symlink("/proc/version", dir.join("pids.max")).unwrap();
        let error = hierarchies
            .update("/x", &limits(8000, Some(3)))
            .unwrap_err();
        assert!(error.to_string().contains("pids.max"), "{error}");
        let text = std::fs::read_to_string(dir.join("memory.max")).unwrap();
        assert_eq!(text, "9000\n");
    }

    #[test]
    fn a_file_that_is_not_there_stops_the_update_before_it_begins() {
        let (_scratch, hierarchies, dir) =
            fake(&[("memory.max", "9000\n"), ("memory.current", "5000\n")]);
        assert!(hierarchies.update("/x", &limits(8000, Some(3))).is_err());
        let text = std::fs::read_to_string(dir.join("memory.max")).unwrap();
        assert_eq!(text, "9000\n");
    }
}
