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

use common::{Member, Scene, dir, file, hard_link, long, members, pax, seal, symlink, tar};
use estiba_unpack::{ErrorCode, UnpackError};

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
fn device_numbers_and_kinds_that_cannot_be_are_refused() {
    let Some(scene) = Scene::new() else { return };
    scene.refuses(
        &[Member::new(b'3', "w").device(0, 0)],
        &["0:0 is an overlay whiteout"],
    );
    scene.refuses(
        &[Member::new(b'3', "w").device(4096, 0)],
        &["device number"],
    );
    scene.refuses(
        &[Member::new(b'4', "w").device(0, 1 << 20)],
        &["device number"],
    );
    scene.refuses(&[Member::new(b'M', "w")], &["type 'M'"]);
    scene.refuses(
        &[file("./", "x").mode(0o644), symlink(".", "x")],
        &["no directory"],
    );
    scene.refuses(&[dir("d"), hard_link("x", "d")], &["is a directory"]);
    scene.refuses(&[hard_link("x", "/")], &["layer's root"]);
    scene.refuses(
        &[file("f", ""), file("f/x", "")],
        &["\"f\" is not a directory"],
    );
    scene.refuses(&[file("f", ""), hard_link("x", "f/y")], &["inside a file"]);
}

#[test]
fn ids_that_would_wrap_to_root_are_refused() {
    let Some(scene) = Scene::new() else { return };
    for id in [
        &b"4294967295"[..],
        b"4294967296",
        b"18446744073709551616",
        b"-1",
    ] {
        scene.refuses(&[pax(&[("uid", id)]), file("x", "")], &[]);
        scene.refuses(&[pax(&[("gid", id)]), file("x", "")], &[]);
    }
}

#[test]
fn sizes_that_lie_are_found() {
    let Some(scene) = Scene::new() else { return };
    let mut liar = file("liar", "short");
    liar.size = Some(b"00000010000\0".to_vec());
    scene.refuses(
        &[liar.clone()],
        &["ends in the entry's data", "in entry \"liar\""],
    );
    liar.size = Some([&[0xff; 11][..], b"\0"].concat());
    scene.refuses(&[liar.clone()], &["its size is no number"]);
    liar.size = Some(b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec());
    scene.refuses(&[liar], &["its size is no number"]);
    scene.refuses(
        &[pax(&[("size", b"9223372036854775807")]), file("x", "abc")],
        &["bytes"],
    );
    let mut big = pax(&[("path", b"x")]);
    big.size = Some(b"77777777777\0".to_vec());
    scene.refuses(&[big], &["PAX header has 8589934591 bytes"]);
    scene.refuses(
        &[pax(&[("path", b"x")])],
        &["ends after an extension header"],
    );
}

#[test]
fn sparse_files_may_not_be_larger_than_the_layer_may_be() {
    let Some(scene) = Scene::new() else { return };
    let keys: &[(&str, &[u8])] = &[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"bomb"),
        ("GNU.sparse.realsize", b"1000000000000000"),
    ];
    let mut data = b"1\n0\n4\n".to_vec();
    data.resize(512, 0);
    data.extend(b"data");
    let bomb = [pax(keys), file("x", "").data(&data)];
    let error = scene.unpack("a", &bomb).unwrap_err();
    assert!(
        matches!(error, UnpackError::Limit { what: "bytes", .. }),
        "{error}"
    );
    assert_eq!(error.code(), ErrorCode::ResourceExhausted);

    for map in [
        "1\n0\n5\n",
        "2\n0\n4\n",
        "1\n-1\n4\n",
        "99999999999\n",
        "1048577\n",
        "x\n",
    ] {
        let mut data = map.as_bytes().to_vec();
        data.resize(512, 0);
        data.extend(b"data");
        scene.refuses(&[pax(keys), file("x", "").data(&data)], &["sparse map"]);
    }
}

#[test]
fn an_old_sparse_map_that_goes_on_forever_ends_with_the_archive() {
    let Some(scene) = Scene::new() else { return };
    let mut member = Member::new(b'S', "s").header();
    member[257..265].copy_from_slice(b"ustar  \0");
    member[386..512].fill(0);
    member[482] = 1;
    seal(&mut member);
    let mut blob = member.to_vec();
    let mut more = [0u8; 512];
    more[504] = 1;
    for _ in 0..2000 {
        blob.extend(more);
    }
    scene.refuses_tar(&blob, &["ends in a sparse map"]);
}

#[test]
fn limits_on_entries_and_bytes_stop_the_job() {
    let Some(scene) = Scene::new() else { return };
    let entries = [file("a", "12345"), file("b", "12345"), file("c", "12345")];
    let error = scene
        .unpack_with("a", &tar(&entries), |job| job.max_entries = 2)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot unpack entry \"c\": the layer has more than 2 entries"
    );
    let error = scene
        .unpack_with("a", &tar(&entries), |job| job.max_bytes = 14)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot unpack entry \"c\": the layer has more than 14 bytes"
    );
    scene
        .unpack_with("a", &tar(&entries), |job| {
            (job.max_bytes, job.max_entries) = (15, 3);
        })
        .unwrap();
}

#[test]
fn damaged_headers_are_named_with_their_place() {
    let Some(scene) = Scene::new() else { return };
    let mut blob = tar(&[file("good", "x"), file("bad", "y")]);
    blob[1024 + 5] ^= 1;
    scene.refuses_tar(
        &blob,
        &["checksum is wrong", "byte 1536", "after entry \"good\""],
    );
    let blob = members(&[file("good", "x"), file("cut", "y")]);
    scene.refuses_tar(&blob[..1300], &["ends in a header", "after entry \"good\""]);
    scene.refuses_tar(
        b"this is no archive at all",
        &["ends in a header", "before the first entry"],
    );
    let mut blob = tar(&[file("good", "x")]);
    let end = blob.len() - 512;
    blob[end] = 1;
    scene.refuses_tar(&blob, &["single zero block"]);
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
