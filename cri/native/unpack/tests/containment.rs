//! Archives made to write, link, change or delete outside the layer. `Scene` checks after every
//! job that two canaries are unchanged and that nothing new lies beside the layer.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;

use common::{Member, Scene, dir, file, hard_link, long, pax, symlink};
use estiba_unpack::ErrorCode;

#[test]
fn parent_components_are_refused_wherever_they_stand() {
    let Some(scene) = Scene::new() else { return };
    for name in ["../canary", "a/../../canary", "..", "/../canary", "a/.."] {
        scene.refuses(
            &[file(name, "x")],
            &["\"..\" component", "cannot unpack entry", name],
        );
        scene.refuses(&[dir(name)], &["\"..\" component"]);
    }
    scene.refuses(
        &[dir("a"), hard_link("a/x", "../canary")],
        &["\"..\" component"],
    );
    scene.refuses(
        &[pax(&[("path", b"../canary")]), file("x", "")],
        &["../canary"],
    );
    scene.refuses(&[long(b'L', b"../canary"), file("x", "")], &["../canary"]);
}

#[test]
fn absolute_names_land_inside_the_layer() {
    let Some(scene) = Scene::new() else { return };
    scene
        .unpack(
            "a",
            &[dir("/etc"), file("/etc/x", "in"), hard_link("y", "/etc/x")],
        )
        .unwrap();
    assert_eq!(scene.listing("a"), ["etc dir", "etc/x = in", "y = in"]);
}

#[test]
fn a_file_through_a_symlinked_directory_stays_in_the_layer() {
    let Some(scene) = Scene::new() else { return };
    let home = scene.home.path().to_str().unwrap();
    scene
        .unpack(
            "a",
            &[
                symlink("out", home),
                symlink("up", "../../.."),
                file("out/canary", "evil"),
                file("up/canary", "evil"),
            ],
        )
        .unwrap();
    let inside = fs::read_to_string(scene.layer("a").join(&home[1..]).join("canary")).unwrap();
    assert_eq!(inside, "evil");
    assert_eq!(
        fs::read_to_string(scene.layer("a").join("canary")).unwrap(),
        "evil"
    );
}

#[test]
fn an_entry_over_a_symlink_replaces_the_symlink() {
    let Some(scene) = Scene::new() else { return };
    let canary = scene.home.path().join("canary");
    let canary = canary.to_str().unwrap();
    let entries = [
        symlink("f", canary),
        file("f", "new"),
        symlink("d", scene.home.path().to_str().unwrap()),
        dir("d").mode(0o712),
        file("d/canary", "evil"),
        symlink("n", canary),
        Member::new(b'6', "n"),
    ];
    scene.unpack("a", &entries).unwrap();
    let listing = scene.listing("a");
    assert_eq!(listing[..3], ["d opaque dir", "d/canary = evil", "f = new"]);
    assert_ne!(
        fs::metadata(scene.home.path()).unwrap().mode() & 0o7777,
        0o712
    );
}

#[test]
fn a_hard_link_through_a_symlink_reaches_only_the_layer() {
    let Some(scene) = Scene::new() else { return };
    let home = scene.home.path().to_str().unwrap();
    let result = scene
        .unpack("a", &[symlink("out", home), hard_link("x", "out/canary")])
        .unwrap();
    assert!(!result.complete && !result.self_contained);
    assert!(
        result
            .not_self_contained_because
            .contains("hard link to \"out/canary\"")
    );

    // To a symlink: the link is to the symlink itself, never to what it names.
    let canary = format!("{home}/canary");
    scene
        .unpack(
            "b",
            &[symlink("s", &canary), hard_link("x", "s"), file("x", "new")],
        )
        .unwrap();
    assert_eq!(
        scene.listing("b"),
        [format!("s -> {canary}"), "x = new".to_owned()]
    );
}

#[test]
fn writing_to_a_hard_linked_name_replaces_it_and_leaves_the_other_name() {
    let Some(scene) = Scene::new() else { return };
    scene
        .unpack(
            "a",
            &[file("a", "old"), hard_link("b", "a"), file("b", "new")],
        )
        .unwrap();
    assert_eq!(scene.listing("a"), ["a = old", "b = new"]);
    scene
        .unpack(
            "b",
            &[
                file("a", "same"),
                hard_link("a", "a"),
                hard_link("./a", "/a"),
            ],
        )
        .unwrap();
    assert_eq!(scene.listing("b"), ["a = same"]);
}

#[test]
fn symlink_loops_end_in_an_error_that_says_so() {
    let Some(scene) = Scene::new() else { return };
    let entries = [symlink("a", "b"), symlink("b", "a"), file("a/x", "")];
    scene.refuses(&entries, &["too many symlinks", "a/x"]);
    scene.refuses(&[symlink("a", "a/a/a"), dir("a/x")], &["too many symlinks"]);
}

#[test]
fn names_and_links_that_no_system_call_takes_are_refused() {
    let Some(scene) = Scene::new() else { return };
    let long_path = "d/".repeat(2500);
    scene.refuses(
        &[long(b'L', long_path.as_bytes()), file("x", "")],
        &["4999 bytes", "4095"],
    );
    let long_name = "n".repeat(256);
    scene.refuses(
        &[long(b'L', long_name.as_bytes()), file("x", "")],
        &["256 bytes"],
    );
    scene.refuses(
        &[long(b'K', &[b'l'; 5000]), symlink("x", "")],
        &["5000 bytes"],
    );
    scene.refuses(&[symlink("x", "")], &["symlink to nothing"]);
    scene.refuses(
        &[pax(&[("path", b"a\0b")]), file("x", "")],
        &["PAX record \"path\""],
    );
    scene.refuses(
        &[long(b'L', &[b'a'; 70_000]), file("x", "")],
        &["long name has 70001 bytes"],
    );
}

#[test]
fn deep_trees_are_made_and_removed_without_a_deep_stack() {
    let Some(scene) = Scene::new() else { return };
    let deep = "d/".repeat(2040);
    let entries = [long(b'L', deep.as_bytes()), dir("x"), file("d", "flat")];
    scene.unpack("a", &entries).unwrap();
    assert_eq!(scene.listing("a"), ["d = flat"]);
    scene.refuses(
        &[long(b'L', deep.as_bytes()), dir("x"), file("../x", "")],
        &["\"..\""],
    );
    // A symlink lets a short name reach deeper than a path may be.
    let link = [
        long(b'L', deep.as_bytes()),
        dir("x"),
        long(b'K', deep.as_bytes()),
        symlink("s", ""),
        dir("s/a/b/c/d/e/f/g/h/i/j"),
    ];
    let error = scene.unpack("b", &link).unwrap_err();
    assert_eq!(error.errno(), 36, "{error}");
}

#[test]
fn whiteouts_of_no_name_are_refused() {
    let Some(scene) = Scene::new() else { return };
    for name in [".wh.", ".wh..", ".wh...", "a/.wh..."] {
        scene.refuses(&[dir("a"), file(name, "")], &["whiteout of no name"]);
    }
    scene.refuses(&[file(".wh.a/b", "")], &["inside a whiteout"]);
}

#[test]
fn overlay_and_label_attributes_of_an_image_are_left_out() {
    let Some(scene) = Scene::new() else { return };
    let records: &[(&str, &[u8])] = &[
        ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
        ("SCHILY.xattr.trusted.overlay.redirect", b"/etc"),
        ("SCHILY.xattr.security.selinux", b"label"),
        ("SCHILY.xattr.trusted.kept", b"1"),
        ("LIBARCHIVE.xattr.trusted.overlay.metacopy", b""),
    ];
    scene
        .unpack("a", &[pax(records), dir("d"), pax(records), file("f", "x")])
        .unwrap();
    for name in ["d", "f"] {
        let path = scene.layer("a").join(name);
        assert_eq!(common::xattr(&path, "trusted.kept").unwrap(), b"1");
        for gone in [
            "trusted.overlay.opaque",
            "trusted.overlay.redirect",
            "trusted.overlay.metacopy",
            "security.selinux",
        ] {
            assert_eq!(common::xattr(&path, gone), None, "{gone}");
        }
    }
}

#[test]
fn an_existing_target_is_never_touched() {
    let Some(scene) = Scene::new() else { return };
    scene.unpack("a", &[file("kept", "x")]).unwrap();
    let error = {
        let job = estiba_unpack::UnpackJob::new(scene.layer("a"));
        let source = estiba_unpack::Source::Stream(Box::new(std::io::empty()));
        let run = move || estiba_unpack::run_job(&job, source, &mut |_| ());
        std::thread::spawn(run).join().unwrap().unwrap_err()
    };
    assert_eq!(error.code(), ErrorCode::AlreadyExists);
    assert_eq!(scene.listing("a"), ["kept = x"]);
}
