//! Filters of system calls: allow-lists for processes of ours that read what strangers wrote, and the
//! installation of containers' filters.

#![allow(unsafe_code, reason = "seccomp(2) has no safe wrapper")]

use rustix::io::Errno;

use crate::spawn::last_errno;

/// One entry of an allow-list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allow {
    /// This call.
    Call(i64),
    /// This call while none of the bits is set in the low half of the argument (from 0).
    Without {
        /// Number of the call.
        call: i64,
        /// Which argument.
        argument: u32,
        /// The bits.
        bits: u32,
    },
    /// This call while the low half of the argument (from 0) is the value.
    With {
        /// Number of the call.
        call: i64,
        /// Which argument.
        argument: u32,
        /// The value.
        value: u32,
    },
}

const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

const ALLOW: u32 = 0x7fff_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
const NUMBER_OFFSET: u32 = 0;
const ARCHITECTURE_OFFSET: u32 = 4;
const ARGUMENTS_OFFSET: u32 = 16;

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
/// Calls of the x32 ABI have this bit; elsewhere no number is so large.
const FOREIGN_ABI: u32 = 0x4000_0000;

fn refuse(errno: Errno) -> u32 {
    0x0005_0000 | crate::bits(errno.raw_os_error())
}

const fn instruction(code: u16, operand: u32, if_true: u8, if_false: u8) -> libc::sock_filter {
    libc::sock_filter {
        code,
        jt: if_true,
        jf: if_false,
        k: operand,
    }
}

fn number(call: i64) -> u32 {
    // No call has a number that does not fit; such an entry would match nothing.
    u32::try_from(call).unwrap_or(u32::MAX)
}

/// What is not allowed is EPERM; `absent` calls are ENOSYS, so that libc takes an older one.
fn program(allowed: &[Allow], absent: &[i64]) -> Vec<libc::sock_filter> {
    let mut code = vec![
        instruction(LOAD, ARCHITECTURE_OFFSET, 0, 0),
        instruction(JUMP_EQUAL, ARCHITECTURE, 1, 0),
        instruction(RETURN, KILL_PROCESS, 0, 0),
        instruction(LOAD, NUMBER_OFFSET, 0, 0),
        instruction(JUMP_AT_LEAST, FOREIGN_ABI, 0, 1),
        instruction(RETURN, KILL_PROCESS, 0, 0),
    ];
    let refused = refuse(Errno::PERM);
    let argument_at = |argument: u32| ARGUMENTS_OFFSET + 8 * argument;
    for entry in allowed {
        match *entry {
            Allow::Call(call) => code.extend([
                instruction(JUMP_EQUAL, number(call), 0, 1),
                instruction(RETURN, ALLOW, 0, 0),
            ]),
            Allow::Without {
                call,
                argument,
                bits,
            } => code.extend([
                instruction(JUMP_EQUAL, number(call), 0, 4),
                instruction(LOAD, argument_at(argument), 0, 0),
                instruction(JUMP_ANY_BIT, bits, 1, 0),
                instruction(RETURN, ALLOW, 0, 0),
                instruction(RETURN, refused, 0, 0),
            ]),
            Allow::With {
                call,
                argument,
                value,
            } => code.extend([
                instruction(JUMP_EQUAL, number(call), 0, 4),
                instruction(LOAD, argument_at(argument), 0, 0),
                instruction(JUMP_EQUAL, value, 0, 1),
                instruction(RETURN, ALLOW, 0, 0),
                instruction(RETURN, refused, 0, 0),
            ]),
        }
    }
    for call in absent {
        code.extend([
            instruction(JUMP_EQUAL, number(*call), 0, 1),
            instruction(RETURN, refuse(Errno::NOSYS), 0, 0),
        ]);
    }
    code.push(instruction(RETURN, refused, 0, 0));
    code
}

/// Leaves this thread, and those it makes from now on, only the allowed calls, for good. All others
/// fail with `PERM`, the `absent` ones with `NOSYS`. Frequent calls should come first. Needs
/// no-new-privileges or CAP_SYS_ADMIN.
///
/// # Errors
/// `NOSYS` and `INVAL` where the kernel has no seccomp filters.
pub fn allow_only(allowed: &[Allow], absent: &[i64]) -> Result<(), Errno> {
    let mut code = program(allowed, absent);
    let length = u16::try_from(code.len()).map_err(|_too_long| Errno::TOOBIG)?;
    let filter = libc::sock_fprog {
        len: length,
        filter: code.as_mut_ptr(),
    };
    set_filter(&filter, 0)
}

/// Installs a program that has been compiled elsewhere, `struct sock_filter` after `struct
/// sock_filter`, for this thread and those it makes from now on, for good. `flags` are
/// `SECCOMP_FILTER_FLAG_*`. Needs no-new-privileges or CAP_SYS_ADMIN.
///
/// # Errors
/// `INVAL` for bytes that are no program, a flag that is not known, and where the kernel has no
/// seccomp filters; `ACCES` without the right to.
pub fn install(program: &[u8], flags: u32) -> Result<(), Errno> {
    const SIZE: usize = size_of::<libc::sock_filter>();
    if program.is_empty() || program.len() % SIZE != 0 {
        return Err(Errno::INVAL);
    }
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len() / SIZE).map_err(|_too_long| Errno::INVAL)?,
        // Only the kernel looks there, and it copies.
        filter: program.as_ptr().cast_mut().cast(),
    };
    set_filter(&filter, flags)
}

fn set_filter(filter: &libc::sock_fprog, flags: u32) -> Result<(), Errno> {
    // SAFETY: `filter` describes a program that lives until the call has returned; the kernel copies
    // it and checks every jump.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            std::ptr::from_ref(filter),
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

    /// What the program returns for a call: the kernel's interpreter in small.
    fn verdict(code: &[libc::sock_filter], architecture: u32, call: u32, argument: u32) -> u32 {
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let now = code[at];
            at += 1;
            let jump = match now.code {
                LOAD => {
                    accumulator = match now.k {
                        NUMBER_OFFSET => call,
                        ARCHITECTURE_OFFSET => architecture,
                        24 => argument,
                        other => panic!("load of {other}"),
                    };
                    continue;
                }
                RETURN => return now.k,
                JUMP_EQUAL => accumulator == now.k,
                JUMP_AT_LEAST => accumulator >= now.k,
                JUMP_ANY_BIT => accumulator & now.k != 0,
                other => panic!("instruction {other}"),
            };
            at += usize::from(if jump { now.jt } else { now.jf });
        }
    }

    #[test]
    fn only_what_is_listed_is_allowed() {
        let rules = [
            Allow::Call(7),
            Allow::Without {
                call: 8,
                argument: 1,
                bits: 0b110,
            },
            Allow::With {
                call: 9,
                argument: 1,
                value: 15,
            },
        ];
        let code = program(&rules, &[435]);
        let ask = |call, argument| verdict(&code, ARCHITECTURE, call, argument);
        let (no, absent) = (refuse(Errno::PERM), refuse(Errno::NOSYS));
        assert_eq!((no, absent), (0x0005_0001, 0x0005_0026));
        for (call, argument, expected) in [
            (7, 0, ALLOW),
            (8, 0b1001, ALLOW),
            (8, 0b0100, no),
            (9, 15, ALLOW),
            (9, 14, no),
            (435, 0, absent),
            (6, 0, no),
            (7 | FOREIGN_ABI, 0, KILL_PROCESS),
        ] {
            assert_eq!(ask(call, argument), expected, "{call} {argument}");
        }
        assert_eq!(verdict(&code, 0x4000_0003, 7, 0), KILL_PROCESS);
    }
}
