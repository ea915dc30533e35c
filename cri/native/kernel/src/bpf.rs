//! The device controller of cgroup v2: a BPF program that is attached to the cgroup.

#![allow(unsafe_code, reason = "bpf(2) has no safe wrapper")]

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

use crate::spawn::last_errno;

/// Which devices a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// Block and character devices.
    All,
    /// Block devices.
    Block,
    /// Character devices.
    Char,
}

/// One rule; later rules win over earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceRule {
    /// Allow or deny.
    pub allow: bool,
    /// Kind of device.
    pub kind: DeviceKind,
    /// Major number; `None` = all.
    pub major: Option<u32>,
    /// Minor number; `None` = all.
    pub minor: Option<u32>,
    /// Read is concerned.
    pub read: bool,
    /// Write is concerned.
    pub write: bool,
    /// Making nodes is concerned.
    pub mknod: bool,
}

impl DeviceRule {
    /// Access bits as BPF and the v1 files order them.
    fn access(&self) -> i32 {
        i32::from(self.mknod) | i32::from(self.read) << 1 | i32::from(self.write) << 2
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    immediate: i32,
}

const LOAD_WORD: u8 = 0x61;
const MOVE32_IMM: u8 = 0xb4;
const MOVE32_REG: u8 = 0xbc;
const AND32_IMM: u8 = 0x54;
const RSH32_IMM: u8 = 0x74;
const JEQ32_IMM: u8 = 0x16;
const JNE32_IMM: u8 = 0x56;
const JNE32_REG: u8 = 0x5e;
const EXIT: u8 = 0x95;

fn op(code: u8, dst: u8, src: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction {
        code,
        registers: dst | src << 4,
        offset,
        immediate,
    }
}

/// r2 = kind, r3 = access asked for, r4 = major, r5 = minor (r1 = context, r0 = verdict).
fn program(rules: &[DeviceRule], default_allow: bool) -> Vec<Instruction> {
    let mut code = vec![
        op(LOAD_WORD, 2, 1, 0, 0),
        op(AND32_IMM, 2, 0, 0, 0xffff),
        op(LOAD_WORD, 3, 1, 0, 0),
        op(RSH32_IMM, 3, 0, 0, 16),
        op(LOAD_WORD, 4, 1, 4, 0),
        op(LOAD_WORD, 5, 1, 8, 0),
    ];
    // The last rule that matches decides, so the newest is asked first.
    for rule in rules.iter().rev() {
        let block = rule_block(rule);
        let unconditional = block.len() == 2;
        code.extend(block);
        if unconditional {
            // Code that nothing can reach would be refused by the verifier.
            return code;
        }
    }
    code.push(op(MOVE32_IMM, 0, 0, 0, i32::from(default_allow)));
    code.push(op(EXIT, 0, 0, 0, 0));
    code
}

fn rule_block(rule: &DeviceRule) -> Vec<Instruction> {
    let mut tests = Vec::new();
    match rule.kind {
        DeviceKind::All => {}
        DeviceKind::Block => tests.push(op(JNE32_IMM, 2, 0, 0, 1)),
        DeviceKind::Char => tests.push(op(JNE32_IMM, 2, 0, 0, 2)),
    }
    let access = rule.access();
    if access != 0b111 {
        tests.push(op(MOVE32_REG, 1, 3, 0, 0));
        tests.push(op(AND32_IMM, 1, 0, 0, access));
        if rule.allow {
            // Everything that is asked for must be allowed by the rule.
            tests.push(op(JNE32_REG, 1, 3, 0, 0));
        } else {
            // Anything that is asked for and denied denies the whole: skip when nothing overlaps.
            tests.push(op(JEQ32_IMM, 1, 0, 0, 0));
        }
    }
    if let Some(major) = rule.major {
        tests.push(op(JNE32_IMM, 4, 0, 0, crate::signed(major)));
    }
    if let Some(minor) = rule.minor {
        tests.push(op(JNE32_IMM, 5, 0, 0, crate::signed(minor)));
    }
    let length = tests.len() + 2;
    for (index, test) in tests.iter_mut().enumerate() {
        // The jumps (class 6) go behind the block.
        if test.code & 0x07 == 0x06 {
            test.offset = i16::try_from(length - index - 1).unwrap_or(0);
        }
    }
    tests.push(op(MOVE32_IMM, 0, 0, 0, i32::from(rule.allow)));
    tests.push(op(EXIT, 0, 0, 0, 0));
    tests
}

#[repr(C)]
#[derive(Default)]
struct LoadAttr {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buffer: u64,
    kernel_version: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct AttachAttr {
    target_fd: u32,
    program_fd: u32,
    attach_type: u32,
    flags: u32,
}

const BPF_PROG_LOAD: i32 = 5;
const BPF_PROG_ATTACH: i32 = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 2;

/// Attaches the rules to a cgroup v2 directory. What no rule matches gets `default_allow`. The
/// program lives as long as the cgroup.
///
/// # Errors
/// `PERM` without CAP_BPF or CAP_SYS_ADMIN; `INVAL` on kernels without the feature.
pub fn attach_device_rules(
    cgroup: impl AsFd,
    rules: &[DeviceRule],
    default_allow: bool,
) -> Result<(), Errno> {
    let code = program(rules, default_allow);
    let license = c"Apache-2.0";
    let load = LoadAttr {
        program_type: BPF_PROG_TYPE_CGROUP_DEVICE,
        instruction_count: u32::try_from(code.len()).map_err(|_invalid| Errno::TOOBIG)?,
        instructions: code.as_ptr() as u64,
        license: license.as_ptr() as u64,
        ..LoadAttr::default()
    };
    // SAFETY: the record and the arrays it points to are valid for the call.
    let program = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_LOAD,
            std::ptr::from_ref(&load),
            std::mem::size_of::<LoadAttr>(),
        )
    };
    let program = i32::try_from(program).map_err(|_invalid| Errno::INVAL)?;
    if program < 0 {
        return Err(last_errno());
    }
    // SAFETY: the kernel has just made this descriptor; nothing else owns it.
    let program = unsafe { OwnedFd::from_raw_fd(program) };
    let attach = AttachAttr {
        target_fd: crate::bits(cgroup.as_fd().as_raw_fd()),
        program_fd: crate::bits(program.as_raw_fd()),
        attach_type: BPF_CGROUP_DEVICE,
        flags: BPF_F_ALLOW_MULTI,
    };
    // SAFETY: the record is valid for the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_ATTACH,
            std::ptr::from_ref(&attach),
            std::mem::size_of::<AttachAttr>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the few instructions that `program` uses.
    fn verdict(code: &[Instruction], kind: u32, access: u32, major: u32, minor: u32) -> bool {
        let context = [kind | access << 16, major, minor];
        let mut r = [0_u32; 6];
        let mut at = 0;
        loop {
            let i = code[at];
            let (dst, src) = (usize::from(i.registers & 15), usize::from(i.registers >> 4));
            let imm = crate::bits(i.immediate);
            let mut jump = false;
            match i.code {
                LOAD_WORD => r[dst] = context[usize::try_from(i.offset).unwrap() / 4],
                MOVE32_IMM => r[dst] = imm,
                MOVE32_REG => r[dst] = r[src],
                AND32_IMM => r[dst] &= imm,
                RSH32_IMM => r[dst] >>= imm,
                JNE32_IMM => jump = r[dst] != imm,
                JNE32_REG => jump = r[dst] != r[src],
                JEQ32_IMM => jump = r[dst] == imm,
                EXIT => return r[0] != 0,
                other => panic!("unknown instruction {other:#x}"),
            }
            at += 1 + if jump {
                usize::try_from(i.offset).unwrap()
            } else {
                0
            };
        }
    }

    fn rule(allow: bool, kind: DeviceKind, major: Option<u32>, minor: Option<u32>) -> DeviceRule {
        DeviceRule {
            allow,
            kind,
            major,
            minor,
            read: true,
            write: true,
            mknod: true,
        }
    }

    #[test]
    fn the_last_matching_rule_decides_and_the_rest_is_denied() {
        let mut mknod_only = rule(true, DeviceKind::Char, None, None);
        (mknod_only.read, mknod_only.write) = (false, false);
        let rules = [
            rule(false, DeviceKind::All, None, None),
            mknod_only,
            rule(true, DeviceKind::Char, Some(1), Some(3)),
            rule(true, DeviceKind::Char, Some(5), None),
            rule(false, DeviceKind::Char, Some(5), Some(9)),
        ];
        let code = program(&rules, false);
        let (block, char) = (1, 2);
        let (mknod, read, write) = (1, 2, 4);
        assert!(verdict(&code, char, read | write, 1, 3));
        assert!(verdict(&code, char, mknod, 7, 7));
        assert!(!verdict(&code, char, mknod | read, 7, 7));
        assert!(!verdict(&code, block, mknod, 7, 7));
        assert!(verdict(&code, char, read, 5, 8));
        assert!(!verdict(&code, char, read, 5, 9));
        assert!(!verdict(&code, block, read, 1, 3));
    }

    #[test]
    fn a_partial_denial_denies_what_it_names_only() {
        let mut no_write = rule(false, DeviceKind::Block, Some(8), None);
        (no_write.read, no_write.mknod) = (false, false);
        let code = program(&[rule(true, DeviceKind::All, None, None), no_write], false);
        assert!(verdict(&code, 1, 2, 8, 1));
        assert!(!verdict(&code, 1, 4, 8, 1));
        assert!(!verdict(&code, 1, 6, 8, 1));
    }
}
