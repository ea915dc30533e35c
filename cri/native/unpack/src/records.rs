//! What must be remembered about a layer's entries until its end, in bounded memory.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::error::EntryName;
use crate::name::{join, split};
use crate::tar::Time;
use crate::tree::dirs::Dir;

/// What is set on a directory after everything is in it.
#[derive(Debug)]
pub(crate) struct Later {
    pub(crate) time: Time,
    pub(crate) default_acl: Option<Vec<u8>>,
}

/// A directory that no entry had named when something was put into it.
#[derive(Debug)]
struct Implied {
    entry_number: u64,
    entry: Vec<u8>,
}

/// All paths are real ones: relative to the root, without symlinks.
#[derive(Debug, Default)]
pub(crate) struct Records {
    later: BTreeMap<Vec<u8>, Later>,
    implied: BTreeMap<Vec<u8>, Implied>,
    opaque: BTreeMap<Vec<u8>, ()>,
    /// Hashes of the paths of entries, kept only in a merged view.
    own: HashSet<u64>,
    hash: RandomState,
    needs_below: Option<(u64, String)>,
    left_out: Option<(u64, String)>,
    kept: u64,
}

impl Records {
    /// Most bytes that directories may make us keep.
    pub(crate) const MAX_KEPT: u64 = 256 << 20;
    /// What one record costs besides its path.
    const RECORD: u64 = 96;

    /// A measure of the memory in use.
    pub(crate) fn kept_bytes(&self) -> u64 {
        self.kept
    }

    /// A directory entry: its times are set at the end.
    pub(crate) fn later(&mut self, real: Vec<u8>, later: Later) {
        self.kept += real.len() as u64 + Self::RECORD;
        self.kept += later.default_acl.as_ref().map_or(0, |acl| acl.len() as u64);
        self.later.insert(real, later);
    }

    /// Everything noted with [`Records::later`], parents first.
    pub(crate) fn take_later(&mut self) -> BTreeMap<Vec<u8>, Later> {
        std::mem::take(&mut self.later)
    }

    /// The directory `real` was made because entry number `entry_number` is in it.
    pub(crate) fn implied(&mut self, real: &[u8], entry_number: u64, entry: &[u8]) {
        self.kept += (real.len() + entry.len()) as u64 + Self::RECORD;
        self.implied.insert(
            real.to_vec(),
            Implied {
                entry_number,
                entry: entry.to_vec(),
            },
        );
    }

    /// `real` is a directory entry of the layer.
    pub(crate) fn own(&mut self, real: &[u8], merged: bool) {
        self.implied.remove(real);
        if merged {
            self.own.insert(self.hash.hash_one(real));
        }
    }

    /// `name` in `parent` is an entry of the layer.
    pub(crate) fn own_file(&mut self, parent: &Dir, name: &[u8], merged: bool) {
        if merged {
            self.own
                .insert(self.hash.hash_one(join(&parent.real, name)));
        }
    }

    /// Whether an entry of the layer made `real`; only known in a merged view.
    pub(crate) fn is_own(&self, real: &[u8]) -> bool {
        self.own.contains(&self.hash.hash_one(real))
    }

    /// The directory `real` hides the layers below.
    pub(crate) fn opaque(&mut self, real: &[u8]) {
        self.kept += real.len() as u64 + Self::RECORD;
        self.opaque.insert(real.to_vec(), ());
    }

    /// Whether the layers below cannot be seen in `real` anyway.
    pub(crate) fn is_hidden(&self, real: &[u8]) -> bool {
        if self.opaque.is_empty() {
            return false;
        }
        let mut path = real;
        loop {
            if self.opaque.contains_key(path) {
                return true;
            }
            match split(path) {
                Some((parent, _)) => path = parent,
                None => return false,
            }
        }
    }

    /// An entry needs the layers below in a way that is not a directory.
    pub(crate) fn needs_below(&mut self, entry_number: u64, why: String) {
        self.needs_below.get_or_insert((entry_number, why));
    }

    /// An entry could not be made without the layers below.
    pub(crate) fn left_out(&mut self, entry_number: u64, why: String) {
        self.left_out.get_or_insert((entry_number, why));
    }

    /// `real` and everything in it is gone.
    pub(crate) fn removed(&mut self, real: &[u8]) {
        let inside = join(real, b"");
        remove_below(&mut self.opaque, real, &inside);
        remove_below(&mut self.later, real, &inside);
        remove_below(&mut self.implied, real, &inside);
    }

    /// Whether anything so far shows that the layer needs those below.
    pub(crate) fn is_needing(&self) -> bool {
        !self.implied.is_empty() || self.needs_below.is_some() || self.left_out.is_some()
    }

    /// Why the layer is not self-contained, and whether every entry could be made. The earliest
    /// entry counts; one that was left out counts more than one that only needs a directory.
    pub(crate) fn needed(&self) -> (Option<String>, bool) {
        if let Some((_, why)) = &self.left_out {
            return (Some(why.clone()), false);
        }
        let implied = self
            .implied
            .iter()
            .min_by_key(|(_, implied)| implied.entry_number)
            .map(|(real, implied)| {
                let (entry, real) = (EntryName::new(&implied.entry), EntryName::new(real));
                let why = format!("entry {entry} is in directory {real}, which is no entry");
                (implied.entry_number, why)
            });
        let reasons = [implied, self.needs_below.clone()];
        let first = reasons
            .into_iter()
            .flatten()
            .min_by_key(|(number, _)| *number);
        (first.map(|(_, why)| why), true)
    }
}

fn remove_below<V>(map: &mut BTreeMap<Vec<u8>, V>, real: &[u8], inside: &[u8]) {
    map.remove(real);
    loop {
        let next = map
            .range(inside.to_vec()..)
            .next()
            .map(|(path, _)| path.clone());
        match next {
            Some(path) if path.starts_with(inside) => map.remove(&path),
            _ => return,
        };
    }
}
