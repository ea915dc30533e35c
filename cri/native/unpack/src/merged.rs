//! The merged view: an overlay of the parent layers with the new layer's directory on top,
//! mounted nowhere.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, open};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount, unmount,
};

use crate::error::UnpackError;

/// Copies of data and directory names stay whole, so that the layer means the same in any stack.
const PLAIN: [(&str, &str); 3] = [
    ("redirect_dir", "off"),
    ("metacopy", "off"),
    ("index", "off"),
];

/// What an overlay is made of, as open directories: their paths are never given to the kernel.
pub(crate) struct Parts {
    /// Topmost first.
    pub(crate) lower: Vec<OwnedFd>,
    pub(crate) upper: OwnedFd,
    pub(crate) work: OwnedFd,
}

/// Opens the parent layers, topmost first.
pub(crate) fn open_parents(paths: &[impl AsRef<Path>]) -> Result<Vec<OwnedFd>, UnpackError> {
    let open_one = |path: &Path| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        open(path, flags, Mode::empty()).map_err(|source| UnpackError::Target {
            action: "open the parent",
            path: path.to_owned(),
            source,
        })
    };
    paths.iter().map(|path| open_one(path.as_ref())).collect()
}

/// Mounts the view and returns its root. It goes away with the last descriptor in it. `legacy`: by
/// mount(2) even where there are newer calls.
pub(crate) fn mount_view(parts: &Parts, legacy: bool) -> Result<OwnedFd, UnpackError> {
    if legacy {
        return mount_classic(parts).map_err(|step| failed(parts, step));
    }
    match mount_detached(parts) {
        // Before 6.8 lower directories cannot be given one by one.
        Err(("lowerdir+", Errno::INVAL)) | Err(("fsopen", Errno::NOSYS)) => mount_classic(parts),
        other => other,
    }
    .map_err(|step| failed(parts, step))
}

fn failed(parts: &Parts, (step, source): Step) -> UnpackError {
    UnpackError::MergedView {
        layers: parts.lower.len(),
        step: step.to_owned(),
        source,
    }
}

fn by_number(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

type Step = (&'static str, Errno);

fn mount_detached(parts: &Parts) -> Result<OwnedFd, Step> {
    let at = |step| move |errno| (step, errno);
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(at("fsopen"))?;
    let context = &context;
    // Before 6.5 overlay takes any key and refuses it only when the file system is made.
    if fsconfig_set_string(context, "estiba-no-such-key", "1").is_ok() {
        return Err(("lowerdir+", Errno::INVAL));
    }
    for lower in &parts.lower {
        fsconfig_set_string(context, "lowerdir+", by_number(lower)).map_err(at("lowerdir+"))?;
    }
    fsconfig_set_string(context, "upperdir", by_number(&parts.upper)).map_err(at("upperdir"))?;
    fsconfig_set_string(context, "workdir", by_number(&parts.work)).map_err(at("workdir"))?;
    for (key, value) in PLAIN {
        fsconfig_set_string(context, key, value).map_err(at("options"))?;
    }
    // The layer is synced by its owner, once, not by every unmount.
    fsconfig_set_flag(context, "volatile").map_err(at("volatile"))?;
    fsconfig_create(context).map_err(at("create"))?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).map_err(at("fsmount"))
}

/// For older kernels: mounted on the work directory and detached again at once. Only ever seen in
/// this job's own mount namespace.
fn mount_classic(parts: &Parts) -> Result<OwnedFd, Step> {
    let at = |step| move |errno| (step, errno);
    let lower: Vec<String> = parts.lower.iter().map(by_number).collect();
    let mut options = format!(
        "lowerdir={},upperdir={},workdir={},volatile",
        lower.join(":"),
        by_number(&parts.upper),
        by_number(&parts.work)
    );
    for (key, value) in PLAIN {
        options.push_str(&format!(",{key}={value}"));
    }
    let options = std::ffi::CString::new(options).map_err(|_nul| ("mount", Errno::INVAL))?;
    mkdirat(&parts.work, "view", Mode::from_raw_mode(0o700)).map_err(at("mkdir"))?;
    let place = format!("{}/view", by_number(&parts.work));
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("overlay", &place, "overlay", flags, options.as_c_str()).map_err(at("mount"))?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, &place, flags, Mode::empty()).map_err(at("open"));
    unmount(&place, UnmountFlags::DETACH).map_err(at("unmount"))?;
    root
}
