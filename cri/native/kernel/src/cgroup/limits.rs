//! Limits in OCI terms, written in the terms of each cgroup version.

use std::path::Path;

use super::devices::{v1_devices, v2_devices};
use super::setting::Setting;
use super::{CgroupError, Hierarchies, read_value, v2};
use crate::bpf::DeviceRule;

/// Limits of one cgroup; `None` and empty leave the kernel's default.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Bytes; -1 = unlimited.
    pub memory: Option<i64>,
    /// Memory plus swap in bytes (the OCI meaning); -1 = unlimited.
    pub memory_and_swap: Option<i64>,
    /// Soft limit in bytes.
    pub memory_reservation: Option<i64>,
    /// v1: how readily memory is swapped out, up to 100.
    pub memory_swappiness: Option<u64>,
    /// Relative weight, 2 to 262144.
    pub cpu_shares: Option<u64>,
    /// Microseconds of CPU time per period; <= 0 = unlimited.
    pub cpu_quota: Option<i64>,
    /// Microseconds.
    pub cpu_period: Option<u64>,
    /// v2: microseconds that may be saved up.
    pub cpu_burst: Option<u64>,
    /// v2: SCHED_IDLE for the group.
    pub cpu_idle: Option<i64>,
    /// List of CPUs ("0-3,7").
    pub cpus: String,
    /// List of memory nodes.
    pub mems: String,
    /// Most processes; <= 0 = unlimited.
    pub pids: Option<i64>,
    /// Page size ("2MB") and bytes.
    pub huge_pages: Vec<(String, u64)>,
    /// v2 files by name.
    pub unified: Vec<(String, String)>,
    /// Device rules, first to last; `None` leaves the parent's.
    pub devices: Option<Vec<DeviceRule>>,
}

/// Why limits could not be set.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// The kernel refused.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// v1 has nothing like it.
    #[error("cannot set {0}: it needs cgroup v2")]
    NeedsV2(String),
    /// v2 has nothing like it.
    #[error("cannot set {0}: it needs cgroup v1")]
    NeedsV1(String),
    /// The controller is not mounted or not enabled.
    #[error("cannot set {0}: this host has no {1} controller")]
    NoController(String, String),
    /// The values contradict each other or the format.
    #[error("cannot set {0}: {1}")]
    Invalid(String, String),
    /// More is in use than the new limit allows, and none of it can be given back.
    #[error("cannot set {what} to {limit} bytes: {in_use} bytes are in use")]
    InUse {
        /// The limit as the OCI spec calls it.
        what: String,
        /// What was asked for.
        limit: u64,
        /// What is in use after the kernel has taken back what it could.
        in_use: u64,
    },
    /// An update failed, and so did putting the old values back.
    #[error("{why}; what was changed before that could not be put back: {left}")]
    HalfDone {
        /// Why the update failed.
        why: Box<LimitsError>,
        /// The files that keep their new values, and why.
        left: String,
    },
}

impl Limits {
    pub(super) fn memory(&self) -> Option<i64> {
        self.memory.filter(|bytes| *bytes != 0)
    }

    pub(super) fn memory_and_swap(&self) -> Option<i64> {
        self.memory_and_swap.filter(|bytes| *bytes != 0)
    }

    pub(super) fn sets_memory(&self) -> bool {
        let soft = self.memory_reservation.filter(|bytes| *bytes != 0);
        self.memory().or(self.memory_and_swap()).or(soft).is_some()
    }

    pub(super) fn sets_bandwidth(&self) -> bool {
        self.cpu_quota.is_some_and(|quota| quota != 0)
            || self.cpu_period.is_some_and(|period| period > 0)
    }
}

/// CPU shares (2 to 262144) as a v2 weight (1 to 10000), by the formula that OCI runtimes use since
/// 2025: the defaults of both versions, 1024 and 100, mean the same.
#[must_use]
pub fn cpu_weight(shares: u64) -> u64 {
    let shares = u32::try_from(shares).unwrap_or(u32::MAX).clamp(2, 262_144);
    let log = f64::from(shares).log2();
    let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
    // A float may be above the whole number that it stands for by its last bit.
    let weight = (10_f64.powf(exponent) - 1e-9).ceil().clamp(1.0, 10_000.0);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 1 and 10000"
    )]
    let weight = weight as u64;
    weight
}

impl Hierarchies {
    /// Writes the limits into a new cgroup.
    ///
    /// # Errors
    /// The first limit that could not be set, with its value.
    pub fn apply(&self, cgroup: &str, limits: &Limits) -> Result<(), LimitsError> {
        for setting in self.settings(cgroup, limits, false)? {
            setting.write()?;
        }
        let Some(rules) = &limits.devices else {
            return Ok(());
        };
        if self.is_v2() {
            v2_devices(&self.v2_cgroup(cgroup)?, rules)
        } else {
            let missing = || LimitsError::NoController("devices".into(), "devices".into());
            v1_devices(&self.v1_dir("devices", cgroup).ok_or_else(missing)?, rules)
        }
    }

    /// The values to write, in order. `is_used`: the cgroup has limits already, those that are not
    /// given stay.
    pub(super) fn settings(
        &self,
        cgroup: &str,
        limits: &Limits,
        is_used: bool,
    ) -> Result<Vec<Setting>, LimitsError> {
        if !self.is_v2() {
            let present = |path: &Path| read_value(path).ok()??.trim().parse().ok();
            let nothing = |_: &Path| None;
            let present: &dyn Fn(&Path) -> Option<i64> = if is_used { &present } else { &nothing };
            return self.v1_settings(cgroup, limits, present);
        }
        let dir = self.v2_cgroup(cgroup)?;
        let cpu_max = if is_used && limits.sets_bandwidth() {
            read_value(&dir.join("cpu.max"))?
        } else {
            None
        };
        v2::settings(&dir, limits, cpu_max.as_deref())
    }

    fn v2_cgroup(&self, cgroup: &str) -> Result<std::path::PathBuf, LimitsError> {
        let missing = || LimitsError::NoController("resources".into(), "cgroup v2".into());
        self.v2_dir(cgroup).ok_or_else(missing)
    }
}

pub(super) fn check_swap(memory: Option<i64>, total: Option<i64>) -> Result<(), LimitsError> {
    match (memory, total) {
        (Some(limit), Some(total)) if limit > 0 && total > 0 && total < limit => {
            let why = format!("memory plus swap ({total}) is less than memory ({limit})");
            Err(LimitsError::Invalid("memory.swap".to_owned(), why))
        }
        _ => Ok(()),
    }
}

pub(super) fn pids_text(pids: i64) -> String {
    if pids <= 0 {
        "max".to_owned()
    } else {
        pids.to_string()
    }
}

/// Page sizes become part of a file name.
pub(super) fn page_size(size: &str) -> Result<&str, LimitsError> {
    if !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(size)
    } else {
        Err(LimitsError::Invalid(
            "hugepageLimits".to_owned(),
            format!("{size:?} is not a page size"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_shares_become_the_weights_of_other_runtimes() {
        let pairs = [
            (2, 1),
            (102, 17),
            (256, 35),
            (512, 59),
            (1024, 100),
            (262_144, 10_000),
        ];
        for (shares, weight) in pairs {
            assert_eq!(cpu_weight(shares), weight, "{shares}");
        }
        assert_eq!(cpu_weight(0), 1);
        assert_eq!(cpu_weight(u64::MAX), 10_000);
    }

    #[test]
    fn swap_below_memory_is_refused_before_anything_is_written() {
        assert!(check_swap(Some(100), Some(50)).is_err());
        assert!(check_swap(Some(100), Some(100)).is_ok());
        assert!(check_swap(Some(100), Some(-1)).is_ok());
    }
}
