//! Numbers in tar headers: octal text, base-256, and the decimal forms of PAX.

/// A point in time as `utimensat` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Time {
    /// Seconds since 1970, negative before.
    pub(crate) seconds: i64,
    /// 0..=999_999_999, counted forward from `seconds`.
    pub(crate) nanos: u32,
}

/// Octal text with blanks or NULs around it, or base-256 (first bit set); empty = 0.
pub(crate) fn number(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base256(field),
        _ => i64::try_from(octal(field)?).ok(),
    }
}

/// [`number`] for fields that cannot be negative.
pub(crate) fn unsigned(field: &[u8]) -> Option<u64> {
    u64::try_from(number(field)?).ok()
}

fn octal(field: &[u8]) -> Option<u64> {
    let start = field
        .iter()
        .position(|b| !matches!(b, b' ' | 0))
        .unwrap_or(field.len());
    let digits = field.get(start..)?;
    let end = digits
        .iter()
        .position(|b| matches!(b, b' ' | 0))
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end)?;
    if rest.iter().any(|b| !matches!(b, b' ' | 0)) {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn base256(field: &[u8]) -> Option<i64> {
    let mut bytes = field.iter().copied();
    let first = bytes.next()?;
    // Bit 6 is the sign of the two's complement number below the marker bit.
    let start = if first & 0x40 == 0 {
        i64::from(first & 0x3f)
    } else {
        i64::from(first | 0x80) - 256
    };
    bytes.try_fold(start, |value, byte| {
        value.checked_mul(256)?.checked_add(i64::from(byte))
    })
}

/// Decimal digits only.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// `[-]seconds[.fraction]`; digits beyond nanoseconds are cut off.
pub(crate) fn time(text: &[u8]) -> Option<Time> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match text.iter().position(|b| *b == b'.') {
        Some(dot) => (text.get(..dot)?, text.get(dot + 1..)?),
        None => (text, &[][..]),
    };
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    let digits = fraction
        .iter()
        .copied()
        .chain(std::iter::repeat(b'0'))
        .take(9);
    let nanos = digits.fold(0u32, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some(match (negative, nanos) {
        (false, _) => Time { seconds, nanos },
        (true, 0) => Time {
            seconds: -seconds,
            nanos,
        },
        (true, _) => Time {
            seconds: -seconds - 1,
            nanos: 1_000_000_000 - nanos,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn octal_fields_are_read_with_blanks_and_nuls_around() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"        "), Some(0));
        assert_eq!(number(b"77777777777"), Some(0o77_777_777_777));
    }

    #[test]
    fn text_that_is_no_number_is_refused() {
        assert_eq!(number(b"0000648\0"), None);
        assert_eq!(number(b"12 34\0\0\0"), None);
        assert_eq!(number(b"-0000001"), None);
        assert_eq!(number(b"0x10\0\0\0\0"), None);
    }

    #[test]
    fn base_256_reaches_both_ends_of_64_bits_and_no_further() {
        let mut field = [0u8; 12];
        field[0] = 0x80;
        field[11] = 5;
        assert_eq!(number(&field), Some(5));
        assert_eq!(number(&[0xff; 12]), Some(-1));
        let mut largest = [0xff; 12];
        largest[..4].copy_from_slice(&[0x80, 0, 0, 0]);
        largest[4] = 0x7f;
        assert_eq!(number(&largest), Some(i64::MAX));
        largest[4] = 0xff;
        assert_eq!(number(&largest), None);
        assert_eq!(unsigned(&[0xff; 12]), None);
    }

    #[test]
    fn pax_times_before_1970_count_forward_from_the_second_below() {
        assert_eq!(
            time(b"-1.25"),
            Some(Time {
                seconds: -2,
                nanos: 750_000_000
            })
        );
        assert_eq!(
            time(b"-3"),
            Some(Time {
                seconds: -3,
                nanos: 0
            })
        );
        assert_eq!(
            time(b"12.5"),
            Some(Time {
                seconds: 12,
                nanos: 500_000_000
            })
        );
        assert_eq!(
            time(b"12.0000000019"),
            Some(Time {
                seconds: 12,
                nanos: 1
            })
        );
        for bad in [
            &b""[..],
            b"-",
            b".",
            b"1.x",
            b"1e5",
            b"--1",
            b" 1",
            b"99999999999999999999",
        ] {
            assert_eq!(time(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn every_octal_value_survives_its_header_form(value in 0u64..0o77_777_777_777) {
            prop_assert_eq!(unsigned(format!("{value:011o}\0").as_bytes()), Some(value));
        }

        #[test]
        fn every_base_256_value_survives_its_header_form(value in any::<i64>()) {
            let mut field = [if value < 0 { 0xff } else { 0 }; 12];
            field[4..].copy_from_slice(&value.to_be_bytes());
            field[0] |= 0x80;
            prop_assert_eq!(number(&field), Some(value));
        }

        #[test]
        fn no_bytes_make_the_parsers_panic(field in proptest::collection::vec(any::<u8>(), 0..32)) {
            let _ = (number(&field), unsigned(&field), decimal(&field), time(&field));
        }
    }
}
