//! The loopback interface.

#![allow(unsafe_code, reason = "interface ioctls have no safe wrapper")]

use std::os::fd::AsRawFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::spawn::last_errno;

/// Sets `lo` up in the current network namespace; the kernel gives it 127.0.0.1 and ::1.
///
/// # Errors
/// The kernel's errno.
pub fn loopback_up() -> Result<(), Errno> {
    let socket = socket_with(
        AddressFamily::INET,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: ifreq is plain data for which all zeroes are valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (target, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *target = libc::c_char::from_ne_bytes([*byte]);
    }
    let up = libc::IFF_UP | libc::IFF_RUNNING;
    request.ifr_ifru.ifru_flags = i16::try_from(up).unwrap_or(0);
    // SAFETY: SIOCSIFFLAGS reads an ifreq.
    let result = unsafe {
        libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCSIFFLAGS as _,
            std::ptr::from_ref(&request),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}
