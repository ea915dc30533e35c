//! Whether pods can have user namespaces here, found by trying.

use std::os::fd::AsFd;
use std::path::Path;

use estiba_kernel::mount::{self, Attributes};
use estiba_kernel::spawn::unshare;
use estiba_kernel::userns::Range;
use rustix::fs::{Mode, OFlags};
use rustix::mount::MountFlags;

use crate::error::IsolateError;
use crate::ids::Ids;
use crate::rootfs::open_path;
use crate::staging::Layers;

const STEP: &str = "probe-user-namespaces";
/// What the kubelet keeps secrets, tokens and other projected files on.
const TMPFS_LIMIT: &str = "volumes on tmpfs (secrets, projected files) cannot be id-mapped before \
                           Linux 6.3, pods that have some fail";

/// Makes a user namespace and an overlay whose lower layers are on the file system of `layers_dir`,
/// with their ids mapped. This process ends up in a mount namespace of its own; nothing is written.
/// Answers what volumes cannot be mapped all the same, "" when nothing is known.
///
/// # Errors
/// Why pods cannot have user namespaces.
pub fn probe_user_namespaces(layers_dir: &Path) -> Result<&'static str, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, "mount id-mapped layers", errno);
    let range = Range {
        inside: 0,
        outside: 65_536,
        length: 65_536,
    };
    let ids = Ids {
        uids: vec![range],
        gids: vec![range],
    };
    let user = ids.make_namespace()?;
    let layers = Layers::open(&[layers_dir.to_owned()], Some(&user))?;
    unshare(libc::CLONE_NEWNS).map_err(fail)?;
    let private = Attributes {
        propagation: libc::MS_PRIVATE,
        ..Attributes::default()
    };
    mount::set_attributes(open_path(Path::new("/"))?, private, true).map_err(fail)?;
    let tmpfs = mount::new_file_system("tmpfs", &[("size", "64k")], 0).map_err(fail)?;
    let volume = mount::new_file_system("tmpfs", &[("size", "4k")], 0).map_err(fail)?;
    let limit = match mount::map_ids(&volume, user.as_fd(), false) {
        Ok(()) => "",
        Err(_older) => TMPFS_LIMIT,
    };
    mount::attach(&tmpfs, open_path(layers_dir)?.as_fd()).map_err(fail)?;
    let dir = |name: &str| {
        rustix::fs::mkdirat(&tmpfs, name, Mode::from_raw_mode(0o755))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&tmpfs, name, flags, Mode::empty())
    };
    for (name, layer) in ["mapped"].into_iter().zip(&layers.0) {
        let place = dir(name).map_err(fail)?;
        mount::attach(layer, place.as_fd()).map_err(fail)?;
    }
    dir("empty").map_err(fail)?;
    dir("whole").map_err(fail)?;
    rustix::process::chdir(layers_dir).map_err(fail)?;
    rustix::mount::mount(
        "overlay",
        "whole",
        "overlay",
        MountFlags::empty(),
        Some(c"lowerdir=mapped:empty"),
    )
    .map_err(fail)?;
    Ok(limit)
}
