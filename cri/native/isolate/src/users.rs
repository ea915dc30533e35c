//! Users and groups, looked up in the container's own files with bounds on everything.

use std::io::Read;
use std::os::fd::BorrowedFd;

use estiba_kernel::{Errno, resolve};
use rustix::fs::{FileType, OFlags};

use crate::error::{ErrorCode, IsolateError};
use crate::execute::variable;
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

/// A resolved user and what the environment needs of its passwd line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub user: ResolvedUser,
    /// Home directory by /etc/passwd, when there is a usable one.
    pub home: Option<String>,
}

/// Text of a file of the container; `None` when it does not exist.
fn read_bounded(root: BorrowedFd<'_>, path: &str) -> Result<Option<String>, IsolateError> {
    let fail = |errno| IsolateError::kernel(STEP, format!("read {path:?} of the container"), errno);
    let refuse = |why: &str| {
        let message = format!("cannot read {path:?} of the container: {why}");
        Err(IsolateError::new(
            ErrorCode::FailedPrecondition,
            STEP,
            message,
        ))
    };
    // Looked at before it is opened: opening a device or a pipe can do things.
    match resolve::open_in_root(root, path, OFlags::PATH) {
        Ok(fd) => {
            let stat = rustix::fs::fstat(&fd).map_err(fail)?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return refuse("it is not a regular file");
            }
        }
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(errno) => return Err(fail(errno)),
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let fd = match resolve::open_in_root(root, path, flags) {
        // Gone since: a volume's other user renames it.
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        opened => opened.map_err(fail)?,
    };
    let stat = rustix::fs::fstat(&fd).map_err(fail)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return refuse("it is not a regular file");
    }
    if u64::try_from(stat.st_size).unwrap_or(u64::MAX) > MAX_FILE {
        return refuse(&format!("it is larger than {MAX_FILE} bytes"));
    }
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

/// Resolves a request against the files below `root`.
pub(crate) fn resolve_user(
    root: BorrowedFd<'_>,
    request: &UserRequest,
) -> Result<Identity, IsolateError> {
    let passwd = read_bounded(root, "/etc/passwd")?.unwrap_or_default();
    let group = read_bounded(root, "/etc/group")?.unwrap_or_default();
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
pub(crate) fn home_of(root: BorrowedFd<'_>, uid: u32) -> Option<String> {
    let passwd = read_bounded(root, "/etc/passwd").ok()??;
    let entry = passwd_entries(&passwd).find(|entry| entry.uid == uid)?;
    (entry.home.starts_with('/') && !entry.home.contains('\0')).then(|| entry.home.to_owned())
}

/// Adds HOME, which every program gets, where it is missing.
pub(crate) fn complete_env(root: BorrowedFd<'_>, process: &mut Process) {
    if variable(&process.env, "HOME").is_none() {
        let home = home_of(root, process.user.uid);
        let home = home.as_deref().unwrap_or("/");
        process.env.push(format!("HOME={home}").into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsFd, OwnedFd};

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nbroken line\n\
        nobody:x:65534:65534::/nonexistent:/bin/false\napp:x:1000:1000::/home/app:/bin/sh\n\
        huge:x:4294967295:1::/:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nbig:x:50000:app,other\nstaff:x:50:root\nbare:x:7\n";

    fn request(user: &str, group: &str) -> UserRequest {
        UserRequest {
            user: user.to_owned(),
            group: group.to_owned(),
            ..UserRequest::default()
        }
    }

    #[test]
    fn nothing_asked_is_root() {
        let found = resolve_in("", "", &request("", "")).unwrap();
        assert_eq!(
            found.user,
            ResolvedUser {
                uid: 0,
                gid: 0,
                additional_gids: vec![0]
            }
        );
        assert_eq!(found.home, None);
    }

    #[test]
    fn merge_adds_the_memberships_of_the_image() {
        let mut wanted = request("1000", "");
        wanted.supplemental_gids = vec![1234];
        let found = resolve_in(PASSWD, GROUP, &wanted).unwrap();
        assert_eq!(found.user.gid, 1000);
        assert_eq!(found.user.additional_gids, [1000, 1234, 50_000]);
        assert_eq!(found.home.as_deref(), Some("/home/app"));
        wanted.strict_groups = true;
        let found = resolve_in(PASSWD, GROUP, &wanted).unwrap();
        assert_eq!(found.user.additional_gids, [1000, 1234]);
    }

    #[test]
    fn names_are_resolved_and_unknown_ones_named() {
        let found = resolve_in(PASSWD, GROUP, &request("nobody", "bare")).unwrap();
        assert_eq!((found.user.uid, found.user.gid), (65_534, 7));
        let error = resolve_in(PASSWD, GROUP, &request("ghost", "")).unwrap_err();
        assert!(error.message.contains("\"ghost\""), "{error}");
        assert!(resolve_in(PASSWD, GROUP, &request("", "ghosts")).is_err());
    }

    #[test]
    fn ids_beyond_31_bits_are_refused() {
        for user in ["2147483648", "4294967296", "99999999999999999999", "huge"] {
            assert!(
                resolve_in(PASSWD, GROUP, &request(user, "")).is_err(),
                "{user}"
            );
        }
        assert!(resolve_in(PASSWD, GROUP, &request("2147483647", "")).is_ok());
    }

    fn root(dir: &tempfile::TempDir) -> OwnedFd {
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        rustix::fs::open(dir.path(), flags, rustix::fs::Mode::empty()).unwrap()
    }

    #[test]
    fn huge_sparse_files_and_pipes_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = root(&dir);
        let passwd = dir.path().join("etc/passwd");
        std::fs::File::create(&passwd)
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        let error = resolve_user(root.as_fd(), &request("0", "")).unwrap_err();
        assert!(error.message.contains("larger than"), "{error}");
        std::fs::remove_file(&passwd).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &passwd, FileType::Fifo, mode, 0).unwrap();
        let error = resolve_user(root.as_fd(), &request("0", "")).unwrap_err();
        assert!(error.message.contains("not a regular file"), "{error}");
    }

    #[test]
    fn links_are_followed_inside_the_container_only() {
        let dir = tempfile::tempdir().unwrap();
        let root = root(&dir);
        std::fs::create_dir(dir.path().join("lib")).unwrap();
        std::fs::write(dir.path().join("lib/passwd"), PASSWD).unwrap();
        std::os::unix::fs::symlink("/lib/passwd", dir.path().join("etc/passwd")).unwrap();
        let found = resolve_user(root.as_fd(), &request("app", "")).unwrap();
        assert_eq!(found.user.uid, 1000);
        assert_eq!(home_of(root.as_fd(), 0).as_deref(), Some("/root"));
    }

    #[test]
    fn a_passwd_that_comes_and_goes_is_there_or_not() {
        use std::sync::atomic::{AtomicBool, Ordering};
        use std::time::{Duration, Instant};
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        let (name, other) = (dir.path().join("etc/passwd"), dir.path().join("other"));
        std::fs::write(&name, PASSWD).unwrap();
        let root: OwnedFd = std::fs::File::open(dir.path()).unwrap().into();
        let stop = AtomicBool::new(false);
        let (mut found, mut missing) = (0, 0);
        let faults: Vec<_> = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::fs::rename(&name, &other).unwrap();
                    std::fs::rename(&other, &name).unwrap();
                }
            });
            let end = Instant::now() + Duration::from_secs(1);
            let mut faults = Vec::new();
            while Instant::now() < end && faults.is_empty() && (found < 1000 || missing < 1000) {
                match resolve_user(root.as_fd(), &request("app", "")) {
                    Ok(_) => found += 1,
                    Err(error) if error.message.contains("not in /etc/passwd") => missing += 1,
                    Err(error) => faults.push(error),
                }
            }
            stop.store(true, Ordering::Relaxed);
            faults
        });
        assert!(faults.is_empty(), "{faults:?}");
        assert!(found + missing >= 100, "{found} {missing}");
    }
}
