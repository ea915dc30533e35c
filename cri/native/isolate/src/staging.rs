//! Where overlays are put together whose layers have to be attached: a tmpfs of this mount namespace
//! that goes away with everything else that the container's root replaces.
//!
//! Old kernels make an overlay of attached mounts only, and id-mapped layers are mounts of their own.
//! The short names also keep any number of layers within what mount(2) takes.

use std::cell::Cell;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use estiba_kernel::{Errno, mount};
use rustix::fs::{Mode, OFlags};

use crate::error::IsolateError;
use crate::ids::Ids;
use crate::rootfs::{Overlay, open_path};

const STEP: &str = "stage-layers";

fn fail(errno: Errno) -> IsolateError {
    IsolateError::kernel(STEP, "put layers together", errno)
}

/// Detached mounts of layers, topmost first, with their ids mapped where there is a user namespace.
#[derive(Debug)]
pub(crate) struct Layers(pub Vec<OwnedFd>);

impl Layers {
    /// To be opened in the host's mount namespace.
    pub(crate) fn open(
        dirs: &[PathBuf],
        user_namespace: Option<&OwnedFd>,
    ) -> Result<Self, IsolateError> {
        let open = |dir: &PathBuf| {
            let layer = mount::clone_path(dir, false).map_err(|errno| {
                IsolateError::kernel(STEP, format!("open layer {dir:?}"), errno)
            })?;
            if let Some(user) = user_namespace {
                mount::map_ids(&layer, user.as_fd(), false)
                    .map_err(|errno| crate::sources::cannot_map("layer", dir, errno))?;
            }
            Ok(layer)
        };
        dirs.iter().map(open).collect::<Result<_, _>>().map(Self)
    }
}

/// A directory that gets what is written, as a detached mount.
pub(crate) struct Writable {
    pub directory: OwnedFd,
    pub volatile: bool,
}

/// The place itself.
#[derive(Debug)]
pub(crate) struct Staging {
    place: PathBuf,
    root: OwnedFd,
    can_append: bool,
    next: Cell<u32>,
}

impl Staging {
    /// To be made in the container's mount namespace, at a directory there. `can_append`: overlay
    /// takes its layers one by one.
    pub(crate) fn new(place: &Path, can_append: bool) -> Result<Self, IsolateError> {
        let options = [("source", "tmpfs"), ("mode", "700"), ("size", "1m")];
        let root = mount::new_file_system("tmpfs", &options, 0).map_err(fail)?;
        mount::attach(&root, open_path(place)?.as_fd()).map_err(fail)?;
        Ok(Self {
            place: place.to_owned(),
            root,
            can_append,
            next: Cell::new(0),
        })
    }

    fn make_dir(&self, name: &str) -> Result<OwnedFd, Errno> {
        rustix::fs::mkdirat(&self.root, name, Mode::from_raw_mode(0o755))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.root, name, flags, Mode::empty())
    }

    fn place(&self, name: &str, mount: &OwnedFd) -> Result<PathBuf, IsolateError> {
        let target = self.make_dir(name).map_err(fail)?;
        mount::attach(mount, target.as_fd()).map_err(fail)?;
        Ok(self.place.join(name))
    }

    /// An attached overlay of these layers, read-only when nothing takes what is written. `label`:
    /// of all its files; "" = none.
    pub(crate) fn overlay(
        &self,
        layers: &Layers,
        writable: Option<&Writable>,
        label: &str,
    ) -> Result<OwnedFd, IsolateError> {
        let number = self.next.replace(self.next.get() + 1);
        let mut lower_dirs = Vec::new();
        for (index, layer) in layers.0.iter().enumerate() {
            lower_dirs.push(self.place(&format!("{number}.{index}"), layer)?);
        }
        if writable.is_none() && lower_dirs.len() == 1 {
            // Without an upper layer overlay wants two; this also keeps whiteouts out of sight.
            let name = format!("{number}.empty");
            self.make_dir(&name).map_err(fail)?;
            lower_dirs.push(self.place.join(name));
        }
        let upper = match writable {
            Some(writable) => Some(self.place(&format!("{number}.w"), &writable.directory)?),
            None => None,
        };
        let overlay = Overlay {
            lower_dirs: &lower_dirs,
            writable_dir: upper.as_deref(),
            volatile: writable.is_some_and(|writable| writable.volatile),
            label,
        };
        let name = number.to_string();
        let target = self.make_dir(&name).map_err(fail)?;
        if self.can_append {
            let made = overlay.mount_detached()?;
            mount::attach(&made, target.as_fd()).map_err(fail)?;
            return Ok(made);
        }
        overlay.mount_at(&self.place.join(name))
    }
}

/// The root file system's layers and writable directory before they are put together.
pub(crate) struct StagedRoot {
    pub layers: Layers,
    pub writable: Writable,
}

impl StagedRoot {
    pub(crate) fn open(
        overlay: &Overlay<'_>,
        ids: &Ids,
        user_namespace: Option<&OwnedFd>,
    ) -> Result<Self, IsolateError> {
        overlay.prepare(ids)?;
        let directory = overlay.writable_dir.unwrap_or(Path::new("/"));
        let directory = mount::clone_path(directory, false).map_err(fail)?;
        Ok(Self {
            layers: Layers::open(overlay.lower_dirs, user_namespace)?,
            writable: Writable {
                directory,
                volatile: overlay.volatile,
            },
        })
    }
}
