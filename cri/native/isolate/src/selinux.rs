//! SELinux labels: the one that a program is executed under, and the one that its files are shown
//! with. Which they are is the caller's policy; here the host's decides whether it knows them.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use estiba_kernel::{Errno, process};
use rustix::fs::{CWD, FileType, Mode, OFlags, XattrFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::host_proc;
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
    host_proc::open(&format!("thread-self/attr/{name}"), OFlags::WRONLY).map_err(failed)
}

fn write(attribute: &OwnedFd, label: &str, action: &str) -> Result<(), IsolateError> {
    rustix::io::write(attribute, label.as_bytes())
        .map(drop)
        .map_err(|errno| fail(label, action, errno))
}

/// The way for this process, which executes nothing, to another label: opened while /proc is the
/// host's, gone at the end of all that needs its own.
#[derive(Debug)]
pub(crate) struct Change {
    current: OwnedFd,
    label: String,
}

impl Change {
    /// `None` without a label.
    pub(crate) fn prepare(label: &str) -> Result<Option<Self>, IsolateError> {
        if label.is_empty() {
            return Ok(None);
        }
        let current = attribute("current", label)?;
        let label = label.to_owned();
        Ok(Some(Self { current, label }))
    }

    /// # Errors
    /// The policy need not allow it, whatever it allows with execve.
    pub(crate) fn make(self) -> Result<(), IsolateError> {
        write(&self.current, &self.label, "take it on")
    }
}

/// Has all that this thread makes from now on labelled so, links and devices included.
///
/// # Errors
/// `FailedPrecondition` when the host's policy does not know the label.
pub fn label_new_files(label: &str) -> Result<(), IsolateError> {
    check(label)?;
    write(&attribute("fscreate", label)?, label, "label new files")
}

/// A pipe (read end, write end), both blocking, that has this label from the start: the label of one
/// from pipe(2) is that of who makes it, with categories that a container's program has not, and
/// policies let nobody change it. `dir`: only the caller's; nothing stays there.
///
/// # Errors
/// `FailedPrecondition` when the host's policy does not know the label; else what the kernel says.
pub fn labelled_pipe(dir: &Path, label: &str) -> Result<(OwnedFd, OwnedFd), IsolateError> {
    let path = dir.join(".pipe");
    check(label)?;
    let attribute = attribute("fscreate", label)?;
    write(&attribute, label, "label a pipe")?;
    let made = named_pipe(&path).map_err(|errno| fail(label, "make a pipe", errno));
    rustix::fs::unlink(&path).ok();
    write(&attribute, "\n", "label a pipe")?;
    made
}

fn named_pipe(path: &Path) -> Result<(OwnedFd, OwnedFd), Errno> {
    let mode = Mode::RUSR | Mode::WUSR;
    match rustix::fs::unlink(path) {
        Err(Errno::NOENT) | Ok(()) => {}
        Err(errno) => return Err(errno),
    }
    rustix::fs::mknodat(CWD, path, FileType::Fifo, mode, 0)?;
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Without O_NONBLOCK the first end would wait for the other.
    let read = OFlags::RDONLY | OFlags::NONBLOCK | flags;
    let reader = rustix::fs::open(path, read, Mode::empty())?;
    let writer = rustix::fs::open(path, OFlags::WRONLY | flags, Mode::empty())?;
    rustix::io::ioctl_fionbio(&reader, false)?;
    Ok((reader, writer))
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
    fn a_pipe_by_name_leaves_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".pipe");
        // Left by somebody who was killed.
        std::fs::write(&path, "").unwrap();
        let (reader, writer) = named_pipe(&path).unwrap();
        rustix::fs::unlink(&path).unwrap();
        rustix::io::write(&writer, b"text").unwrap();
        drop(writer);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::fs::File::from(reader), &mut text).unwrap();
        assert_eq!(text, "text");
        let error = labelled_pipe(dir.path(), "no-such-user:of:a_test:s0").unwrap_err();
        assert_eq!(error.code, ErrorCode::FailedPrecondition, "{error}");
        assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none());
    }

    #[test]
    fn file_systems_of_the_kernel_are_labelled_by_the_policy() {
        assert!(takes_label("tmpfs") && takes_label("devpts"));
        assert!(!takes_label("proc") && !takes_label("cgroup2"));
        assert_eq!(mount_option(""), None);
        assert_eq!(mount_option("l"), Some(("context", "l")));
    }
}
