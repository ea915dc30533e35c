//! SELinux labels: the one that a program is executed under, and the one that its files are shown
//! with. Which they are is the caller's policy; here the host's decides whether it knows them.

use std::os::fd::{AsFd, OwnedFd};

use estiba_kernel::{Errno, process};
use rustix::fs::{Mode, OFlags, ResolveFlags, XattrFlags, openat2};

use crate::error::{ErrorCode, IsolateError};
use crate::foreign_proc::is_procfs;
use crate::spec::Spec;

const STEP: &str = "selinux";
const SELINUX_MAGIC: u64 = 0xf97c_ff8c;
/// The attribute of a file that holds its label.
pub(crate) const ATTRIBUTE: &str = "security.selinux";
/// The mount option that gives a whole file system one label.
pub(crate) const MOUNT_OPTION: &str = "context";
/// New file systems that do not take that option: what is in them has labels by the host's policy.
const LABELLED_BY_POLICY: [&str; 6] = ["proc", "sysfs", "cgroup", "cgroup2", "mqueue", "bpf"];

/// Whether a new file system of this type is to get the option.
pub(crate) fn takes_label(kind: &str) -> bool {
    !LABELLED_BY_POLICY.contains(&kind)
}

/// The option for a new file system; nothing without a label.
pub(crate) fn mount_option(label: &str) -> Option<(&'static str, &str)> {
    (!label.is_empty()).then_some((MOUNT_OPTION, label))
}

/// Labels the session keyring and the next execve of this process, or of one that it makes from now
/// on, after the host's policy has been asked for both labels of the spec. To be called while /proc
/// is the host's: what a container shows there could be anything.
pub(crate) fn confine(spec: &Spec) -> Result<(), IsolateError> {
    let label = spec.process.selinux_label.as_str();
    check(&spec.linux.mount_label)?;
    check(label)?;
    if label.is_empty() {
        process::leave_session_keyring();
        return Ok(());
    }
    let keys = attribute("keycreate", label)?;
    write(&keys, label, "label the keyring")?;
    process::leave_session_keyring();
    write(&keys, "\n", "label the keyring")?;
    let exec = attribute("exec", label)?;
    write(&exec, label, "label the program")
}

/// Refuses a label that the host's policy does not know. "" is none.
pub(crate) fn check(label: &str) -> Result<(), IsolateError> {
    if label.is_empty() {
        return Ok(());
    }
    // It becomes part of a mount option, too, where quotes have a meaning.
    let is_text = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\');
    if !label.chars().all(is_text) {
        let message = format!("cannot use SELinux label {label:?}: it is not one");
        return Err(IsolateError::invalid(STEP, message));
    }
    let policy = open_policy().map_err(|_errno| refused(label, "this host has no SELinux"))?;
    match rustix::io::write(&policy, label.as_bytes()) {
        Ok(_) => Ok(()),
        Err(Errno::INVAL) => Err(refused(label, "the host's policy does not know it")),
        Err(errno) => Err(fail(label, "ask the host's policy for it", errno)),
    }
}

fn open_policy() -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::open("/sys/fs/selinux", flags, Mode::empty())?;
    if u64::try_from(rustix::fs::fstatfs(&dir)?.f_type) != Ok(SELINUX_MAGIC) {
        return Err(Errno::NOSYS);
    }
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(&dir, "context", flags, Mode::empty())
}

/// An attribute of this thread, in what is procfs and nothing mounted over it.
fn attribute(name: &str, label: &str) -> Result<OwnedFd, IsolateError> {
    let failed = |errno| fail(label, "open this process's attributes", errno);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let proc = rustix::fs::open("/proc", flags, Mode::empty()).map_err(failed)?;
    if !is_procfs(&proc).map_err(failed)? {
        return Err(refused(label, "/proc is not procfs"));
    }
    let path = format!("thread-self/attr/{name}");
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    openat2(&proc, path, flags, Mode::empty(), how).map_err(failed)
}

fn write(attribute: &OwnedFd, label: &str, action: &str) -> Result<(), IsolateError> {
    rustix::io::write(attribute, label.as_bytes())
        .map(drop)
        .map_err(|errno| fail(label, action, errno))
}

/// Labels the root of a mount that does not take the option. Changes the working directory. File
/// systems without labels have none.
pub(crate) fn label_root(mount: impl AsFd, label: &str) -> Result<(), Errno> {
    if label.is_empty() {
        return Ok(());
    }
    rustix::process::fchdir(mount)?;
    let set = rustix::fs::setxattr(".", ATTRIBUTE, &stored(label), XattrFlags::empty());
    rustix::process::chdir("/")?;
    match set {
        Err(Errno::NOTSUP) => Ok(()),
        result => result,
    }
}

/// As libselinux stores it: with its end.
pub(crate) fn stored(label: &str) -> Vec<u8> {
    [label.as_bytes(), b"\0"].concat()
}

fn fail(label: &str, action: &str, errno: Errno) -> IsolateError {
    IsolateError::kernel(
        STEP,
        format!("use SELinux label {label:?}: {action}"),
        errno,
    )
}

fn refused(label: &str, why: &str) -> IsolateError {
    let message = format!("cannot use SELinux label {label:?}: {why}");
    IsolateError::new(ErrorCode::FailedPrecondition, STEP, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_cannot_be_is_named() {
        check("").unwrap();
        for label in ["a b", "a:b:c:s0\",exec", "a\\b", "a:b:c\n", "ä:b:c:s0"] {
            let error = check(label).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
            assert!(error.message.contains(&format!("{label:?}")), "{error}");
        }
        let error = check("no-such-user:of:a_test:s0").unwrap_err();
        assert_eq!(error.code, ErrorCode::FailedPrecondition, "{error}");
        assert!(error.message.contains("\"no-such-user:of:a_test:s0\""));
    }

    #[test]
    fn attributes_are_looked_for_in_procfs_only() {
        attribute("exec", "x").unwrap();
        assert!(attribute("no-such-attribute", "x").is_err());
    }

    #[test]
    fn file_systems_of_the_kernel_are_labelled_by_the_policy() {
        assert!(takes_label("tmpfs") && takes_label("devpts"));
        assert!(!takes_label("proc") && !takes_label("cgroup2"));
        assert_eq!(mount_option(""), None);
        assert_eq!(mount_option("l"), Some(("context", "l")));
    }
}
