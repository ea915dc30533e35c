//! Log lines of launcher and monitors: one JSON object per line on standard error.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something that operators want to see once.
    Info,
    /// Something is weaker than it should be.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// What a pipe takes in one piece; a longer line could wait for its reader in the middle.
const LONGEST: usize = 4096;

/// Lines that nobody had room for.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Writes one line with one write(2), or counts it when that would have to wait: a standard error
/// that nobody reads must not stop a pod. The next line that goes out tells how many did not.
pub fn line(level: Level, component: &str, message: &str, fields: &[(&str, &str)]) {
    write_line(std::io::stderr(), level, component, message, fields);
}

fn write_line(
    to: impl AsFd,
    level: Level,
    component: &str,
    message: &str,
    fields: &[(&str, &str)],
) {
    if !has_room(&to) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let dropped = DROPPED.swap(0, Ordering::Relaxed).to_string();
    let mut fields = fields.to_vec();
    if dropped != "0" {
        fields.push(("dropped_lines", &dropped));
    }
    let time = crate::timestamp::now();
    let mut text = format_line(&time, level, component, message, &fields);
    let length = text.len().to_string();
    let mut longest_value = LONGEST;
    while text.len() > LONGEST && longest_value > 0 {
        longest_value /= 2;
        let mut short: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, start_of(value, longest_value)))
            .collect();
        short.push(("line_bytes", &length));
        let message = start_of(message, longest_value);
        text = format_line(&time, level, component, message, &short);
    }
    rustix::io::write(&to, text.as_bytes()).ok();
}

/// At most `bytes` of a text, whole characters.
fn start_of(text: &str, bytes: usize) -> &str {
    let fits = |at: &usize| text.is_char_boundary(*at);
    let end = (0..=bytes.min(text.len())).rev().find(fits);
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

fn has_room(to: impl AsFd) -> bool {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut fds = [PollFd::new(&to, PollFlags::OUT)];
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

fn format_line(
    time: &str,
    level: Level,
    component: &str,
    message: &str,
    fields: &[(&str, &str)],
) -> String {
    let level = level.name();
    let mut text = format!(r#"{{"time":"{time}","level":"{level}""#);
    for (name, value) in [("component", component), ("msg", message)]
        .iter()
        .chain(fields)
    {
        text.push(',');
        push_json(&mut text, name);
        text.push(':');
        push_json(&mut text, value);
    }
    text.push_str("}\n");
    text
}

fn push_json(text: &mut String, value: &str) {
    // A str always serializes.
    text.push_str(&serde_json::to_string(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_no_time() {
        use std::io::Read;
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let long = "x".repeat(3000);
        for _ in 0..100 {
            write_line(&writer, Level::Warn, "monitor", &long, &[]);
        }
        let mut reader = std::fs::File::from(reader);
        let mut bytes = vec![0; 1 << 20];
        assert!(reader.read(&mut bytes).unwrap() > 0);
        write_line(&writer, Level::Warn, "monitor", &"y".repeat(9000), &[]);
        write_line(&writer, Level::Warn, "monitor", "short", &[]);
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert!(
            lines[0]["dropped_lines"]
                .as_str()
                .unwrap()
                .parse::<u32>()
                .unwrap()
                > 50
        );
        assert_eq!(lines[1]["msg"], "short");
    }

    #[test]
    fn a_long_value_is_cut_and_the_others_stay() {
        use std::io::Read;
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let why = "ü\"".repeat(9000);
        let fields = [("pod", "p1"), ("why", why.as_str()), ("container", "c1")];
        write_line(&writer, Level::Error, "monitor", "cannot", &fields);
        drop(writer);
        let mut text = String::new();
        std::fs::File::from(reader)
            .read_to_string(&mut text)
            .unwrap();
        assert!(
            text.len() <= LONGEST && text.len() > LONGEST / 4,
            "{}",
            text.len()
        );
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&line["pod"], &line["container"]),
            (&"p1".into(), &"c1".into())
        );
        assert!(line["why"].as_str().unwrap().starts_with("ü\"ü"));
        assert!(
            line["line_bytes"]
                .as_str()
                .unwrap()
                .parse::<usize>()
                .unwrap()
                > 9000
        );
    }

    #[test]
    fn a_line_is_one_json_object_whatever_the_values_hold() {
        let text = format_line(
            "T",
            Level::Warn,
            "monitor",
            "a \"b\"\nc",
            &[("pod", "x\u{1}")],
        );
        assert_eq!(text.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["msg"], "a \"b\"\nc");
        assert_eq!(value["pod"], "x\u{1}");
        assert_eq!(value["level"], "warn");
    }
}
