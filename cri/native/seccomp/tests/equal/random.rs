//! Random profiles: as text for our compiler, as data for libseccomp.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what tests share may end them"
)]

use estiba_seccomp::{Arch, number_of};
use proptest::prelude::*;
use proptest::sample::select;

/// A comparison of one argument, with libseccomp's number of the operator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Condition {
    pub index: u32,
    pub operator: u32,
    pub value: u64,
    pub value_two: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub names: Vec<&'static str>,
    pub action: u32,
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub native: Arch,
    pub default: u32,
    pub architectures: Vec<Arch>,
    pub entries: Vec<Entry>,
}

pub(crate) const ERRNO: u32 = 0x0005_0000;
const OPERATORS: [&str; 7] = [
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ",
];

/// Values that meet each other, at the borders of halves.
const VALUES: [u64; 12] = [
    0,
    1,
    2,
    38,
    40,
    0x7e02_0000,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0x8000_0000_0000_0000,
    u64::MAX,
];

/// All names of the table.
pub(crate) fn names() -> Vec<&'static str> {
    let table = include_str!("../../src/syscalls.tsv");
    let known = table.lines().filter(|line| !line.starts_with('#'));
    known.filter_map(|line| line.split('\t').next()).collect()
}

/// The calls that 32-bit x86 also reaches through a call that does the work of many.
pub(crate) const MULTIPLEXED: [&str; 34] = [
    "socketcall",
    "ipc",
    "socket",
    "bind",
    "connect",
    "listen",
    "accept",
    "getsockname",
    "getpeername",
    "socketpair",
    "send",
    "recv",
    "sendto",
    "recvfrom",
    "shutdown",
    "setsockopt",
    "getsockopt",
    "sendmsg",
    "recvmsg",
    "accept4",
    "recvmmsg",
    "sendmmsg",
    "semop",
    "semget",
    "semctl",
    "semtimedop",
    "msgsnd",
    "msgrcv",
    "msgget",
    "msgctl",
    "shmat",
    "shmdt",
    "shmget",
    "shmctl",
];

fn action() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => Just(0x7fff_0000_u32),
        4 => (1..200_u32).prop_map(|errno| ERRNO | errno),
        1 => Just(0x8000_0000),
        1 => Just(0),
        1 => Just(0x0003_0000),
        1 => Just(0x7ffc_0000),
        1 => (0..0xffff_u32).prop_map(|data| 0x7ff0_0000 | data),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    (0..6_u32, 1..8_u32, select(&VALUES[..]), select(&VALUES[..])).prop_map(
        |(index, operator, value, value_two)| Condition {
            index,
            operator,
            value,
            value_two: if operator == 7 { value_two } else { 0 },
        },
    )
}

fn entry(names: Vec<&'static str>) -> impl Strategy<Value = Entry> {
    let conditions = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(condition(), 1..4),
    ];
    let names = prop::collection::vec(select(names), 1..40);
    (names, action(), conditions).prop_map(|(names, action, mut conditions)| {
        // Several conditions on one argument libseccomp 2.5 does not always get right.
        conditions.sort_by_key(|one: &Condition| one.index);
        conditions.dedup_by_key(|one| one.index);
        Entry {
            names,
            action,
            conditions,
        }
    })
}

/// Profiles for a machine. Each call stands in one entry: what entries that contradict each other
/// mean, libseccomp decides by the order of its tree.
pub(crate) fn profile(
    native: Arch,
    family: &'static [Arch],
    names: &[&'static str],
) -> impl Strategy<Value = Profile> + use<> {
    let names = names.to_vec();
    let plain: Vec<_> = names
        .iter()
        .copied()
        .filter(|name| !MULTIPLEXED.contains(name))
        .collect();
    let entries = prop::collection::vec(
        prop_oneof![1 => entry(names).prop_map(without_conditions), 4 => entry(plain)],
        0..12,
    );
    let listed = prop::collection::vec(select(family), 0..4);
    (action(), listed, entries).prop_map(move |(default, architectures, mut entries)| {
        let mut seen = Vec::new();
        for entry in &mut entries {
            entry.names.retain(|name| {
                let is_new = !seen.contains(name);
                seen.push(name);
                is_new
            });
        }
        entries.retain(|entry| !entry.names.is_empty());
        Profile {
            native,
            default,
            architectures,
            entries,
        }
    })
}

fn without_conditions(mut entry: Entry) -> Entry {
    entry.conditions.clear();
    entry
}

/// What a filter is asked: a call, mostly one of the profile, with arguments that matter.
pub(crate) fn calls(profile: &Profile) -> impl Strategy<Value = (usize, u32, [u64; 6])> + use<> {
    let numbers: Vec<u32> = profile
        .entries
        .iter()
        .flat_map(|entry| &entry.names)
        .flat_map(|name| {
            let family = profile.all_architectures();
            family
                .into_iter()
                .filter_map(move |arch| number_of(arch, name))
        })
        .chain([0, 470, 600])
        .collect();
    let number = prop_oneof![
        8 => select(numbers),
        2 => 0..600_u32,
        1 => (0..600_u32).prop_map(|number| number | 0x4000_0000),
        1 => any::<u32>(),
    ];
    let argument = prop_oneof![select(&VALUES[..]), any::<u64>()];
    (0..8_usize, number, prop::array::uniform6(argument))
}

impl Profile {
    /// The machine's own and the listed ones, each once.
    pub(crate) fn all_architectures(&self) -> Vec<Arch> {
        let mut all = vec![self.native];
        for arch in &self.architectures {
            if !all.contains(arch) {
                all.push(*arch);
            }
        }
        all
    }

    /// The highest call that the profile names on an architecture.
    pub(crate) fn last(&self, arch: Arch) -> Option<u32> {
        let names = self.entries.iter().flat_map(|entry| &entry.names);
        names
            .filter_map(|name| number_of(arch, name))
            .filter(|number| arch != Arch::Arm || *number < 0xf_0000)
            .max()
    }

    /// What the profile says about a call number, for messages.
    pub(crate) fn entries_of(&self, number: u32) -> Vec<(Arch, &'static str, &Entry)> {
        let all = self.all_architectures();
        let of_one = |name: &'static str| {
            let arch = all
                .iter()
                .find(|arch| number_of(**arch, name) == Some(number))?;
            Some((*arch, name))
        };
        let mut found = Vec::new();
        for entry in &self.entries {
            let named = entry.names.iter().filter_map(|name| of_one(name));
            found.extend(named.map(|(arch, name)| (arch, name, entry)));
        }
        found
    }

    pub(crate) fn json(&self) -> String {
        let entries: Vec<_> = self.entries.iter().map(Entry::json).collect();
        let mut document = serde_json::json!({ "syscalls": entries });
        let (action, errno) = words(self.default);
        document["defaultAction"] = action.into();
        if let Some(errno) = errno {
            document["defaultErrnoRet"] = errno.into();
        }
        let listed: Vec<_> = self
            .architectures
            .iter()
            .map(|arch| arch_name(*arch))
            .collect();
        document["architectures"] = listed.into();
        document.to_string()
    }
}

impl Entry {
    /// As runc has it: an argument that stands there twice means "or".
    pub(crate) fn alternatives(&self) -> Vec<Vec<Condition>> {
        let mut indexes: Vec<u32> = self.conditions.iter().map(|one| one.index).collect();
        indexes.sort_unstable();
        indexes.dedup();
        if indexes.len() == self.conditions.len() {
            vec![self.conditions.clone()]
        } else {
            self.conditions.iter().map(|one| vec![*one]).collect()
        }
    }

    fn json(&self) -> serde_json::Value {
        let (action, errno) = words(self.action);
        let arguments: Vec<_> = self
            .conditions
            .iter()
            .map(|one| {
                let operator = OPERATORS[usize::try_from(one.operator).unwrap() - 1];
                serde_json::json!({
                    "index": one.index, "value": one.value, "valueTwo": one.value_two, "op": operator,
                })
            })
            .collect();
        let mut entry = serde_json::json!({
            "names": self.names, "action": action, "args": arguments,
        });
        if let Some(errno) = errno {
            entry["errnoRet"] = errno.into();
        }
        entry
    }
}

fn words(action: u32) -> (&'static str, Option<u32>) {
    let data = Some(action & 0xffff);
    match action & 0xffff_0000 {
        0x7fff_0000 => ("SCMP_ACT_ALLOW", None),
        ERRNO => ("SCMP_ACT_ERRNO", data),
        0x8000_0000 => ("SCMP_ACT_KILL_PROCESS", None),
        0 => ("SCMP_ACT_KILL", None),
        0x0003_0000 => ("SCMP_ACT_TRAP", None),
        0x7ffc_0000 => ("SCMP_ACT_LOG", None),
        _ => ("SCMP_ACT_TRACE", data),
    }
}

fn arch_name(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "SCMP_ARCH_X86_64",
        Arch::X86 => "SCMP_ARCH_X86",
        Arch::X32 => "SCMP_ARCH_X32",
        Arch::Aarch64 => "SCMP_ARCH_AARCH64",
        Arch::Arm => "SCMP_ARCH_ARM",
    }
}
