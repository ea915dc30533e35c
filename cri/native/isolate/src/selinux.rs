//! SELinux labels: the one that a program is executed under, and the one that its files are shown
//! with. Which they are is the caller's policy; here the host's decides whether it knows them.

use std::os::fd::{AsFd, OwnedFd};

use estiba_kernel::{Errno, mount, process};
use rustix::fs::{FileType, Mode, OFlags, XattrFlags};

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
/// policies let nobody change it. It is the only file of a file system that is attached nowhere: it
/// tells no path of the host, and leads to nothing else there.
///
/// # Errors
/// `FailedPrecondition` when the host's policy does not know the label; else what the kernel says.
pub fn labelled_pipe(label: &str) -> Result<(OwnedFd, OwnedFd), IsolateError> {
    check(label)?;
    lone_pipe(label).map_err(|errno| fail(label, "make a pipe", errno))
}

/// The mount, not this thread, has the label: nothing else can get it by mistake.
fn lone_pipe(label: &str) -> Result<(OwnedFd, OwnedFd), Errno> {
    // The root is the other inode.
    let mut options = vec![("mode", "0700"), ("nr_inodes", "2"), ("size", "4096")];
    options.extend(mount_option(label));
    let attributes = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    let home = mount::new_file_system("tmpfs", &options, attributes)?;
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(&home, "pipe", FileType::Fifo, mode, 0)?;
    let open = |flags| rustix::fs::openat(&home, "pipe", flags | OFlags::CLOEXEC, Mode::empty());
    // Without O_NONBLOCK the first end would wait for the other.
    let reader = open(OFlags::RDONLY | OFlags::NONBLOCK)?;
    let writer = open(OFlags::WRONLY)?;
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
    use std::os::fd::AsRawFd;

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
    fn a_pipe_is_alone_in_a_file_system_that_is_nowhere() {
        let (reader, writer) = lone_pipe("").unwrap();
        for end in [&reader, &writer] {
            let link = format!("/proc/self/fd/{}", end.as_raw_fd());
            assert_eq!(std::fs::read_link(&link).unwrap().as_os_str(), "/pipe");
            let system = rustix::fs::fstatvfs(end).unwrap();
            assert_eq!((system.f_files, system.f_ffree), (2, 0));
            let flags = rustix::fs::fcntl_getfl(end).unwrap();
            assert!(!flags.contains(OFlags::NONBLOCK), "{flags:?}");
        }
        // As programs do with /dev/stdout.
        let again = format!("/proc/self/fd/{}", writer.as_raw_fd());
        std::fs::write(again, "text").unwrap();
        drop(writer);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::fs::File::from(reader), &mut text).unwrap();
        assert_eq!(text, "text");
        let error = labelled_pipe("no-such-user:of:a_test:s0").unwrap_err();
        assert_eq!(error.code, ErrorCode::FailedPrecondition, "{error}");
    }

    #[test]
    fn file_systems_of_the_kernel_are_labelled_by_the_policy() {
        assert!(takes_label("tmpfs") && takes_label("devpts"));
        assert!(!takes_label("proc") && !takes_label("cgroup2"));
        assert_eq!(mount_option(""), None);
        assert_eq!(mount_option("l"), Some(("context", "l")));
    }
}
