//! Builds tars byte by byte and runs jobs on them, each in a thread of its own because a job
//! fences in the thread that runs it for good.
#![allow(dead_code, reason = "every test file uses another part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use estiba_unpack::{Outcome, Source, UnpackError, UnpackJob, Unpacked, run_job};
use tempfile::TempDir;

/// One header with its data.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) kind: u8,
    pub(crate) mode: u32,
    pub(crate) ids: (u32, u32),
    pub(crate) mtime: u64,
    pub(crate) device: (u32, u32),
    pub(crate) data: Vec<u8>,
    /// Replaces the size in the header.
    pub(crate) size: Option<Vec<u8>>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, link) = (self.name.escape_ascii(), self.link.escape_ascii());
        write!(
            f,
            "{} {name} {link} {:o} {}b",
            char::from(self.kind),
            self.mode,
            self.data.len()
        )
    }
}

impl Member {
    pub(crate) fn new(kind: u8, name: &str) -> Self {
        Self {
            name: name.into(),
            link: Vec::new(),
            kind,
            mode: if kind == b'5' { 0o755 } else { 0o644 },
            ids: (0, 0),
            mtime: 1_600_000_000,
            device: (0, 0),
            data: Vec::new(),
            size: None,
        }
    }

    pub(crate) fn link(mut self, link: &str) -> Self {
        self.link = link.into();
        self
    }

    pub(crate) fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    pub(crate) fn ids(mut self, uid: u32, gid: u32) -> Self {
        self.ids = (uid, gid);
        self
    }

    pub(crate) fn device(mut self, major: u32, minor: u32) -> Self {
        self.device = (major, minor);
        self
    }

    pub(crate) fn data(mut self, data: &[u8]) -> Self {
        self.data = data.to_vec();
        self
    }

    pub(crate) fn header(&self) -> [u8; 512] {
        let mut block = [0u8; 512];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name[..self.name.len().min(100)]);
        put(100, format!("{:07o}\0", self.mode).as_bytes());
        put(108, format!("{:07o}\0", self.ids.0).as_bytes());
        put(116, format!("{:07o}\0", self.ids.1).as_bytes());
        let size = format!("{:011o}\0", self.data.len()).into_bytes();
        put(124, self.size.as_deref().unwrap_or(&size));
        put(136, format!("{:011o}\0", self.mtime).as_bytes());
        put(156, &[self.kind]);
        put(157, &self.link[..self.link.len().min(100)]);
        put(257, b"ustar\x0000");
        put(329, format!("{:07o}\0", self.device.0).as_bytes());
        put(337, format!("{:07o}\0", self.device.1).as_bytes());
        seal(&mut block);
        block
    }
}

/// Writes the checksum.
pub(crate) fn seal(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub(crate) fn dir(name: &str) -> Member {
    Member::new(b'5', name)
}

pub(crate) fn file(name: &str, data: &str) -> Member {
    Member::new(b'0', name).data(data.as_bytes())
}

pub(crate) fn symlink(name: &str, target: &str) -> Member {
    Member::new(b'2', name).link(target)
}

pub(crate) fn hard_link(name: &str, target: &str) -> Member {
    Member::new(b'1', name).link(target)
}

/// A PAX header with these records.
pub(crate) fn pax(records: &[(&str, &[u8])]) -> Member {
    let mut data = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (rest..).find(|n| n.to_string().len() + rest == *n).unwrap();
        data.extend(format!("{length} {key}=").into_bytes());
        data.extend(*value);
        data.push(b'\n');
    }
    Member::new(b'x', "pax").data(&data)
}

/// A GNU long name (kind `L`) or long link (`K`).
pub(crate) fn long(kind: u8, name: &[u8]) -> Member {
    Member::new(kind, "././@LongLink").data(&[name, b"\0"].concat())
}

/// The members with padding, without the end of the archive.
pub(crate) fn members(members: &[Member]) -> Vec<u8> {
    let mut tar = Vec::new();
    for member in members {
        tar.extend(member.header());
        tar.extend(&member.data);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar
}

/// A whole archive.
pub(crate) fn tar(list: &[Member]) -> Vec<u8> {
    let mut tar = members(list);
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// Says why the running test proves nothing here. `hack/run-tests.ts` counts these lines; a print
/// macro would not do, as what it prints is shown for failing tests only.
pub(crate) fn skip(why: &str) {
    let thread = std::thread::current();
    let what = thread.name().unwrap_or("a test");
    writeln!(std::io::stderr(), "\nskipped: {what}: {why}").ok();
}

/// A directory of its own with a canary beside the place where layers go.
pub(crate) struct Scene {
    pub(crate) home: TempDir,
}

const CANARY: &str = "must stay";

impl Scene {
    /// `None`, with the reason printed, where such tests cannot run.
    pub(crate) fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip("unpacking layers needs root");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("layers")).unwrap();
        fs::write(home.path().join("canary"), CANARY).unwrap();
        fs::write(home.path().join("layers/canary"), CANARY).unwrap();
        Some(Self { home })
    }

    pub(crate) fn layer(&self, name: &str) -> PathBuf {
        self.home.path().join("layers").join(name)
    }

    /// Unpacks a blob as layer `name` and checks that nothing else changed.
    pub(crate) fn unpack_with(
        &self,
        name: &str,
        blob: &[u8],
        change: impl FnOnce(&mut UnpackJob),
    ) -> Result<Unpacked, UnpackError> {
        self.unpack_from(
            name,
            Source::Stream(Box::new(Cursor::new(blob.to_vec()))),
            change,
        )
    }

    pub(crate) fn unpack_from(
        &self,
        name: &str,
        source: Source,
        change: impl FnOnce(&mut UnpackJob),
    ) -> Result<Unpacked, UnpackError> {
        match self.run(name, source, change)? {
            Outcome::Unpacked(unpacked) => Ok(unpacked),
            Outcome::Stopped(why) => unreachable!("it stopped: {why}"),
        }
    }

    /// Runs a job to whatever end and checks that nothing but the layer is left of it.
    pub(crate) fn run(
        &self,
        name: &str,
        source: Source,
        change: impl FnOnce(&mut UnpackJob),
    ) -> Result<Outcome, UnpackError> {
        let before = self.names();
        let mut job = UnpackJob::new(self.layer(name));
        change(&mut job);
        let result = std::thread::spawn(move || run_job(&job, source, &mut |_| ()))
            .join()
            .unwrap();
        let mut after = self.names();
        let made = matches!(result, Ok(Outcome::Unpacked(_)));
        after.retain(|found| !made || found != name);
        assert_eq!(before, after, "the job left something behind ({result:?})");
        for canary in ["canary", "layers/canary"] {
            assert_eq!(
                fs::read_to_string(self.home.path().join(canary)).unwrap(),
                CANARY
            );
        }
        let outside: Vec<_> = fs::read_dir(self.home.path()).unwrap().collect();
        assert_eq!(outside.len(), 2, "something appeared outside: {outside:?}");
        result
    }

    pub(crate) fn unpack(&self, name: &str, list: &[Member]) -> Result<Unpacked, UnpackError> {
        self.unpack_with(name, &tar(list), |_| ())
    }

    /// Unpacks on top of the named layers, topmost first: both ways of mounting, which must agree.
    pub(crate) fn unpack_on(
        &self,
        name: &str,
        parents: &[&str],
        list: &[Member],
    ) -> Result<Unpacked, UnpackError> {
        let parents: Vec<PathBuf> = parents.iter().map(|parent| self.layer(parent)).collect();
        let legacy_name = format!("{name}-legacy");
        let legacy = self.unpack_with(&legacy_name, &tar(list), |job| {
            job.parent_dirs.clone_from(&parents);
            job.legacy_mounts = true;
        });
        let result = self.unpack_with(name, &tar(list), |job| job.parent_dirs = parents);
        assert_eq!(legacy.is_ok(), result.is_ok(), "{legacy:?} {result:?}");
        if result.is_ok() {
            assert_eq!(self.listing(&legacy_name), self.listing(name));
            fs::remove_dir_all(self.layer(&legacy_name)).unwrap();
        }
        result
    }

    /// Asserts that the members are refused with all of `words` in the message.
    pub(crate) fn refuses(&self, list: &[Member], words: &[&str]) {
        self.refuses_tar(&tar(list), words);
    }

    pub(crate) fn refuses_tar(&self, blob: &[u8], words: &[&str]) {
        let message = self
            .unpack_with("refused", blob, |_| ())
            .unwrap_err()
            .to_string();
        for word in words {
            assert!(message.contains(word), "{word:?} is not in: {message}");
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home.path().join("layers")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// What the layer holds, one line per path.
    pub(crate) fn listing(&self, name: &str) -> Vec<String> {
        describe(&self.layer(name))
            .into_iter()
            .map(|(path, what)| format!("{path} {what}"))
            .collect()
    }
}

/// Path to a short description: type, content or target.
pub(crate) fn describe(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let kind = meta.file_type();
            let what = if kind.is_dir() {
                pending.push(path.clone());
                let opaque = xattr(&path, "trusted.overlay.opaque").is_some();
                if opaque {
                    "opaque dir".to_owned()
                } else {
                    "dir".to_owned()
                }
            } else if kind.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if kind.is_char_device() && meta.rdev() == 0 {
                "whiteout".to_owned()
            } else if kind.is_file() {
                format!("= {}", String::from_utf8_lossy(&fs::read(&path).unwrap()))
            } else {
                format!("special {:o} {}", meta.mode(), meta.rdev())
            };
            let path = path.strip_prefix(root).unwrap();
            found.insert(
                String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned(),
                what,
            );
        }
    }
    found
}

pub(crate) fn xattr(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 64 << 10];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

/// Mounts nothing: reads the merged view of layers (topmost first) as an overlay would show it.
pub(crate) fn merged(layers: &[PathBuf]) -> BTreeMap<String, String> {
    let mut view: BTreeMap<String, String> = BTreeMap::new();
    for layer in layers.iter().rev() {
        for (path, what) in describe(layer) {
            let inside = format!("{path}/");
            if what != "dir" {
                view.retain(|found, _| !found.starts_with(&inside));
            }
            if what == "whiteout" {
                view.remove(&path);
            } else {
                let shown = if what == "opaque dir" {
                    "dir".to_owned()
                } else {
                    what
                };
                view.insert(path, shown);
            }
        }
    }
    view
}
