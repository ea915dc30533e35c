//! One job from its request to its result, and what is undone when it fails.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::time::Instant;

use rustix::fs::{
    Gid, Mode, OFlags, Uid, fchmod, fchown, fremovexattr, fstat, mkdirat, open, openat,
};
use rustix::io::Errno;

use crate::error::UnpackError;
use crate::fence;
use crate::job::{Outcome, Progress, Source, UnpackJob, Unpacked};
use crate::merged::{Parts, mount_view, open_parents};
use crate::stream::{Start, TarInput};
use crate::tar::TarReader;
use crate::tree::dirs::Dirs;
use crate::tree::extract::{Extracted, Extraction, Extractor};
use crate::tree::walk;

/// Bytes of headers that one entry may have on average before the stream is too long.
const HEADERS: u64 = 4096;

/// Unpacks one layer, fenced in. Call it in a forked child (or a thread of its own that ends
/// after it): namespaces, capabilities, limits and the umask of the caller are changed for good.
///
/// `progress` is called on the calling thread at most about ten times a second.
/// With an error, `target_dir` and everything in it is removed again; a job that is killed leaves
/// it (and `<target_dir>.work`) behind.
///
/// # Errors
/// See [`UnpackError`]; [`UnpackError::code`], [`UnpackError::step`] and [`UnpackError::errno`]
/// are what goes on the wire.
pub fn run_job(
    job: &UnpackJob,
    source: Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, UnpackError> {
    let started = Instant::now();
    check_digest("digest", job.expected_digest.as_deref())?;
    check_digest("diff id", job.expected_diff_id.as_deref())?;
    fence::leave_namespaces()?;
    fence::clear_umask();
    // Opened in the new mount namespace: an overlay takes no directories of another one.
    let target = Target::open(job)?;
    let parents = open_parents(&job.parent_dirs)?;
    let root = target.make()?;
    let done = unpack_into(job, source, progress, &target, root, parents, started);
    let cleaned = target.remove_work();
    match done.and_then(|outcome| cleaned.map(|()| outcome)) {
        Ok(Outcome::Stopped(why)) => match walk::remove(&target.parent, &target.name) {
            Ok(()) => Ok(Outcome::Stopped(why)),
            Err(errno) => Err(target.failed("remove")(errno)),
        },
        Ok(unpacked) => Ok(unpacked),
        Err(error) => Err(target.remove(error)),
    }
}

fn check_digest(what: &str, digest: Option<&str>) -> Result<(), UnpackError> {
    let Some(digest) = digest else { return Ok(()) };
    let good = digest.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    });
    if good {
        return Ok(());
    }
    Err(UnpackError::Request(format!(
        "the expected {what} \"{}\" is not \"sha256:\" and 64 hexadecimal digits",
        digest.escape_debug()
    )))
}

/// The directory to unpack into: one name in an open directory.
struct Target<'j> {
    path: &'j Path,
    parent: OwnedFd,
    name: Vec<u8>,
    work: Vec<u8>,
}

impl<'j> Target<'j> {
    fn open(job: &'j UnpackJob) -> Result<Self, UnpackError> {
        let path = job.target_dir.as_path();
        let wrong = || UnpackError::Request(format!("{path:?} is no absolute path of a directory"));
        let (Some(parent), Some(Component::Normal(name))) =
            (path.parent(), path.components().next_back())
        else {
            return Err(wrong());
        };
        if !path.is_absolute() {
            return Err(wrong());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = open(parent, flags, Mode::empty()).map_err(|source| UnpackError::Target {
            action: "open the parent of",
            path: path.to_owned(),
            source,
        })?;
        let name = name.as_bytes().to_vec();
        let work = [&name, crate::WORK_SUFFIX.as_bytes()].concat();
        Ok(Self {
            path,
            parent,
            name,
            work,
        })
    }

    fn failed(&self, action: &'static str) -> impl Fn(Errno) -> UnpackError {
        let path = self.path.to_owned();
        move |source| UnpackError::Target {
            action,
            path: path.clone(),
            source,
        }
    }

    fn make(&self) -> Result<OwnedFd, UnpackError> {
        match self.make_directory(&self.name, 0o755) {
            Err(Errno::EXIST) => Err(UnpackError::TargetExists(self.path.to_owned())),
            other => other.map_err(self.failed("create")),
        }
    }

    fn make_work(&self) -> Result<OwnedFd, UnpackError> {
        walk::remove(&self.parent, &self.work)
            .map_err(self.failed("clear the work directory of"))?;
        self.make_directory(&self.work, 0o700)
            .map_err(self.failed("create the work directory of"))
    }

    /// Root's, with exactly this mode and without an inherited ACL.
    fn make_directory(&self, name: &[u8], mode: u32) -> rustix::io::Result<OwnedFd> {
        mkdirat(&self.parent, name, Mode::from_raw_mode(mode))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = openat(&self.parent, name, flags, Mode::empty())?;
        for acl in ["system.posix_acl_default", "system.posix_acl_access"] {
            match fremovexattr(&dir, acl) {
                Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => {}
                Err(other) => return Err(other),
            }
        }
        fchown(&dir, Some(Uid::ROOT), Some(Gid::ROOT))?;
        fchmod(&dir, Mode::from_raw_mode(mode))?;
        Ok(dir)
    }

    fn remove_work(&self) -> Result<(), UnpackError> {
        walk::remove(&self.parent, &self.work).map_err(self.failed("remove the work directory of"))
    }

    /// After a failure: takes everything away and gives back what to report.
    fn remove(&self, error: UnpackError) -> UnpackError {
        match walk::remove(&self.parent, &self.name) {
            Ok(()) => error,
            Err(source) => UnpackError::NotRemoved {
                error: Box::new(error),
                path: self.path.to_owned(),
                source,
            },
        }
    }
}

fn unpack_into(
    job: &UnpackJob,
    source: Source,
    progress: &mut dyn FnMut(Progress),
    target: &Target<'_>,
    root: OwnedFd,
    parents: Vec<OwnedFd>,
    started: Instant,
) -> Result<Outcome, UnpackError> {
    let merged = !parents.is_empty();
    let upper = root.try_clone().map_err(|error| UnpackError::Finish {
        action: "keep a descriptor of",
        source: Errno::from_io_error(&error).unwrap_or(Errno::MFILE),
    })?;
    let (root, work) = if merged {
        view(target, root, parents, job.legacy_mounts)?
    } else {
        (root, None)
    };
    let mut trees = vec![upper.as_fd(), root.as_fd()];
    trees.extend(work.as_ref().map(AsFd::as_fd));
    let fence_gaps = fence::restrict(target.parent.as_fd(), &trees)?;

    let tree = Dirs::new(root, merged).map_err(target.failed("open"))?;
    let input = TarInput::start(Start {
        source,
        compression: job.compression,
        limit: job
            .max_bytes
            .saturating_add(job.max_entries.saturating_mul(HEADERS)),
        started,
        deadline: job.deadline,
        progress,
    })?;
    let extracted = match Extractor::new(TarReader::new(input), tree, job).run()? {
        Extraction::Whole(extracted) => extracted,
        Extraction::Stopped(why) => return Ok(Outcome::Stopped(why)),
    };
    let digest = text(extracted.digests.digest);
    let diff_id = text(extracted.digests.diff_id);
    expect("digest", &digest, job.expected_digest.as_deref())?;
    expect("diff id", &diff_id, job.expected_diff_id.as_deref())?;
    let measured = walk::measure(&upper, merged).map_err(|source| UnpackError::Finish {
        action: "measure",
        source,
    })?;
    let Extracted {
        digests,
        needed,
        complete,
    } = extracted;
    let reason = match (merged, needed) {
        (true, _) => "it was unpacked on top of its parent layers".to_owned(),
        (false, needed) => needed.unwrap_or_default(),
    };
    Ok(Outcome::Unpacked(Unpacked {
        digest,
        diff_id,
        blob_bytes: digests.blob_bytes,
        unpacked_bytes: measured.bytes,
        inodes: measured.inodes,
        self_contained: reason.is_empty(),
        not_self_contained_because: reason,
        complete,
        fence_gaps,
    }))
}

/// The merged view on top of which the layer is unpacked, and its work directory.
fn view(
    target: &Target<'_>,
    upper: OwnedFd,
    lower: Vec<OwnedFd>,
    legacy: bool,
) -> Result<(OwnedFd, Option<OwnedFd>), UnpackError> {
    // The root of the topmost directory is the root that containers see.
    if let Some(below) = lower.first() {
        let stat = fstat(below).map_err(target.failed("look at the parent of"))?;
        fchown(
            &upper,
            Some(Uid::from_raw(stat.st_uid)),
            Some(Gid::from_raw(stat.st_gid)),
        )
        .map_err(target.failed("set the owner of"))?;
        fchmod(&upper, Mode::from_raw_mode(stat.st_mode & 0o7777))
            .map_err(target.failed("set the mode of"))?;
    }
    let parts = Parts {
        lower,
        upper,
        work: target.make_work()?,
    };
    let view = mount_view(&parts, legacy)?;
    // The mount's own descriptor is only a path: owner and mode cannot be set through it.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(&view, ".", flags, Mode::empty()).map_err(target.failed("open"))?;
    Ok((root, Some(parts.work)))
}

fn text(digest: [u8; 32]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in digest {
        text.extend(
            [byte >> 4, byte & 15]
                .map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')),
        );
    }
    text
}

fn expect(what: &'static str, actual: &str, expected: Option<&str>) -> Result<(), UnpackError> {
    match expected {
        Some(expected) if expected != actual => Err(UnpackError::Digest {
            what,
            actual: actual.to_owned(),
            expected: expected.to_owned(),
        }),
        _ => Ok(()),
    }
}
