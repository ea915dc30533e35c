//! Limits as the files of cgroup v2 have them.

use std::path::Path;

use super::limits::{Limits, LimitsError, check_swap, cpu_weight, page_size, pids_text};
use super::setting::Setting;

/// The values to write. `present` tells what `cpu.max` holds now (nothing, in a new cgroup).
pub(super) fn settings(
    dir: &Path,
    limits: &Limits,
    cpu_max_now: Option<&str>,
) -> Result<Vec<Setting>, LimitsError> {
    let set = |what: &str, file: &str, value: String| Setting::new(what, dir.join(file), &value);
    if limits.memory_swappiness.is_some() {
        return Err(LimitsError::NeedsV1(
            "resources.memory.swappiness".to_owned(),
        ));
    }
    let mut settings = memory(dir, limits)?;
    if let Some(shares) = limits.cpu_shares.filter(|shares| *shares > 0) {
        let weight = cpu_weight(shares).to_string();
        settings.push(set("cpu.shares", "cpu.weight", weight));
    }
    if let Some(text) = cpu_max(limits.cpu_quota, limits.cpu_period, cpu_max_now) {
        settings.push(set("cpu.quota", "cpu.max", text));
    }
    if let Some(burst) = limits.cpu_burst {
        settings.push(set("cpu.burst", "cpu.max.burst", burst.to_string()));
    }
    if let Some(idle) = limits.cpu_idle {
        settings.push(set("cpu.idle", "cpu.idle", idle.to_string()));
    }
    if !limits.cpus.is_empty() {
        settings.push(set("cpu.cpus", "cpuset.cpus", limits.cpus.clone()));
    }
    if !limits.mems.is_empty() {
        settings.push(set("cpu.mems", "cpuset.mems", limits.mems.clone()));
    }
    if let Some(pids) = limits.pids {
        settings.push(set("pids.limit", "pids.max", pids_text(pids)));
    }
    for (size, bytes) in &limits.huge_pages {
        let size = page_size(size)?;
        let hard = set(
            "hugepageLimits",
            &format!("hugetlb.{size}.max"),
            bytes.to_string(),
        );
        // The kubelet sends 0 for every size, also where nothing is counted.
        settings.push(if *bytes == 0 {
            hard.where_there_is_one()
        } else {
            hard
        });
        // Since Linux 5.7: refuses at mmap what would be killed at its first use.
        let file = format!("hugetlb.{size}.rsvd.max");
        settings.push(set("hugepageLimits", &file, bytes.to_string()).where_there_is_one());
    }
    for (key, value) in &limits.unified {
        let what = format!("resources.unified {key:?}");
        if key.is_empty() || key.contains('/') || !key.contains('.') || key.starts_with('.') {
            let why = "it is not the name of a cgroup file".to_owned();
            return Err(LimitsError::Invalid(what, why));
        }
        settings.push(set(&what, key, value.clone()));
    }
    Ok(settings)
}

fn memory(dir: &Path, limits: &Limits) -> Result<Vec<Setting>, LimitsError> {
    let (memory, total) = (limits.memory(), limits.memory_and_swap());
    check_swap(memory, total)?;
    let set =
        |what: &str, file: &str, bytes: i64| Setting::new(what, dir.join(file), &or_max(bytes));
    let swap = match (memory, total) {
        (_, None) => None,
        (_, Some(total)) if total < 0 => Some(-1),
        (Some(limit), Some(total)) if limit > 0 => Some(total - limit),
        _ => {
            let why = "a limit of memory plus swap needs a memory limit".to_owned();
            return Err(LimitsError::Invalid("memory.swap".to_owned(), why));
        }
    };
    let memory = memory.map(|bytes| set("memory.limit", "memory.max", bytes));
    // Where the kernel does not account swap there is nothing to limit.
    let swap = swap.map(|bytes| set("memory.swap", "memory.swap.max", bytes).where_there_is_one());
    let low = limits.memory_reservation.filter(|bytes| *bytes != 0);
    let low = low.map(|bytes| set("memory.reservation", "memory.low", bytes));
    Ok([memory, swap, low].into_iter().flatten().collect())
}

fn or_max(bytes: i64) -> String {
    if bytes < 0 {
        "max".to_owned()
    } else {
        bytes.to_string()
    }
}

/// What is not given stays as it is.
fn cpu_max(quota: Option<i64>, period: Option<u64>, now: Option<&str>) -> Option<String> {
    let quota = quota.filter(|quota| *quota != 0);
    let period = period.filter(|period| *period > 0);
    if quota.is_none() & period.is_none() {
        return None;
    }
    let mut old = now.unwrap_or("max 100000").split_ascii_whitespace();
    let (old_quota, old_period) = (old.next().unwrap_or("max"), old.next().unwrap_or("100000"));
    let quota = match quota {
        None => old_quota.to_owned(),
        Some(quota) if quota > 0 => quota.to_string(),
        Some(_) => "max".to_owned(),
    };
    let period = period.map_or(old_period.to_owned(), |period| period.to_string());
    Some(format!("{quota} {period}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(limits: &Limits) -> Vec<(String, String)> {
        let settings = settings(Path::new("/c"), limits, None).unwrap();
        let short = |setting: &Setting| (setting.file_name().to_owned(), setting.value.clone());
        settings.iter().map(short).collect()
    }

    #[test]
    fn quota_and_period_make_cpu_max_and_what_is_not_given_stays() {
        let new = |quota, period| cpu_max(quota, period, None);
        assert_eq!(
            new(Some(50_000), Some(100_000)).as_deref(),
            Some("50000 100000")
        );
        assert_eq!(new(Some(-1), None).as_deref(), Some("max 100000"));
        assert_eq!(new(None, Some(50_000)).as_deref(), Some("max 50000"));
        assert_eq!(new(Some(0), Some(0)), None);
        let now = Some("25000 50000\n");
        assert_eq!(
            cpu_max(None, Some(20_000), now).as_deref(),
            Some("25000 20000")
        );
        assert_eq!(
            cpu_max(Some(1000), None, now).as_deref(),
            Some("1000 50000")
        );
    }

    #[test]
    fn every_field_has_its_file() {
        let limits = Limits {
            memory: Some(4096),
            memory_and_swap: Some(6144),
            memory_reservation: Some(2048),
            cpu_shares: Some(1024),
            cpu_quota: Some(1000),
            cpu_burst: Some(500),
            cpu_idle: Some(0),
            cpus: "0-1".to_owned(),
            mems: "0".to_owned(),
            pids: Some(0),
            huge_pages: vec![("2MB".to_owned(), 7)],
            unified: vec![("memory.high".to_owned(), "5".to_owned())],
            ..Limits::default()
        };
        let expected = [
            ("memory.max", "4096"),
            ("memory.swap.max", "2048"),
            ("memory.low", "2048"),
            ("cpu.weight", "100"),
            ("cpu.max", "1000 100000"),
            ("cpu.max.burst", "500"),
            ("cpu.idle", "0"),
            ("cpuset.cpus", "0-1"),
            ("cpuset.mems", "0"),
            ("pids.max", "max"),
            ("hugetlb.2MB.max", "7"),
            ("hugetlb.2MB.rsvd.max", "7"),
            ("memory.high", "5"),
        ];
        let expected = expected.map(|(file, value)| (file.to_owned(), value.to_owned()));
        assert_eq!(written(&limits), expected);
    }

    #[test]
    fn names_that_are_no_cgroup_files_are_refused() {
        for key in ["", "memory", "../memory.max", "a/b.c", ".x"] {
            let limits = Limits {
                unified: vec![(key.to_owned(), "1".to_owned())],
                ..Limits::default()
            };
            let refused = settings(Path::new("/c"), &limits, None).unwrap_err();
            let expected = format!(
                "cannot set resources.unified {key:?}: it is not the name of a cgroup file"
            );
            assert_eq!(refused.to_string(), expected);
        }
    }

    #[test]
    fn swappiness_is_refused_by_name() {
        let limits = Limits {
            memory_swappiness: Some(0),
            ..Limits::default()
        };
        let refused = settings(Path::new("/c"), &limits, None).unwrap_err();
        let expected = "cannot set resources.memory.swappiness: it needs cgroup v1";
        assert_eq!(refused.to_string(), expected);
    }

    #[test]
    fn swap_without_a_memory_limit_says_what_is_missing() {
        let limits = Limits {
            memory_and_swap: Some(5),
            ..Limits::default()
        };
        assert!(settings(Path::new("/c"), &limits, None).is_err());
    }
}
