//! Architectures, and which number a call has on each.

use std::collections::HashMap;
use std::sync::LazyLock;

/// An architecture whose calls can be filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 32-bit x86.
    X86,
    /// 32-bit pointers on 64-bit x86.
    X32,
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit Arm (EABI).
    Arm,
}

/// Names of architectures that the OCI spec knows, and that no machine of ours executes.
const FOREIGN: [&str; 18] = [
    "SCMP_ARCH_MIPS",
    "SCMP_ARCH_MIPS64",
    "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL64N32",
    "SCMP_ARCH_PPC",
    "SCMP_ARCH_PPC64",
    "SCMP_ARCH_PPC64LE",
    "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",
    "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_M68K",
    "SCMP_ARCH_SH",
    "SCMP_ARCH_SHEB",
];

/// Names of all architectures that a profile may list.
#[must_use]
pub fn architecture_names() -> Vec<&'static str> {
    let mut names = vec![
        "SCMP_ARCH_AARCH64",
        "SCMP_ARCH_ARM",
        "SCMP_ARCH_X32",
        "SCMP_ARCH_X86",
        "SCMP_ARCH_X86_64",
    ];
    names.extend(FOREIGN);
    names.sort_unstable();
    names
}

/// Calls of x32 have this bit.
pub(crate) const X32_BIT: u32 = 0x4000_0000;

/// Arm's private calls begin here: they are no sign of how new a profile is.
const ARM_PRIVATE: u32 = 0x000f_0000;

impl Arch {
    /// What this build runs on.
    #[must_use]
    pub const fn native() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            Self::X86_64
        }
        #[cfg(target_arch = "aarch64")]
        {
            Self::Aarch64
        }
    }

    /// Everything that a machine of this kind may execute, itself first.
    pub(crate) const fn family(self) -> &'static [Self] {
        match self {
            Self::X86_64 | Self::X86 | Self::X32 => &[Self::X86_64, Self::X86, Self::X32],
            Self::Aarch64 | Self::Arm => &[Self::Aarch64, Self::Arm],
        }
    }

    /// The kernel's `AUDIT_ARCH_*`. Both kinds of 64-bit x86 have the same.
    #[must_use]
    pub const fn token(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
        }
    }

    /// Whether arguments are compared with 64 bits.
    pub(crate) const fn is_64_bit(self) -> bool {
        matches!(self, Self::X86_64 | Self::Aarch64)
    }

    /// The highest number that a call which is new to the kernel could get.
    pub(crate) const fn last_ordinary_call(self) -> u32 {
        match self {
            Self::Arm => ARM_PRIVATE - 1,
            Self::X86_64 => X32_BIT - 1,
            Self::X86 | Self::X32 | Self::Aarch64 => u32::MAX,
        }
    }

    const fn column(self) -> usize {
        match self {
            Self::X86_64 => 0,
            Self::X86 => 1,
            Self::X32 => 2,
            Self::Aarch64 => 3,
            Self::Arm => 4,
        }
    }

    /// Reads a name of the OCI spec. `Some(None)` is an architecture that exists elsewhere.
    pub(crate) fn parse(name: &str) -> Option<Option<Self>> {
        match name {
            "SCMP_ARCH_X86_64" => Some(Some(Self::X86_64)),
            "SCMP_ARCH_X86" => Some(Some(Self::X86)),
            "SCMP_ARCH_X32" => Some(Some(Self::X32)),
            "SCMP_ARCH_AARCH64" => Some(Some(Self::Aarch64)),
            "SCMP_ARCH_ARM" => Some(Some(Self::Arm)),
            _ => FOREIGN.contains(&name).then_some(None),
        }
    }
}

type Numbers = [Option<u32>; 5];

static TABLE: LazyLock<HashMap<&'static str, Numbers>> = LazyLock::new(|| {
    let lines = include_str!("syscalls.tsv").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let name = fields.next()?;
            let mut numbers = Numbers::default();
            for (slot, field) in numbers.iter_mut().zip(fields) {
                *slot = field.parse().ok();
            }
            Some((name, numbers))
        })
        .collect()
});

/// The number of a call on an architecture, as the kernel reports it to filters. `None`: there is no
/// such call there, or the table does not know it.
#[must_use]
pub fn number_of(arch: Arch, name: &str) -> Option<u32> {
    let number = *TABLE.get(name)?.get(arch.column())?;
    if arch == Arch::X32 {
        number.map(|number| number | X32_BIT)
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_architecture() {
        let of = |name| {
            [Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64, Arch::Arm]
                .map(|arch| number_of(arch, name))
        };
        assert_eq!(
            of("execve"),
            [Some(59), Some(11), Some(X32_BIT | 520), Some(221), Some(11)]
        );
        assert_eq!(of("cacheflush"), [None, None, None, None, Some(0xf_0002)]);
        assert_eq!(of("no_such_call"), [None; 5]);
    }

    #[test]
    fn calls_of_this_machine_are_where_libc_has_them() {
        for (name, number) in [
            ("read", libc::SYS_read),
            ("clone3", libc::SYS_clone3),
            ("seccomp", libc::SYS_seccomp),
            ("io_uring_setup", libc::SYS_io_uring_setup),
            ("mseal", libc::SYS_mseal),
            ("unshare", libc::SYS_unshare),
        ] {
            assert_eq!(
                number_of(Arch::native(), name).map(i64::from),
                Some(number),
                "{name}"
            );
        }
    }
}
