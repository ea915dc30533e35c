//! What a cgroup uses.

use std::path::Path;

use super::change::keyed_value;
use super::remove::children_named;
use super::{CgroupError, Hierarchies, read_value};

/// v1 counts processor time in these, on every architecture that we run on.
const TICK_NS: u64 = 10_000_000;

/// Processor time in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CpuStats {
    /// Both below.
    pub total: u64,
    /// In programs.
    pub user: u64,
    /// In the kernel.
    pub kernel: u64,
    /// By processor; only v1 knows.
    pub per_cpu: Vec<u64>,
    /// Periods in which the limit could be reached.
    pub periods: u64,
    /// Periods in which it was.
    pub throttled_periods: u64,
    /// Time lost by that.
    pub throttled: u64,
}

/// One kind of memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// In use.
    pub usage: u64,
    /// The most that was ever in use; 0 where the kernel does not tell.
    pub max: u64,
    /// The largest number means that there is none.
    pub limit: u64,
    /// How often the limit was reached; v1 only, but for huge pages.
    pub fails: u64,
}

/// Bytes or operations of a block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceStats {
    /// Major and minor number.
    pub device: (u64, u64),
    /// "Read", "Write" …
    pub operation: String,
    /// How many.
    pub value: u64,
}

/// What a cgroup uses; what the host does not account is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Processors.
    pub cpu: CpuStats,
    /// Memory.
    pub memory: MemoryStats,
    /// Memory and swap together.
    pub swap: MemoryStats,
    /// Cached files in bytes, a part of memory.
    pub cache: u64,
    /// memory.stat.
    pub memory_details: Vec<(String, u64)>,
    /// Processes.
    pub pids: u64,
    /// Most processes; 0: no limit.
    pub pids_limit: u64,
    /// Huge pages by their size.
    pub huge_pages: Vec<(String, MemoryStats)>,
    /// Bytes to and from block devices.
    pub io_bytes: Vec<DeviceStats>,
    /// Operations of block devices.
    pub io_operations: Vec<DeviceStats>,
}

fn text(dir: &Path, file: &str) -> Result<String, CgroupError> {
    Ok(read_value(&dir.join(file))?.unwrap_or_default())
}

/// A file of one number, or "max"; 0 when it does not exist.
fn number(dir: &Path, file: &str) -> Result<u64, CgroupError> {
    let text = text(dir, file)?;
    Ok(match text.trim() {
        "max" => u64::MAX,
        number => number.parse().unwrap_or(0),
    })
}

fn pairs(text: &str) -> Vec<(String, u64)> {
    let pair = |line: &str| {
        let (key, value) = line.split_once(' ')?;
        Some((key.to_owned(), value.trim().parse().ok()?))
    };
    text.lines().filter_map(pair).collect()
}

impl Hierarchies {
    /// What the cgroup uses now.
    ///
    /// # Errors
    /// The file that cannot be read.
    pub fn stats(&self, cgroup: &str) -> Result<Stats, CgroupError> {
        match self.v2_dir(cgroup).filter(|_| self.is_v2()) {
            Some(dir) => v2(&dir),
            None => self.v1_stats(cgroup),
        }
    }

    fn v1_stats(&self, cgroup: &str) -> Result<Stats, CgroupError> {
        let mut stats = Stats::default();
        if let Some(dir) = self.v1_dir("cpuacct", cgroup) {
            v1_cpu(&dir, &mut stats.cpu)?;
        }
        if let Some(dir) = self.v1_dir("cpu", cgroup) {
            let text = text(&dir, "cpu.stat")?;
            let value = |key| keyed_value(&text, key).unwrap_or(0);
            stats.cpu.periods = value("nr_periods");
            stats.cpu.throttled_periods = value("nr_throttled");
            stats.cpu.throttled = value("throttled_time");
        }
        if let Some(dir) = self.v1_dir("memory", cgroup) {
            stats.memory = v1_memory(&dir, "memory")?;
            stats.swap = v1_memory(&dir, "memory.memsw")?;
            stats.memory_details = pairs(&text(&dir, "memory.stat")?);
            stats.cache = detail(&stats, "cache");
        }
        if let Some(dir) = self.v1_dir("pids", cgroup) {
            set_pids(&dir, &mut stats)?;
        }
        if let Some(dir) = self.v1_dir("hugetlb", cgroup) {
            for size in children_named(&dir, "hugetlb.", ".usage_in_bytes") {
                let pages = v1_memory(&dir, &format!("hugetlb.{size}"))?;
                stats.huge_pages.push((size, pages));
            }
        }
        if let Some(dir) = self.v1_dir("blkio", cgroup) {
            let file = |name| text(&dir, &format!("blkio.throttle.{name}_recursive"));
            stats.io_bytes = v1_devices(&file("io_service_bytes")?);
            stats.io_operations = v1_devices(&file("io_serviced")?);
        }
        Ok(stats)
    }
}

fn detail(stats: &Stats, key: &str) -> u64 {
    let found = stats.memory_details.iter().find(|(name, _)| name == key);
    found.map_or(0, |(_, value)| *value)
}

fn set_pids(dir: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    stats.pids = number(dir, "pids.current")?;
    let limit = number(dir, "pids.max")?;
    stats.pids_limit = if limit == u64::MAX { 0 } else { limit };
    Ok(())
}

fn v1_cpu(dir: &Path, cpu: &mut CpuStats) -> Result<(), CgroupError> {
    cpu.total = number(dir, "cpuacct.usage")?;
    let each = text(dir, "cpuacct.usage_percpu")?;
    let each = each.split_ascii_whitespace();
    cpu.per_cpu = each.filter_map(|number| number.parse().ok()).collect();
    let text = text(dir, "cpuacct.stat")?;
    let ticks = |key| keyed_value(&text, key).unwrap_or(0);
    cpu.user = ticks("user").saturating_mul(TICK_NS);
    cpu.kernel = ticks("system").saturating_mul(TICK_NS);
    Ok(())
}

fn v1_memory(dir: &Path, prefix: &str) -> Result<MemoryStats, CgroupError> {
    let value = |file| number(dir, &format!("{prefix}.{file}"));
    Ok(MemoryStats {
        usage: value("usage_in_bytes")?,
        max: value("max_usage_in_bytes")?,
        limit: value("limit_in_bytes")?,
        fails: value("failcnt")?,
    })
}

/// Lines of `8:0 Read 5`, and totals.
fn v1_devices(text: &str) -> Vec<DeviceStats> {
    let one = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        Some(DeviceStats {
            device: device(words.next()?)?,
            operation: words.next()?.to_owned(),
            value: words.next()?.parse().ok()?,
        })
    };
    text.lines().filter_map(one).collect()
}

fn device(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn v2(dir: &Path) -> Result<Stats, CgroupError> {
    let mut stats = Stats::default();
    let cpu = text(dir, "cpu.stat")?;
    let value = |key| keyed_value(&cpu, key).unwrap_or(0);
    let ns = |key| value(key).saturating_mul(1000);
    stats.cpu = CpuStats {
        total: ns("usage_usec"),
        user: ns("user_usec"),
        kernel: ns("system_usec"),
        per_cpu: Vec::new(),
        periods: value("nr_periods"),
        throttled_periods: value("nr_throttled"),
        throttled: ns("throttled_usec"),
    };
    stats.memory = v2_memory(dir, "memory")?;
    let swap = v2_memory(dir, "memory.swap")?;
    stats.swap = MemoryStats {
        usage: swap.usage.saturating_add(stats.memory.usage),
        max: 0,
        limit: swap.limit.saturating_add(stats.memory.limit),
        fails: 0,
    };
    stats.memory_details = pairs(&text(dir, "memory.stat")?);
    stats.cache = detail(&stats, "file");
    set_pids(dir, &mut stats)?;
    for size in children_named(dir, "hugetlb.", ".current") {
        // What is reserved is counted in files of its own.
        if size.ends_with(".rsvd") {
            continue;
        }
        let mut pages = v2_memory(dir, &format!("hugetlb.{size}"))?;
        let events = text(dir, &format!("hugetlb.{size}.events"))?;
        pages.fails = keyed_value(&events, "max").unwrap_or(0);
        stats.huge_pages.push((size, pages));
    }
    let io = text(dir, "io.stat")?;
    stats.io_bytes = v2_devices(&io, "bytes");
    stats.io_operations = v2_devices(&io, "ios");
    Ok(stats)
}

fn v2_memory(dir: &Path, prefix: &str) -> Result<MemoryStats, CgroupError> {
    let value = |file: &str| number(dir, &format!("{prefix}.{file}"));
    Ok(MemoryStats {
        usage: value("current")?,
        max: value("peak")?,
        limit: value("max")?,
        fails: 0,
    })
}

/// Lines of `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`.
fn v2_devices(text: &str, unit: &str) -> Vec<DeviceStats> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(device) = words.next().and_then(device) else {
            continue;
        };
        for (key, value) in words.filter_map(|word| word.split_once('=')) {
            let operation = match key.strip_suffix(unit) {
                Some("r") => "Read",
                Some("w") => "Write",
                Some("d") => "Discard",
                _ => continue,
            };
            if let Ok(value) = value.parse() {
                found.push(DeviceStats {
                    device,
                    operation: operation.to_owned(),
                    value,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_v2_become_figures() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("x");
        std::fs::create_dir(&dir).unwrap();
        for (name, text) in [
            (
                "cpu.stat",
                "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_throttled 1\n",
            ),
            ("memory.current", "100\n"),
            ("memory.max", "max\n"),
            ("memory.swap.current", "7\n"),
            ("memory.swap.max", "9\n"),
            ("memory.stat", "anon 60\nfile 40\n"),
            ("pids.current", "3\n"),
            ("pids.max", "max\n"),
            ("hugetlb.2MB.current", "2097152\n"),
            ("hugetlb.2MB.max", "4194304\n"),
            ("hugetlb.2MB.events", "max 6\n"),
            ("hugetlb.2MB.rsvd.current", "0\n"),
            (
                "io.stat",
                "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n",
            ),
        ] {
            std::fs::write(dir.join(name), text).unwrap();
        }
        let hierarchies = Hierarchies {
            v2: Some(scratch.path().to_owned()),
            ..Hierarchies::default()
        };
        let stats = hierarchies.stats("/x").unwrap();
        assert_eq!(
            (stats.cpu.total, stats.cpu.user, stats.cpu.kernel),
            (5000, 3000, 2000)
        );
        assert_eq!(stats.cpu.throttled_periods, 1);
        assert_eq!((stats.memory.usage, stats.memory.limit), (100, u64::MAX));
        assert_eq!((stats.swap.usage, stats.swap.limit), (107, u64::MAX));
        assert_eq!((stats.cache, stats.pids, stats.pids_limit), (40, 3, 0));
        let pages = MemoryStats {
            usage: 2_097_152,
            limit: 4_194_304,
            fails: 6,
            max: 0,
        };
        assert_eq!(stats.huge_pages, [("2MB".to_owned(), pages)]);
        let write = DeviceStats {
            device: (8, 16),
            operation: "Write".to_owned(),
            value: 2,
        };
        assert!(stats.io_bytes.contains(&write), "{:?}", stats.io_bytes);
        assert_eq!(stats.io_operations[0].value, 3);
    }

    #[test]
    fn devices_of_v1_are_read_without_the_totals() {
        let found = v1_devices("8:0 Read 5\n8:0 Total 5\nTotal 5\n");
        let operations: Vec<&str> = found.iter().map(|one| one.operation.as_str()).collect();
        assert_eq!(operations, ["Read", "Total"]);
        assert_eq!(found[0].device, (8, 0));
    }
}
