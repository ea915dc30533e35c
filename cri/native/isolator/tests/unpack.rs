//! Unpack jobs as clients of the launcher see them: what is handed over stays, all else is gone.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a failing step is a failing test"
)]

mod support;

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use estiba_wire::v1::{self, ErrorCode, launcher_reply, launcher_request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use support::{Connection, Launcher, wait_until};

macro_rules! need_root {
    () => {
        if !support::is_root() {
            support::skip("needs root");
            return;
        }
    };
}

/// A tar archive of regular files, and hard links where the content is `Err`.
fn archive(members: &[(&str, Result<&str, &str>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in members {
        let text = content.unwrap_or("");
        let mut header = [0; 512];
        let mut put = |at: usize, text: &str| {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        put(0, name);
        put(100, "0000644");
        put(124, &format!("{:011o}", text.len()));
        put(148, "        ");
        put(156, if content.is_ok() { "0" } else { "1" });
        put(157, content.err().unwrap_or(""));
        put(257, "ustar");
        put(263, "00");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(header);
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn blob(launcher: &Launcher) -> PathBuf {
    let path = launcher.scratch().join("blob.tar");
    fs::write(&path, archive(&[("f", Ok("x"))])).unwrap();
    path
}

/// A directory for targets, and the target in it.
fn target(launcher: &Launcher) -> PathBuf {
    let layers = launcher.scratch().join("layers");
    fs::create_dir_all(&layers).unwrap();
    layers.join("new")
}

fn request(source: &Path, target: &Path) -> v1::Unpack {
    v1::Unpack {
        source_path: source.to_str().unwrap().to_owned(),
        target_dir: target.to_str().unwrap().to_owned(),
        sync: true,
        ..Default::default()
    }
}

fn job(unpack: v1::Unpack) -> launcher_request::Job {
    launcher_request::Job::Unpack(unpack)
}

fn unpacked(launcher: &Launcher, unpack: v1::Unpack) -> v1::Unpacked {
    match launcher.job(job(unpack)) {
        launcher_reply::Result::Unpacked(unpacked) => unpacked,
        other => panic!("{other:?}"),
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

fn children(pid: i32) -> Vec<i32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    fs::read_to_string(path)
        .unwrap_or_default()
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

fn wait_until_idle(launcher: &Launcher) {
    wait_until("the launcher's jobs end", || {
        children(launcher.pid()).is_empty()
    });
}

/// A job for a growing blob of which nothing is said yet, and the blob's file.
fn growing(launcher: &Launcher, change: impl FnOnce(&mut v1::Unpack)) -> (Connection, PathBuf) {
    let source = launcher.scratch().join("growing.tar");
    fs::write(&source, "").unwrap();
    let mut unpack = request(&source, &target(launcher));
    unpack.growing = true;
    change(&mut unpack);
    let connection = launcher.connect();
    connection.ask(job(unpack));
    (connection, source)
}

/// So much that the unpacker does not wait for more.
const ENOUGH: usize = 512 << 10;

fn grown(connection: &Connection, bytes: usize, last: bool) {
    let grown = v1::UnpackGrown {
        bytes: bytes as u64,
        last,
    };
    estiba_wire::send(&connection.socket, &grown).unwrap();
}

/// The final answer.
fn answer(connection: &mut Connection) -> launcher_reply::Result {
    loop {
        match connection.reply().result.unwrap() {
            launcher_reply::Result::UnpackProgress(_) => {}
            other => return other,
        }
    }
}

fn fault(connection: &mut Connection) -> v1::Fault {
    match answer(connection) {
        launcher_reply::Result::Fault(fault) => fault,
        other => panic!("{other:?}"),
    }
}

/// A job with a parent layer whose blob never ends, and its target.
fn endless(launcher: &Launcher) -> (Connection, PathBuf) {
    let target = target(launcher);
    let parent = launcher.scratch().join("parent");
    fs::create_dir(&parent).unwrap();
    let (connection, source) = growing(launcher, |unpack| {
        unpack.parent_dirs = vec![parent.to_str().unwrap().to_owned()];
    });
    fs::write(source, &archive(&[("f", Ok("x"))])[..1024]).unwrap();
    grown(&connection, 1024, false);
    let work = target.with_extension("work");
    wait_until("the unpacker is at work", || {
        target.exists() && work.exists()
    });
    (connection, target)
}

#[test]
fn a_layer_that_was_answered_for_stays_however_soon_the_client_leaves() {
    need_root!();
    let launcher = Launcher::start();
    let (blob, target) = (blob(&launcher), target(&launcher));
    for _ in 0..20 {
        let mut connection = launcher.connect();
        connection.ask(job(request(&blob, &target)));
        while !connection.reply().done {}
        drop(connection);
        let moved = target.with_extension("moved");
        fs::rename(&target, &moved).unwrap();
        wait_until_idle(&launcher);
        assert_eq!(fs::read_to_string(moved.join("f")).unwrap(), "x");
        fs::remove_dir_all(moved).unwrap();
    }
}

#[test]
fn a_client_that_leaves_before_the_answer_leaves_nothing() {
    need_root!();
    let launcher = Launcher::start();
    let (connection, target) = endless(&launcher);
    drop(connection);
    wait_until_idle(&launcher);
    assert!(names(target.parent().unwrap()).is_empty());
}

#[test]
fn a_killed_unpacker_leaves_nothing_and_is_named() {
    need_root!();
    let launcher = Launcher::start();
    let (mut connection, target) = endless(&launcher);
    let unpackers: Vec<i32> = children(launcher.pid())
        .into_iter()
        .flat_map(children)
        .collect();
    assert_eq!(unpackers.len(), 1);
    let pid = rustix::process::Pid::from_raw(unpackers[0]).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let fault = fault(&mut connection);
    assert_eq!(fault.step, "unpacker");
    assert!(fault.message.contains("signal 9"), "{}", fault.message);
    // Everything is gone when the answer comes.
    assert!(names(target.parent().unwrap()).is_empty());
}

#[test]
fn a_dead_launcher_takes_its_jobs_and_their_trees_along() {
    need_root!();
    let mut launcher = Launcher::start();
    let (_connection, target) = endless(&launcher);
    launcher.process.kill().unwrap();
    launcher.process.wait().unwrap();
    wait_until("the target is gone", || {
        names(target.parent().unwrap()).is_empty()
    });
}

#[test]
fn a_failed_job_leaves_nothing() {
    need_root!();
    let launcher = Launcher::start();
    let target = target(&launcher);
    let source = launcher.scratch().join("bad.tar");
    let mut bytes = archive(&[("f", Ok("x")), ("g", Ok("y"))]);
    // In the name of the second header: its checksum is wrong now.
    bytes[1024] ^= 1;
    fs::write(&source, bytes).unwrap();
    let fault = launcher.fault(job(request(&source, &target)));
    assert_eq!(fault.code(), ErrorCode::InvalidArgument, "{fault:?}");
    let mut unpack = request(&blob(&launcher), &target);
    unpack.expected_digest = format!("sha256:{}", "0".repeat(64));
    let fault = launcher.fault(job(unpack));
    assert_eq!(fault.code(), ErrorCode::InvalidArgument, "{fault:?}");
    assert!(names(target.parent().unwrap()).is_empty());
}

#[test]
fn a_target_that_exists_is_refused_by_name_and_never_touched() {
    need_root!();
    let launcher = Launcher::start();
    let (blob, target) = (blob(&launcher), target(&launcher));
    fs::create_dir(&target).unwrap();
    fs::write(target.join("theirs"), "kept").unwrap();
    let fault = launcher.fault(job(request(&blob, &target)));
    assert_eq!(fault.code(), ErrorCode::AlreadyExists);
    assert!(fault.message.contains(target.to_str().unwrap()));
    // Nor by a client that does not wait for the answer.
    for _ in 0..10 {
        let connection = launcher.connect();
        connection.ask(job(request(&blob, &target)));
        drop(connection);
        wait_until_idle(&launcher);
        assert_eq!(names(&target), ["theirs"]);
    }
}

#[test]
fn a_hard_link_out_of_the_layer_is_told() {
    need_root!();
    let launcher = Launcher::start();
    let target = target(&launcher);
    let source = launcher.scratch().join("link.tar");
    fs::write(&source, archive(&[("h", Err("below"))])).unwrap();
    let result = unpacked(&launcher, request(&source, &target));
    assert!(result.incomplete && !result.self_contained);
    let whole = unpacked(
        &launcher,
        request(&blob(&launcher), &target.with_extension("2")),
    );
    assert!(!whole.incomplete && whole.self_contained);
}

#[test]
fn a_growing_file_is_read_as_far_as_the_client_says_and_no_further() {
    need_root!();
    let launcher = Launcher::start();
    let one = "1".repeat(2 * ENOUGH);
    let bytes = archive(&[("f", Ok(&one)), ("g", Ok("two"))]);
    let (mut connection, source) = growing(&launcher, |_| ());
    // Rubbish behind what counts, as a writer in the middle of a write leaves it.
    let mut rubbish = bytes.clone();
    rubbish[ENOUGH + 1..].fill(0xff);
    fs::write(&source, &rubbish).unwrap();
    for count in [0, 1, 600, ENOUGH + 1] {
        grown(&connection, count, false);
    }
    let first = target(&launcher).join("f");
    wait_until("the first file is there", || first.exists());
    // Over what is there: a file emptied first would be a writer that takes back what was said.
    let file = fs::OpenOptions::new().write(true).open(&source).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    grown(&connection, bytes.len(), false);
    grown(&connection, bytes.len(), true);
    match answer(&mut connection) {
        launcher_reply::Result::Unpacked(unpacked) => {
            assert_eq!(unpacked.blob_bytes, bytes.len() as u64);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read_to_string(first).unwrap(), one);
}

#[test]
fn a_client_that_lies_about_a_growing_file_gets_an_error_and_no_layer() {
    need_root!();
    let launcher = Launcher::start();
    let bytes = archive(&[("f", Ok("x"))]);
    let cases = [
        (vec![(9999, false)], "the client said 9999"),
        (vec![(600, false), (599, true)], "600 bytes, then 599"),
        // The blob ends in the middle of an entry.
        (vec![(512, true)], "ends in the entry's data"),
    ];
    for (said, why) in cases {
        let (mut connection, source) = growing(&launcher, |_| ());
        fs::write(&source, &bytes).unwrap();
        for (count, last) in said {
            grown(&connection, count, last);
        }
        let fault = fault(&mut connection);
        let told = format!("{} {:?}", fault.message, fault.chain);
        assert!(told.contains(why), "{told}");
        assert!(names(target(&launcher).parent().unwrap()).is_empty());
    }
    let (mut connection, _source) = growing(&launcher, |unpack| unpack.offset = 1);
    assert_eq!(fault(&mut connection).code(), ErrorCode::InvalidArgument);
}

#[test]
fn a_layer_that_needs_those_below_stops_at_once_when_asked_and_leaves_nothing() {
    need_root!();
    let launcher = Launcher::start();
    let bytes = archive(&[("d/f", Ok(&"x".repeat(2 * ENOUGH))), ("d/g", Ok("y"))]);
    let (mut connection, source) = growing(&launcher, |unpack| {
        unpack.stop_unless_self_contained = true;
    });
    fs::write(&source, &bytes).unwrap();
    // The second entry is never waited for.
    grown(&connection, bytes.len() - 2048, false);
    match answer(&mut connection) {
        launcher_reply::Result::Unpacked(unpacked) => {
            assert!(unpacked.stopped && !unpacked.self_contained);
            let why = unpacked.not_self_contained_because;
            assert!(why.contains("\"d/f\""), "{why}");
        }
        other => panic!("{other:?}"),
    }
    assert!(names(target(&launcher).parent().unwrap()).is_empty());
}

#[test]
fn a_client_that_still_tells_how_far_a_blob_is_gets_its_answer() {
    need_root!();
    let launcher = Launcher::start();
    let bytes = archive(&[("d/f", Ok(&"x".repeat(2 * ENOUGH)))]);
    let (mut connection, source) = growing(&launcher, |unpack| {
        unpack.stop_unless_self_contained = true;
    });
    fs::write(&source, &bytes).unwrap();
    grown(&connection, bytes.len(), false);
    wait_until("the answer is there", || {
        let mut fds = [PollFd::new(&connection.socket, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).unwrap() == 1
    });
    let jobs = || children(launcher.pid()).into_iter();
    wait_until("the unpacker ends", || {
        jobs().flat_map(children).count() == 0
    });
    for _ in 0..3 {
        grown(&connection, bytes.len(), false);
    }
    match answer(&mut connection) {
        launcher_reply::Result::Unpacked(unpacked) => assert!(unpacked.stopped),
        other => panic!("{other:?}"),
    }
    drop(connection);
    wait_until_idle(&launcher);
}
