//! Users and groups, looked up in the container's own files with bounds on everything.

use std::io::Read;
use std::os::fd::BorrowedFd;

use estiba_kernel::{Errno, resolve};
use rustix::fs::{FileType, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::execute::variable;
use crate::own_fds::OwnFds;
use crate::request::{ResolvedUser, UserRequest};
use crate::spec::Process;

const STEP: &str = "resolve-user";
/// Longest /etc/passwd and /etc/group that are read.
const MAX_FILE: u64 = 1 << 20;
/// Longer lines are skipped.
const MAX_LINE: usize = 64 * 1024;
/// As in runc: larger numbers wrap in too many programs.
const MAX_ID: u32 = i32::MAX as u32;
/// As the kernel's NGROUPS_MAX.
const MAX_GROUPS: usize = 65_536;

/// File systems that are interfaces of the kernel: proc, sysfs, debugfs, tracefs, cgroup, cgroup2,
/// securityfs, selinuxfs, bpf, configfs, pstore, efivarfs.
const KERNEL_FILES: [i64; 12] = [
    0x9fa0,
    0x6265_6572,
    0x6462_6720,
    0x7472_6163,
    0x0027_e0eb,
    0x6367_7270,
    0x7363_6673,
    0xf97c_ff8c,
    0xcafe_4a11,
    0x6265_6570,
    0x6165_676c,
    0xde5e_81e4,
];

/// A resolved user and what the environment needs of its passwd line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub user: ResolvedUser,
    /// Home directory by /etc/passwd, when there is a usable one.
    pub home: Option<String>,
}

/// Text of a file of the container; `None` when it does not exist.
fn read_bounded(
    root: BorrowedFd<'_>,
    own_fds: &OwnFds,
    path: &str,
) -> Result<Option<String>, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("read {path:?} of the container"), errno);
    let refuse = |why: &str| {
        let message = format!("cannot read {path:?} of the container: {why}");
        Err(IsolateError::new(
            ErrorCode::FailedPrecondition,
            STEP,
            message,
        ))
    };
    // Looked at before it is opened: opening a device or a pipe, or reading some files of procfs, does
    // things, with the host's rights.
    let held = match resolve::open_in_root(root, path, OFlags::PATH) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        held => held.map_err(fail)?,
    };
    let stat = rustix::fs::fstat(&held).map_err(fail)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return refuse("it is not a regular file");
    }
    if KERNEL_FILES.contains(&rustix::fs::fstatfs(&held).map_err(fail)?.f_type) {
        return refuse("it is a file of the kernel");
    }
    if u64::try_from(stat.st_size).unwrap_or(u64::MAX) > MAX_FILE {
        return refuse(&format!("it is larger than {MAX_FILE} bytes"));
    }
    // Not for as long as somebody has a lease on it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let fd = own_fds.reopen(&held, flags).map_err(fail)?;
    let mut bytes = Vec::new();
    std::fs::File::from(fd)
        .take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            IsolateError::io(STEP, format!("read {path:?} of the container"), &error)
        })?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| line.len() <= MAX_LINE && !line.trim_start().starts_with('#'))
        .map(|line| line.split(':').collect())
}

#[derive(Debug, PartialEq, Eq)]
struct PasswdEntry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

fn passwd_entries(text: &str) -> impl Iterator<Item = PasswdEntry<'_>> {
    lines(text).filter_map(|fields| match fields.as_slice() {
        [name, _, uid, gid, _, home, ..] => Some(PasswdEntry {
            name,
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            home,
        }),
        _ => None,
    })
}

/// Name, gid, members.
fn group_entries(text: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    lines(text).filter_map(|fields| match fields.as_slice() {
        [name, _, gid, members, ..] => Some((*name, gid.parse().ok()?, *members)),
        [name, _, gid] => Some((*name, gid.parse().ok()?, "")),
        _ => None,
    })
}

/// A decimal id, or `None` when the text is a name.
fn numeric(what: &str, text: &str) -> Result<Option<u32>, IsolateError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match text.parse::<u32>() {
        Ok(id) if id <= MAX_ID => Ok(Some(id)),
        Ok(_) | Err(_) => Err(out_of_range(what, text)),
    }
}

fn out_of_range(what: &str, value: impl std::fmt::Display) -> IsolateError {
    let message = format!("cannot use {what} {value}: it is not in 0..={MAX_ID}");
    IsolateError::invalid(STEP, message)
}

fn checked(what: &str, id: u32) -> Result<u32, IsolateError> {
    if id <= MAX_ID {
        Ok(id)
    } else {
        Err(out_of_range(what, id))
    }
}

/// Who a process runs as: what is asked for resolved against the files below `root`, or else the
/// numbers of its spec. HOME is looked up for those unless the spec has it.
pub(crate) fn identify(
    root: BorrowedFd<'_>,
    own_fds: &OwnFds,
    request: Option<&UserRequest>,
    process: &Process,
) -> Result<Identity, IsolateError> {
    if let Some(request) = request {
        return resolve_user(root, own_fds, request);
    }
    let user = &process.user;
    let home = match variable(&process.env, "HOME") {
        Some(_) => None,
        None => home_of(root, own_fds, user.uid),
    };
    Ok(Identity {
        user: ResolvedUser {
            uid: user.uid,
            gid: user.gid,
            additional_gids: user.additional_gids.clone(),
        },
        home,
    })
}

fn resolve_user(
    root: BorrowedFd<'_>,
    own_fds: &OwnFds,
    request: &UserRequest,
) -> Result<Identity, IsolateError> {
    let passwd = read_bounded(root, own_fds, "/etc/passwd")?.unwrap_or_default();
    let group = read_bounded(root, own_fds, "/etc/group")?.unwrap_or_default();
    resolve_in(&passwd, &group, request)
}

fn resolve_in(passwd: &str, group: &str, request: &UserRequest) -> Result<Identity, IsolateError> {
    let unknown = |what: &str, name: &str, file: &str| {
        let message = format!("cannot find {what} {name:?}: not in {file} of the container");
        IsolateError::invalid(STEP, message)
    };
    let wanted = if request.user.is_empty() {
        "0"
    } else {
        &request.user
    };
    let (uid, entry) = match numeric("uid", wanted)? {
        Some(uid) => (uid, passwd_entries(passwd).find(|entry| entry.uid == uid)),
        None => {
            let entry = passwd_entries(passwd)
                .find(|entry| entry.name == wanted)
                .ok_or_else(|| unknown("user", wanted, "/etc/passwd"))?;
            (checked("uid", entry.uid)?, Some(entry))
        }
    };
    let gid = if request.group.is_empty() {
        entry.as_ref().map_or(0, |entry| entry.gid)
    } else {
        match numeric("gid", &request.group)? {
            Some(gid) => gid,
            None => group_entries(group)
                .find(|(name, ..)| *name == request.group)
                .map(|(_, gid, _)| gid)
                .ok_or_else(|| unknown("group", &request.group, "/etc/group"))?,
        }
    };
    let gid = checked("gid", gid)?;
    let mut gids = vec![gid];
    for id in &request.supplemental_gids {
        gids.push(checked("supplemental gid", *id)?);
    }
    if let Some(entry) = entry.as_ref().filter(|_| !request.strict_groups) {
        let member = |members: &str| members.split(',').any(|name| name.trim() == entry.name);
        for (_, id, _) in group_entries(group).filter(|(_, _, members)| member(members)) {
            gids.push(checked("gid", id)?);
        }
    }
    gids.sort_unstable();
    gids.dedup();
    if gids.len() > MAX_GROUPS {
        let message = format!(
            "cannot use {} groups: at most {MAX_GROUPS} work",
            gids.len()
        );
        return Err(IsolateError::invalid(STEP, message));
    }
    let home = entry
        .map(|entry| entry.home)
        .filter(|home| home.starts_with('/'));
    Ok(Identity {
        user: ResolvedUser {
            uid,
            gid,
            additional_gids: gids,
        },
        home: home.filter(|home| !home.contains('\0')).map(str::to_owned),
    })
}

/// Home directory of a uid by the container's /etc/passwd; unreadable files count as absent.
fn home_of(root: BorrowedFd<'_>, own_fds: &OwnFds, uid: u32) -> Option<String> {
    let passwd = read_bounded(root, own_fds, "/etc/passwd").ok()??;
    let entry = passwd_entries(&passwd).find(|entry| entry.uid == uid)?;
    (entry.home.starts_with('/') && !entry.home.contains('\0')).then(|| entry.home.to_owned())
}

/// Makes the spec's process what it really is, for the program and for later execs: every program gets
/// a HOME.
pub(crate) fn complete_process(process: &mut Process, identity: &Identity) {
    let ResolvedUser {
        uid,
        gid,
        additional_gids,
    } = &identity.user;
    (process.user.uid, process.user.gid) = (*uid, *gid);
    process.user.additional_gids.clone_from(additional_gids);
    if variable(&process.env, "HOME").is_none() {
        let home = identity.home.as_deref().unwrap_or("/");
        process.env.push(format!("HOME={home}").into());
    }
}

#[cfg(test)]
mod tests;
