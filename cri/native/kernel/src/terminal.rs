//! Terminals of a devpts instance, without resolving any path to a slave.

#![allow(unsafe_code, reason = "terminal ioctls have no safe wrapper")]

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

use crate::spawn::last_errno;

/// Unlocks the slave of this master and opens it.
///
/// # Errors
/// The kernel's errno.
pub fn open_slave(master: impl AsFd) -> Result<OwnedFd, Errno> {
    let fd = master.as_fd().as_raw_fd();
    let unlock: libc::c_int = 0;
    // SAFETY: TIOCSPTLCK reads an int.
    if unsafe { libc::ioctl(fd, libc::TIOCSPTLCK, std::ptr::from_ref(&unlock)) } != 0 {
        return Err(last_errno());
    }
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: TIOCGPTPEER takes open flags and returns a new descriptor.
    let slave = unsafe { libc::ioctl(fd, libc::TIOCGPTPEER, flags) };
    if slave < 0 {
        return Err(last_errno());
    }
    // SAFETY: the kernel has just made this descriptor; nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(slave) })
}

/// Number of the slave: its name in the devpts directory.
///
/// # Errors
/// The kernel's errno.
pub fn slave_number(master: impl AsFd) -> Result<u32, Errno> {
    let mut number: libc::c_uint = 0;
    let fd = master.as_fd().as_raw_fd();
    // SAFETY: TIOCGPTN writes an unsigned int.
    let result = unsafe { libc::ioctl(fd, libc::TIOCGPTN, std::ptr::from_mut(&mut number)) };
    if result == 0 {
        Ok(number)
    } else {
        Err(last_errno())
    }
}

/// Makes the terminal the controlling one of this session (the caller leads it).
///
/// # Errors
/// The kernel's errno.
pub fn make_controlling(slave: impl AsFd) -> Result<(), Errno> {
    // SAFETY: TIOCSCTTY takes a plain integer.
    let result = unsafe { libc::ioctl(slave.as_fd().as_raw_fd(), libc::TIOCSCTTY, 0) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}

/// Sets the size of the terminal in characters.
///
/// # Errors
/// The kernel's errno.
pub fn set_size(master: impl AsFd, rows: u16, columns: u16) -> Result<(), Errno> {
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let fd = master.as_fd().as_raw_fd();
    // SAFETY: TIOCSWINSZ reads a winsize.
    let result = unsafe { libc::ioctl(fd, libc::TIOCSWINSZ, std::ptr::from_ref(&size)) };
    if result == 0 {
        Ok(())
    } else {
        Err(last_errno())
    }
}
