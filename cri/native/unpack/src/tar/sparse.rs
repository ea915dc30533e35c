//! Sparse files: the map of a file's data, checked before a byte is written.

/// One run of data in a sparse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Most extents of one file: 16 MiB of map.
pub(crate) const MAX_EXTENTS: usize = 1 << 20;

/// Turns raw offset/length pairs into extents that are in order, inside `real_size`, and add up to
/// exactly the `stored` bytes that follow in the archive.
pub(crate) fn extents(pairs: &[u64], real_size: u64, stored: u64) -> Result<Vec<Extent>, String> {
    if pairs.len() % 2 == 1 {
        return Err("its sparse map has an offset without a length".to_owned());
    }
    if pairs.len() / 2 > MAX_EXTENTS {
        return Err(format!(
            "its sparse map has more than {MAX_EXTENTS} extents"
        ));
    }
    let mut extents = Vec::with_capacity(pairs.len() / 2);
    let (mut end, mut total) = (0u64, 0u64);
    for pair in pairs.chunks_exact(2) {
        let [offset, length] = *pair else { continue };
        let next = offset.checked_add(length).filter(|next| *next <= real_size);
        let (Some(next), true) = (next, offset >= end) else {
            return Err(format!(
                "its sparse map is wrong: extent {offset}+{length} after byte {end} of {real_size}"
            ));
        };
        end = next;
        total += length;
        if length > 0 {
            extents.push(Extent { offset, length });
        }
    }
    if total != stored {
        return Err(format!(
            "its sparse map covers {total} bytes but {stored} are stored"
        ));
    }
    Ok(extents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_map_in_order_is_taken_and_its_end_marker_dropped() {
        assert_eq!(
            extents(&[512, 10, 4096, 20, 9000, 0], 9000, 30).unwrap(),
            [
                Extent {
                    offset: 512,
                    length: 10
                },
                Extent {
                    offset: 4096,
                    length: 20
                }
            ]
        );
    }

    #[test]
    fn maps_that_overlap_overflow_or_lie_about_the_data_are_refused() {
        assert!(extents(&[0, 10, 5, 10], 100, 20).is_err());
        assert!(extents(&[90, 20], 100, 20).is_err());
        assert!(extents(&[u64::MAX, 2], u64::MAX, 2).is_err());
        assert!(extents(&[0, 10], 100, 11).is_err());
        assert!(extents(&[0], 100, 0).is_err());
    }

    proptest! {
        #[test]
        fn accepted_maps_never_leave_the_file(
            pairs in proptest::collection::vec(0u64..2000, 0..12), size in 0u64..4000, data in 0u64..4000
        ) {
            if let Ok(map) = extents(&pairs, size, data) {
                prop_assert!(map.iter().all(|e| e.offset + e.length <= size));
                prop_assert!(map.is_sorted_by(|a, b| a.offset + a.length <= b.offset));
                prop_assert_eq!(map.iter().map(|e| e.length).sum::<u64>(), data);
            }
        }
    }
}
