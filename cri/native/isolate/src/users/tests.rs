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

fn own_fds() -> OwnFds {
    OwnFds::open().unwrap()
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
    let error = resolve_user(root.as_fd(), &own_fds(), &request("0", "")).unwrap_err();
    assert!(error.message.contains("larger than"), "{error}");
    std::fs::remove_file(&passwd).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &passwd, FileType::Fifo, mode, 0).unwrap();
    let error = resolve_user(root.as_fd(), &own_fds(), &request("0", "")).unwrap_err();
    assert!(error.message.contains("not a regular file"), "{error}");
}

#[test]
fn links_are_followed_inside_the_container_only() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(&dir);
    std::fs::create_dir(dir.path().join("lib")).unwrap();
    std::fs::write(dir.path().join("lib/passwd"), PASSWD).unwrap();
    std::os::unix::fs::symlink("/lib/passwd", dir.path().join("etc/passwd")).unwrap();
    let found = resolve_user(root.as_fd(), &own_fds(), &request("app", "")).unwrap();
    assert_eq!(found.user.uid, 1000);
    assert_eq!(
        home_of(root.as_fd(), &own_fds(), 0).as_deref(),
        Some("/root")
    );
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
            match resolve_user(root.as_fd(), &own_fds(), &request("app", "")) {
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

/// The mere open of a device can act on the host.
#[test]
fn what_takes_the_place_of_passwd_after_the_look_is_not_opened() {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};
    let dir = tempfile::tempdir().unwrap();
    let root = root(&dir);
    let (name, pipe) = (dir.path().join("etc/passwd"), dir.path().join("pipe"));
    std::fs::write(&name, PASSWD).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
    let opens = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
    add_watch(&opens, &pipe, WatchFlags::OPEN).unwrap();
    let stop = AtomicBool::new(false);
    let (mut found, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let here = rustix::fs::CWD;
            let exchange = rustix::fs::RenameFlags::EXCHANGE;
            while !stop.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(here, &name, here, &pipe, exchange).unwrap();
            }
        });
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end && (found < 1000 || refused < 1000) {
            match resolve_user(root.as_fd(), &own_fds(), &request("app", "")) {
                Ok(_) => found += 1,
                Err(_) => refused += 1,
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let opened = rustix::io::read(&opens, &mut [0_u8; 64]);
    assert_eq!(opened, Err(Errno::AGAIN), "{found} {refused}");
    assert!(found > 0 && refused > 0, "{found} {refused}");
}
