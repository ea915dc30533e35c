//! Limits in OCI terms, written in the terms of each cgroup version.

use std::path::Path;

use rustix::io::Errno;

use super::devices::{v1_devices, v2_devices};
use super::{CgroupError, Hierarchies, write_value};
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
    /// The controller is not mounted or not enabled.
    #[error("cannot set {0}: this host has no {1} controller")]
    NoController(&'static str, &'static str),
    /// The values contradict each other or the format.
    #[error("cannot set {0}: {1}")]
    Invalid(&'static str, String),
}

/// CPU shares (2 to 262144) as a v2 weight (1 to 10000), by the formula of the kubelet.
#[must_use]
pub fn cpu_weight(shares: u64) -> u64 {
    1 + ((shares.clamp(2, 262_144) - 2) * 9999) / 262_142
}

impl Hierarchies {
    /// Writes the limits into an existing cgroup.
    ///
    /// # Errors
    /// The first limit that could not be set, with its value.
    pub fn apply(&self, cgroup: &str, limits: &Limits) -> Result<(), LimitsError> {
        if self.is_v2() {
            self.apply_v2(cgroup, limits)
        } else {
            self.apply_v1(cgroup, limits)
        }
    }

    fn apply_v1(&self, cgroup: &str, limits: &Limits) -> Result<(), LimitsError> {
        if let Some((key, _)) = limits.unified.first() {
            return Err(LimitsError::NeedsV2(format!("resources.unified {key:?}")));
        }
        if limits.cpu_burst.is_some_and(|burst| burst > 0) {
            return Err(LimitsError::NeedsV2("resources.cpu.burst".to_owned()));
        }
        if limits.cpu_idle.is_some_and(|idle| idle != 0) {
            return Err(LimitsError::NeedsV2("resources.cpu.idle".to_owned()));
        }
        let dir = |field, controller| {
            self.v1_dir(controller, cgroup)
                .ok_or(LimitsError::NoController(field, controller))
        };
        self.v1_memory(cgroup, limits)?;
        if let Some(shares) = limits.cpu_shares.filter(|shares| *shares > 0) {
            write_value(
                &dir("cpu.shares", "cpu")?.join("cpu.shares"),
                &shares.to_string(),
            )?;
        }
        if let Some(period) = limits.cpu_period.filter(|period| *period > 0) {
            let file = dir("cpu.period", "cpu")?.join("cpu.cfs_period_us");
            write_value(&file, &period.to_string())?;
        }
        if let Some(quota) = limits.cpu_quota.filter(|quota| *quota != 0) {
            let file = dir("cpu.quota", "cpu")?.join("cpu.cfs_quota_us");
            write_value(&file, &quota.max(-1).to_string())?;
        }
        if !limits.cpus.is_empty() {
            write_value(
                &dir("cpu.cpus", "cpuset")?.join("cpuset.cpus"),
                &limits.cpus,
            )?;
        }
        if !limits.mems.is_empty() {
            write_value(
                &dir("cpu.mems", "cpuset")?.join("cpuset.mems"),
                &limits.mems,
            )?;
        }
        if let Some(pids) = limits.pids {
            write_value(
                &dir("pids.limit", "pids")?.join("pids.max"),
                &pids_text(pids),
            )?;
        }
        for (size, bytes) in &limits.huge_pages {
            if let Some(dir) = self.v1_dir("hugetlb", cgroup) {
                let file = dir.join(format!("hugetlb.{}.limit_in_bytes", page_size(size)?));
                write_value(&file, &bytes.to_string())?;
            }
        }
        if let Some(rules) = &limits.devices {
            v1_devices(&dir("devices", "devices")?, rules)?;
        }
        Ok(())
    }

    fn v1_memory(&self, cgroup: &str, limits: &Limits) -> Result<(), LimitsError> {
        if limits
            .memory
            .or(limits.memory_and_swap)
            .or(limits.memory_reservation)
            .is_none()
        {
            return Ok(());
        }
        let missing = LimitsError::NoController("memory.limit", "memory");
        let dir = self.v1_dir("memory", cgroup).ok_or(missing)?;
        let limit = dir.join("memory.limit_in_bytes");
        let total = dir.join("memory.memsw.limit_in_bytes");
        let memory = limits.memory.filter(|bytes| *bytes != 0);
        let swap = limits.memory_and_swap.filter(|bytes| *bytes != 0);
        check_swap(memory, swap)?;
        // The total must never be below the limit: a limit that rises above the present total is
        // refused until the total has risen.
        if let Some(bytes) = memory {
            let text = bytes.max(-1).to_string();
            match write_value(&limit, &text) {
                Err(error) if error.errno == Errno::INVAL && swap.is_some() => {
                    write_swap(&total, swap)?;
                    write_value(&limit, &text)?;
                }
                result => result?,
            }
        }
        write_swap(&total, swap)?;
        if let Some(bytes) = limits.memory_reservation.filter(|bytes| *bytes != 0) {
            write_value(
                &dir.join("memory.soft_limit_in_bytes"),
                &bytes.max(-1).to_string(),
            )?;
        }
        Ok(())
    }

    fn apply_v2(&self, cgroup: &str, limits: &Limits) -> Result<(), LimitsError> {
        let missing = LimitsError::NoController("resources", "cgroup v2");
        let dir = self.v2_dir(cgroup).ok_or(missing)?;
        v2_memory(&dir, limits)?;
        if let Some(shares) = limits.cpu_shares.filter(|shares| *shares > 0) {
            write_value(&dir.join("cpu.weight"), &cpu_weight(shares).to_string())?;
        }
        if let Some(text) = cpu_max(limits.cpu_quota, limits.cpu_period) {
            write_value(&dir.join("cpu.max"), &text)?;
        }
        if let Some(burst) = limits.cpu_burst {
            write_value(&dir.join("cpu.max.burst"), &burst.to_string())?;
        }
        if let Some(idle) = limits.cpu_idle {
            write_value(&dir.join("cpu.idle"), &idle.to_string())?;
        }
        if !limits.cpus.is_empty() {
            write_value(&dir.join("cpuset.cpus"), &limits.cpus)?;
        }
        if !limits.mems.is_empty() {
            write_value(&dir.join("cpuset.mems"), &limits.mems)?;
        }
        if let Some(pids) = limits.pids {
            write_value(&dir.join("pids.max"), &pids_text(pids))?;
        }
        for (size, bytes) in &limits.huge_pages {
            let file = dir.join(format!("hugetlb.{}.max", page_size(size)?));
            match write_value(&file, &bytes.to_string()) {
                // The kubelet sends every page size, also where the controller is not there.
                Err(error) if error.errno == Errno::NOENT => {}
                result => result?,
            }
        }
        for (key, value) in &limits.unified {
            if key.is_empty() || key.contains('/') || !key.contains('.') || key.starts_with('.') {
                let why = format!("{key:?} is not the name of a cgroup file");
                return Err(LimitsError::Invalid("resources.unified", why));
            }
            write_value(&dir.join(key), value)?;
        }
        if let Some(rules) = &limits.devices {
            v2_devices(&dir, rules)?;
        }
        Ok(())
    }
}

fn check_swap(memory: Option<i64>, total: Option<i64>) -> Result<(), LimitsError> {
    match (memory, total) {
        (Some(limit), Some(total)) if limit > 0 && total > 0 && total < limit => {
            let why = format!("memory plus swap ({total}) is less than memory ({limit})");
            Err(LimitsError::Invalid("memory.swap", why))
        }
        _ => Ok(()),
    }
}

fn write_swap(file: &Path, total: Option<i64>) -> Result<(), LimitsError> {
    let Some(bytes) = total else { return Ok(()) };
    match write_value(file, &bytes.max(-1).to_string()) {
        // The kernel does not account swap: there is nothing to limit.
        Err(error) if error.errno == Errno::NOENT => Ok(()),
        result => Ok(result?),
    }
}

fn v2_memory(dir: &Path, limits: &Limits) -> Result<(), LimitsError> {
    let memory = limits.memory.filter(|bytes| *bytes != 0);
    let total = limits.memory_and_swap.filter(|bytes| *bytes != 0);
    check_swap(memory, total)?;
    if let Some(bytes) = memory {
        write_value(&dir.join("memory.max"), &or_max(bytes))?;
    }
    let swap = match (memory, total) {
        (_, None) => None,
        (_, Some(total)) if total < 0 => Some(-1),
        (Some(limit), Some(total)) if limit > 0 => Some(total - limit),
        _ => {
            let why = "a limit of memory plus swap needs a memory limit".to_owned();
            return Err(LimitsError::Invalid("memory.swap", why));
        }
    };
    if let Some(bytes) = swap {
        match write_value(&dir.join("memory.swap.max"), &or_max(bytes)) {
            Err(error) if error.errno == Errno::NOENT => {}
            result => result?,
        }
    }
    if let Some(bytes) = limits.memory_reservation.filter(|bytes| *bytes != 0) {
        write_value(&dir.join("memory.low"), &or_max(bytes))?;
    }
    Ok(())
}

fn or_max(bytes: i64) -> String {
    if bytes < 0 {
        "max".to_owned()
    } else {
        bytes.to_string()
    }
}

fn pids_text(pids: i64) -> String {
    if pids <= 0 {
        "max".to_owned()
    } else {
        pids.to_string()
    }
}

fn cpu_max(quota: Option<i64>, period: Option<u64>) -> Option<String> {
    let quota = quota.filter(|quota| *quota != 0);
    let period = period.filter(|period| *period > 0);
    if quota.is_none() && period.is_none() {
        return None;
    }
    let quota = quota
        .filter(|quota| *quota > 0)
        .map_or("max".to_owned(), |quota| quota.to_string());
    Some(format!("{quota} {}", period.unwrap_or(100_000)))
}

/// Page sizes become part of a file name.
fn page_size(size: &str) -> Result<&str, LimitsError> {
    if !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(size)
    } else {
        Err(LimitsError::Invalid(
            "hugepageLimits",
            format!("{size:?} is not a page size"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_shares_become_the_weights_that_the_kubelet_expects() {
        for (shares, weight) in [(2, 1), (102, 4), (1024, 39), (2048, 79), (262_144, 10_000)] {
            assert_eq!(cpu_weight(shares), weight, "{shares}");
        }
        assert_eq!(cpu_weight(0), 1);
        assert_eq!(cpu_weight(u64::MAX), 10_000);
    }

    #[test]
    fn quota_and_period_make_cpu_max() {
        assert_eq!(
            cpu_max(Some(50_000), Some(100_000)).as_deref(),
            Some("50000 100000")
        );
        assert_eq!(cpu_max(Some(-1), None).as_deref(), Some("max 100000"));
        assert_eq!(cpu_max(None, Some(50_000)).as_deref(), Some("max 50000"));
        assert_eq!(cpu_max(Some(0), Some(0)), None);
    }

    #[test]
    fn swap_below_memory_is_refused_before_anything_is_written() {
        assert!(check_swap(Some(100), Some(50)).is_err());
        assert!(check_swap(Some(100), Some(100)).is_ok());
        assert!(check_swap(Some(100), Some(-1)).is_ok());
    }
}
