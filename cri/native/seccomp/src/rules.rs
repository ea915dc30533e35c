//! What a profile means on one architecture: for every call number the rules that decide.

use std::collections::BTreeMap;

use crate::action;
use crate::arch::{Arch, number_of};
use crate::error::SeccompError;
use crate::profile::{Condition, Operator, Profile};

/// If all conditions hold, this is returned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Rule {
    pub conditions: Vec<Condition>,
    pub action: u32,
}

/// What becomes of the calls of one architecture.
#[derive(Debug)]
pub(crate) struct Verdicts {
    /// By call number; the first rule that matches decides, `default` where none does.
    pub rules: BTreeMap<u32, Vec<Rule>>,
    pub default: u32,
    /// From this call to the other, both included, another value is returned.
    pub newer: Option<(u32, u32, u32)>,
}

/// A call of 32-bit x86 that does the work of many. Its first argument says which.
struct Multiplexer {
    name: &'static str,
    /// The bits of the argument that the kernel looks at.
    mask: u64,
    calls: &'static [(&'static str, u64)],
}

const MULTIPLEXERS: [Multiplexer; 2] = [
    Multiplexer {
        name: "socketcall",
        mask: 0xffff_ffff,
        calls: &[
            ("socket", 1),
            ("bind", 2),
            ("connect", 3),
            ("listen", 4),
            ("accept", 5),
            ("getsockname", 6),
            ("getpeername", 7),
            ("socketpair", 8),
            ("send", 9),
            ("recv", 10),
            ("sendto", 11),
            ("recvfrom", 12),
            ("shutdown", 13),
            ("setsockopt", 14),
            ("getsockopt", 15),
            ("sendmsg", 16),
            ("recvmsg", 17),
            ("accept4", 18),
            ("recvmmsg", 19),
            ("sendmmsg", 20),
        ],
    },
    Multiplexer {
        name: "ipc",
        // The upper half is a version.
        mask: 0xffff,
        calls: &[
            ("semop", 1),
            ("semget", 2),
            ("semctl", 3),
            ("semtimedop", 4),
            ("msgsnd", 11),
            ("msgrcv", 12),
            ("msgget", 13),
            ("msgctl", 14),
            ("shmat", 21),
            ("shmdt", 22),
            ("shmget", 23),
            ("shmctl", 24),
        ],
    },
];

/// Reads the profile's entries for one architecture.
pub(crate) fn of(profile: &Profile, arch: Arch, default: u32) -> Result<Verdicts, SeccompError> {
    let mut found: BTreeMap<u32, Vec<Rule>> = BTreeMap::new();
    let mut last = None;
    for (place, entry) in profile.entries() {
        let action = entry.action(&place)?;
        let conditions = entry.conditions(&place)?;
        for name in &entry.names {
            let number = number_of(arch, name);
            last = last.max(number.filter(|number| *number <= arch.last_ordinary_call()));
            if action == default {
                continue;
            }
            for conditions in alternatives(&conditions) {
                if let Some((number, rule)) = multiplexed(arch, name, &conditions, action, default)
                {
                    found.entry(number).or_default().push(rule);
                }
                if let Some(number) = number {
                    found
                        .entry(number)
                        .or_default()
                        .push(Rule { conditions, action });
                }
            }
        }
    }
    for rules in found.values_mut() {
        simplify(rules);
    }
    let newer = action::of_newer_calls(default);
    let newer = last
        .filter(|last| newer != default && *last < arch.last_ordinary_call())
        .map(|last| (last + 1, arch.last_ordinary_call(), newer));
    Ok(Verdicts {
        rules: found,
        default,
        newer,
    })
}

/// The old way to write "or": an argument that stands there twice.
fn alternatives(conditions: &[Condition]) -> Vec<Vec<Condition>> {
    let is_repeated = conditions.iter().enumerate().any(|(place, condition)| {
        conditions
            .iter()
            .skip(place + 1)
            .any(|other| other.index == condition.index)
    });
    if is_repeated {
        conditions
            .iter()
            .map(|condition| vec![*condition])
            .collect()
    } else {
        vec![conditions.to_vec()]
    }
}

/// What a rule for a call says about the multiplexer that also leads to it. There the arguments lie
/// in memory, where no filter looks: a rule with conditions refuses the call as a whole when it is
/// stricter than the default, and says nothing when it is not.
fn multiplexed(
    arch: Arch,
    name: &str,
    conditions: &[Condition],
    action: u32,
    default: u32,
) -> Option<(u32, Rule)> {
    if arch != Arch::X86 || (!conditions.is_empty() && !action::is_stricter(action, default)) {
        return None;
    }
    MULTIPLEXERS.iter().find_map(|multiplexer| {
        let (_, call) = multiplexer.calls.iter().find(|(call, _)| *call == name)?;
        let condition = Condition {
            index: 0,
            operator: Operator::Masked(*call),
            value: multiplexer.mask,
        };
        let rule = Rule {
            conditions: vec![condition],
            action,
        };
        Some((number_of(arch, multiplexer.name)?, rule))
    })
}

/// An unconditional rule decides alone; nothing is asked twice.
fn simplify(rules: &mut Vec<Rule>) {
    if let Some(decisive) = rules
        .iter()
        .find(|rule| rule.conditions.is_empty())
        .cloned()
    {
        *rules = vec![decisive];
        return;
    }
    let mut kept: Vec<Rule> = Vec::with_capacity(rules.len());
    for rule in rules.drain(..) {
        if !kept.iter().any(|other| other.conditions == rule.conditions) {
            kept.push(rule);
        }
    }
    *rules = kept;
}
