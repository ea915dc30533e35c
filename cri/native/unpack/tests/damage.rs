//! Archives that lie about sizes, kinds and numbers, and limits.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod common;

use common::{Member, Scene, dir, file, hard_link, members, pax, seal, symlink, tar};
use estiba_unpack::{ErrorCode, UnpackError};

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
