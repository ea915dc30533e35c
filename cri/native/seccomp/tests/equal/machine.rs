//! The kernel's interpreter of filters, in small.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what tests share may end them"
)]

use estiba_seccomp::Instruction;

/// What a filter is asked (`struct seccomp_data`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub token: u32,
    pub number: u32,
    pub arguments: [u64; 6],
}

impl Call {
    fn word(self, offset: u32) -> u32 {
        let mut bytes = [0_u8; 64];
        bytes[0..4].copy_from_slice(&self.number.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.token.to_le_bytes());
        for (index, argument) in self.arguments.iter().enumerate() {
            let at = 16 + 8 * index;
            bytes[at..at + 8].copy_from_slice(&argument.to_le_bytes());
        }
        let at = usize::try_from(offset).unwrap();
        assert!(at % 4 == 0, "unaligned load of {at}");
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }
}

/// What the program returns.
pub(crate) fn run(program: &[Instruction], call: Call) -> u32 {
    let (mut at, mut accumulator) = (0, 0_u32);
    loop {
        let now = program[at];
        let k = now.operand;
        at += 1;
        let holds = match now.code {
            0x20 => {
                accumulator = call.word(k);
                continue;
            }
            0x54 => {
                accumulator &= k;
                continue;
            }
            0x05 => {
                at += usize::try_from(k).unwrap();
                continue;
            }
            0x06 => return k,
            0x15 => accumulator == k,
            0x25 => accumulator > k,
            0x35 => accumulator >= k,
            0x45 => accumulator & k != 0,
            other => panic!("instruction {other:#x} is not known"),
        };
        at += usize::from(if holds { now.if_true } else { now.if_false });
    }
}
