//! Layers on top of others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;

use common::{Member, Scene, dir, file, hard_link, symlink, xattr};

#[test]
fn on_top_of_parents_implied_directories_keep_their_real_mode_and_links_resolve() {
    let Some(scene) = Scene::new() else { return };
    let base = [
        dir("./").mode(0o751),
        dir("tmp").mode(0o1777),
        dir("usr").ids(7, 8),
        dir("usr/bin"),
        symlink("bin", "usr/bin"),
        file("usr/bin/tool", "tool"),
    ];
    scene.unpack("base", &base).unwrap();
    scene
        .unpack(
            "middle",
            &[dir("./").mode(0o751), dir("opt"), file("opt/f", "x")],
        )
        .unwrap();
    let top = [
        file("tmp/f", "x"),
        file("bin/new", "x"),
        hard_link("alias", "bin/tool"),
        file("opt/g", "x"),
    ];
    let alone = scene.unpack("alone", &top).unwrap();
    assert!(!alone.self_contained && !alone.complete);
    let result = scene.unpack_on("top", &["middle", "base"], &top).unwrap();
    assert!(!result.self_contained && result.complete);
    assert_eq!(
        scene.listing("top"),
        [
            "alias = tool",
            "opt dir",
            "opt/g = x",
            "tmp dir",
            "tmp/f = x",
            "usr dir",
            "usr/bin dir",
            "usr/bin/new = x",
            "usr/bin/tool = tool"
        ]
    );
    let mode = |path: &str| fs::metadata(scene.layer(path)).unwrap().mode() & 0o7777;
    assert_eq!(
        (mode("top/tmp"), mode("top"), mode("top/usr")),
        (0o1777, 0o751, 0o755)
    );
    assert_eq!(fs::metadata(scene.layer("top/usr")).unwrap().uid(), 7);
    assert_eq!(fs::metadata(scene.layer("top/alias")).unwrap().nlink(), 2);
    for path in [
        "top",
        "top/usr",
        "top/usr/bin",
        "top/usr/bin/tool",
        "top/tmp",
    ] {
        for trace in ["origin", "impure", "nlink", "uuid", "redirect", "metacopy"] {
            let name = format!("trusted.overlay.{trace}");
            assert_eq!(xattr(&scene.layer(path), &name), None, "{path}");
        }
    }
    assert_eq!(result.inodes, 9);
}

#[test]
fn on_top_of_parents_whiteouts_delete_what_is_below() {
    let Some(scene) = Scene::new() else { return };
    scene
        .unpack(
            "base",
            &[
                dir("d"),
                file("d/f", "x"),
                file("d/g", "x"),
                dir("e"),
                file("e/f", "x"),
                file("h", "x"),
            ],
        )
        .unwrap();
    let entries = [
        file("d/.wh.f", ""),
        file(".wh.e", ""),
        file("d/.wh.not-there", ""),
        file("nowhere/.wh.x", ""),
        file(".wh.h", ""),
        file("h", "again"),
        Member::new(b'5', "d/g"),
    ];
    scene.unpack_on("top", &["base"], &entries).unwrap();
    assert_eq!(
        scene.listing("top"),
        [
            "d dir",
            "d/f whiteout",
            "d/g opaque dir",
            "e whiteout",
            "h = again"
        ]
    );
    let error = scene
        .unpack_on("bad", &["base"], &[hard_link("x", "nowhere")])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("hard-link target \"nowhere\" does not exist"),
        "{error}"
    );
}

#[test]
fn an_opaque_root_hides_every_parent() {
    let Some(scene) = Scene::new() else { return };
    scene
        .unpack("base", &[dir("d"), file("d/f", "x"), file("g", "x")])
        .unwrap();
    scene
        .unpack_on(
            "top",
            &["base"],
            &[file("new", "x"), file(".wh..wh..opq", "")],
        )
        .unwrap();
    assert_eq!(
        scene.listing("top"),
        ["d whiteout", "g whiteout", "new = x"]
    );
}
