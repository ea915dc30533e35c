//! What the caller of a command gets of a new process: its pid and its terminal.

use std::os::fd::BorrowedFd;
use std::path::Path;

use estiba_kernel::socket;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::commands::{PATIENCE, STEP};
use crate::error::IsolateError;

/// By temporary name and rename: whoever waits for the file never reads half a number.
pub(super) fn write_pid(path: &Path, pid: i32) -> Result<(), IsolateError> {
    let fail = |error: &std::io::Error| IsolateError::io(STEP, format!("write {path:?}"), error);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    std::fs::write(&temporary, pid.to_string()).map_err(|error| fail(&error))?;
    std::fs::rename(&temporary, path).map_err(|error| fail(&error))
}

pub(super) fn send_console(path: &Path, console: BorrowedFd<'_>) -> Result<(), IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("send the terminal to {path:?}"), errno);
    let kind = SocketType::STREAM;
    let stream =
        socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).map_err(fail)?;
    // A listener that takes nobody in must not hold up whoever waits for the container.
    set_socket_timeout(&stream, Timeout::Send, Some(PATIENCE)).map_err(fail)?;
    connect(&stream, &SocketAddrUnix::new(path).map_err(fail)?).map_err(fail)?;
    socket::send(&stream, b"/dev/ptmx", &[console]).map_err(fail)
}
