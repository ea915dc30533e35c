//! Mount options as OCI and mount(8) write them.

use std::path::PathBuf;

use estiba_kernel::mount::Attributes;

/// What a mount's options ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// `Some(recursive)` for bind and rbind.
    pub bind: Option<bool>,
    /// Flags of the mount itself.
    pub own: Attributes,
    /// Flags of the mount and everything below it ("rro", "rnosuid", …).
    pub recursive: Attributes,
    /// Propagation type and whether it goes down the tree.
    pub propagation: Option<(u64, bool)>,
    /// Whether ids are to be mapped, and if so in the whole tree.
    pub map_ids: Option<bool>,
    /// The SELinux label that the files of a bind mount are to get.
    pub relabel: Option<Relabel>,
    /// What the file system takes; an empty value is a flag.
    pub data: Vec<(String, String)>,
}

/// A label for the files of a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Relabel {
    pub label: String,
    /// Directories that must keep theirs, and those that they are in.
    pub spared: Vec<PathBuf>,
}

impl Relabel {
    /// Takes one option in; `false`: it is none of these, which are ours and not of the OCI spec.
    pub(crate) fn take_in(found: &mut Option<Self>, option: &str) -> bool {
        match option.split_once('=') {
            Some(("estiba-relabel", label)) => {
                label.clone_into(&mut found.get_or_insert_default().label);
            }
            Some(("estiba-spare", dir)) => {
                found.get_or_insert_default().spared.push(dir.into());
            }
            _ => return false,
        }
        true
    }
}

/// Flag, bits, whether the option sets (true) or clears them. atime options replace each other.
const FLAGS: [(&str, u64, bool); 14] = [
    ("ro", libc::MOUNT_ATTR_RDONLY, true),
    ("rw", libc::MOUNT_ATTR_RDONLY, false),
    ("nosuid", libc::MOUNT_ATTR_NOSUID, true),
    ("suid", libc::MOUNT_ATTR_NOSUID, false),
    ("nodev", libc::MOUNT_ATTR_NODEV, true),
    ("dev", libc::MOUNT_ATTR_NODEV, false),
    ("noexec", libc::MOUNT_ATTR_NOEXEC, true),
    ("exec", libc::MOUNT_ATTR_NOEXEC, false),
    ("nodiratime", libc::MOUNT_ATTR_NODIRATIME, true),
    ("diratime", libc::MOUNT_ATTR_NODIRATIME, false),
    ("nosymfollow", libc::MOUNT_ATTR_NOSYMFOLLOW, true),
    ("symfollow", libc::MOUNT_ATTR_NOSYMFOLLOW, false),
    ("noatime", libc::MOUNT_ATTR_NOATIME, true),
    ("strictatime", libc::MOUNT_ATTR_STRICTATIME, true),
];
const ATIME_RESETS: [&str; 4] = ["relatime", "atime", "norelatime", "nostrictatime"];
const ATIME_MASK: u64 = 0x70;
/// Options that change nothing here.
const NEUTRAL: [&str; 4] = ["defaults", "async", "loud", "silent"];

const PROPAGATION: [(&str, u64); 4] = [
    ("private", libc::MS_PRIVATE),
    ("slave", libc::MS_SLAVE),
    ("shared", libc::MS_SHARED),
    ("unbindable", libc::MS_UNBINDABLE),
];

fn apply_flag(attributes: &mut Attributes, option: &str) -> bool {
    if ATIME_RESETS.contains(&option) {
        attributes.set &= !ATIME_MASK;
        attributes.clear |= ATIME_MASK;
        return true;
    }
    let Some((_, bits, set)) = FLAGS.iter().find(|(name, ..)| *name == option) else {
        return false;
    };
    if *bits & ATIME_MASK != 0 {
        attributes.set = attributes.set & !ATIME_MASK | bits;
        attributes.clear |= ATIME_MASK;
    } else if *set {
        attributes.set |= bits;
        attributes.clear &= !bits;
    } else {
        attributes.set &= !bits;
        attributes.clear |= bits;
    }
    true
}

/// Names of all options that no file system has to know of, sorted.
pub(crate) fn names() -> Vec<String> {
    let flags = FLAGS.iter().map(|(name, ..)| *name).chain(ATIME_RESETS);
    let deep = flags
        .clone()
        .chain(PROPAGATION.iter().map(|(name, _)| *name));
    let deep = deep.map(|name| format!("r{name}"));
    let plain = flags
        .chain(PROPAGATION.iter().map(|(name, _)| *name))
        .chain(NEUTRAL)
        .chain(["bind", "rbind", "idmap", "ridmap"])
        .map(str::to_owned);
    let mut names: Vec<String> = plain.chain(deep).collect();
    names.sort_unstable();
    names
}

/// A propagation name ("rslave", …) as `MS_*` bits and whether it is recursive.
pub(crate) fn propagation(name: &str) -> Option<(u64, bool)> {
    let find = |name: &str| {
        PROPAGATION
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, b)| *b)
    };
    match find(name) {
        Some(bits) => Some((bits, false)),
        None => find(name.strip_prefix('r')?).map(|bits| (bits, true)),
    }
}

impl Options {
    /// Sorts the options; what is no flag of ours is left to the file system.
    pub(crate) fn parse(kind: &str, options: &[String]) -> Self {
        let mut found = Self {
            bind: (kind == "bind").then_some(false),
            ..Self::default()
        };
        for option in options {
            let option = option.as_str();
            if option == "bind" || option == "rbind" {
                found.bind = Some(option == "rbind");
            } else if option == "idmap" || option == "ridmap" {
                found.map_ids = Some(option == "ridmap");
            } else if Relabel::take_in(&mut found.relabel, option) {
                // Noted.
            } else if NEUTRAL.contains(&option) || option.is_empty() {
                // Nothing to do.
            } else if let Some(wanted) = propagation(option) {
                found.propagation = Some(wanted);
            } else if apply_flag(&mut found.own, option) {
                // Noted.
            } else if option
                .strip_prefix('r')
                .is_some_and(|bare| !bare.is_empty() && apply_flag(&mut found.recursive, bare))
            {
                // Noted for the whole tree.
            } else {
                let (key, value) = option.split_once('=').unwrap_or((option, ""));
                found.data.push((key.to_owned(), value.to_owned()));
            }
        }
        found
    }

    /// Data in the form that the mount calls take.
    pub(crate) fn data(&self) -> Vec<(&str, &str)> {
        self.data
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: &str, options: &[&str]) -> Options {
        let options: Vec<String> = options.iter().map(|o| (*o).to_owned()).collect();
        Options::parse(kind, &options)
    }

    #[test]
    fn kubelet_volume_options_are_understood() {
        let found = parse("bind", &["rbind", "rslave", "ro", "nosuid"]);
        assert_eq!(found.bind, Some(true));
        assert_eq!(found.propagation, Some((libc::MS_SLAVE, true)));
        assert_eq!(
            found.own.set,
            libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID
        );
        assert_eq!(found.recursive.set, 0);
    }

    #[test]
    fn recursive_read_only_is_kept_apart_from_plain_read_only() {
        let found = parse("", &["rbind", "rro", "rprivate"]);
        assert_eq!(found.own.set, 0);
        assert_eq!(found.recursive.set, libc::MOUNT_ATTR_RDONLY);
        assert_eq!(found.propagation, Some((libc::MS_PRIVATE, true)));
    }

    #[test]
    fn later_options_win_and_file_system_data_passes_through() {
        let found = parse(
            "tmpfs",
            &["ro", "rw", "noatime", "mode=755", "size=65536k", "noswap"],
        );
        assert_eq!(found.own.set, libc::MOUNT_ATTR_NOATIME);
        assert_eq!(
            found.data(),
            [("mode", "755"), ("size", "65536k"), ("noswap", "")]
        );
        assert_eq!(found.bind, None);
    }

    #[test]
    fn no_option_of_ours_is_left_to_a_file_system() {
        let all = names();
        for name in &all {
            assert_eq!(parse("bind", &[name]).data(), [], "{name}");
        }
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
        assert_eq!(parse("tmpfs", &["sync"]).data(), [("sync", "")]);
    }

    #[test]
    fn relabelling_is_no_option_of_the_file_system() {
        let options = [
            "rbind",
            "estiba-spare=/a",
            "estiba-relabel=u:r:t:s0:c1,c2",
            "ro",
        ];
        let found = parse("bind", &options);
        assert!(found.data().is_empty());
        let wanted = Relabel {
            label: "u:r:t:s0:c1,c2".to_owned(),
            spared: vec!["/a".into()],
        };
        assert_eq!(found.relabel, Some(wanted));
        assert_eq!(parse("bind", &["rbind"]).relabel, None);
    }

    #[test]
    fn relatime_is_not_mistaken_for_a_recursive_flag() {
        assert_eq!(
            parse("proc", &["relatime"]).recursive,
            Attributes::default()
        );
        assert_eq!(propagation("rshared"), Some((libc::MS_SHARED, true)));
        assert_eq!(propagation("rw"), None);
    }
}
