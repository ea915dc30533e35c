//! Archives put together at random from names that meet each other, and then damaged: whatever
//! comes of them, only the layer's own directory changes, and a failed job leaves nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod common;

use common::{Member, Scene, dir, file, hard_link, long, pax, symlink, tar};
use estiba_unpack::{Outcome, Source};
use proptest::prelude::*;
use std::io::Cursor;

fn name() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        40 => Just("a"),
        40 => Just("b"),
        30 => Just("c"),
        5 => Just("."),
        5 => Just(""),
        1 => Just(".."),
        12 => Just(".wh.a"),
        12 => Just(".wh.b"),
        8 => Just(".wh..wh..opq"),
        5 => Just("canary"),
    ];
    proptest::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => name(),
        1 => Just("../../canary".to_owned()),
        1 => Just("../..".to_owned()),
        1 => Just("/".to_owned()),
        1 => Just("/tmp".to_owned()),
        1 => Just("/proc/self/root".to_owned()),
        1 => name().prop_map(|name| format!("/{name}")),
    ]
}

fn member() -> impl Strategy<Value = Vec<Member>> {
    prop_oneof![
        5 => (name(), 0u32..0o10000).prop_map(|(name, mode)| vec![dir(&name).mode(mode)]),
        5 => (name(), "[a-z]{0,600}").prop_map(|(name, data)| vec![file(&name, &data)]),
        5 => (name(), target()).prop_map(|(name, target)| vec![symlink(&name, &target)]),
        4 => (name(), target()).prop_map(|(name, target)| vec![hard_link(&name, &target)]),
        1 => (name(), 0u32..3).prop_map(|(name, minor)| {
            vec![Member::new(b'3', &name).device(1, minor)]
        }),
        1 => name().prop_map(|name| vec![Member::new(b'6', &name)]),
        1 => (name(), name()).prop_map(|(first, second)| {
            vec![long(b'L', first.as_bytes()), file(&second, "long")]
        }),
        1 => (name(), name()).prop_map(|(first, second)| {
            vec![pax(&[("path", first.as_bytes()), ("mtime", b"1.5")]), file(&second, "pax")]
        }),
    ]
}

fn archive() -> impl Strategy<Value = Vec<Member>> {
    proptest::collection::vec(member(), 1..14).prop_map(|members| members.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mixture_of_entries_leaves_the_layer(first in archive(), second in archive()) {
        if let Some(scene) = Scene::new() {
            // `Scene` checks the canaries and what is left after each job.
            let base = scene.unpack("base", &first);
            let alone = scene.unpack("alone", &second);
            if base.is_ok() {
                let merged = scene.unpack_on("merged", &["base"], &second);
                // As layers with others below are unpacked: an entry that comes before its directory
                // is not self-contained then, and what it meets below may refuse it.
                let blob = Source::Stream(Box::new(Cursor::new(tar(&second))));
                let strict = scene.run("strict", blob, |job| job.stop_unless_self_contained = true);
                if matches!(strict, Ok(Outcome::Unpacked(_))) {
                    prop_assert!(alone.is_ok_and(|alone| alone.self_contained));
                    prop_assert!(merged.is_ok(), "{merged:?}");
                    let view = |top: &str| common::merged(&[scene.layer(top), scene.layer("base")]);
                    prop_assert_eq!(view("alone"), view("merged"));
                }
            }
        }
    }

    #[test]
    fn no_damage_to_an_archive_does_harm(
        members in archive(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        if let Some(scene) = Scene::new() {
            let mut blob = tar(&members);
            for (place, byte) in damage {
                let place = place.index(blob.len());
                blob[place] = byte;
                // Whole again for the checksum, or nothing behind it would ever be reached.
                let start = place / 512 * 512;
                let mut block = [0u8; 512];
                block.copy_from_slice(&blob[start..start + 512]);
                if block[257..262] == *b"ustar" {
                    common::seal(&mut block);
                    blob[start..start + 512].copy_from_slice(&block);
                }
            }
            let whole = scene.unpack_with("whole", &blob, |job| job.max_bytes = 1 << 20);
            drop(whole);
            blob.truncate(cut.index(blob.len()));
            let cut = scene.unpack_with("cut", &blob, |job| job.max_bytes = 1 << 20);
            drop(cut);
        }
    }
}
