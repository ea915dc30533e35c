//! Which extended attributes image content may set, and setting them.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{XattrFlags, fsetxattr, lsetxattr};
use rustix::io::Errno;

/// Attribute that makes an overlay hide the lower directories.
pub(crate) const OVERLAY_OPAQUE: &str = "trusted.overlay.opaque";
/// Attribute that gives new files of a directory an ACL: set last, or our own files would get it.
pub(crate) const DEFAULT_ACL: &[u8] = b"system.posix_acl_default";
const ACCESS_ACL: &[u8] = b"system.posix_acl_access";
const MAX_NAME: usize = 255;
const MAX_VALUE: usize = 64 << 10;

/// Whether an attribute is set, left out in silence, or an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Set,
    /// Labels of the build host, and everything that overlay reads itself.
    Leave,
    Refuse(String),
}

/// The policy for attribute `name` with a value of `length` bytes.
pub(crate) fn verdict(name: &[u8], length: usize) -> Verdict {
    if name.is_empty() || name.len() > MAX_NAME || name.contains(&0) {
        return Verdict::Refuse("it has an extended attribute with an impossible name".to_owned());
    }
    let overlay = |rest: &[u8]| rest.starts_with(b"overlay.");
    let set = match name {
        b"security.capability" | b"security.ima" | DEFAULT_ACL | ACCESS_ACL => true,
        _ => match (name.strip_prefix(b"user."), name.strip_prefix(b"trusted.")) {
            (Some(rest), _) | (_, Some(rest)) => !overlay(rest),
            (None, None) => false,
        },
    };
    if !set {
        return Verdict::Leave;
    }
    if length > MAX_VALUE {
        return Verdict::Refuse(format!(
            "its extended attribute \"{}\" has {length} bytes, at most {MAX_VALUE} may be",
            String::from_utf8_lossy(name).escape_debug()
        ));
    }
    Verdict::Set
}

/// Sets an attribute on an open file. A file system without such attributes is fine.
pub(crate) fn set(file: impl AsFd, name: &[u8], value: &[u8]) -> rustix::io::Result<()> {
    supported(fsetxattr(file, name, value, XattrFlags::empty()))
}

/// [`set`] on what `name` is in `parent`, a symlink or device included.
///
/// There is no such call before `setxattrat` (6.13); a path through our own descriptor is the
/// same: its last component is not followed and `name` has no slash.
pub(crate) fn set_at(
    parent: BorrowedFd<'_>,
    name: &[u8],
    attribute: &[u8],
    value: &[u8],
) -> rustix::io::Result<()> {
    let mut path = format!("/proc/self/fd/{}/", parent.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    supported(lsetxattr(path, attribute, value, XattrFlags::empty()))
}

fn supported(result: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match result {
        Err(Errno::NOTSUP) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_user_and_trusted_attributes_and_acls_are_set() {
        for name in [
            "security.capability",
            "user.mime",
            "trusted.md5",
            "system.posix_acl_access",
        ] {
            assert_eq!(verdict(name.as_bytes(), 10), Verdict::Set, "{name}");
        }
    }

    #[test]
    fn nothing_that_overlay_or_a_security_module_reads_comes_from_an_image() {
        for name in [
            "trusted.overlay.opaque",
            "trusted.overlay.redirect",
            "trusted.overlay.overlay.opaque",
            "user.overlay.metacopy",
            "security.selinux",
            "security.evm",
            "system.nfs4_acl",
            "btrfs.compression",
        ] {
            assert_eq!(verdict(name.as_bytes(), 10), Verdict::Leave, "{name}");
        }
    }

    #[test]
    fn oversized_and_nameless_attributes_are_refused() {
        assert!(matches!(
            verdict(b"user.a", (64 << 10) + 1),
            Verdict::Refuse(_)
        ));
        assert!(matches!(verdict(b"", 1), Verdict::Refuse(_)));
        assert!(matches!(verdict(b"user.a\0b", 1), Verdict::Refuse(_)));
        assert!(matches!(verdict(&[b'a'; 256], 1), Verdict::Refuse(_)));
    }
}
