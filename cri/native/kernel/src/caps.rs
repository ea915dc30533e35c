//! Capability sets.

#![allow(
    unsafe_code,
    reason = "capset and the capability prctls have no complete safe wrapper"
)]

use rustix::io::Errno;

use crate::spawn::last_errno;

/// Names by number, as `linux/capability.h` numbers them.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Names without "CAP_", in the order of their numbers.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

/// A set of capabilities, bit n = capability n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapSet(pub u64);

impl CapSet {
    /// CAP_SYS_ADMIN alone.
    pub const SYS_ADMIN: Self = Self(1 << 21);

    /// What is in one of both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Reads names as OCI writes them ("CAP_CHOWN"); case matters not. The first unknown name is
    /// the error.
    ///
    /// # Errors
    /// The unknown name.
    pub fn from_names<S: AsRef<str>>(names: &[S]) -> Result<Self, String> {
        let mut set = 0;
        for name in names {
            let upper = name.as_ref().to_ascii_uppercase();
            let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
            match NAMES.iter().position(|known| *known == bare) {
                Some(bit) => set |= 1_u64 << bit,
                None => return Err(name.as_ref().to_owned()),
            }
        }
        Ok(Self(set))
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const VERSION_3: u32 = 0x2008_0522;

/// Effective, permitted and inheritable sets of this process.
///
/// # Errors
/// The kernel's errno.
pub fn current() -> Result<(CapSet, CapSet, CapSet), Errno> {
    let mut header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let mut data = [Data::default(); 2];
    // SAFETY: version 3 fills exactly two Data records.
    let result = unsafe {
        libc::syscall(
            libc::SYS_capget,
            std::ptr::from_mut(&mut header),
            data.as_mut_ptr(),
        )
    };
    if result != 0 {
        return Err(last_errno());
    }
    let [low, high] = data;
    let join = |low: u32, high: u32| CapSet(u64::from(low) | (u64::from(high) << 32));
    Ok((
        join(low.effective, high.effective),
        join(low.permitted, high.permitted),
        join(low.inheritable, high.inheritable),
    ))
}

/// Sets effective, permitted and inheritable sets of this process.
///
/// # Errors
/// `PERM` for capabilities that the process does not have.
pub fn set(effective: CapSet, permitted: CapSet, inheritable: CapSet) -> Result<(), Errno> {
    let mut header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let half = |set: CapSet, shift: u32| u32::try_from((set.0 >> shift) & 0xffff_ffff).unwrap_or(0);
    let record = |shift: u32| Data {
        effective: half(effective, shift),
        permitted: half(permitted, shift),
        inheritable: half(inheritable, shift),
    };
    let data = [record(0), record(32)];
    // SAFETY: version 3 reads exactly two Data records.
    let result = unsafe {
        libc::syscall(
            libc::SYS_capset,
            std::ptr::from_mut(&mut header),
            data.as_ptr(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

fn prctl(option: i32, a: u64, b: u64) -> Result<i32, Errno> {
    // SAFETY: capability prctls take plain integers.
    let result = unsafe { libc::prctl(option, a, b, 0_u64, 0_u64) };
    if result >= 0 {
        Ok(result)
    } else {
        Err(last_errno())
    }
}

/// Drops everything but `keep` from the bounding set. What the kernel has and this table does not
/// know is dropped too.
///
/// # Errors
/// `PERM` without CAP_SETPCAP.
pub fn limit_bounding(keep: CapSet) -> Result<(), Errno> {
    for bit in 0..64_u64 {
        if keep.0 & (1 << bit) != 0 {
            continue;
        }
        match prctl(libc::PR_CAPBSET_DROP, bit, 0) {
            Ok(_) => {}
            // The first number behind the kernel's last capability.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// The bounding set of this process.
#[must_use]
pub fn bounding() -> CapSet {
    let mut set = 0;
    for bit in 0..64_u64 {
        match prctl(libc::PR_CAPBSET_READ, bit, 0) {
            Ok(1) => set |= 1 << bit,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    CapSet(set)
}

/// Makes the ambient set exactly this (inheritable and permitted must hold it).
///
/// # Errors
/// The kernel's errno.
pub fn set_ambient(wanted: CapSet) -> Result<(), Errno> {
    let cap_ambient = libc::PR_CAP_AMBIENT;
    prctl(
        cap_ambient,
        u64::from(crate::bits(libc::PR_CAP_AMBIENT_CLEAR_ALL)),
        0,
    )?;
    for bit in (0..64_u64).filter(|bit| wanted.0 & (1 << bit) != 0) {
        prctl(
            cap_ambient,
            u64::from(crate::bits(libc::PR_CAP_AMBIENT_RAISE)),
            bit,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_the_kernels_numbers() {
        let set = CapSet::from_names(&["CAP_CHOWN", "cap_sys_admin", "CAP_CHECKPOINT_RESTORE"]);
        assert_eq!(set, Ok(CapSet(1 | 1 << 21 | 1 << 40)));
        assert_eq!(CapSet::from_names(&["CAP_MKNOD"]), Ok(CapSet(1 << 27)));
        assert_eq!(CapSet::from_names(&["CAP_AUDIT_READ"]), Ok(CapSet(1 << 37)));
    }

    #[test]
    fn an_unknown_name_is_named() {
        assert_eq!(CapSet::from_names(&["CAP_FLY"]), Err("CAP_FLY".to_owned()));
    }
}
