//! PAX extended headers: strict records, only the keys that matter to a layer.

use super::number::{Time, decimal, time};

/// What one PAX header says about the entry that follows it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Pax {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u64>,
    pub(crate) gid: Option<u64>,
    pub(crate) mtime: Option<Time>,
    /// Name and value, in the order of the archive.
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) sparse: SparseKeys,
}

/// The `GNU.sparse.*` keys of all three PAX forms.
#[derive(Debug, Default, Clone)]
pub(crate) struct SparseKeys {
    pub(crate) major: Option<u64>,
    pub(crate) minor: Option<u64>,
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) real_size: Option<u64>,
    /// Offsets and lengths, alternating (forms 0.0 and 0.1).
    pub(crate) map: Vec<u64>,
}

/// Reads the records of one header. The error says what is wrong with which record.
pub(crate) fn parse(mut data: &[u8]) -> Result<Pax, String> {
    let mut pax = Pax::default();
    while !data.is_empty() {
        let (key, value, rest) = record(data).ok_or_else(|| {
            format!(
                "a PAX record is malformed ({} bytes before the header's end)",
                data.len()
            )
        })?;
        set(&mut pax, key, value).ok_or_else(|| {
            let key = String::from_utf8_lossy(key);
            format!(
                "the PAX record \"{}\" has an invalid value",
                key.escape_debug()
            )
        })?;
        data = rest;
    }
    Ok(pax)
}

/// Splits `<length> <key>=<value>\n` off `data`; the length counts the whole record.
fn record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    // 8 digits: a header is at most 1 MiB.
    let blank = data.iter().take(9).position(|b| *b == b' ')?;
    let length = usize::try_from(decimal(data.get(..blank)?)?).ok()?;
    let body = data.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|b| *b == b'=')?;
    let key = body.get(..equals)?;
    if key.is_empty() || key.contains(&0) {
        return None;
    }
    Some((key, body.get(equals + 1..)?, data.get(length..)?))
}

fn set(pax: &mut Pax, key: &[u8], value: &[u8]) -> Option<()> {
    match key {
        b"path" => pax.path = text(value)?,
        b"linkpath" => pax.link = text(value)?,
        b"size" => pax.size = optional(value, decimal)?,
        b"uid" => pax.uid = optional(value, decimal)?,
        b"gid" => pax.gid = optional(value, decimal)?,
        b"mtime" => pax.mtime = optional(value, time)?,
        b"GNU.sparse.major" => pax.sparse.major = optional(value, decimal)?,
        b"GNU.sparse.minor" => pax.sparse.minor = optional(value, decimal)?,
        b"GNU.sparse.name" => pax.sparse.name = text(value)?,
        b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
            pax.sparse.real_size = optional(value, decimal)?;
        }
        // Form 0.0 repeats the pair of keys for every extent.
        b"GNU.sparse.offset" if pax.sparse.map.len() % 2 == 0 => {
            pax.sparse.map.push(decimal(value)?);
        }
        b"GNU.sparse.numbytes" if pax.sparse.map.len() % 2 == 1 => {
            pax.sparse.map.push(decimal(value)?);
        }
        b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => return None,
        b"GNU.sparse.map" => {
            pax.sparse.map = value
                .split(|b| *b == b',')
                .map(decimal)
                .collect::<Option<_>>()?;
        }
        _ => set_xattr(pax, key, value)?,
    }
    Some(())
}

fn set_xattr(pax: &mut Pax, key: &[u8], value: &[u8]) -> Option<()> {
    if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
        pax.xattrs.push((name.to_vec(), value.to_vec()));
    } else if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
        pax.xattrs
            .push((percent_decoded(name)?, base64_decoded(value)?));
    }
    Some(())
}

/// An empty value takes the record back, as POSIX says.
fn text(value: &[u8]) -> Option<Option<Vec<u8>>> {
    match value {
        [] => Some(None),
        _ if value.contains(&0) => None,
        _ => Some(Some(value.to_vec())),
    }
}

fn optional<T>(value: &[u8], parse: impl Fn(&[u8]) -> Option<T>) -> Option<Option<T>> {
    if value.is_empty() {
        Some(None)
    } else {
        parse(value).map(Some)
    }
}

fn percent_decoded(name: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let [high, low, tail @ ..] = tail else {
                return None;
            };
            let digit = |byte: &u8| char::from(*byte).to_digit(16);
            decoded.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
            rest = tail;
        } else {
            decoded.push(*first);
        }
    }
    (!decoded.contains(&0)).then_some(decoded)
}

fn base64_decoded(value: &[u8]) -> Option<Vec<u8>> {
    let end = value.iter().position(|b| *b == b'=').unwrap_or(value.len());
    let (digits, padding) = value.split_at_checked(end)?;
    if padding.len() > 2 || padding.iter().any(|b| *b != b'=') || digits.len() % 4 == 1 {
        return None;
    }
    let mut decoded = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.chunks(4) {
        let bits = group.iter().try_fold(0u32, |bits, digit| {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            Some(bits << 6 | u32::from(value))
        })?;
        let [_, bytes @ ..] = (bits << (6 * (4 - group.len()))).to_be_bytes();
        decoded.extend(bytes.iter().take(group.len() * 6 / 8));
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_records_of_a_usual_header_are_read() {
        let pax = parse(b"12 path=a/b\n20 mtime=1700000.25\n13 uid=70000\n").unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"a/b"[..]));
        assert_eq!(
            pax.mtime,
            Some(Time {
                seconds: 1_700_000,
                nanos: 250_000_000
            })
        );
        assert_eq!(pax.uid, Some(70_000));
    }

    #[test]
    fn a_length_that_lies_is_refused() {
        for bad in [
            &b"99 path=a/b\n"[..],
            b"11 path=a/b\n",
            b"13 path=a/b\n",
            b"0 path=a\n",
            b"1 \n",
            b"path=a\n",
            b"18446744073709551616 path=a\n",
            b"12 path a/b\n",
            b"7 =abc\n",
            b" 12 path=a/b\n",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_path_with_a_nul_is_refused_but_an_xattr_may_hold_any_byte() {
        assert!(parse(b"12 path=a\0b\n").is_err());
        let pax = parse(b"26 SCHILY.xattr.user.a=\0\n\n").unwrap();
        assert_eq!(pax.xattrs, [(b"user.a".to_vec(), b"\0\n".to_vec())]);
    }

    #[test]
    fn libarchive_names_and_values_are_decoded() {
        let pax = parse(b"38 LIBARCHIVE.xattr.user.x%3dy=AAECAw\n").unwrap();
        assert_eq!(pax.xattrs, [(b"user.x=y".to_vec(), vec![0, 1, 2, 3])]);
        assert_eq!(base64_decoded(b"aGVsbG8="), Some(b"hello".to_vec()));
        assert_eq!(base64_decoded(b"a"), None);
        assert_eq!(base64_decoded(b"a*=="), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(parse(&data));
        }

        #[test]
        fn numbers_and_text_survive_a_record(uid in any::<u32>(), path in "[a-z/]{1,80}") {
            let mut data = Vec::new();
            for body in [format!(" uid={uid}\n"), format!(" path={path}\n")] {
                let length = (1..).find(|n| n.to_string().len() + body.len() == *n).unwrap();
                data.extend(format!("{length}{body}").into_bytes());
            }
            let pax = parse(&data).unwrap();
            prop_assert_eq!(pax.uid, Some(u64::from(uid)));
            prop_assert_eq!(pax.path.unwrap(), path.into_bytes());
        }
    }
}
