//! Compiles the `linux.seccomp` part of an OCI runtime spec to the classic BPF program that the kernel
//! takes.
//!
//! What a profile means:
//!
//! - The machine's own architecture is always covered. Listed architectures that this processor cannot
//!   execute are left out; calls of one that is not listed end the process.
//! - Names that the tables do not know are left out, as every runtime does: profiles list calls of
//!   other architectures and of newer kernels. Unknown actions, operators, architectures and flags are
//!   errors.
//! - Entries with the default action say nothing and are left out. An entry without arguments decides
//!   for its calls, the first one if there are several; else the first entry decides whose arguments
//!   all match. An entry that names one argument twice is as many entries as it has arguments.
//! - Calls above the highest that a restrictive profile names are ENOSYS: they came to the kernel after
//!   the profile was written, and libc takes an older one then. EPERM would break programs.
//! - On 32-bit architectures the lower halves of the values are compared, as libseccomp does.
//! - The multiplexers of x86, `socketcall` and `ipc`, follow the calls that they stand for.

mod action;
mod arch;
mod arguments;
mod error;
mod machine;
mod profile;
mod program;
mod rules;
mod tree;

pub use arch::{Arch, architecture_names, number_of};
pub use error::SeccompError;
pub use machine::{Call, run};
pub use program::Instruction;

use program::Builder;

/// The longest program that the kernel takes, in instructions.
pub const MAX_INSTRUCTIONS: usize = 4096;

/// A filter that is ready to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// `SECCOMP_FILTER_FLAG_*`.
    pub flags: u32,
    /// The program, at most [`MAX_INSTRUCTIONS`].
    pub program: Vec<Instruction>,
}

impl Filter {
    /// The program as the kernel reads it: `struct sock_filter` after `struct sock_filter`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.program
            .iter()
            .flat_map(|instruction| instruction.to_bytes())
            .collect()
    }
}

/// Reads a program that [`Filter::to_bytes`] wrote. `None` for anything else in length.
#[must_use]
pub fn from_bytes(program: &[u8]) -> Option<Vec<Instruction>> {
    let chunks = program.chunks_exact(8);
    if !chunks.remainder().is_empty() {
        return None;
    }
    chunks
        .map(|one| Some(Instruction::from_bytes(one.try_into().ok()?)))
        .collect()
}

/// Compiles a profile, the JSON text of `linux.seccomp`, for processes of this machine.
///
/// # Errors
/// What in the profile cannot be had, by name.
pub fn compile(profile: &[u8]) -> Result<Filter, SeccompError> {
    compile_for(profile, Arch::native())
}

/// As [`compile`], for a machine of another architecture.
///
/// # Errors
/// As [`compile`].
pub fn compile_for(profile: &[u8], native: Arch) -> Result<Filter, SeccompError> {
    let profile = profile::Profile::parse(profile)?;
    let flags = profile.flags()?;
    let default = profile.default_action()?;
    let listed = profile.architectures()?;
    let mut sections = Vec::new();
    for arch in native.family() {
        if *arch == native || listed.contains(arch) {
            sections.push((*arch, rules::of(&profile, *arch, default)?));
        }
    }
    let mut builder = Builder::default();
    tree::emit(&mut builder, &sections);
    let program = builder.finish();
    if program.len() > MAX_INSTRUCTIONS {
        return Err(SeccompError::TooLong(program.len()));
    }
    Ok(Filter { flags, program })
}
