//! Kernel calls that the rest of the helper needs and rustix does not have, and small safe
//! compositions of calls: resolution inside a root, sockets that carry descriptors, cgroups.
//!
//! This is the crate that may use `unsafe`; everything it exports is safe unless it says otherwise.

pub mod bpf;
pub mod caps;
pub mod cgroup;
pub mod fd;
pub mod hang;
pub mod mount;
pub mod mountinfo;
pub mod net;
pub mod probe;
pub mod process;
pub mod resolve;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod spawn;
pub mod terminal;
pub mod userns;
pub mod writeback;

pub use rustix::io::Errno;

/// The bits of a C flag constant or descriptor as the kernel reads them.
pub(crate) fn bits(value: i32) -> u32 {
    u32::from_ne_bytes(value.to_ne_bytes())
}

pub(crate) fn signed(value: u32) -> i32 {
    i32::from_ne_bytes(value.to_ne_bytes())
}
