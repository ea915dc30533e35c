//! Whiteouts, replacement, self-containedness.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;

use estiba_unpack::{Outcome, Source};

use common::{Member, Scene, dir, file, hard_link, merged, pax, symlink, xattr};

#[test]
fn a_layer_that_names_all_its_directories_is_self_contained() {
    let Some(scene) = Scene::new() else { return };
    let result = scene
        .unpack("a", &[dir("./"), dir("d"), file("d/f", "x")])
        .unwrap();
    assert!(result.self_contained && result.complete);
    assert_eq!(result.not_self_contained_because, "");
    // The parent may also come later.
    let result = scene
        .unpack("b", &[file("d/f", "x"), dir("d").mode(0o1777)])
        .unwrap();
    assert!(result.self_contained);
    assert_eq!(
        fs::metadata(scene.layer("b/d")).unwrap().mode() & 0o7777,
        0o1777
    );
}

#[test]
fn a_job_told_to_stop_does_so_at_the_first_entry_that_needs_something_from_below() {
    let Some(scene) = Scene::new() else { return };
    let stopped = |name: &str, entries: &[Member]| {
        let mut blob = common::tar(entries);
        // Whatever comes behind it is not looked at any more.
        blob.truncate(blob.len() - 1024);
        blob.extend([b'x'; 512]);
        let source = Source::Stream(Box::new(std::io::Cursor::new(blob)));
        let wrong = Some(format!("sha256:{}", "0".repeat(64)));
        let outcome = scene.run(name, source, |job| {
            job.stop_unless_self_contained = true;
            job.expected_digest = wrong;
        });
        match outcome.unwrap() {
            Outcome::Stopped(why) => why,
            Outcome::Unpacked(unpacked) => unreachable!("{unpacked:?}"),
        }
    };
    let why = stopped("a", &[dir("d"), file("d/f", "x"), file("b/c/f", "x")]);
    assert_eq!(
        why,
        "entry \"b/c/f\" is in directory \"b\", which is no entry"
    );
    assert!(stopped("a", &[hard_link("h", "below")]).contains("not in the layer"));
    let opaque = stopped("a", &[file(".wh..wh..opq", "")]);
    assert!(opaque.contains("hides the whole root"));
    let whiteout = stopped("a", &[file("d/.wh.x", "")]);
    assert!(whiteout.contains("no entry"));
    let whole = scene.unpack_with("a", &common::tar(&[dir("d"), file("d/f", "x")]), |job| {
        job.stop_unless_self_contained = true;
    });
    assert!(whole.unwrap().self_contained);
    // On its parents nothing is missing.
    let top = scene.unpack_with("b", &common::tar(&[file("d/g", "x")]), |job| {
        job.stop_unless_self_contained = true;
        job.parent_dirs = vec![scene.layer("a")];
    });
    assert!(top.unwrap().complete);
}

#[test]
fn the_first_entry_that_needs_something_from_below_is_named() {
    let Some(scene) = Scene::new() else { return };
    let entries = [file("b/c/f", "x"), file("a/f", "x"), dir("b/c")];
    let result = scene.unpack("a", &entries).unwrap();
    assert!(!result.self_contained && result.complete);
    assert_eq!(
        result.not_self_contained_because,
        "entry \"b/c/f\" is in directory \"b\", which is no entry"
    );
    assert_eq!(
        fs::metadata(scene.layer("a/a")).unwrap().mode() & 0o7777,
        0o755
    );
    let result = scene
        .unpack("b", &[file(".wh..wh..opq", ""), file("f", "x")])
        .unwrap();
    assert!(
        result
            .not_self_contained_because
            .contains("hides the whole root")
    );
    assert!(result.complete);
    let result = scene
        .unpack("c", &[symlink("lib", "usr/lib"), file("lib/f", "x")])
        .unwrap();
    assert!(
        result
            .not_self_contained_because
            .contains("\"usr\", which is no entry")
    );
    assert_eq!(
        scene.listing("c"),
        ["lib -> usr/lib", "usr dir", "usr/lib dir", "usr/lib/f = x"]
    );
}

#[test]
fn a_hard_link_out_of_the_layer_makes_it_incomplete_and_is_named() {
    let Some(scene) = Scene::new() else { return };
    let entries = [file("b/f", "x"), hard_link("h", "nowhere"), file("g", "y")];
    let result = scene.unpack("a", &entries).unwrap();
    assert!(!result.self_contained && !result.complete);
    assert_eq!(
        result.not_self_contained_because,
        "entry \"h\" is a hard link to \"nowhere\", which is not in the layer"
    );
    assert!(!scene.layer("a/h").exists() && scene.layer("a/g").exists());
}

#[test]
fn parents_that_are_symlinks_of_the_layer_are_followed_inside_it() {
    let Some(scene) = Scene::new() else { return };
    let entries = [
        dir("usr"),
        dir("usr/lib"),
        symlink("lib", "/usr/lib"),
        file("lib/f", "x"),
        symlink("usr/up", "../../../usr/./lib"),
        hard_link("usr/up/g", "lib/f"),
    ];
    let result = scene.unpack("a", &entries).unwrap();
    assert!(
        result.self_contained,
        "{}",
        result.not_self_contained_because
    );
    assert_eq!(fs::metadata(scene.layer("a/usr/lib/g")).unwrap().nlink(), 2);
}

#[test]
fn the_root_entry_sets_the_mode_of_the_root() {
    let Some(scene) = Scene::new() else { return };
    scene
        .unpack("a", &[dir("./").mode(0o1750).ids(5, 6), file("f", "")])
        .unwrap();
    let meta = fs::metadata(scene.layer("a")).unwrap();
    assert_eq!(
        (meta.mode() & 0o7777, meta.uid(), meta.gid()),
        (0o1750, 5, 6)
    );
    assert_eq!(meta.mtime(), 1_600_000_000);
    scene.unpack("b", &[file("f", "")]).unwrap();
    assert_eq!(
        fs::metadata(scene.layer("b")).unwrap().mode() & 0o7777,
        0o755
    );
}

#[test]
fn whiteouts_become_devices_and_take_away_what_came_before() {
    let Some(scene) = Scene::new() else { return };
    let entries = [
        file(".wh.gone", ""),
        file("f", "x"),
        file(".wh.f", ""),
        dir("d"),
        file("d/f", "x"),
        Member::new(b'1', ".wh.d").link("anything"),
        file(".wh..wh.plnk", ""),
        dir(".wh..wh.orph"),
        file(".wh..wh.orph/x", ""),
    ];
    let result = scene.unpack("a", &entries).unwrap();
    assert_eq!(
        scene.listing("a"),
        ["d whiteout", "f whiteout", "gone whiteout"]
    );
    assert!(result.self_contained);
    assert_eq!(result.inodes, 4);
}

#[test]
fn a_directory_made_again_after_its_whiteout_hides_what_is_below() {
    let Some(scene) = Scene::new() else { return };
    scene
        .unpack(
            "base",
            &[dir("d"), file("d/old", "x"), dir("e"), file("e/old", "x")],
        )
        .unwrap();
    let entries = [
        file(".wh.d", ""),
        dir("d"),
        file("d/new", "x"),
        file("e", "x"),
        dir("e"),
    ];
    scene.unpack("a", &entries).unwrap();
    assert_eq!(
        scene.listing("a"),
        ["d opaque dir", "d/new = x", "e opaque dir"]
    );
    // The same on top of the parent, where the overlay itself does it.
    scene.unpack_on("b", &["base"], &entries).unwrap();
    for layer in ["a", "b"] {
        let view = merged(&[scene.layer(layer), scene.layer("base")]);
        assert_eq!(
            view.keys().collect::<Vec<_>>(),
            ["d", "d/new", "e"],
            "{layer}"
        );
    }
    // A file put into a whited-out directory brings the directory back, empty but for it.
    scene
        .unpack("c", &[file(".wh.d", ""), file("d/new", "x")])
        .unwrap();
    assert_eq!(scene.listing("c"), ["d opaque dir", "d/new = x"]);
}

#[test]
fn an_opaque_marker_keeps_the_layers_own_files_wherever_it_stands() {
    let Some(scene) = Scene::new() else { return };
    scene
        .unpack(
            "base",
            &[
                dir("d"),
                file("d/old", "x"),
                dir("d/s"),
                file("d/s/old", "x"),
                dir("d/t"),
                file("d/t/old", "x"),
            ],
        )
        .unwrap();
    let entries = [
        dir("d"),
        file("d/before", "x"),
        dir("d/s"),
        file("d/s/before", "x"),
        file("d/.wh..wh..opq", ""),
        file("d/after", "x"),
        file("d/.wh.pointless", ""),
    ];
    scene.unpack("a", &entries).unwrap();
    assert_eq!(
        scene.listing("a"),
        [
            "d opaque dir",
            "d/after = x",
            "d/before = x",
            "d/s dir",
            "d/s/before = x"
        ]
    );
    scene.unpack_on("b", &["base"], &entries).unwrap();
    for layer in ["a", "b"] {
        let view = merged(&[scene.layer(layer), scene.layer("base")]);
        let names: Vec<_> = view.keys().collect();
        assert_eq!(
            names,
            ["d", "d/after", "d/before", "d/s", "d/s/before"],
            "{layer}"
        );
    }
}

#[test]
fn later_entries_replace_earlier_ones_of_another_kind() {
    let Some(scene) = Scene::new() else { return };
    let entries = [
        dir("d").mode(0o700),
        file("d/kept", "x"),
        dir("d").mode(0o711),
        dir("becomes-file"),
        file("becomes-file/x", ""),
        file("becomes-file", "now"),
        symlink("s", "d"),
        symlink("s", "elsewhere"),
        file("twice", "first"),
        file("twice", "second"),
        Member::new(b'6', "p"),
        file("p", "plain"),
    ];
    scene.unpack("a", &entries).unwrap();
    let expected = [
        "becomes-file = now",
        "d dir",
        "d/kept = x",
        "p = plain",
        "s -> elsewhere",
        "twice = second",
    ];
    assert_eq!(scene.listing("a"), expected);
    assert_eq!(
        fs::metadata(scene.layer("a/d")).unwrap().mode() & 0o7777,
        0o711
    );
}

#[test]
fn times_of_directories_survive_what_is_put_into_them_later() {
    let Some(scene) = Scene::new() else { return };
    let entries = [
        dir("d"),
        dir("d/e"),
        file("d/e/f", "x"),
        file("d/g", "x"),
        file("d/.wh.h", ""),
    ];
    scene.unpack("a", &entries).unwrap();
    for name in ["d", "d/e", "d/e/f"] {
        assert_eq!(
            fs::metadata(scene.layer("a").join(name)).unwrap().mtime(),
            1_600_000_000,
            "{name}"
        );
    }
}

#[test]
fn default_acls_of_directories_do_not_leak_into_the_layers_files() {
    let Some(scene) = Scene::new() else { return };
    // Version 2; user::rwx, user 1000:rwx, group::---, mask::rwx, other::---.
    let mut acl = vec![2, 0, 0, 0];
    for (tag, permissions, id) in [
        (1u16, 7u16, u32::MAX),
        (2, 7, 1000),
        (4, 0, u32::MAX),
        (16, 7, u32::MAX),
        (32, 0, u32::MAX),
    ] {
        acl.extend(tag.to_le_bytes());
        acl.extend(permissions.to_le_bytes());
        acl.extend(id.to_le_bytes());
    }
    let with_acl = pax(&[("SCHILY.xattr.system.posix_acl_default", &acl)]);
    scene
        .unpack("base", &[with_acl.clone(), dir("d"), file("d/f", "x")])
        .unwrap();
    assert_eq!(
        xattr(&scene.layer("base/d"), "system.posix_acl_default").unwrap(),
        acl
    );
    scene
        .unpack_on(
            "top",
            &["base"],
            &[file("d/g", "x"), dir("d/s").mode(0o750)],
        )
        .unwrap();
    for (path, mode) in [("base/d/f", 0o644), ("top/d/g", 0o644), ("top/d/s", 0o750)] {
        assert_eq!(
            xattr(&scene.layer(path), "system.posix_acl_access"),
            None,
            "{path}"
        );
        assert_eq!(
            fs::metadata(scene.layer(path)).unwrap().mode() & 0o7777,
            mode,
            "{path}"
        );
    }
}

#[test]
fn a_file_that_goes_to_disk_while_it_comes_is_whole() {
    let Some(scene) = Scene::new() else { return };
    let text: String = (0..1_200_000)
        .map(|number| format!("{number:08}"))
        .collect();
    let entries = [dir("d"), file("d/large", &text), file("d/small", "x")];
    assert!(scene.unpack("a", &entries).unwrap().self_contained);
    let found = fs::read_to_string(scene.layer("a/d/large")).unwrap();
    assert!(found == text, "{} bytes of {}", found.len(), text.len());
    assert_eq!(fs::read_to_string(scene.layer("a/d/small")).unwrap(), "x");
    // The same through an overlay.
    scene.unpack_on("b", &["a"], &entries).unwrap();
    let found = fs::read_to_string(scene.layer("b/d/large")).unwrap();
    assert!(found == text, "{} bytes of {}", found.len(), text.len());
}

#[test]
fn sizes_are_what_the_files_occupy() {
    let Some(scene) = Scene::new() else { return };
    let data = "x".repeat(100_000);
    let entries = [
        dir("d"),
        file("d/f", &data),
        hard_link("d/g", "d/f"),
        symlink("s", "d"),
        file("f", "1"),
    ];
    let result = scene.unpack("a", &entries).unwrap();
    let blocks = |path: &str| fs::symlink_metadata(scene.layer(path)).unwrap().blocks() * 512;
    let expected: u64 = ["a", "a/d", "a/d/f", "a/s", "a/f"].map(blocks).iter().sum();
    assert_eq!((result.unpacked_bytes, result.inodes), (expected, 5));
}
