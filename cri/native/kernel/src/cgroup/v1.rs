//! Limits as the files of the v1 hierarchies have them.

use std::path::{Path, PathBuf};

use super::Hierarchies;
use super::limits::{Limits, LimitsError, check_swap, page_size, pids_text};
use super::setting::Setting;

impl Hierarchies {
    /// The values to write, in an order in which every one is allowed after those before it.
    /// `present` tells what a file holds now (nothing, in a new cgroup).
    pub(super) fn v1_settings(
        &self,
        cgroup: &str,
        limits: &Limits,
        present: &dyn Fn(&Path) -> Option<i64>,
    ) -> Result<Vec<Setting>, LimitsError> {
        refuse_newer(limits)?;
        let dir = |what: &str, controller: &str| {
            let missing = || LimitsError::NoController(what.to_owned(), controller.to_owned());
            self.v1_dir(controller, cgroup).ok_or_else(missing)
        };
        let mut settings = Vec::new();
        if limits.sets_memory() {
            settings.extend(memory(&dir("memory.limit", "memory")?, limits, present)?);
        }
        if let Some(percent) = limits.memory_swappiness {
            const WHAT: &str = "memory.swappiness";
            let file = dir(WHAT, "memory")?.join("memory.swappiness");
            settings.push(Setting::new(WHAT, file, &percent));
        }
        if let Some(shares) = limits.cpu_shares.filter(|shares| *shares > 0) {
            let file = dir("cpu.shares", "cpu")?.join("cpu.shares");
            settings.push(Setting::new("cpu.shares", file, &shares));
        }
        if limits.sets_bandwidth() {
            settings.extend(bandwidth(&dir("cpu.quota", "cpu")?, limits, present));
        }
        let lists = [
            ("cpu.cpus", "cpuset.cpus", &limits.cpus),
            ("cpu.mems", "cpuset.mems", &limits.mems),
        ];
        for (what, file, list) in lists.into_iter().filter(|(_, _, list)| !list.is_empty()) {
            settings.push(Setting::new(what, dir(what, "cpuset")?.join(file), list));
        }
        if let Some(pids) = limits.pids {
            let file = dir("pids.limit", "pids")?.join("pids.max");
            settings.push(Setting::new("pids.limit", file, &pids_text(pids)));
        }
        for (size, bytes) in &limits.huge_pages {
            const WHAT: &str = "hugepageLimits";
            let size = page_size(size)?;
            match self.v1_dir("hugetlb", cgroup) {
                Some(dir) => settings.extend(huge_pages(&dir, size, *bytes)),
                // The kubelet sends 0 for every size, also where nothing is counted.
                None if *bytes == 0 => {}
                None => {
                    return Err(LimitsError::NoController(WHAT.to_owned(), "hugetlb".into()));
                }
            }
        }
        Ok(settings)
    }
}

fn refuse_newer(limits: &Limits) -> Result<(), LimitsError> {
    let needs = |what: String| Err(LimitsError::NeedsV2(what));
    if let Some((key, _)) = limits.unified.first() {
        return needs(format!("resources.unified {key:?}"));
    }
    if limits.cpu_burst.is_some_and(|burst| burst > 0) {
        return needs("resources.cpu.burst".to_owned());
    }
    if limits.cpu_idle.is_some_and(|idle| idle != 0) {
        return needs("resources.cpu.idle".to_owned());
    }
    Ok(())
}

/// The total of memory and swap must never be below the limit of memory: which of them goes first
/// depends on the total that is there.
fn memory(
    dir: &Path,
    limits: &Limits,
    present: &dyn Fn(&Path) -> Option<i64>,
) -> Result<Vec<Setting>, LimitsError> {
    let (memory, total) = (limits.memory(), limits.memory_and_swap());
    check_swap(memory, total)?;
    let set =
        |what: &str, file: &str, bytes: i64| Setting::new(what, dir.join(file), &bytes.max(-1));
    let memory = memory.map(|bytes| set("memory.limit", "memory.limit_in_bytes", bytes));
    // Where the kernel does not account swap there is nothing to limit.
    let swap = total
        .map(|bytes| set("memory.swap", "memory.memsw.limit_in_bytes", bytes).where_there_is_one());
    let soft = limits.memory_reservation.filter(|bytes| *bytes != 0);
    let soft = soft.map(|bytes| set("memory.reservation", "memory.soft_limit_in_bytes", bytes));
    let unlimited = |bytes: i64| if bytes < 0 { i64::MAX } else { bytes };
    let old_total = present(&dir.join("memory.memsw.limit_in_bytes"));
    let rises = limits
        .memory()
        .is_some_and(|bytes| unlimited(bytes) > old_total.map_or(i64::MAX, unlimited));
    let pair = if rises {
        [swap, memory]
    } else {
        [memory, swap]
    };
    Ok(pair.into_iter().flatten().chain(soft).collect())
}

/// Quota and period are two files: between them the share of the CPUs must not be above both the old
/// and the new one, as it must not exceed the parent's.
fn bandwidth(dir: &Path, limits: &Limits, present: &dyn Fn(&Path) -> Option<i64>) -> Vec<Setting> {
    let files = [dir.join("cpu.cfs_quota_us"), dir.join("cpu.cfs_period_us")];
    let [old_quota, old_period] = files.each_ref().map(|file: &PathBuf| present(file));
    let [quota_file, period_file] = files;
    let new_quota = limits.cpu_quota.filter(|quota| *quota != 0);
    let new_period = limits.cpu_period.filter(|period| *period > 0);
    let quota = new_quota.map(|quota| Setting::new("cpu.quota", quota_file, &quota.max(-1)));
    let period = new_period.map(|period| Setting::new("cpu.period", period_file, &period));
    let unlimited = |quota: i64| if quota < 0 { i64::MAX } else { quota };
    let quota_falls = match (new_quota, old_quota) {
        (Some(new), Some(old)) => {
            let new_period = new_period.and_then(|period| i64::try_from(period).ok());
            let periods = (
                old_period.unwrap_or(1),
                new_period.or(old_period).unwrap_or(1),
            );
            // new / old period <= old / new period
            let product =
                |quota: i64, period: i64| i128::from(unlimited(quota)) * i128::from(period);
            product(new, periods.1) <= product(old, periods.0)
        }
        _ => false,
    };
    let pair = if quota_falls {
        [quota, period]
    } else {
        [period, quota]
    };
    pair.into_iter().flatten().collect()
}

fn huge_pages(dir: &Path, size: &str, bytes: u64) -> [Setting; 2] {
    let set = |file: String| Setting::new("hugepageLimits", dir.join(file), &bytes);
    [
        set(format!("hugetlb.{size}.limit_in_bytes")),
        // Since Linux 5.7: refuses at mmap what would be killed at its first use.
        set(format!("hugetlb.{size}.rsvd.limit_in_bytes")).where_there_is_one(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::V1Hierarchy;

    fn hybrid() -> Hierarchies {
        let controllers = ["cpu", "memory", "cpuset", "pids"];
        let v1 = controllers.map(|name| V1Hierarchy {
            mountpoint: PathBuf::from("/c").join(name),
            controllers: vec![name.to_owned()],
            name: None,
        });
        Hierarchies {
            v1: v1.into(),
            ..Hierarchies::default()
        }
    }

    /// Files and values in the order in which they are written.
    fn order(limits: &Limits, old: &[(&str, i64)]) -> Vec<(String, String)> {
        let present = |path: &Path| {
            let name = path.file_name()?.to_str()?;
            old.iter()
                .find(|(file, _)| *file == name)
                .map(|(_, value)| *value)
        };
        let settings = hybrid().v1_settings("/x", limits, &present).unwrap();
        let short = |setting: &Setting| (setting.file_name().to_owned(), setting.value.clone());
        settings.iter().map(short).collect()
    }

    fn files(limits: &Limits, old: &[(&str, i64)]) -> Vec<String> {
        order(limits, old)
            .into_iter()
            .map(|(file, _)| file)
            .collect()
    }

    const LIMIT: &str = "memory.limit_in_bytes";
    const TOTAL: &str = "memory.memsw.limit_in_bytes";

    fn memory(limit: i64, total: i64) -> Limits {
        Limits {
            memory: Some(limit),
            memory_and_swap: Some(total),
            ..Limits::default()
        }
    }

    #[test]
    fn memory_that_rises_above_the_old_total_waits_for_the_new_one() {
        assert_eq!(files(&memory(200, 200), &[(TOTAL, 100)]), [TOTAL, LIMIT]);
        assert_eq!(files(&memory(-1, -1), &[(TOTAL, 100)]), [TOTAL, LIMIT]);
        assert_eq!(files(&memory(100, 300), &[(TOTAL, 100)]), [LIMIT, TOTAL]);
        assert_eq!(files(&memory(50, 50), &[(TOTAL, 100)]), [LIMIT, TOTAL]);
        assert_eq!(files(&memory(50, 50), &[]), [LIMIT, TOTAL]);
    }

    const QUOTA: &str = "cpu.cfs_quota_us";
    const PERIOD: &str = "cpu.cfs_period_us";

    fn bandwidth(quota: i64, period: u64) -> Limits {
        Limits {
            cpu_quota: Some(quota),
            cpu_period: Some(period),
            ..Limits::default()
        }
    }

    #[test]
    fn the_share_of_the_cpus_is_never_larger_on_the_way_than_before_and_after() {
        let old = [(QUOTA, 25_000), (PERIOD, 50_000)];
        assert_eq!(files(&bandwidth(50_000, 100_000), &old), [PERIOD, QUOTA]);
        assert_eq!(files(&bandwidth(10_000, 20_000), &old), [QUOTA, PERIOD]);
        assert_eq!(files(&bandwidth(-1, 20_000), &old), [PERIOD, QUOTA]);
        let free = [(QUOTA, -1), (PERIOD, 100_000)];
        assert_eq!(files(&bandwidth(50_000, 50_000), &free), [QUOTA, PERIOD]);
        assert_eq!(files(&bandwidth(50_000, 50_000), &[]), [PERIOD, QUOTA]);
    }

    #[test]
    fn every_field_has_its_file() {
        let limits = Limits {
            memory: Some(4096),
            memory_reservation: Some(2048),
            memory_swappiness: Some(0),
            cpu_shares: Some(512),
            cpu_quota: Some(-5),
            cpus: "0-1".to_owned(),
            mems: "0".to_owned(),
            pids: Some(0),
            huge_pages: vec![("2MB".to_owned(), 0)],
            ..Limits::default()
        };
        let expected = [
            (LIMIT, "4096"),
            ("memory.soft_limit_in_bytes", "2048"),
            ("memory.swappiness", "0"),
            ("cpu.shares", "512"),
            (QUOTA, "-1"),
            ("cpuset.cpus", "0-1"),
            ("cpuset.mems", "0"),
            ("pids.max", "max"),
        ];
        let expected = expected.map(|(file, value)| (file.to_owned(), value.to_owned()));
        assert_eq!(order(&limits, &[]), expected);
    }

    #[test]
    fn what_v1_does_not_have_is_refused_by_name() {
        let refusal = |limits: &Limits| {
            let refused = hybrid().v1_settings("/x", limits, &|_| None);
            refused.unwrap_err().to_string()
        };
        let unified = Limits {
            unified: vec![("memory.high".to_owned(), "1".to_owned())],
            ..Limits::default()
        };
        assert_eq!(
            refusal(&unified),
            "cannot set resources.unified \"memory.high\": it needs cgroup v2"
        );
        let pages = Limits {
            huge_pages: vec![("2MB".to_owned(), 1)],
            ..Limits::default()
        };
        assert_eq!(
            refusal(&pages),
            "cannot set hugepageLimits: this host has no hugetlb controller"
        );
    }
}
