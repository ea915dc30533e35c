//! Images mounted as volumes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use estiba_kernel::resolve;
use estiba_kernel::{Errno, mount};
use rustix::fs::{FileType, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::mounts::Copies;
use crate::spec::Mount;
use crate::staging::Layers;

const STEP: &str = "mount-image";

/// The kubelet makes the first word the reason of the pod.
pub(crate) fn failed(mount: &Mount, error: IsolateError) -> IsolateError {
    let message = format!(
        "ImageVolumeMountFailed: cannot mount image at {:?}: {}",
        mount.destination, error.message
    );
    IsolateError { message, ..error }
}

/// A detached mount of the image, or of a directory in it.
pub(crate) fn put_together(
    mount: &Mount,
    layers: &Layers,
    sub_path: &str,
    copies: &Copies<'_>,
) -> Result<OwnedFd, IsolateError> {
    let staging = copies.staging.ok_or_else(|| {
        let message = "images cannot be mounted inside procfs";
        failed(mount, IsolateError::invalid(STEP, message))
    })?;
    let whole = staging
        .overlay(layers, None, copies.label)
        .map_err(|error| failed(mount, error))?;
    let shown = if sub_path.is_empty() {
        whole
    } else {
        directory_in(whole.as_fd(), sub_path).map_err(|error| failed(mount, error))?
    };
    mount::clone_fd(&shown, false)
        .map_err(|errno| failed(mount, IsolateError::kernel(STEP, "copy the mount", errno)))
}

/// Links of the image lead to places in the image only.
fn directory_in(image: BorrowedFd<'_>, sub_path: &str) -> Result<OwnedFd, IsolateError> {
    let fail = |errno| {
        let action = format!("use image_sub_path {sub_path:?} of the image");
        let error = IsolateError::kernel(STEP, action, errno);
        match errno {
            Errno::NOENT => error.with_code(ErrorCode::NotFound),
            Errno::NOTDIR | Errno::LOOP => error.with_code(ErrorCode::InvalidArgument),
            _ => error,
        }
    };
    let found = resolve::open_in_root(image, sub_path, OFlags::PATH).map_err(fail)?;
    let mode = rustix::fs::fstat(&found).map_err(fail)?.st_mode;
    if FileType::from_raw_mode(mode) == FileType::Directory {
        Ok(found)
    } else {
        Err(fail(Errno::NOTDIR))
    }
}
