//! The root file system: an overlay or a directory, attached where this mount namespace can see it.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use estiba_kernel::{Errno, mount};
use rustix::fs::{Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

use crate::error::{ErrorCode, IsolateError};
use crate::ids::Ids;
use crate::selinux;

const STEP: &str = "mount-rootfs";
/// mount(2) takes one page of options, its end included.
const MAX_OPTIONS: usize = 4095;
/// fsconfig(2) takes so many bytes of a value, its end included.
const MAX_VALUE: usize = 256;
/// What an image's layers rely on; everything else would write xattrs that other tools cannot read.
const OVERLAY_OPTIONS: [(&str, &str); 3] = [
    ("index", "off"),
    ("metacopy", "off"),
    ("redirect_dir", "off"),
];

const UPPER: &str = "upper";
const WORK: &str = "work";

/// An overlay to be mounted.
#[derive(Debug)]
pub(crate) struct Overlay<'a> {
    pub lower_dirs: &'a [PathBuf],
    /// `None`: read-only.
    pub writable_dir: Option<&'a Path>,
    pub volatile: bool,
    /// SELinux label of all its files; "" = none.
    pub label: &'a str,
}

fn invalid(message: String) -> IsolateError {
    IsolateError::invalid(STEP, message)
}

impl Overlay<'_> {
    /// Makes `upper` and `work`. The upper directory gives "/" its mode and owner.
    pub(crate) fn prepare(&self, ids: &Ids) -> Result<(), IsolateError> {
        let writable_dir = self
            .writable_dir
            .ok_or_else(|| invalid("cannot mount root file system: nowhere to write".to_owned()))?;
        let top = self.lower_dirs.first().ok_or_else(|| {
            invalid("cannot mount root file system: no image layer given".to_owned())
        })?;
        for dir in self
            .lower_dirs
            .iter()
            .map(PathBuf::as_path)
            .chain([writable_dir])
        {
            if !dir.is_absolute() {
                return Err(invalid(format!(
                    "cannot use layer {dir:?}: not an absolute path"
                )));
            }
        }
        let fail =
            |path: &Path, errno| IsolateError::kernel(STEP, format!("create {path:?}"), errno);
        if let Some(parent) = writable_dir.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| IsolateError::io(STEP, format!("create {parent:?}"), &error))?;
        }
        make_dir(writable_dir, 0o700).map_err(|errno| fail(writable_dir, errno))?;
        let stat = rustix::fs::stat(top)
            .map_err(|errno| IsolateError::kernel(STEP, format!("open layer {top:?}"), errno))?;
        let upper = writable_dir.join(UPPER);
        make_dir(&upper, stat.st_mode & 0o7777).map_err(|errno| fail(&upper, errno))?;
        let (root_uid, root_gid) = ids.root()?;
        let uid = ids.uid(stat.st_uid).unwrap_or(root_uid);
        let gid = ids.gid(stat.st_gid).unwrap_or(root_gid);
        if uid != 0 || gid != 0 {
            let (uid, gid) = (
                rustix::fs::Uid::from_raw(uid),
                rustix::fs::Gid::from_raw(gid),
            );
            rustix::fs::chown(&upper, Some(uid), Some(gid)).map_err(|errno| fail(&upper, errno))?;
        }
        let work = writable_dir.join(WORK);
        make_dir(&work, 0o755).map_err(|errno| fail(&work, errno))
    }

    /// Key and path of what takes the writes.
    fn writable(&self) -> Vec<(&'static str, PathBuf)> {
        let both = |dir: &Path| vec![("upperdir", dir.join(UPPER)), ("workdir", dir.join(WORK))];
        self.writable_dir.map(both).unwrap_or_default()
    }

    /// Whether every path is short enough for [`Self::mount_detached`].
    pub(crate) fn fits_fsconfig(&self) -> bool {
        let own = self.writable();
        let own = own.iter().map(|(_, path)| path);
        let mut paths = self.lower_dirs.iter().chain(own);
        paths.all(|path| path.as_os_str().len() < MAX_VALUE) && self.label.len() < MAX_VALUE
    }

    /// The overlay as a detached mount, layers added one by one.
    pub(crate) fn mount_detached(&self) -> Result<OwnedFd, IsolateError> {
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)
            .map_err(|errno| IsolateError::kernel(STEP, "mount overlay", errno))?;
        self.configure(context.as_fd()).map_err(|(what, errno)| {
            IsolateError::kernel(STEP, format!("mount overlay ({what})"), errno)
                .because(kernel_log(&context))
        })?;
        fsmount(
            context.as_fd(),
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::empty(),
        )
        .map_err(|errno| IsolateError::kernel(STEP, "mount overlay", errno))
    }

    fn configure(&self, context: impl AsFd) -> Result<(), (String, Errno)> {
        let context = context.as_fd();
        let set = |key: &str, path: &Path| {
            fsconfig_set_string(context, key, path)
                .map_err(|errno| (format!("{key} {path:?}"), errno))
        };
        set("source", Path::new("overlay"))?;
        for dir in self.lower_dirs {
            set("lowerdir+", dir)?;
        }
        for (key, path) in self.writable() {
            set(key, &path)?;
        }
        for (key, value) in OVERLAY_OPTIONS {
            set(key, Path::new(value))?;
        }
        if let Some((key, label)) = selinux::mount_option(self.label) {
            set(key, Path::new(label))?;
        }
        if self.volatile {
            fsconfig_set_flag(context, "volatile")
                .map_err(|errno| ("volatile".to_owned(), errno))?;
        }
        fsconfig_create(context).map_err(|errno| ("create".to_owned(), errno))
    }

    /// The overlay by mount(2). Its own writable directory will do as the target: only this mount
    /// namespace sees it. Layer names are shortened by a working directory.
    pub(crate) fn mount_at(&self, target: &Path) -> Result<OwnedFd, IsolateError> {
        let base = common_dir(self.lower_dirs);
        let options = self.legacy_options(&base)?;
        let fail = |errno| IsolateError::kernel(STEP, "mount overlay", errno);
        rustix::process::chdir(&base).map_err(fail)?;
        let options = std::ffi::CString::new(options)
            .map_err(|error| invalid(format!("cannot mount overlay: {error}")))?;
        rustix::mount::mount(
            "overlay",
            target,
            "overlay",
            MountFlags::empty(),
            Some(options.as_c_str()),
        )
        .map_err(fail)?;
        rustix::process::chdir("/").map_err(fail)?;
        open_path(target)
    }

    fn legacy_options(&self, base: &Path) -> Result<Vec<u8>, IsolateError> {
        let mut options = b"lowerdir=".to_vec();
        for (index, dir) in self.lower_dirs.iter().enumerate() {
            if index > 0 {
                options.push(b':');
            }
            let name = dir.strip_prefix(base).unwrap_or(dir);
            let name = if name.as_os_str().is_empty() {
                Path::new(".")
            } else {
                name
            };
            options.extend(escape(name, b":,\\"));
        }
        for (key, path) in self.writable() {
            options.extend(format!(",{key}=").into_bytes());
            options.extend(escape(&path, b",\\"));
        }
        for (key, value) in OVERLAY_OPTIONS {
            options.extend(format!(",{key}={value}").into_bytes());
        }
        if self.volatile {
            options.extend(b",volatile");
        }
        if let Some((key, label)) = selinux::mount_option(self.label) {
            // A label may hold commas.
            options.extend(format!(",{key}=\"{label}\"").into_bytes());
        }
        if options.len() > MAX_OPTIONS {
            return Err(IsolateError::new(
                ErrorCode::FailedPrecondition,
                STEP,
                format!(
                    "cannot mount overlay of {} layers: their names take {} of {MAX_OPTIONS} bytes",
                    self.lower_dirs.len(),
                    options.len()
                ),
            ));
        }
        Ok(options)
    }
}

fn make_dir(path: &Path, mode: u32) -> Result<(), Errno> {
    match rustix::fs::mkdir(path, Mode::from_raw_mode(mode)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// What overlayfs said about its refusal.
fn kernel_log(context: &OwnedFd) -> String {
    let mut text = String::new();
    if let Ok(copy) = context.try_clone() {
        let mut file = std::fs::File::from(copy);
        let mut buffer = [0; 512];
        while let Ok(length) = file.read(&mut buffer) {
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            text.push_str(String::from_utf8_lossy(bytes).trim_end());
            text.push(' ');
        }
    }
    text.trim_end().to_owned()
}

/// The longest directory that all paths are in.
fn common_dir(paths: &[PathBuf]) -> PathBuf {
    let mut common = paths
        .first()
        .and_then(|path| path.parent())
        .unwrap_or(Path::new("/"));
    while !paths.iter().all(|path| path.starts_with(common)) {
        common = common.parent().unwrap_or(Path::new("/"));
    }
    common.to_owned()
}

fn escape(path: &Path, special: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        if special.contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

pub(crate) fn open_path(path: &Path) -> Result<OwnedFd, IsolateError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
        .map_err(|errno| IsolateError::kernel(STEP, format!("open {path:?}"), errno))
}

/// A detached mount of the directory of an OCI bundle, with what is mounted below it.
pub(crate) fn clone_directory(path: &Path) -> Result<OwnedFd, IsolateError> {
    mount::clone_path(path, true)
        .map_err(|errno| IsolateError::kernel(STEP, format!("open root directory {path:?}"), errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(lower: &[PathBuf]) -> Overlay<'_> {
        Overlay {
            lower_dirs: lower,
            writable_dir: Some(Path::new("/s/c,1")),
            volatile: true,
            label: "",
        }
    }

    #[test]
    fn layer_names_are_shortened_by_their_common_directory() {
        let lower = [PathBuf::from("/var/l/2"), PathBuf::from("/var/l/1:x")];
        let base = common_dir(&lower);
        assert_eq!(base, PathBuf::from("/var/l"));
        let options = String::from_utf8(overlay(&lower).legacy_options(&base).unwrap()).unwrap();
        assert_eq!(
            options,
            "lowerdir=2:1\\:x,upperdir=/s/c\\,1/upper,workdir=/s/c\\,1/work,index=off,\
             metacopy=off,redirect_dir=off,volatile"
        );
    }

    #[test]
    fn a_label_is_an_option_of_its_own() {
        let lower = [PathBuf::from("/l/1")];
        let labelled = Overlay {
            label: "u:object_r:t:s0:c1,c2",
            ..overlay(&lower)
        };
        let options = labelled.legacy_options(Path::new("/l")).unwrap();
        let options = String::from_utf8(options).unwrap();
        assert!(
            options.ends_with(",volatile,context=\"u:object_r:t:s0:c1,c2\""),
            "{options}"
        );
        let long = "x".repeat(256);
        assert!(
            !Overlay {
                label: &long,
                ..overlay(&lower)
            }
            .fits_fsconfig()
        );
    }

    #[test]
    fn long_paths_are_not_for_fsconfig() {
        let layer = |length: usize| PathBuf::from(format!("/{:0>1$}", "", length - 1));
        assert!(overlay(&[layer(255)]).fits_fsconfig());
        assert!(!overlay(&[layer(3), layer(256)]).fits_fsconfig());
    }

    #[test]
    fn too_many_layers_for_mount_2_are_an_error_with_figures() {
        let lower: Vec<PathBuf> = (0..128)
            .map(|n| PathBuf::from(format!("/l/{n:064}")))
            .collect();
        let error = overlay(&lower).legacy_options(Path::new("/l")).unwrap_err();
        assert!(error.message.contains("128 layers"), "{error}");
    }

    #[test]
    fn the_common_directory_of_one_layer_is_its_parent() {
        assert_eq!(common_dir(&[PathBuf::from("/a/b")]), PathBuf::from("/a"));
        assert_eq!(
            common_dir(&[PathBuf::from("/a/b"), PathBuf::from("/c")]),
            PathBuf::from("/")
        );
    }
}
