//! Comparing arguments.

use crate::profile::{Condition, Operator};
use crate::program::{Builder, Label, Test};
use crate::rules::Rule;

const ARGUMENTS_OFFSET: u32 = 16;

/// Upper and lower half.
fn halves(value: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    (
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    )
}

/// Offsets of the upper and the lower half of an argument; both architectures are little-endian.
fn offsets(index: u32) -> (u32, u32) {
    let lower = ARGUMENTS_OFFSET + 8 * index;
    (lower + 4, lower)
}

/// Writes the rules, of which the first that matches decides.
pub(crate) fn emit(
    builder: &mut Builder,
    rules: &[Rule],
    is_64_bit: bool,
    otherwise: u32,
) -> Label {
    let mut next = builder.give(otherwise);
    for rule in rules.iter().rev() {
        let mut matched = builder.give(rule.action);
        for condition in rule.conditions.iter().rev() {
            matched = compare(builder, *condition, is_64_bit, matched, next);
        }
        next = matched;
    }
    next
}

fn compare(
    builder: &mut Builder,
    condition: Condition,
    is_64_bit: bool,
    yes: Label,
    no: Label,
) -> Label {
    let (high, low) = halves(condition.value);
    let (high_at, low_at) = offsets(condition.index);
    if let Operator::Masked(wanted) = condition.operator {
        // Bits outside of the mask are not asked about.
        let (wanted_high, wanted_low) = halves(wanted & condition.value);
        let mut start = builder.branch(Test::Equal(wanted_low), yes, no);
        start = builder.mask(low, start);
        start = builder.load(low_at, start);
        if is_64_bit && high != 0 {
            start = builder.branch(Test::Equal(wanted_high), start, no);
            start = builder.mask(high, start);
            start = builder.load(high_at, start);
        }
        return start;
    }
    // What the lower half decides when the upper halves are equal.
    let lower = match condition.operator {
        Operator::Equal => builder.branch(Test::Equal(low), yes, no),
        Operator::NotEqual => builder.branch(Test::Equal(low), no, yes),
        Operator::Less => builder.branch(Test::AtLeast(low), no, yes),
        Operator::AtLeast => builder.branch(Test::AtLeast(low), yes, no),
        Operator::Greater => builder.branch(Test::Above(low), yes, no),
        Operator::AtMost | Operator::Masked(_) => builder.branch(Test::Above(low), no, yes),
    };
    let lower = builder.load(low_at, lower);
    if !is_64_bit {
        return lower;
    }
    let start = match condition.operator {
        Operator::Equal => builder.branch(Test::Equal(high), lower, no),
        Operator::NotEqual => builder.branch(Test::Equal(high), lower, yes),
        Operator::Less | Operator::AtMost | Operator::Masked(_) => {
            let unequal = builder.branch(Test::Above(high), no, yes);
            builder.branch(Test::Equal(high), lower, unequal)
        }
        Operator::AtLeast | Operator::Greater => {
            let unequal = builder.branch(Test::Above(high), yes, no);
            builder.branch(Test::Equal(high), lower, unequal)
        }
    };
    builder.load(high_at, start)
}
