//! The name of a pod's network namespace on the host, where CNI plugins find it.

use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::error::IsolateError;
use crate::request::{PodNamespaces, PodRequest};

pub(crate) fn pin_network(
    request: &PodRequest,
    made: PodNamespaces,
) -> Result<PodNamespaces, IsolateError> {
    const STEP: &str = "pin-network";
    let path = request.netns_path.as_path();
    let Some(net) = made.net.as_ref().filter(|_| !path.as_os_str().is_empty()) else {
        return Ok(made);
    };
    let fail = |errno| {
        IsolateError::kernel(
            STEP,
            format!("pin the network namespace at {path:?}"),
            errno,
        )
    };
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::from_raw_mode(0o444)).map_err(fail)?;
    let source = format!("/proc/self/fd/{}", net.as_raw_fd());
    if let Err(errno) = rustix::mount::mount_bind(source, path) {
        rustix::fs::unlink(path).ok();
        return Err(fail(errno));
    }
    Ok(made)
}

/// Takes the pin away again. A path that is not there, or not a mount, is fine.
///
/// # Errors
/// When the kernel refuses.
pub fn unpin_network(path: &Path) -> Result<(), IsolateError> {
    use rustix::io::Errno;
    use rustix::mount::{UnmountFlags, unmount};
    let fail = |errno| {
        IsolateError::kernel(
            "pin-network",
            format!("unpin the network namespace at {path:?}"),
            errno,
        )
    };
    match unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        Ok(()) | Err(Errno::NOENT | Errno::INVAL) => {}
        Err(errno) => return Err(fail(errno)),
    }
    match rustix::fs::unlink(path) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(fail(errno)),
    }
}
