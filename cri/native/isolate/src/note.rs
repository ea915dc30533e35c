//! What a child is busy with, for the monitor to read when it hangs.
//!
//! The note is a place in the child's own memory: writing it costs no system call. Children are forks
//! of the reader, so that it is at the same address in all of them until they execute a program.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, Ordering};

use estiba_kernel::hang::Hang;

use crate::control::Building;

const LONGEST: usize = 512;

/// Ends with a zero byte.
static NOTE: [AtomicU8; LONGEST] = [const { AtomicU8::new(0) }; LONGEST];

/// Notes what comes next; "" for what cannot hang.
pub(crate) fn busy_with(what: &str) {
    let bytes = what.bytes().filter(|byte| *byte != 0);
    let bytes = bytes.chain(std::iter::repeat(0));
    for (place, byte) in NOTE.iter().take(LONGEST - 1).zip(bytes) {
        place.store(byte, Ordering::Relaxed);
        if byte == 0 {
            break;
        }
    }
}

/// The note of a fork of this process that has not executed a program.
fn note_of(pid: i32) -> Option<String> {
    let address = u64::try_from(NOTE.as_ptr().addr()).ok()?;
    let mut bytes = [0; LONGEST];
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    memory.read_exact_at(&mut bytes, address).ok()?;
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    Some(String::from_utf8_lossy(text).into_owned()).filter(|text| !text.is_empty())
}

/// Which child of a build hangs, where in the kernel, and what it is busy with.
#[must_use]
pub fn where_it_hangs(building: &Building) -> String {
    let (pid, is_ours) = match &building.process {
        Some((pid, _)) => (*pid, false),
        None => (building.builder_pid, true),
    };
    let hang = Hang::of(pid);
    // The final process may be the program, whose memory is not ours to touch.
    match note_of(pid).filter(|_| is_ours) {
        Some(note) => format!("{hang}, busy with {note}"),
        None => hang.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use estiba_kernel::spawn::{send_signal, wait_pidfd};

    #[test]
    fn what_a_child_is_busy_with_is_read_from_outside() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let building = crate::builder::spawn_child(None, |control| {
            busy_with("something else, and longer");
            busy_with("volume \"/v\"");
            rustix::io::write(&writer, b"x").unwrap();
            crate::control::wait_for_go(&control);
            Ok(())
        })
        .unwrap();
        rustix::io::read(&reader, &mut [0]).unwrap();
        let text = where_it_hangs(&building);
        send_signal(&building.builder_pidfd, 9).unwrap();
        wait_pidfd(&building.builder_pidfd, true).unwrap();
        assert!(text.ends_with(", busy with volume \"/v\""), "{text}");
        let start = format!("process {} (", building.builder_pid);
        assert!(text.starts_with(&start), "{text}");
    }
}
