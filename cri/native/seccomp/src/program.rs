//! Putting a program together from its end: every jump goes forward, so whoever jumps is written after
//! what it jumps to.

use std::collections::HashMap;

/// One instruction of classic BPF (`struct sock_filter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// How many instructions to skip when the condition holds.
    pub if_true: u8,
    /// How many instructions to skip when it does not.
    pub if_false: u8,
    /// Operand.
    pub operand: u32,
}

impl Instruction {
    pub(crate) fn to_bytes(self) -> [u8; 8] {
        let [a, b] = self.code.to_ne_bytes();
        let [c, d, e, f] = self.operand.to_ne_bytes();
        [a, b, self.if_true, self.if_false, c, d, e, f]
    }

    pub(crate) fn from_bytes([a, b, if_true, if_false, c, d, e, f]: [u8; 8]) -> Self {
        Self {
            code: u16::from_ne_bytes([a, b]),
            if_true,
            if_false,
            operand: u32::from_ne_bytes([c, d, e, f]),
        }
    }
}

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_ABOVE: u16 = 0x25;
const JUMP_AT_LEAST: u16 = 0x35;

/// A condition on the accumulator.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Test {
    Equal(u32),
    Above(u32),
    AtLeast(u32),
}

/// A place in the program: how many instructions stand behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label(usize);

/// Furthest that a conditional jump goes.
const REACH: usize = 255;
/// Furthest that a return is shared: one more instruction costs less than a jump to a jump.
const SHARED_WITHIN: usize = 200;

/// A program under construction.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    /// The last instruction first.
    reversed: Vec<Instruction>,
    /// The nearest return of each value.
    returns: HashMap<u32, Label>,
}

impl Builder {
    fn push(&mut self, code: u16, operand: u32, if_true: u8, if_false: u8) -> Label {
        let label = Label(self.reversed.len());
        self.reversed.push(Instruction {
            code,
            if_true,
            if_false,
            operand,
        });
        label
    }

    /// How many instructions the next one would have to skip.
    fn distance(&self, target: Label) -> usize {
        self.reversed.len().saturating_sub(target.0 + 1)
    }

    /// A return of this value, near by.
    pub(crate) fn give(&mut self, value: u32) -> Label {
        match self.returns.get(&value) {
            Some(label) if self.distance(*label) < SHARED_WITHIN => *label,
            _ => {
                let label = self.push(RETURN, value, 0, 0);
                self.returns.insert(value, label);
                label
            }
        }
    }

    /// Loads a word of `struct seccomp_data` before going on.
    pub(crate) fn load(&mut self, offset: u32, then: Label) -> Label {
        self.go_on_to(then);
        self.push(LOAD, offset, 0, 0)
    }

    /// Masks the accumulator before going on.
    pub(crate) fn mask(&mut self, bits: u32, then: Label) -> Label {
        self.go_on_to(then);
        self.push(AND, bits, 0, 0)
    }

    /// Goes one way or the other.
    pub(crate) fn branch(&mut self, test: Test, if_true: Label, if_false: Label) -> Label {
        let (mut yes, mut no) = (if_true, if_false);
        loop {
            if let (Ok(skip_yes), Ok(skip_no)) = (
                u8::try_from(self.distance(yes)),
                u8::try_from(self.distance(no)),
            ) {
                let (code, operand) = match test {
                    Test::Equal(value) => (JUMP_EQUAL, value),
                    Test::Above(value) => (JUMP_ABOVE, value),
                    Test::AtLeast(value) => (JUMP_AT_LEAST, value),
                };
                return self.push(code, operand, skip_yes, skip_no);
            }
            if self.distance(yes) > REACH {
                yes = self.bring_near(yes);
            } else {
                no = self.bring_near(no);
            }
        }
    }

    /// A stand-in for a place that is too far away for a conditional jump.
    fn bring_near(&mut self, target: Label) -> Label {
        match self.reversed.get(target.0) {
            Some(instruction) if instruction.code == RETURN => {
                let value = instruction.operand;
                let label = self.push(RETURN, value, 0, 0);
                self.returns.insert(value, label);
                label
            }
            _ => self.jump(target),
        }
    }

    fn jump(&mut self, target: Label) -> Label {
        // No program that is taken is so long that this would not fit.
        let skip = u32::try_from(self.distance(target)).unwrap_or(u32::MAX);
        self.push(JUMP, skip, 0, 0)
    }

    /// Lets what is written next continue at `target`.
    fn go_on_to(&mut self, target: Label) {
        if self.distance(target) != 0 {
            self.bring_near(target);
        }
    }

    /// The program; it begins at what was written last.
    pub(crate) fn finish(mut self) -> Vec<Instruction> {
        self.reversed.reverse();
        self.reversed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_that_is_too_long_goes_by_a_stand_in() {
        let mut builder = Builder::default();
        let far = builder.give(7);
        let mut next = far;
        for offset in 0..300 {
            next = builder.load(offset, next);
        }
        let start = builder.branch(Test::Equal(1), far, next);
        let size = builder.reversed.len();
        assert_eq!(start, Label(size - 1));
        let code = builder.finish();
        let first = code[0];
        assert_eq!(code[1 + usize::from(first.if_true)].operand, 7);
        assert_eq!(code[1 + usize::from(first.if_true)].code, RETURN);
        assert_eq!(code[1 + usize::from(first.if_false)].operand, 299);
    }

    #[test]
    fn a_program_that_is_too_far_away_is_jumped_to() {
        let mut builder = Builder::default();
        let end = builder.give(7);
        let far = builder.load(4, end);
        let mut next = far;
        for offset in 0..300 {
            next = builder.load(offset + 1000, next);
        }
        builder.branch(Test::Above(1), next, far);
        let code = builder.finish();
        let stand_in = 1 + usize::from(code[0].if_false);
        assert_eq!(code[stand_in].code, JUMP);
        let target = stand_in + 1 + usize::try_from(code[stand_in].operand).unwrap();
        assert_eq!(code[target].operand, 4);
    }
}
