use super::*;
use std::fs;
use std::os::unix::fs::symlink;

fn tree() -> (tempfile::TempDir, OwnedFd) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("root/etc")).unwrap();
    fs::create_dir_all(dir.path().join("outside")).unwrap();
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let root = rustix::fs::open(dir.path().join("root"), flags, Mode::empty()).unwrap();
    (dir, root)
}

#[test]
fn missing_directories_and_files_are_made_inside() {
    let (dir, root) = tree();
    ensure_in_root(root.as_fd(), "/a/b/c", Missing::Directory(0o755)).unwrap();
    ensure_in_root(root.as_fd(), "/a/b/file", Missing::File(0o644)).unwrap();
    assert!(dir.path().join("root/a/b/c").is_dir());
    assert!(dir.path().join("root/a/b/file").is_file());
}

#[test]
fn dot_dot_and_absolute_links_stay_inside() {
    let (dir, root) = tree();
    symlink("/../../outside", dir.path().join("root/up")).unwrap();
    symlink("../../../../outside", dir.path().join("root/etc/far")).unwrap();
    for path in ["/up/x", "/etc/far/y", "/../../outside/z"] {
        ensure_in_root(root.as_fd(), path, Missing::Directory(0o755)).unwrap();
    }
    assert_eq!(fs::read_dir(dir.path().join("outside")).unwrap().count(), 0);
    for name in ["x", "y", "z"] {
        assert!(dir.path().join("root/outside").join(name).is_dir());
    }
}

#[test]
fn a_directory_of_its_own_is_not_looked_for_in_other_mounts() {
    let (dir, root) = tree();
    // The host's, by a link inside a root that is the host's.
    let host = rustix::fs::open("/", OFlags::PATH, Mode::empty()).unwrap();
    symlink("/proc", dir.path().join("door")).unwrap();
    let door = dir.path().join("door");
    for path in [format!("{}/sys", door.display()), "/proc".to_owned()] {
        let found = ensure_own_directory(host.as_fd(), &path, 0o755).map(drop);
        assert_eq!(found, Err(Errno::XDEV), "{path}");
    }
    symlink("etc", dir.path().join("root/link")).unwrap();
    ensure_own_directory(root.as_fd(), "/link/made", 0o755).unwrap();
    assert!(dir.path().join("root/etc/made").is_dir());
}

#[test]
fn a_dangling_link_is_made_good() {
    let (dir, root) = tree();
    symlink("/run", dir.path().join("root/var-run")).unwrap();
    ensure_in_root(root.as_fd(), "/var-run/lock/f", Missing::File(0o600)).unwrap();
    assert!(dir.path().join("root/run/lock/f").is_file());
}

#[test]
fn link_loops_and_files_on_the_way_are_errors() {
    let (dir, root) = tree();
    symlink("b", dir.path().join("root/a")).unwrap();
    symlink("a", dir.path().join("root/b")).unwrap();
    fs::write(dir.path().join("root/file"), "").unwrap();
    let make = |path| ensure_in_root(root.as_fd(), path, Missing::Directory(0o755));
    assert_eq!(make("/a/x").unwrap_err(), Errno::LOOP);
    assert_eq!(make("/file/x").unwrap_err(), Errno::NOTDIR);
}

#[test]
fn whoever_renames_all_the_time_keeps_nobody_from_opening() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use std::sync::atomic::{AtomicBool, Ordering};
    let (dir, root) = tree();
    fs::write(dir.path().join("root/etc/file"), "found").unwrap();
    symlink("../etc", dir.path().join("root/etc/again")).unwrap();
    let path = format!("/{}file", "etc/../".repeat(500) + "etc/");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..3 {
            let names = [format!("one{number}"), format!("two{number}")];
            let [one, two] = names.map(|name| dir.path().join(name));
            fs::create_dir(&one).unwrap();
            fs::create_dir(&two).unwrap();
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    renameat_with(CWD, &one, CWD, &two, RenameFlags::EXCHANGE).unwrap();
                }
            });
        }
        let failures = (0..1000)
            .filter(|_| open_in_root(&root, &path, OFlags::RDONLY).is_err())
            .count();
        let dirs = open_in_root(&root, "/etc/again/..", OFlags::PATH).map(drop);
        let missing = open_in_root(&root, "/etc/../no", OFlags::PATH).map(drop);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(failures, 0);
        assert_eq!((dirs, missing), (Ok(()), Err(Errno::NOENT)));
    });
}

#[test]
fn a_walk_by_hand_finds_what_the_kernel_finds() {
    use std::io::Read;
    let (dir, root) = tree();
    fs::write(dir.path().join("root/etc/file"), "found").unwrap();
    symlink("/../etc/file", dir.path().join("root/link")).unwrap();
    symlink("../../../outside", dir.path().join("root/up")).unwrap();
    let find = |path: &str, flags| Walk::new(root.as_fd()).find(path, flags);
    for path in ["/link", "etc/../../link", "/etc/file", "//etc/./file"] {
        let mut text = String::new();
        let found = fs::File::from(find(path, OFlags::RDONLY).unwrap());
        (&found).read_to_string(&mut text).unwrap();
        assert_eq!(text, "found", "{path}");
    }
    for path in ["/", "", "/etc/..", "/etc/../.."] {
        let found = find(path, OFlags::PATH).unwrap();
        assert!(same_file(&found, &root).unwrap(), "{path}");
    }
    assert_eq!(find("/up", OFlags::PATH).map(drop), Err(Errno::NOENT));
    assert_eq!(
        find("/etc/file/x", OFlags::PATH).map(drop),
        Err(Errno::NOTDIR)
    );
    assert_eq!(
        find("/link", OFlags::PATH | OFlags::DIRECTORY).map(drop),
        Err(Errno::NOTDIR)
    );
    let link = find("/link", OFlags::PATH | OFlags::NOFOLLOW).unwrap();
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&link).unwrap().st_mode);
    assert_eq!(kind, FileType::Symlink);
}

#[test]
fn symlinks_can_be_forbidden() {
    let (dir, root) = tree();
    symlink("etc", dir.path().join("root/link")).unwrap();
    assert!(open_no_symlinks(&root, "/etc", OFlags::PATH).is_ok());
    assert_eq!(
        open_no_symlinks(&root, "/link", OFlags::PATH).unwrap_err(),
        Errno::LOOP
    );
}
