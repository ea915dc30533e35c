//! Parsing of the OCI command line.

mod build;
mod exec;
mod look;
mod update;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

pub(super) use build::Build;
pub(super) use exec::Exec;
pub(super) use update::Limits;

use super::log::{Format, Log};
use super::words::{Known, Words, flag, value};

const DEFAULT_ROOT: &str = "/run/estiba-oci";
const SIGTERM: i32 = 15;

/// Commands of other runtimes that this one does not have.
const ABSENT: [&str; 3] = ["checkpoint", "restore", "spec"];
const PRESENT: [&str; 14] = [
    "create", "delete", "events", "exec", "features", "kill", "list", "pause", "ps", "resume",
    "run", "start", "state", "update",
];

/// Why a command line is not carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It makes no sense.
    Usage(String),
    /// It asks for something that this runtime does not have.
    Unsupported(String),
}

/// A parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invocation {
    pub(super) root: PathBuf,
    pub(super) log: Log,
    pub(super) command: Command,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Create(Build),
    Run {
        build: Build,
        detach: bool,
        keep: bool,
    },
    Exec(Exec),
    Pause {
        id: String,
    },
    Resume {
        id: String,
    },
    Start {
        id: String,
    },
    State {
        id: String,
    },
    Kill {
        id: String,
        signal: i32,
        all: bool,
    },
    Delete {
        id: String,
        force: bool,
    },
    Ps {
        id: String,
        is_json: bool,
        arguments: Vec<String>,
    },
    List {
        is_json: bool,
        only_ids: bool,
    },
    /// `interval`: none for the statistics of this moment only.
    Events {
        id: String,
        interval: Option<Duration>,
    },
    Update {
        id: String,
        limits: Limits,
    },
    Features,
}

const GLOBAL: [Known; 5] = [
    value("--root", None),
    value("--log", None),
    value("--log-format", None),
    flag("--debug", None),
    flag("--systemd-cgroup", None),
];
const KILL: [Known; 1] = [flag("--all", Some("-a"))];
const DELETE: [Known; 1] = [flag("--force", Some("-f"))];

pub(super) fn usage<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Usage(message.into()))
}

pub(super) fn unsupported<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(format!(
        "cannot use {what}: this runtime does not support it"
    )))
}

pub(super) fn is_command(word: &str) -> bool {
    PRESENT.contains(&word) || ABSENT.contains(&word)
}

pub(super) fn is_global_option(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or(word);
    GLOBAL.iter().any(|known| known.long == name)
}

/// Reads a whole command line. A refusal comes with the log as far as it is known.
pub(super) fn parse(words: &[OsString]) -> Result<Invocation, (Refusal, Log)> {
    let mut log = Log::default();
    let mut root = PathBuf::from(DEFAULT_ROOT);
    let mut words = Words::new(words);
    match parse_with(&mut words, &mut root, &mut log) {
        Ok(command) => Ok(Invocation { root, log, command }),
        Err(refusal) => Err((refusal, log)),
    }
}

fn parse_with(
    words: &mut Words<'_>,
    root: &mut PathBuf,
    log: &mut Log,
) -> Result<Command, Refusal> {
    // The log must be known before anything is refused.
    let mut refused = None;
    while let Some(word) = words.next() {
        if !word.as_bytes().starts_with(b"-") {
            return match refused {
                Some(refusal) => Err(refusal),
                None => command(&word.to_string_lossy(), words),
            };
        }
        let Some(given) = words.option(word, &GLOBAL)? else {
            continue;
        };
        match given.long {
            "--root" => *root = PathBuf::from(given.value),
            "--log" => log.path = Some(PathBuf::from(given.value)).filter(|path| path != ""),
            "--log-format" => match given.value.to_str() {
                Some("json") => log.format = Format::Json,
                Some("text" | "") => log.format = Format::Text,
                _ => return usage(format!("cannot use log format {:?}", given.value)),
            },
            // There is nothing more to say.
            "--debug" => {}
            other => refused = unsupported::<Command>(other).err(),
        }
    }
    usage("cannot run: no command given")
}

fn command(name: &str, words: &mut Words<'_>) -> Result<Command, Refusal> {
    match name {
        "create" => build::create(words),
        "run" => build::run(words),
        "exec" => exec::exec(words),
        "pause" => Ok(Command::Pause {
            id: only_id(words)?,
        }),
        "resume" => Ok(Command::Resume {
            id: only_id(words)?,
        }),
        "start" => Ok(Command::Start {
            id: only_id(words)?,
        }),
        "state" => Ok(Command::State {
            id: only_id(words)?,
        }),
        "kill" => {
            let (options, operands) = words.rest(&KILL)?;
            let (id, signal) = match operands.as_slice() {
                [id] => (id, SIGTERM),
                [id, signal] => match estiba_isolate::oci::signal_number(signal) {
                    Some(number) => (id, number),
                    None => return usage(format!("cannot send signal {signal:?}: not a signal")),
                },
                _ => return usage("cannot kill: one container id and at most one signal wanted"),
            };
            Ok(Command::Kill {
                id: id.clone(),
                signal,
                all: !options.is_empty(),
            })
        }
        "delete" => {
            let (options, operands) = words.rest(&DELETE)?;
            Ok(Command::Delete {
                id: one(operands)?,
                force: !options.is_empty(),
            })
        }
        "ps" => look::ps(words),
        "list" => look::list(words),
        "events" => look::events(words),
        "update" => update::update(words),
        "features" => match words.rest(&[])?.1.as_slice() {
            [] => Ok(Command::Features),
            [extra, ..] => usage(format!("cannot use {extra:?}: features takes no operand")),
        },
        absent if ABSENT.contains(&absent) => unsupported(&format!("command {absent:?}")),
        other => usage(format!("cannot run {other:?}: no such command")),
    }
}

/// A path; none where it is empty.
fn path(value: &OsStr) -> Option<PathBuf> {
    Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty())
}

fn text(option: &str, value: &OsStr) -> Result<String, Refusal> {
    match value.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => usage(format!("cannot use {option} {value:?}: it is not UTF-8")),
    }
}

fn number<T: std::str::FromStr>(option: &str, value: &OsStr) -> Result<T, Refusal> {
    match value.to_str().and_then(|text| text.parse().ok()) {
        Some(number) => Ok(number),
        None => usage(format!("cannot use {option} {value:?}: not such a number")),
    }
}

fn only_id(words: &mut Words<'_>) -> Result<String, Refusal> {
    one(words.rest(&[])?.1)
}

fn one(operands: Vec<String>) -> Result<String, Refusal> {
    match <[String; 1]>::try_from(operands) {
        Ok([id]) => Ok(id),
        Err(operands) => usage(format!(
            "cannot go on with {} operands: one container id wanted",
            operands.len()
        )),
    }
}

#[cfg(test)]
mod tests;
