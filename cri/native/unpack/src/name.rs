//! Names of entries: from the archive's bytes to a path relative to the layer's root.

/// Longest path, link target and symlink text: what the kernel takes, without its NUL.
pub(crate) const MAX_PATH: usize = 4095;
/// Longest single name on every Linux file system that can hold layers.
pub(crate) const MAX_NAME: usize = 255;
/// Prefix of names that delete something in the layers below.
pub(crate) const WHITEOUT: &[u8] = b".wh.";
/// Prefix of aufs's own files; only the opaque marker among them means something.
const AUFS: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What a name asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// The layer's root directory.
    Root,
    /// `parent/name`.
    Path {
        parent: Vec<u8>,
        name: Vec<u8>,
    },
    /// Deletes `name` of the layers below in `parent`.
    Whiteout {
        parent: Vec<u8>,
        name: Vec<u8>,
    },
    /// Hides everything that the layers below have in `parent`.
    Opaque {
        parent: Vec<u8>,
    },
    Ignored,
}

/// Normal form of a path: no leading, doubled or trailing slash, no `.`; empty = the root.
/// Absolute paths are taken relative to the root, as other runtimes do.
pub(crate) fn normal(raw: &[u8]) -> Result<Vec<u8>, String> {
    if raw.contains(&0) {
        return Err("its name has a NUL byte".to_owned());
    }
    let mut path = Vec::with_capacity(raw.len());
    for component in components(raw) {
        if component == b".." {
            return Err("its name has a \"..\" component".to_owned());
        }
        if component.len() > MAX_NAME {
            return Err(format!(
                "its name has a component of {} bytes, at most {MAX_NAME} may be",
                component.len()
            ));
        }
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(component);
    }
    if path.len() > MAX_PATH {
        return Err(format!(
            "its name has {} bytes, at most {MAX_PATH} may be",
            path.len()
        ));
    }
    Ok(path)
}

/// The components of a path without empty ones and `.`.
pub(crate) fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

/// Parent and last component of a normal path; `None` for the root.
pub(crate) fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.is_empty() {
        return None;
    }
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => Some((path.get(..slash)?, path.get(slash + 1..)?)),
        None => Some((&[], path)),
    }
}

/// `parent/name` in normal form.
pub(crate) fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    if parent.is_empty() {
        name.to_vec()
    } else {
        [parent, b"/", name].concat()
    }
}

/// Reads the name of an entry.
pub(crate) fn parse(raw: &[u8]) -> Result<Name, String> {
    let path = normal(raw)?;
    let Some((parent, name)) = split(&path) else {
        return Ok(Name::Root);
    };
    if let Some(marked) = components(parent).find(|part| part.starts_with(WHITEOUT)) {
        if marked.starts_with(AUFS) {
            return Ok(Name::Ignored);
        }
        return Err("it is inside a whiteout".to_owned());
    }
    let (parent, name) = (parent.to_vec(), name.to_vec());
    if name == OPAQUE {
        return Ok(Name::Opaque { parent });
    }
    if name.starts_with(AUFS) {
        return Ok(Name::Ignored);
    }
    match name.strip_prefix(WHITEOUT) {
        Some(b"" | b"." | b"..") => Err("it is a whiteout of no name".to_owned()),
        Some(hidden) => Ok(Name::Whiteout {
            parent,
            name: hidden.to_vec(),
        }),
        None => Ok(Name::Path { parent, name }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(parent: &str, name: &str) -> Name {
        Name::Path {
            parent: parent.into(),
            name: name.into(),
        }
    }

    #[test]
    fn absolute_and_untidy_names_are_taken_relative_to_the_root() {
        assert_eq!(parse(b"/etc//./passwd"), Ok(path("etc", "passwd")));
        assert_eq!(parse(b"./usr/bin/"), Ok(path("usr", "bin")));
        for root in [&b""[..], b".", b"./", b"/", b"//."] {
            assert_eq!(parse(root), Ok(Name::Root));
        }
    }

    #[test]
    fn names_that_could_lead_elsewhere_are_refused() {
        for bad in [&b"../x"[..], b"a/../b", b"a/..", b"/..", b"a\0b"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(parse(b"..a/...b"), Ok(path("..a", "...b")));
    }

    #[test]
    fn names_longer_than_the_kernel_takes_are_refused() {
        assert!(parse(&[b'a'; 256]).is_err());
        assert!(parse(&[b'a'; 255]).is_ok());
        let long: Vec<u8> = b"abcdefg/".repeat(512);
        assert!(parse(&long[..4095]).is_ok());
        assert!(parse(&[&long[..], b"x"].concat()).is_err());
    }

    #[test]
    fn whiteouts_name_what_they_hide() {
        let hidden = |parent: &str, name: &str| Name::Whiteout {
            parent: parent.into(),
            name: name.into(),
        };
        assert_eq!(parse(b"a/.wh.b"), Ok(hidden("a", "b")));
        assert_eq!(parse(b".wh..profile"), Ok(hidden("", ".profile")));
        assert_eq!(
            parse(b"a/.wh..wh..opq"),
            Ok(Name::Opaque {
                parent: b"a".to_vec()
            })
        );
        assert_eq!(parse(b".wh..wh.plnk/123.4"), Ok(Name::Ignored));
        assert_eq!(parse(b"a/.wh..wh.aufs"), Ok(Name::Ignored));
        for bad in [&b"a/.wh."[..], b".wh..", b".wh...", b".wh.a/b"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_accepted_name_can_leave_the_root(raw in proptest::collection::vec(
            prop_oneof![Just(b'/'), Just(b'.'), Just(b'a'), Just(0u8), any::<u8>()], 0..40)
        ) {
            if let Ok(path) = normal(&raw) {
                prop_assert!(!path.starts_with(b"/") && !path.ends_with(b"/"));
                prop_assert!(!path.contains(&0));
                prop_assert!(path.is_empty()
                    || path.split(|b| *b == b'/').all(|c| !matches!(c, b"" | b"." | b"..")));
                prop_assert_eq!(normal(&path), Ok(path.clone()));
            }
        }
    }
}
