//! Compressions, digests, and blobs that are damaged or go on too long.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod common;

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use common::{Scene, dir, file, members, tar};
use estiba_unpack::{Compression, ErrorCode, Source, UnpackError};
use sha2::{Digest, Sha256};

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Bytes that neither compress away nor repeat.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(length)
    .collect()
}

fn big_tar() -> Vec<u8> {
    tar(&[
        dir("d"),
        file("d/big", "").data(&noise(1_000_000)),
        file("d/small", "small"),
    ])
}

#[test]
fn every_compression_gives_the_same_layer_and_both_digests() {
    let Some(scene) = Scene::new() else { return };
    let plain = big_tar();
    let (first, second) = plain.split_at(634_567);
    let mut skippable = vec![0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0];
    skippable.extend(b"hello");
    let blobs = [
        ("plain", plain.clone()),
        ("gzip", gzip(&plain)),
        ("members", [gzip(first), gzip(b""), gzip(second)].concat()),
        ("padded", [gzip(&plain), vec![0; 70_000]].concat()),
        ("zstd", zstd(&plain)),
        (
            "frames",
            [&skippable[..], &zstd(first), &skippable, &zstd(second)].concat(),
        ),
    ];
    for (name, blob) in blobs {
        let result = scene.unpack_with(name, &blob, |_| ()).unwrap();
        assert_eq!(result.digest, digest(&blob), "{name}");
        assert_eq!(result.diff_id, digest(&plain), "{name}");
        assert_eq!(result.blob_bytes, blob.len() as u64, "{name}");
        assert_eq!(
            std::fs::read(scene.layer(name).join("d/big")).unwrap(),
            noise(1_000_000)
        );
        // Older kernels have a part of Landlock only.
        let gaps = &result.fence_gaps;
        assert!(gaps.iter().all(|gap| gap.ends_with("-partial")), "{gaps:?}");
    }
}

#[test]
fn many_small_members_are_one_stream() {
    let Some(scene) = Scene::new() else { return };
    let plain = tar(&[file("a", "").data(&noise(200_000))]);
    let blob: Vec<u8> = plain.chunks(100).flat_map(gzip).collect();
    let result = scene.unpack_with("a", &blob, |_| ()).unwrap();
    assert_eq!(
        (result.digest, result.diff_id),
        (digest(&blob), digest(&plain))
    );
}

#[test]
fn a_header_with_every_optional_field_is_passed_over() {
    let Some(scene) = Scene::new() else { return };
    let plain = tar(&[file("a", "x")]);
    let mut encoder = flate2::GzBuilder::new()
        .filename("name")
        .comment("comment")
        .extra(b"extra".to_vec())
        .write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    scene
        .unpack_with("a", &encoder.finish().unwrap(), |_| ())
        .unwrap();
}

#[test]
fn cut_and_damaged_blobs_are_refused_with_their_place() {
    let Some(scene) = Scene::new() else { return };
    let plain = big_tar();
    for (kind, blob) in [("gzip", gzip(&plain)), ("zstd", zstd(&plain))] {
        for cut in [20, blob.len() / 2, blob.len() - 3] {
            let message = scene
                .unpack_with("a", &blob[..cut], |_| ())
                .unwrap_err()
                .to_string();
            let start = format!("cannot decompress the layer blob ({kind}) near byte {cut}");
            assert!(message.starts_with(&start), "{message}");
        }
    }
    let mut damaged = gzip(&plain);
    let middle = damaged.len() - 20_000;
    damaged[middle] ^= 0x10;
    let error = scene.unpack_with("a", &damaged, |_| ()).unwrap_err();
    assert_eq!(
        (error.code(), error.step()),
        (ErrorCode::InvalidArgument, "decompress-layer")
    );
    let garbage = [gzip(&plain), b"garbage".to_vec()].concat();
    scene.refuses_tar(&garbage, &["garbage follows the last gzip member"]);
    scene.refuses_tar(b"BZh91AY&SY", &["bzip2"]);
    scene.refuses_tar(b"\xfd7zXZ\0\0", &["xz"]);
    let error = scene.unpack_with("a", &plain, |job| job.compression = Compression::Gzip);
    assert!(error.unwrap_err().to_string().contains("no gzip header"));
    let cut = &plain[..700_000];
    scene.refuses_tar(
        cut,
        &[
            "at byte 700000",
            "in entry \"d/big\"",
            "ends in the entry's data",
        ],
    );
}

#[test]
fn digests_that_differ_are_both_named_and_nothing_is_left() {
    let Some(scene) = Scene::new() else { return };
    let plain = big_tar();
    let blob = gzip(&plain);
    let wrong = digest(b"something else");
    let error = scene
        .unpack_with("a", &blob, |job| job.expected_digest = Some(wrong.clone()))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot accept the layer: its digest is {}, expected {wrong}",
            digest(&blob)
        )
    );
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    let error = scene
        .unpack_with("a", &blob, |job| job.expected_diff_id = Some(wrong.clone()))
        .unwrap_err();
    assert!(error.to_string().contains("diff id"), "{error}");
    let right = |job: &mut estiba_unpack::UnpackJob| {
        job.expected_digest = Some(digest(&blob));
        job.expected_diff_id = Some(digest(&plain));
    };
    scene.unpack_with("a", &blob, right).unwrap();
    for bad in ["sha512:00", "sha256:AB", "nonsense"] {
        let error = scene.unpack_with("b", &blob, |job| job.expected_digest = Some(bad.to_owned()));
        assert_eq!(error.unwrap_err().step(), "check-unpack-request");
    }
}

#[test]
fn bytes_after_the_end_of_the_archive_count_for_the_hashes_only() {
    let Some(scene) = Scene::new() else { return };
    let plain = [tar(&[file("a", "x")]), noise(4_000_000)].concat();
    for (name, blob) in [("plain", plain.clone()), ("gzip", gzip(&plain))] {
        let result = scene.unpack_with(name, &blob, |_| ()).unwrap();
        assert_eq!(
            (result.digest, result.diff_id),
            (digest(&blob), digest(&plain))
        );
        assert_eq!(scene.listing(name), ["a = x"]);
    }
    // No end marker at all, and no entries at all.
    scene
        .unpack_with("c", &members(&[file("a", "x")]), |_| ())
        .unwrap();
    assert_eq!(scene.unpack_with("d", b"", |_| ()).unwrap().inodes, 1);
}

#[test]
fn a_blob_in_the_middle_of_a_file_is_found() {
    let Some(scene) = Scene::new() else { return };
    let blob = gzip(&big_tar());
    let mut spool = tempfile::tempfile().unwrap();
    spool
        .write_all(&[b"before".to_vec(), blob.clone(), b"after".to_vec()].concat())
        .unwrap();
    let source = |length| Source::File {
        file: spool.try_clone().unwrap(),
        offset: 6,
        length,
    };
    let result = scene
        .unpack_from("a", source(blob.len() as u64), |_| ())
        .unwrap();
    assert_eq!(result.digest, digest(&blob));
    let error = scene
        .unpack_from("b", source(blob.len() as u64 + 6), |_| ())
        .unwrap_err();
    assert!(
        matches!(
            error,
            UnpackError::ReadBlob { .. } | UnpackError::Inflate { .. }
        ),
        "{error}"
    );
    let empty = File::open("/dev/null").unwrap();
    let error = scene
        .unpack_from(
            "c",
            Source::File {
                file: empty,
                offset: 0,
                length: 5,
            },
            |_| (),
        )
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the file ends 5 bytes before the blob's end"),
        "{error}"
    );
}

#[test]
fn a_bomb_is_stopped_by_the_byte_limit_even_after_the_archives_end() {
    let Some(scene) = Scene::new() else { return };
    let bomb = gzip(&[tar(&[file("a", "x")]), vec![0; 30_000_000]].concat());
    let limits = |job: &mut estiba_unpack::UnpackJob| {
        job.max_bytes = 1_000_000;
        job.max_entries = 10;
    };
    let error = scene.unpack_with("a", &bomb, limits).unwrap_err();
    assert!(
        matches!(
            error,
            UnpackError::Limit {
                what: "bytes of tar",
                ..
            }
        ),
        "{error}"
    );
}

/// Gives some bytes, then nothing for ever.
struct Stalled(Option<Vec<u8>>);

impl Read for Stalled {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.take() {
            Some(bytes) => (&bytes[..]).read(buffer),
            None => loop {
                std::thread::park();
            },
        }
    }
}

#[test]
fn a_source_that_stalls_ends_at_the_deadline() {
    let Some(scene) = Scene::new() else { return };
    let source = Source::Stream(Box::new(Stalled(Some(big_tar()[..100_000].to_vec()))));
    let started = Instant::now();
    let error = scene
        .unpack_from("a", source, |job| job.deadline = Duration::from_millis(150))
        .unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(error.code(), ErrorCode::DeadlineExceeded);
    assert!(error.to_string().contains("longer than 150 ms"), "{error}");
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(
            io::ErrorKind::ConnectionReset,
            "the sender went away",
        ))
    }
}

#[test]
fn an_error_of_the_source_is_told_as_it_is() {
    let Some(scene) = Scene::new() else { return };
    for compression in [Compression::Auto, Compression::Gzip, Compression::Zstd] {
        let start = io::Cursor::new(gzip(&big_tar())[..50_000].to_vec());
        let source = if compression == Compression::Zstd {
            Source::Stream(Box::new(Failing))
        } else {
            Source::Stream(Box::new(start.chain(Failing)))
        };
        let error = scene
            .unpack_from("a", source, |job| job.compression = compression)
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
        assert!(
            error.to_string().contains("the sender went away"),
            "{error}"
        );
    }
}
