//! Where a process hangs, found out without touching anything that may hang as well: no memory of
//! the process, no file of its mounts.

use std::fmt;
use std::fs;

use crate::mountinfo::{Mount, mounts};

/// No more mounts than this are named.
const CANDIDATES: usize = 8;

/// What there is to say about a process that does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hang {
    /// As this process sees it.
    pub pid: i32,
    /// As `ps` shows it; "" when it is gone.
    pub name: String,
    /// Whether it waits in the kernel without hearing signals.
    pub is_uninterruptible: bool,
    /// The kernel function that it waits in, where the kernel tells.
    pub wchan: Option<String>,
    /// The mount that it waits for, and its type; several where it is not known which of them.
    pub mounts: Vec<(String, String)>,
}

impl Hang {
    /// Looks at a process.
    #[must_use]
    pub fn of(pid: i32) -> Self {
        let wchan = read(pid, "wchan").filter(|name| !matches!(name.as_str(), "" | "0"));
        let mounts = mounts_of(pid, wchan.as_deref().unwrap_or_default());
        Self {
            pid,
            name: read(pid, "comm").unwrap_or_default(),
            is_uninterruptible: crate::process::state_letter(pid) == Some('D'),
            wchan,
            mounts,
        }
    }
}

impl fmt::Display for Hang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wchan = self.wchan.as_deref().unwrap_or("user space");
        let name = self.name.escape_debug();
        write!(f, "process {} ({name}) hangs in {wchan}", self.pid)?;
        match self.mounts.as_slice() {
            [] => return Ok(()),
            [_] => write!(f, " on mount ")?,
            _ => write!(f, " on one of the mounts ")?,
        }
        for (index, (point, kind)) in self.mounts.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{point:?} ({kind})")?;
        }
        Ok(())
    }
}

fn read(pid: i32, file: &str) -> Option<String> {
    // Names and paths are whatever bytes somebody chose.
    let bytes = fs::read(format!("/proc/{pid}/{file}")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    Some(text.trim_end_matches(['\n', '\0']).to_owned())
}

/// The mount behind the descriptor that the process's system call is about; else those that are of
/// the kind that the kernel function belongs to.
fn mounts_of(pid: i32, wchan: &str) -> Vec<(String, String)> {
    let text = read(pid, "mountinfo").unwrap_or_default();
    let by_descriptor = read(pid, "syscall")
        .and_then(|call| descriptor_of(&call))
        .and_then(|fd| read(pid, &format!("fdinfo/{fd}")))
        .and_then(|info| mount_id(&info))
        .and_then(|id| mounts(&text).find(|mount| mount.id == id))
        .filter(|mount| !is_local(mount.kind));
    let named = |mount: Mount<'_>| (mount.point, mount.kind.to_owned());
    if let Some(mount) = by_descriptor {
        return vec![named(mount)];
    }
    let Some(family) = family_of(wchan) else {
        return Vec::new();
    };
    let candidates = mounts(&text).filter(|mount| mount.kind.starts_with(family));
    candidates.take(CANDIDATES).map(named).collect()
}

/// File systems that wait for nobody but this kernel: who hangs in there hangs for another reason.
fn is_local(kind: &str) -> bool {
    matches!(
        kind,
        "proc" | "sysfs" | "tmpfs" | "devtmpfs" | "devpts" | "cgroup" | "cgroup2" | "mqueue"
    )
}

/// Start of the types of file systems in which this kernel function waits.
fn family_of(wchan: &str) -> Option<&'static str> {
    const FAMILIES: [(&str, &str); 9] = [
        ("request_wait_answer", "fuse"),
        ("fuse_", "fuse"),
        ("virtio_fs", "virtiofs"),
        ("nfs", "nfs"),
        ("rpc_", "nfs"),
        ("cifs", "cifs"),
        ("smb", "cifs"),
        ("wait_for_response", "cifs"),
        ("ceph", "ceph"),
    ];
    let known = FAMILIES.iter().find(|(start, _)| wchan.contains(start));
    known.map(|(_, family)| *family)
}

/// First argument of a system call that is about an open file, out of `/proc/<pid>/syscall`.
fn descriptor_of(call: &str) -> Option<i32> {
    const ABOUT_A_FILE: [i64; 26] = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_pread64,
        libc::SYS_pwrite64,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_preadv,
        libc::SYS_pwritev,
        libc::SYS_getdents64,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_openat,
        libc::SYS_openat2,
        libc::SYS_mkdirat,
        libc::SYS_unlinkat,
        libc::SYS_readlinkat,
        libc::SYS_close,
        libc::SYS_fsync,
        libc::SYS_fdatasync,
        libc::SYS_fchdir,
        libc::SYS_fstatfs,
        libc::SYS_ftruncate,
        libc::SYS_fallocate,
        libc::SYS_syncfs,
        libc::SYS_fchmod,
    ];
    let mut words = call.split(' ');
    let number: i64 = words.next()?.parse().ok()?;
    let argument = words.next()?.strip_prefix("0x")?;
    let fd = u64::from_str_radix(argument, 16).ok()?;
    if ABOUT_A_FILE.contains(&number) {
        i32::try_from(fd).ok()
    } else {
        None
    }
}

fn mount_id(fdinfo: &str) -> Option<u64> {
    let line = fdinfo
        .lines()
        .find_map(|line| line.strip_prefix("mnt_id:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_about_an_open_file_names_its_descriptor() {
        let call = |number: i64| format!("{number} 0x3 0x7ffd 0x1000 0x0 0x0 0x0 0x7ffe 0x7f00");
        assert_eq!(descriptor_of(&call(libc::SYS_read)), Some(3));
        assert_eq!(descriptor_of(&call(libc::SYS_nanosleep)), None);
        assert_eq!(descriptor_of("running"), None);
        // No directory: AT_FDCWD.
        let here = format!("{} 0xffffff9c 0x7ffd 0x0", libc::SYS_openat);
        assert_eq!(descriptor_of(&here), None);
    }

    #[test]
    fn mounts_are_found_by_id_and_by_kind() {
        assert_eq!(mount_id("pos:\t0\nflags:\t02\nmnt_id:\t23\n"), Some(23));
        assert_eq!(family_of("request_wait_answer"), Some("fuse"));
        assert_eq!(family_of("rpc_wait_bit_killable"), Some("nfs"));
        assert_eq!(family_of("hrtimer_nanosleep"), None);
    }

    #[test]
    fn a_process_is_described_in_words() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let own = Hang::of(pid);
        assert!(!own.is_uninterruptible && own.mounts.is_empty());
        let mount = |point: &str| (point.to_owned(), "fuse".to_owned());
        let mut hang = Hang {
            pid: 7,
            name: "c\nt".to_owned(),
            is_uninterruptible: true,
            wchan: Some("request_wait_answer".to_owned()),
            mounts: vec![mount("/data")],
        };
        let text = "process 7 (c\\nt) hangs in request_wait_answer on mount \"/data\" (fuse)";
        assert_eq!(hang.to_string(), text);
        hang.mounts.push(mount("/more"));
        let end = "on one of the mounts \"/data\" (fuse), \"/more\" (fuse)";
        assert!(hang.to_string().ends_with(end), "{hang}");
    }
}
