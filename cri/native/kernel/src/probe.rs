//! What this kernel can do, found by trying, without effect on the host.

use std::os::fd::AsFd;

use rustix::mount::{FsOpenFlags, fsconfig_set_string, fsopen};

use crate::mount::{self, Attributes};

/// Results of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KernelFeatures {
    /// Overlay takes layers one by one through fsconfig ("lowerdir+", Linux 6.7).
    pub overlay_lowerdir_append: bool,
    /// A detached mount can be cloned again (Linux 6.15).
    pub clone_detached_mounts: bool,
    /// mount_setattr with AT_RECURSIVE (Linux 5.12).
    pub recursive_read_only: bool,
}

/// Tries the mount calls. Needs CAP_SYS_ADMIN; without it everything reads "no".
#[must_use]
pub fn probe_mounts() -> KernelFeatures {
    let scratch = mount::new_file_system("tmpfs", &[("size", "4096")], 0).ok();
    KernelFeatures {
        overlay_lowerdir_append: overlay_lowerdir_append(),
        clone_detached_mounts: scratch
            .as_ref()
            .is_some_and(|fd| mount::clone_fd(fd.as_fd(), false).is_ok()),
        recursive_read_only: scratch.as_ref().is_some_and(|fd| {
            let read_only = Attributes {
                set: libc::MOUNT_ATTR_RDONLY,
                clear: 0,
                propagation: 0,
            };
            mount::set_attributes(fd.as_fd(), read_only, true).is_ok()
        }),
    }
}

fn overlay_lowerdir_append() -> bool {
    let Ok(context) = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC) else {
        return false;
    };
    // Before Linux 6.5 overlay takes any key here and refuses it when the file system is made.
    if fsconfig_set_string(context.as_fd(), "estiba-no-such-key", "1").is_ok() {
        return false;
    }
    // From then on an unknown key is EINVAL at once; a known one accepts any directory.
    fsconfig_set_string(context.as_fd(), "lowerdir+", "/").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_can_be_appended_exactly_where_the_probe_says_so() {
        let scratch = std::env::temp_dir().join(format!("estiba-probe-{}", std::process::id()));
        let layers = ["a", "b"].map(|name| scratch.join(name));
        for layer in &layers {
            std::fs::create_dir_all(layer).unwrap();
        }
        let options = layers
            .each_ref()
            .map(|layer| ("lowerdir+", layer.to_str().unwrap()));
        let mounted = mount::new_file_system("overlay", &options, 0).is_ok();
        std::fs::remove_dir_all(&scratch).unwrap();
        assert_eq!(overlay_lowerdir_append(), mounted);
    }
}
