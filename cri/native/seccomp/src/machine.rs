//! What a program says about a call: the kernel's interpreter of filters, in small.

use crate::program::Instruction;

/// What a filter is asked (`struct seccomp_data`).
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Architecture, see [`crate::Arch::token`].
    pub token: u32,
    /// Which call.
    pub number: u32,
    /// Its arguments.
    pub arguments: [u64; 6],
}

impl Call {
    /// The word at an offset, as programs load it.
    fn word(self, offset: u32) -> Option<u32> {
        match offset {
            0 => Some(self.number),
            4 => Some(self.token),
            _ => {
                let place = usize::try_from(offset.checked_sub(16)?).ok()?;
                let argument = self.arguments.get(place / 8)?;
                let half = match place % 8 {
                    0 => argument & 0xffff_ffff,
                    4 => argument >> 32,
                    _ => return None,
                };
                u32::try_from(half).ok()
            }
        }
    }
}

/// What the program returns. `None` for a program that the kernel would not take.
#[must_use]
pub fn run(program: &[Instruction], call: Call) -> Option<u32> {
    let (mut at, mut accumulator) = (0_usize, 0_u32);
    loop {
        let now = *program.get(at)?;
        let k = now.operand;
        at += 1;
        let holds = match now.code {
            0x20 => {
                accumulator = call.word(k)?;
                continue;
            }
            0x54 => {
                accumulator &= k;
                continue;
            }
            0x05 => {
                at = at.checked_add(usize::try_from(k).ok()?)?;
                continue;
            }
            0x06 => return Some(k),
            0x15 => accumulator == k,
            0x25 => accumulator > k,
            0x35 => accumulator >= k,
            0x45 => accumulator & k != 0,
            _ => return None,
        };
        at += usize::from(if holds { now.if_true } else { now.if_false });
    }
}
