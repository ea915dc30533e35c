//! Unpacks a layer in a process of its own, which is fenced in; this one waits, cleans up behind it
//! and ends it when nobody waits for the layer any more.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use estiba_kernel::spawn::wait_pidfd;
use estiba_monitor::convert;
use estiba_monitor::process::{self, Child, Ended};
use estiba_monitor::stderr_log::{self, Level};
use estiba_unpack::{Compression, Outcome, Source, UnpackJob};
use estiba_wire::FrameReader;
use estiba_wire::v1::{self, ErrorCode, Fault};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use crate::growing::GrowingFile;
use crate::job::{self, Context, Reply, answered, reply};
use crate::place::COMPONENT;

/// How long a client may take to read its answer and close.
const CLOSING_PATIENCE: Duration = Duration::from_secs(10);
/// What the unpacker writes before it answers: the target is the client's from now on, or gone.
const SETTLED: u8 = 1;
/// What it writes when the layer could not be made durable; the errno follows.
const NOT_SYNCED: u8 = 2;

/// Forks the unpacker and attends to it.
pub(crate) fn run(
    request: &v1::Unpack,
    connection: &OwnedFd,
    reader: FrameReader,
    context: &Context,
) -> ExitCode {
    let prepared = job_of(request).and_then(|job| {
        check_absent(&job.target_dir)?;
        Ok((job, context.launcher_pidfd()?))
    });
    let (job, launcher) = match prepared {
        Ok(prepared) => prepared,
        Err(fault) => return refuse(connection, fault),
    };
    // One byte in here says that the target is the client's business from now on: it may close the
    // connection, and rename the layer or use the name again, before the unpacker has ended.
    let (handed_over, handing_over) = match pipe() {
        Ok(ends) => ends,
        Err(error) => {
            let fault = Fault::from_io("fork", "cannot attend to the unpacker", &error);
            return refuse(connection, fault);
        }
    };
    match process::fork() {
        Ok(None) => {
            drop(handed_over);
            unpack(request, &job, connection, reader, handing_over)
        }
        Ok(Some(child)) => {
            drop(handing_over);
            let ended = attend(&child, connection, &launcher, &job.target_dir, handed_over);
            read_to_end(connection);
            ended
        }
        Err(errno) => {
            let what = "cannot fork the unpacker";
            refuse(
                connection,
                Fault::from_errno("fork", what, errno.raw_os_error()),
            )
        }
    }
}

fn refuse(connection: &OwnedFd, fault: Fault) -> ExitCode {
    let status = answered(reply(connection, Reply::Fault(fault)));
    read_to_end(connection);
    status
}

fn job_of(request: &v1::Unpack) -> Result<UnpackJob, Fault> {
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let mut job = UnpackJob::new(job::absolute(&request.target_dir, "check")?);
    job.compression = match request.compression() {
        v1::Compression::Auto => Compression::Auto,
        v1::Compression::None => Compression::None,
        v1::Compression::Gzip => Compression::Gzip,
        v1::Compression::Zstd => Compression::Zstd,
    };
    job.expected_digest = given(&request.expected_digest);
    job.expected_diff_id = given(&request.expected_diff_id);
    job.parent_dirs = request
        .parent_dirs
        .iter()
        .map(|path| job::absolute(path, "check"))
        .collect::<Result<Vec<PathBuf>, Fault>>()?;
    job.stop_unless_self_contained = request.stop_unless_self_contained;
    if request.max_bytes > 0 {
        job.max_bytes = request.max_bytes;
    }
    if request.max_entries > 0 {
        job.max_entries = request.max_entries;
    }
    if request.deadline_ms > 0 {
        job.deadline = Duration::from_millis(request.deadline_ms);
    }
    Ok(job)
}

/// Whatever is found at the target when the job fails is removed: it must not be somebody else's.
fn check_absent(target: &Path) -> Result<(), Fault> {
    match rustix::fs::lstat(target) {
        Err(Errno::NOENT) => Ok(()),
        Ok(_) => {
            let error = estiba_unpack::UnpackError::TargetExists(target.to_owned());
            Err(fault_of(&error))
        }
        Err(errno) => {
            let what = format!("cannot unpack into {target:?}");
            Err(Fault::from_errno("target", &what, errno.raw_os_error()))
        }
    }
}

fn unpack(
    request: &v1::Unpack,
    job: &UnpackJob,
    connection: &OwnedFd,
    reader: FrameReader,
    mut handing_over: File,
) -> ExitCode {
    rustix::thread::set_name(c"estiba-unpack").ok();
    let result = match unpack_and_sync(request, job, connection, reader) {
        Ok(unpacked) => Reply::Unpacked(unpacked),
        Err(Unfinished::Fault(fault)) => Reply::Fault(fault),
        Err(Unfinished::NotSynced(errno)) => {
            let mut word = vec![NOT_SYNCED];
            word.extend(errno.to_ne_bytes());
            // The attendant removes the layer and answers.
            handing_over.write_all(&word).ok();
            return ExitCode::FAILURE;
        }
    };
    // It cannot fail while the attendant lives; without one nobody removes the layer.
    handing_over.write_all(&[SETTLED]).ok();
    answered(reply(connection, result))
}

/// Why there is no layer: none was left, or it may not survive a power cut.
enum Unfinished {
    Fault(Fault),
    NotSynced(i32),
}

fn unpack_and_sync(
    request: &v1::Unpack,
    job: &UnpackJob,
    connection: &OwnedFd,
    reader: FrameReader,
) -> Result<v1::Unpacked, Unfinished> {
    if !request.file_label.is_empty() {
        // Of this thread, which is the one that makes them.
        estiba_isolate::label_new_files(&request.file_label)
            .map_err(|error| Unfinished::Fault(convert::fault(error)))?;
    }
    let source = source_of(request, connection, reader).map_err(Unfinished::Fault)?;
    // Opened before the fence closes.
    let parent = job
        .target_dir
        .parent()
        .filter(|_| request.sync)
        .map(File::open)
        .transpose();
    let mut progress = |now: estiba_unpack::Progress| {
        let now = v1::UnpackProgress {
            blob_bytes: now.blob_bytes,
            entries: now.entries,
        };
        // A client that is gone is noticed by the attendant.
        reply(connection, Reply::UnpackProgress(now)).ok();
    };
    let outcome = estiba_unpack::run_job(job, source, &mut progress)
        .map_err(|error| Unfinished::Fault(fault_of(&error)))?;
    if let Outcome::Unpacked(unpacked) = &outcome {
        // A part that older kernels do not have in full is as good as they get.
        let missing = unpacked.fence_gaps.iter().copied();
        for what in missing.filter(|gap| !gap.ends_with("-partial")) {
            let message = "the unpacker ran without a part of its fence";
            stderr_log::line(Level::Warn, COMPONENT, message, &[("missing", what)]);
        }
        sync(parent).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(Errno::IO.raw_os_error());
            Unfinished::NotSynced(errno)
        })?;
    }
    Ok(wire(outcome))
}

fn pipe() -> io::Result<(File, File)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    Ok((File::from(reader), File::from(writer)))
}

fn sync(parent: io::Result<Option<File>>) -> io::Result<()> {
    match parent? {
        Some(parent) => Ok(estiba_unpack::sync_tree(parent)?),
        None => Ok(()),
    }
}

fn source_of(
    request: &v1::Unpack,
    connection: &OwnedFd,
    reader: FrameReader,
) -> Result<Source, Fault> {
    let path = job::absolute(&request.source_path, "check")?;
    let file = File::open(&path)
        .map_err(|error| Fault::from_io("source", &format!("cannot open blob {path:?}"), &error))?;
    if !request.growing {
        return Ok(Source::File {
            file,
            offset: request.offset,
            length: request.length,
        });
    }
    if (request.offset, request.length) != (0, 0) {
        let message = format!("cannot read a part of {path:?} while it grows");
        return Err(Fault::new(ErrorCode::InvalidArgument, "check", message));
    }
    let connection = connection.try_clone().map_err(|error| {
        let what = "cannot hear how far the blob has grown";
        Fault::from_io("source", what, &error)
    })?;
    let growing = GrowingFile::new(file, connection, reader);
    Ok(Source::Stream(Box::new(growing)))
}

fn wire(outcome: Outcome) -> v1::Unpacked {
    let unpacked = match outcome {
        Outcome::Unpacked(unpacked) => unpacked,
        Outcome::Stopped(why) => {
            return v1::Unpacked {
                stopped: true,
                not_self_contained_because: why,
                ..Default::default()
            };
        }
    };
    v1::Unpacked {
        digest: unpacked.digest,
        diff_id: unpacked.diff_id,
        blob_bytes: unpacked.blob_bytes,
        unpacked_bytes: unpacked.unpacked_bytes,
        inodes: unpacked.inodes,
        self_contained: unpacked.self_contained,
        not_self_contained_because: unpacked.not_self_contained_because,
        incomplete: !unpacked.complete,
        stopped: false,
    }
}

fn fault_of(error: &estiba_unpack::UnpackError) -> Fault {
    let code = match error.code() {
        estiba_unpack::ErrorCode::InvalidArgument => ErrorCode::InvalidArgument,
        estiba_unpack::ErrorCode::NotFound => ErrorCode::NotFound,
        estiba_unpack::ErrorCode::AlreadyExists => ErrorCode::AlreadyExists,
        estiba_unpack::ErrorCode::FailedPrecondition => ErrorCode::FailedPrecondition,
        estiba_unpack::ErrorCode::Unavailable => ErrorCode::Unavailable,
        estiba_unpack::ErrorCode::PermissionDenied => ErrorCode::PermissionDenied,
        estiba_unpack::ErrorCode::DeadlineExceeded => ErrorCode::DeadlineExceeded,
        estiba_unpack::ErrorCode::ResourceExhausted => ErrorCode::ResourceExhausted,
        estiba_unpack::ErrorCode::Internal => ErrorCode::Internal,
    };
    Fault::new(code, error.step(), error.to_string())
        .with_errno(error.errno())
        .with_causes(error)
}

/// Waits for the unpacker; kills it, and removes what it made, when nobody wants the layer.
fn attend(
    child: &Child,
    connection: &OwnedFd,
    launcher: &OwnedFd,
    target_dir: &Path,
    handed_over: File,
) -> ExitCode {
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(child.pidfd.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(launcher.as_fd(), PollFlags::IN),
            // Reported when the peer has closed, not when it has only finished sending.
            PollFd::from_borrowed_fd(connection.as_fd(), PollFlags::empty()),
        ];
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => {
                process::send_signal(&child.pidfd, 9).ok();
            }
        }
        let [ended, launcher, closed] = fds.map(|fd| !fd.revents().is_empty());
        if ended {
            break;
        }
        if launcher || closed {
            process::send_signal(&child.pidfd, 9).ok();
            // What it has made can be removed only after its end, whenever that is.
            wait_pidfd(&child.pidfd, true).ok();
            if !matches!(last_word(handed_over), LastWord::Settled) {
                remove(target_dir);
            }
            return ExitCode::SUCCESS;
        }
    }
    match process::reap(&child.pidfd) {
        Ok(Some(Ended::Exited(0))) => ExitCode::SUCCESS,
        Ok(Some(ended)) => {
            let fault = match last_word(handed_over) {
                // It died while it answered: the layer is whole, and the client may know it.
                LastWord::Settled => None,
                LastWord::NotSynced(errno) => {
                    let what = format!("cannot sync layer {target_dir:?}");
                    Some(Fault::from_errno("syncfs", &what, errno))
                }
                LastWord::None => {
                    let message = format!("cannot unpack layer: the unpacker ended with {ended}");
                    Some(Fault::new(ErrorCode::Internal, "unpacker", message))
                }
            };
            let Some(fault) = fault else {
                return ExitCode::SUCCESS;
            };
            remove(target_dir);
            answered(reply(connection, Reply::Fault(fault)))
        }
        Ok(None) | Err(_) => ExitCode::FAILURE,
    }
}

/// Reads, and throws away, what a client still sends that has its answer, until it has closed: a
/// connection that closes under what is sent fails the client before it has read the answer.
fn read_to_end(connection: &OwnedFd) {
    let begun = Instant::now();
    let mut rest = vec![0; 64 * 1024];
    while let Some(left) = CLOSING_PATIENCE.checked_sub(begun.elapsed()) {
        let patience = Some(left.max(Duration::from_millis(1)));
        if set_socket_timeout(connection, Timeout::Recv, patience).is_err() {
            return;
        }
        match rustix::net::recv(connection, &mut rest[..], RecvFlags::empty()) {
            Ok((1.., _)) | Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// What a dead unpacker has said about its layer.
enum LastWord {
    None,
    Settled,
    NotSynced(i32),
}

/// Reads the pipe to its end, which came with the unpacker's.
fn last_word(mut pipe: File) -> LastWord {
    let mut word = Vec::new();
    pipe.read_to_end(&mut word).ok();
    match word.split_first() {
        Some((&SETTLED, _)) => LastWord::Settled,
        Some((&NOT_SYNCED, errno)) => LastWord::NotSynced(
            <[u8; 4]>::try_from(errno).map_or(Errno::IO.raw_os_error(), i32::from_ne_bytes),
        ),
        _ => LastWord::None,
    }
}

/// Removes what a dead unpacker has made.
fn remove(target_dir: &Path) {
    for tree in [target_dir, &estiba_unpack::work_dir(target_dir)] {
        if let Err(error) = estiba_trees::remove_tree(tree) {
            let why = error.to_string();
            let message = "cannot remove what a dead unpacker has left";
            stderr_log::line(Level::Warn, COMPONENT, message, &[("why", &why)]);
        }
    }
}
