//! `/proc/<pid>/mountinfo`, line by line.

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Id of the mount.
    pub id: u64,
    /// Major and minor number of the file system, as they stand there.
    pub device: &'a str,
    /// Where it is mounted.
    pub point: String,
    /// In a peer group: it sends and receives mounts.
    pub is_shared: bool,
    /// It receives mounts.
    pub is_slave: bool,
    /// Type of the file system.
    pub kind: &'a str,
    /// Options of the file system.
    pub options: &'a str,
}

/// All mounts of such a text, in its order. A line that cannot be read is left out.
pub fn mounts(text: &str) -> impl Iterator<Item = Mount<'_>> {
    text.lines().filter_map(parse)
}

fn parse(line: &str) -> Option<Mount<'_>> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ');
    let mut mount = Mount {
        id: left.next()?.parse().ok()?,
        device: left.nth(1)?,
        point: unescape(left.nth(1)?),
        is_shared: false,
        is_slave: false,
        kind: "",
        options: "",
    };
    for field in left.skip(1) {
        mount.is_shared |= field.starts_with("shared:");
        mount.is_slave |= field.starts_with("master:");
    }
    let mut right = right.split(' ');
    mount.kind = right.next()?;
    mount.options = right.nth(1).unwrap_or_default();
    Some(mount)
}

/// Undoes the octal escapes.
fn unescape(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let code = from
            .get(1..4)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(byte) => {
                out.push(char::from(byte));
                rest = from.get(4..).unwrap_or("");
            }
            None => {
                out.push('\\');
                rest = from.get(1..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_whatever_stands_between() {
        let text = "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw,discard\n\
                    30 27 0:3 / /a\\040b rw master:1 propagate_from:2 - fuse.sshfs host: rw\n\
                    31 27 0:4 / /shared:9 rw - tmpfs tmpfs rw\n\
                    garbage\n";
        let found: Vec<Mount<'_>> = mounts(text).collect();
        assert_eq!(found.len(), 3);
        assert_eq!(
            found[0],
            Mount {
                id: 27,
                device: "254:0",
                point: "/".to_owned(),
                is_shared: true,
                is_slave: false,
                kind: "ext4",
                options: "rw,discard",
            }
        );
        assert_eq!(
            (found[1].point.as_str(), found[1].kind),
            ("/a b", "fuse.sshfs")
        );
        assert!(found[1].is_slave && !found[1].is_shared);
        assert!(!found[2].is_shared && !found[2].is_slave);
    }

    #[test]
    fn octal_escapes_are_undone() {
        assert_eq!(unescape("a\\040b\\134c"), "a b\\c");
        assert_eq!(unescape("tail\\"), "tail\\");
    }
}
