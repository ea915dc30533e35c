use std::fs;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{CWD, FileType, Mode, OFlags, RenameFlags};

use super::*;

#[derive(Default)]
struct Blocks(Vec<Vec<u8>>);

impl Sink for Blocks {
    fn write(&mut self, records: &[u8]) {
        self.0.push(records.to_vec());
    }
}

impl Blocks {
    /// Every record as (stream, tag, bytes), checked for form.
    fn records(&self) -> Vec<(String, u8, Vec<u8>)> {
        let mut records = Vec::new();
        for block in &self.0 {
            assert_eq!(
                block.last(),
                Some(&b'\n'),
                "a write ends with a whole record"
            );
            for line in block.split_inclusive(|byte| *byte == b'\n') {
                let line = &line[..line.len() - 1];
                assert_eq!(line[29], b'Z');
                assert_eq!(&line[10..11], b"T");
                assert_eq!((line[30], line[37], line[39]), (b' ', b' ', b' '));
                let stream = String::from_utf8(line[31..37].to_vec()).unwrap();
                assert!(line.len() - PREFIX_BYTES <= MAX_LINE);
                records.push((stream, line[38], line[40..].to_vec()));
            }
        }
        records
    }
}

fn feed(splitter: &mut Splitter, scratch: &mut Scratch, bytes: &[u8], sink: &mut Blocks) {
    for chunk in bytes.chunks(READ_BYTES) {
        scratch.input[..chunk.len()].copy_from_slice(chunk);
        splitter.push(scratch, chunk.len(), sink);
    }
}

fn split(reads: &[&[u8]]) -> Blocks {
    let (mut splitter, mut scratch) = (Splitter::new(StreamName::Stdout), Scratch::new());
    let mut sink = Blocks::default();
    for read in reads {
        feed(&mut splitter, &mut scratch, read, &mut sink);
    }
    splitter.finish(&mut scratch, &mut sink);
    sink
}

fn rejoin(records: &[(String, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (_, tag, content) in records {
        bytes.extend_from_slice(content);
        if *tag == b'F' {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[test]
fn lines_of_one_read_go_out_in_one_write() {
    let sink = split(&[b"one\ntwo\n\nfour\n"]);
    assert_eq!(sink.0.len(), 1);
    let contents: Vec<_> = sink
        .records()
        .into_iter()
        .map(|record| (record.1, record.2))
        .collect();
    let full = |text: &str| (b'F', text.as_bytes().to_vec());
    assert_eq!(contents, [full("one"), full("two"), full(""), full("four")]);
}

#[test]
fn a_line_that_comes_in_pieces_is_one_record() {
    let sink = split(&[b"he", b"l", b"lo\nwor", b"ld"]);
    let records = sink.records();
    assert_eq!(
        (records[0].1, records[0].2.as_slice()),
        (b'F', &b"hello"[..])
    );
    assert_eq!(
        (records[1].1, records[1].2.as_slice()),
        (b'P', &b"world"[..])
    );
    assert_eq!(records.len(), 2);
}

#[test]
fn a_line_of_exactly_the_limit_is_whole_and_one_byte_more_is_cut() {
    let mut line = vec![b'x'; MAX_LINE];
    line.push(b'\n');
    assert_eq!(split(&[&line]).records().len(), 1);
    line.insert(0, b'x');
    let records = split(&[&line]).records();
    let shape: Vec<_> = records
        .iter()
        .map(|record| (record.1, record.2.len()))
        .collect();
    assert_eq!(shape, [(b'P', MAX_LINE), (b'F', 1)]);
}

#[test]
fn the_stream_is_named_in_every_record() {
    let (mut splitter, mut scratch) = (Splitter::new(StreamName::Stderr), Scratch::new());
    let mut sink = Blocks::default();
    feed(&mut splitter, &mut scratch, b"a\nb\n", &mut sink);
    assert!(sink.records().iter().all(|record| record.0 == "stderr"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn joining_the_records_gives_back_the_bytes_and_no_record_is_torn(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                (0_usize..40_000).prop_map(|length| vec![b'z'; length]),
                (0_usize..3000).prop_map(|length| vec![b'\n'; length]),
            ],
            0..12,
        ),
        cut in 1_usize..90_000,
    ) {
        let bytes = pieces.concat();
        let reads: Vec<&[u8]> = bytes.chunks(cut).collect();
        let sink = split(&reads);
        prop_assert!(sink.0.iter().all(|block| block.len() <= WRITE_BYTES));
        prop_assert_eq!(rejoin(&sink.records()), bytes);
    }
}

#[test]
fn a_log_is_made_with_its_directories_and_appended_to() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("a/b/0.log");
    LogFile::open(&path, Path::new("")).unwrap().write(b"one\n");
    LogFile::open(&path, Path::new("")).unwrap().write(b"two\n");
    assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
}

#[test]
fn reopening_makes_the_file_anew_and_leaves_the_old_one() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("0.log");
    let mut log = LogFile::open(&path, Path::new("")).unwrap();
    log.write(b"old\n");
    fs::rename(&path, scratch.path().join("0.log.1")).unwrap();
    log.reopen().unwrap();
    assert!(path.exists());
    log.write(b"new\n");
    assert_eq!(fs::read(&path).unwrap(), b"new\n");
    assert_eq!(fs::read(scratch.path().join("0.log.1")).unwrap(), b"old\n");
}

#[test]
fn symlinks_and_fifos_are_no_logs() {
    let scratch = tempfile::tempdir().unwrap();
    let link = scratch.path().join("link");
    symlink("/etc/passwd", &link).unwrap();
    assert_eq!(
        LogFile::open(&link, Path::new("")).unwrap_err().errno,
        Errno::LOOP.raw_os_error()
    );
    let fifo = scratch.path().join("fifo");
    make_fifo(&fifo);
    assert!(LogFile::open(&fifo, Path::new("")).is_err());
}

/// What `act` opens of these files is told by the kernel, not by what came of it.
fn opens_noticed(files: &[&Path], act: impl FnOnce()) -> usize {
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    for file in files {
        inotify::add_watch(&watch, *file, WatchFlags::OPEN).unwrap();
    }
    act();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(&watch, &mut buffer);
    std::iter::from_fn(|| events.next().ok().map(drop)).count()
}

fn make_fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
}

/// A device whose open harms nobody: the one of /dev/null.
fn make_device(path: &Path) -> bool {
    let null = rustix::fs::makedev(1, 3);
    rustix::fs::mknodat(CWD, path, FileType::CharacterDevice, Mode::RWXU, null).is_ok()
        && opens_noticed(&[path], || drop(fs::File::open(path))) == 1
}

#[test]
fn a_device_or_a_fifo_in_the_place_of_a_log_is_not_even_opened() {
    let scratch = tempfile::tempdir().unwrap();
    let fifo = scratch.path().join("fifo");
    make_fifo(&fifo);
    // With a reader, an open for writing would succeed.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let _reader = rustix::fs::open(&fifo, flags, Mode::empty()).unwrap();
    let device = scratch.path().join("device");
    let mut files = vec![fifo];
    if make_device(&device) {
        files.push(device);
    } else {
        writeln!(std::io::stderr(), "no device can be made and opened here").ok();
    }
    for file in files {
        let opens = opens_noticed(&[&file], || {
            let fault = LogFile::open(&file, Path::new("")).unwrap_err();
            assert!(fault.message.contains("not a regular file"), "{fault:?}");
        });
        assert_eq!(opens, 0, "{file:?} was opened");
    }
}

/// Reopens a log, and writes to it, while another thread does `mischief` to its names again and again.
/// How often that was done and how often it was refused.
fn reopen_during(path: &Path, directory: &Path, mischief: impl Fn() + Sync) -> (u32, u32) {
    let mut log = LogFile::open(path, directory).unwrap();
    let stop = AtomicBool::new(false);
    let (mut opened, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                mischief();
            }
        });
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end && (opened < 500 || refused < 500) {
            match log.reopen() {
                Ok(()) => opened += 1,
                Err(_) => refused += 1,
            }
            log.write(b"record\n");
        }
        stop.store(true, Ordering::Relaxed);
    });
    (opened, refused)
}

#[test]
fn a_log_swapped_while_it_is_reopened_leads_no_record_out() {
    let scratch = tempfile::tempdir().unwrap();
    let (pod, outside) = (scratch.path().join("pod"), scratch.path().join("outside"));
    fs::create_dir_all(&pod).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "").unwrap();
    let name = |name: &str| pod.join(name);
    symlink(outside.join("file"), name("link")).unwrap();
    symlink(outside.join("new"), name("dangling")).unwrap();
    make_fifo(&name("fifo"));
    let mut traps = vec![name("link"), name("dangling"), name("fifo")];
    let mut watched = vec![outside.join("file"), name("fifo")];
    if make_device(&name("device")) {
        traps.push(name("device"));
        watched.push(name("device"));
    }
    let watched: Vec<&Path> = watched.iter().map(PathBuf::as_path).collect();
    let path = name("0.log");
    let mut rounds = (0, 0);
    let opens = opens_noticed(&watched, || {
        rounds = reopen_during(&path, &pod, || {
            for trap in &traps {
                fs::hard_link(trap, name("next")).unwrap();
                fs::rename(name("next"), &path).unwrap();
                std::thread::yield_now();
                fs::remove_file(&path).unwrap();
                std::thread::yield_now();
            }
        });
    });
    assert!(rounds.0 >= 20 && rounds.1 >= 20, "{rounds:?}");
    assert_eq!(opens, 0);
    assert_eq!(fs::read(outside.join("file")).unwrap(), b"");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn a_directory_swapped_while_a_log_is_reopened_leads_nothing_out() {
    let scratch = tempfile::tempdir().unwrap();
    let (pod, outside) = (scratch.path().join("pod"), scratch.path().join("outside"));
    fs::create_dir_all(pod.join("a")).unwrap();
    fs::create_dir(&outside).unwrap();
    let links = [pod.join("link"), pod.join("other")];
    symlink(&outside, &links[0]).unwrap();
    symlink("../outside", &links[1]).unwrap();
    let rounds = reopen_during(&pod.join("a/0.log"), &pod, || {
        for link in links.iter().flat_map(|link| [link, link]) {
            let flags = RenameFlags::EXCHANGE;
            rustix::fs::renameat_with(CWD, pod.join("a"), CWD, link, flags).unwrap();
            std::thread::yield_now();
        }
    });
    assert!(rounds.0 >= 20 && rounds.1 >= 20, "{rounds:?}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn no_link_below_the_log_directory_is_followed_and_those_above_are() {
    let scratch = tempfile::tempdir().unwrap();
    let pods = scratch.path().join("moved");
    let outside = scratch.path().join("outside");
    fs::create_dir_all(pods.join("pod")).unwrap();
    fs::create_dir(&outside).unwrap();
    symlink(&pods, scratch.path().join("pods")).unwrap();
    let directory = scratch.path().join("pods/pod");
    let log = directory.join("a/b/0.log");
    LogFile::open(&log, &directory).unwrap().write(b"one\n");
    assert_eq!(fs::read(pods.join("pod/a/b/0.log")).unwrap(), b"one\n");
    let mut opened = LogFile::open(&log, &directory).unwrap();
    fs::remove_dir_all(pods.join("pod/a")).unwrap();
    symlink(&outside, pods.join("pod/a")).unwrap();
    let fault = opened.reopen().unwrap_err();
    assert!(fault.message.contains("\"a\" is a link"), "{fault:?}");
    fs::remove_dir_all(pods.join("pod")).unwrap();
    symlink(&outside, pods.join("pod")).unwrap();
    let fault = LogFile::open(&log, &directory).err().unwrap();
    assert!(fault.message.contains("\"pod\" is a link"), "{fault:?}");
    let climbing = directory.join("../pod2/0.log");
    assert!(LogFile::open(&climbing, &directory).is_err());
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn a_full_disk_drops_whole_blocks_and_does_not_stop_the_stream() {
    let log = "/dev/full";
    // Not a regular file: refused by open, so the block writer is tried alone.
    assert!(LogFile::open(Path::new(log), Path::new("")).is_err());
    let file =
        rustix::fs::open(log, rustix::fs::OFlags::WRONLY, rustix::fs::Mode::empty()).unwrap();
    let path = log.into();
    let mut log = LogFile::for_test(path, file);
    log.write(b"one\n");
    log.write(b"two\n");
    assert_eq!(log.dropped_bytes(), 8);
}
