//! The same archives unpacked by GNU tar and by us must give the same trees.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod common;

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::Scene;
use estiba_unpack::Source;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, lsetxattr, makedev, mknodat,
    utimensat,
};

fn have_tar() -> bool {
    let gnu = Command::new("tar")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"tar (GNU tar)"));
    if !gnu {
        common::skip("no GNU tar here to compare with");
    }
    gnu
}

fn touch(path: &Path, seconds: i64, nanos: i64) {
    let at = Timespec {
        tv_sec: seconds,
        tv_nsec: nanos,
    };
    let times = Timestamps {
        last_access: at,
        last_modification: at,
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Everything a layer can hold.
fn rich_tree(root: &Path) {
    let at = |name: &str| root.join(name);
    for name in ["etc", "empty", "shared", "sparse", "a/b/c/d/e/f/g"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    fs::write(at("etc/passwd"), "root:x:0:0::/:/bin/sh\n").unwrap();
    fs::write(at("nothing"), "").unwrap();
    fs::write(at("large"), vec![b'x'; 1_500_001]).unwrap();
    fs::write(at("a/b/c/d/e/f/g/deep"), "deep").unwrap();
    for length in [99, 100, 101, 154, 155, 156, 255] {
        fs::write(at("etc").join("n".repeat(length)), "long").unwrap();
        symlink("t".repeat(length), at(&format!("link-{length}"))).unwrap();
        let deep = at(&"dir-of-some-length/".repeat(length / 8));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("f"), "x").unwrap();
        fs::hard_link(deep.join("f"), at(&format!("hard-{length}"))).unwrap();
    }
    fs::write(
        root.join(std::ffi::OsString::from_vec(
            b"bytes \xff\xfe\n=\\".to_vec(),
        )),
        "x",
    )
    .unwrap();
    symlink("/etc/passwd", at("absolute")).unwrap();
    symlink("gone", at("dangling")).unwrap();
    for (name, mode) in [
        ("suid", 0o4755),
        ("sgid", 0o2711),
        ("secret", 0o000),
        ("sticky", 0o1644),
    ] {
        fs::write(at(name), name).unwrap();
        lchown(at(name), Some(1000), Some(2_000_000)).unwrap();
        fs::set_permissions(at(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    lchown(at("absolute"), Some(65_534), Some(3)).unwrap();
    lchown(at("shared"), Some(3_000_000_000), Some(50)).unwrap();
    fs::set_permissions(at("shared"), PermissionsExt::from_mode(0o3775)).unwrap();
    fs::write(at("shared/f"), "group zero in a setgid directory").unwrap();
    lchown(at("shared/f"), Some(0), Some(0)).unwrap();
    for (name, kind, device) in [
        ("fifo", FileType::Fifo, 0),
        ("char", FileType::CharacterDevice, makedev(1, 3)),
        ("block", FileType::BlockDevice, makedev(259, 70_000)),
    ] {
        mknodat(CWD, at(name), kind, Mode::from_raw_mode(0o640), device).unwrap();
    }
    sparse_files(&at("sparse"));
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let long_value = [b'v'; 600];
    for (name, attribute, value) in [
        ("suid", "security.capability", &capability[..]),
        ("large", "user.note", b"some\0binary\n=value"),
        ("empty", "user.dir", b"x"),
        ("etc", "trusted.etc", &long_value[..]),
        ("absolute", "trusted.on-a-link", b"1"),
    ] {
        let attribute = CString::new(attribute).unwrap();
        lsetxattr(at(name), &attribute, value, XattrFlags::empty()).unwrap();
    }
    touch(&at("nothing"), 1_234_567_890, 123_456_789);
    touch(&at("dangling"), 981_173_106, 0);
    touch(&at("etc/passwd"), -86_400, 500_000_000);
    touch(&at("fifo"), 5_000_000_000, 1);
    touch(&at("a/b"), 1_000_000_000, 999_999_999);
    touch(&at("etc"), 1_100_000_000, 0);
    touch(root, 1_500_000_000, 0);
}

fn sparse_files(directory: &Path) {
    for (name, extents, size) in [
        ("hole-first", &[(1 << 20, 5000)][..], (1 << 20) + 5000),
        ("hole-last", &[(0, 10)], 3 << 20),
        ("only-hole", &[], 1 << 20),
        (
            "many",
            &[
                (0, 4096),
                (1 << 16, 1),
                (1 << 18, 4096),
                (1 << 20, 9000),
                (2 << 20, 3),
                (3 << 20, 70_000),
                (5 << 20, 1),
            ],
            6 << 20,
        ),
    ] {
        let file = File::create(directory.join(name)).unwrap();
        for (offset, length) in extents {
            file.write_all_at(&vec![b'd'; *length], *offset).unwrap();
        }
        file.set_len(size).unwrap();
    }
    // More extents than the old headers hold in one block.
    let mut file = File::create(directory.join("comb")).unwrap();
    for tooth in 0..120 {
        file.seek(SeekFrom::Start(tooth * 65_536)).unwrap();
        file.write_all(b"tooth").unwrap();
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Found {
    mode: u32,
    ids: (u32, u32),
    links: u64,
    size: u64,
    mtime: (i64, i64),
    device: u64,
    content: Vec<u8>,
    target: Option<PathBuf>,
    xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

fn look(root: &Path) -> BTreeMap<PathBuf, Found> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            pending.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        let entry = Found {
            mode: meta.mode(),
            ids: (meta.uid(), meta.gid()),
            links: if meta.is_dir() { 0 } else { meta.nlink() },
            size: if meta.is_dir() { 0 } else { meta.size() },
            mtime: (meta.mtime(), meta.mtime_nsec()),
            device: meta.rdev(),
            content: if meta.is_file() {
                fs::read(&path).unwrap()
            } else {
                Vec::new()
            },
            target: fs::read_link(&path).ok(),
            xattrs: xattrs(&path),
        };
        found.insert(path.strip_prefix(root).unwrap().to_owned(), entry);
    }
    found
}

fn xattrs(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap_or(0);
    names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let text = std::str::from_utf8(name).unwrap();
            (name.to_vec(), common::xattr(path, text).unwrap())
        })
        .collect()
}

fn tar(arguments: &[&str], directory: &Path, archive: &Path) {
    let status = Command::new("tar")
        .args(arguments)
        .arg("-C")
        .arg(directory)
        .arg("-f")
        .arg(archive)
        .args(if arguments.contains(&"-c") {
            &["."][..]
        } else {
            &[]
        })
        .status()
        .unwrap();
    assert!(status.success(), "tar {arguments:?}");
}

#[test]
fn every_format_of_gnu_tar_gives_the_tree_that_gnu_tar_gives() {
    let Some(scene) = Scene::new() else { return };
    if !have_tar() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let source = place.path().join("source");
    fs::create_dir(&source).unwrap();
    rich_tree(&source);
    let pax = ["--format=posix", "--xattrs", "--xattrs-include=*"];
    let formats: [(&str, Vec<&str>); 6] = [
        ("pax", pax.to_vec()),
        ("gnu", vec!["--format=gnu"]),
        ("gnu-sparse", vec!["--format=gnu", "-S"]),
        ("sparse-0.0", [&pax[..], &["--sparse-version=0.0"]].concat()),
        ("sparse-0.1", [&pax[..], &["--sparse-version=0.1"]].concat()),
        ("sparse-1.0", [&pax[..], &["--sparse-version=1.0"]].concat()),
    ];
    for (name, options) in formats {
        let archive = place.path().join(format!("{name}.tar"));
        tar(
            &[&["-c", "--numeric-owner"][..], &options].concat(),
            &source,
            &archive,
        );
        let theirs = place.path().join(name);
        fs::create_dir(&theirs).unwrap();
        let extract = [
            "-x",
            "-p",
            "--numeric-owner",
            "--xattrs",
            "--xattrs-include=*",
        ];
        tar(&extract, &theirs, &archive);

        let file = File::open(&archive).unwrap();
        let source = Source::File {
            file,
            offset: 0,
            length: 0,
        };
        let result = scene.unpack_from(name, source, |_| ()).unwrap();
        assert!(
            result.self_contained,
            "{}",
            result.not_self_contained_because
        );
        let ours = scene.layer(name);
        let (expected, found) = (look(&theirs), look(&ours));
        assert_eq!(expected.len(), found.len(), "{name}");
        for (path, expected) in &expected {
            assert_eq!(
                Some(expected),
                found.get(path),
                "{name}: {}",
                path.display()
            );
        }
        let status = Command::new("du")
            .args(["-s", "--block-size=1"])
            .arg(&ours)
            .output()
            .unwrap();
        let occupied = String::from_utf8_lossy(&status.stdout);
        let occupied: u64 = occupied.split('\t').next().unwrap().parse().unwrap();
        // ext4 gives a file of more than four extents a block for their list when it is written back,
        // whenever that is: "many" and "comb" have such lists.
        let lists = 0..=2 * 4096;
        assert!(
            occupied
                .checked_sub(result.unpacked_bytes)
                .is_some_and(|more| lists.contains(&more)),
            "{name}: {} are not {occupied}",
            result.unpacked_bytes
        );
        let blocks = |root: &Path| fs::metadata(root.join("sparse/many")).unwrap().blocks();
        assert!(blocks(&ours) <= blocks(&theirs), "{name}: holes are filled");
    }
}

#[test]
fn names_without_the_root_and_in_any_order_are_the_same_too() {
    let Some(scene) = Scene::new() else { return };
    if !have_tar() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let source = place.path().join("source");
    fs::create_dir(&source).unwrap();
    rich_tree(&source);
    let mut names: Vec<_> = look(&source)
        .into_keys()
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    names.reverse();
    let list = place.path().join("names");
    let lines: Vec<u8> = names
        .iter()
        .flat_map(|name| [name.as_os_str().as_bytes(), b"\0"].concat())
        .collect();
    fs::write(&list, lines).unwrap();
    let archive = place.path().join("reversed.tar");
    let status = Command::new("tar")
        .args([
            "-c",
            "--format=posix",
            "--numeric-owner",
            "--no-recursion",
            "--null",
            "-C",
        ])
        .arg(&source)
        .arg("-f")
        .arg(&archive)
        .arg("-T")
        .arg(&list)
        .status()
        .unwrap();
    assert!(status.success());
    let file = File::open(&archive).unwrap();
    let result = scene
        .unpack_from(
            "a",
            Source::File {
                file,
                offset: 0,
                length: 0,
            },
            |_| (),
        )
        .unwrap();
    assert!(
        result.self_contained,
        "{}",
        result.not_self_contained_because
    );
    let (mut expected, mut found) = (look(&source), look(&scene.layer("a")));
    expected.remove(Path::new(""));
    found.remove(Path::new(""));
    for entry in expected.values_mut() {
        entry.xattrs.clear();
    }
    for (path, expected) in &expected {
        assert_eq!(Some(expected), found.get(path), "{}", path.display());
    }
    assert_eq!(expected.len(), found.len());
}
