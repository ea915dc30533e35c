//! From a call's number to its rules: a binary search over runs of numbers with the same outcome.

use std::collections::HashMap;

use crate::action::KILL_PROCESS;
use crate::arch::{Arch, X32_BIT};
use crate::arguments;
use crate::program::{Builder, Label, Test};
use crate::rules::{Rule, Verdicts};

const NUMBER_OFFSET: u32 = 0;
const ARCHITECTURE_OFFSET: u32 = 4;

/// What becomes of the calls from `start` to the next run.
#[derive(Debug)]
struct Run<'a> {
    start: u32,
    outcome: Outcome<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome<'a> {
    Always(u32),
    Rules(&'a [Rule]),
}

/// Writes the whole program: one section for each architecture, chosen by the kernel's word for it.
pub(crate) fn emit(builder: &mut Builder, sections: &[(Arch, Verdicts)]) -> Label {
    let mut start = builder.give(KILL_PROCESS);
    let find = |wanted: Arch| sections.iter().find(|(arch, _)| *arch == wanted);
    // The last one written is asked for first: the machine's own architecture.
    for (arch, verdicts) in sections.iter().rev() {
        let section = match arch {
            // Shares its token, and with it the section, with the other kind.
            Arch::X32 => continue,
            Arch::X86_64 => x86_64(builder, verdicts, find(Arch::X32).map(|(_, found)| found)),
            Arch::X86 | Arch::Aarch64 | Arch::Arm => search(builder, *arch, verdicts),
        };
        let section = builder.load(NUMBER_OFFSET, section);
        let foreign = start;
        start = builder.branch(Test::Equal(arch.token()), section, foreign);
    }
    builder.load(ARCHITECTURE_OFFSET, start)
}

fn x86_64(builder: &mut Builder, own: &Verdicts, x32: Option<&Verdicts>) -> Label {
    let marked = match x32 {
        Some(verdicts) => search(builder, Arch::X32, verdicts),
        None => {
            // No call at all: a debugger has taken it away.
            let none = builder.give(own.default);
            let foreign = builder.give(KILL_PROCESS);
            builder.branch(Test::Equal(u32::MAX), none, foreign)
        }
    };
    let own = search(builder, Arch::X86_64, own);
    builder.branch(Test::AtLeast(X32_BIT), marked, own)
}

fn search(builder: &mut Builder, arch: Arch, verdicts: &Verdicts) -> Label {
    let runs = runs(verdicts);
    // Equal rules are written once.
    let mut written = HashMap::new();
    for run in &runs {
        if let Outcome::Rules(rules) = run.outcome {
            written.entry(rules).or_insert_with(|| {
                arguments::emit(builder, rules, arch.is_64_bit(), verdicts.default)
            });
        }
    }
    branch_out(builder, &runs, &written, verdicts.default)
}

fn runs(verdicts: &Verdicts) -> Vec<Run<'_>> {
    let usual = Outcome::Always(verdicts.default);
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut add = |start, outcome| match runs.last_mut() {
        Some(last) if last.start == start => last.outcome = outcome,
        _ => runs.push(Run { start, outcome }),
    };
    add(0, usual);
    let newer_from = verdicts.newer.map_or(u32::MAX, |(from, _, _)| from);
    for (number, rules) in verdicts.rules.range(..newer_from) {
        add_call(&mut add, *number, rules, usual);
    }
    if let Some((from, to, value)) = verdicts.newer {
        add(from, Outcome::Always(value));
        if let Some(behind) = to.checked_add(1) {
            add(behind, usual);
        }
        for (number, rules) in verdicts.rules.range(newer_from..) {
            add_call(&mut add, *number, rules, usual);
        }
    }
    runs.dedup_by(|next, run| next.outcome == run.outcome);
    runs
}

fn add_call<'a>(
    add: &mut impl FnMut(u32, Outcome<'a>),
    number: u32,
    rules: &'a [Rule],
    usual: Outcome<'a>,
) {
    let outcome = match rules {
        [only] if only.conditions.is_empty() => Outcome::Always(only.action),
        _ => Outcome::Rules(rules),
    };
    add(number, outcome);
    if let Some(behind) = number.checked_add(1) {
        add(behind, usual);
    }
}

fn branch_out(
    builder: &mut Builder,
    runs: &[Run<'_>],
    written: &HashMap<&[Rule], Label>,
    default: u32,
) -> Label {
    let (lower, upper) = runs.split_at(runs.len() / 2);
    match (lower, upper) {
        ([], [only]) => match only.outcome {
            Outcome::Always(value) => builder.give(value),
            Outcome::Rules(rules) => written
                .get(rules)
                .copied()
                .unwrap_or_else(|| builder.give(default)),
        },
        (_, [first, ..]) => {
            let boundary = first.start;
            let upper = branch_out(builder, upper, written, default);
            let lower = branch_out(builder, lower, written, default);
            builder.branch(Test::AtLeast(boundary), upper, lower)
        }
        (_, []) => builder.give(default),
    }
}
