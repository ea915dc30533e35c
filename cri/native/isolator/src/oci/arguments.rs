//! Parsing of the OCI command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::log::{Format, Log};
use super::words::{Given, Known, Words, flag, value};

const DEFAULT_ROOT: &str = "/run/estiba-oci";
const SIGTERM: i32 = 15;

/// Commands of other runtimes that this one does not have.
const ABSENT: [&str; 11] = [
    "checkpoint",
    "events",
    "exec",
    "list",
    "pause",
    "ps",
    "restore",
    "resume",
    "run",
    "spec",
    "update",
];
const PRESENT: [&str; 6] = ["create", "delete", "features", "kill", "start", "state"];

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
    Create(Create),
    Start { id: String },
    State { id: String },
    Kill { id: String, signal: i32, all: bool },
    Delete { id: String, force: bool },
    Features,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Create {
    pub(super) id: String,
    pub(super) bundle: PathBuf,
    pub(super) pid_file: Option<PathBuf>,
    pub(super) console_socket: Option<PathBuf>,
}

const GLOBAL: [Known; 5] = [
    value("--root", None),
    value("--log", None),
    value("--log-format", None),
    flag("--debug", None),
    flag("--systemd-cgroup", None),
];
const CREATE: [Known; 6] = [
    value("--bundle", Some("-b")),
    value("--pid-file", None),
    value("--console-socket", None),
    value("--preserve-fds", None),
    flag("--no-pivot", None),
    flag("--no-new-keyring", None),
];
const KILL: [Known; 1] = [flag("--all", Some("-a"))];
const DELETE: [Known; 1] = [flag("--force", Some("-f"))];

pub(super) fn usage<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Usage(message.into()))
}

fn unsupported<T>(what: &str) -> Result<T, Refusal> {
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
        let given = words.option(word, &GLOBAL)?;
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
        "create" => create(words),
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
        "features" => match words.rest(&[])?.1.as_slice() {
            [] => Ok(Command::Features),
            [extra, ..] => usage(format!("cannot use {extra:?}: features takes no operand")),
        },
        absent if ABSENT.contains(&absent) => unsupported(&format!("command {absent:?}")),
        other => usage(format!("cannot run {other:?}: no such command")),
    }
}

fn create(words: &mut Words<'_>) -> Result<Command, Refusal> {
    let (options, operands) = words.rest(&CREATE)?;
    let mut create = Create {
        id: one(operands)?,
        bundle: PathBuf::from("."),
        pid_file: None,
        console_socket: None,
    };
    for Given { long, value } in options {
        let path = Some(PathBuf::from(&value)).filter(|path| !path.as_os_str().is_empty());
        match long {
            "--bundle" => create.bundle = path.unwrap_or(create.bundle),
            "--pid-file" => create.pid_file = path,
            "--console-socket" => create.console_socket = path,
            "--preserve-fds" if value == "0" => {}
            other => return unsupported(other),
        }
    }
    Ok(Command::Create(create))
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
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation, (Refusal, Log)> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        parse(&words)
    }

    fn refusal(line: &str) -> Refusal {
        parsed(line).unwrap_err().0
    }

    #[test]
    fn the_shims_way_of_calling_is_understood() {
        let line = "--root /r --log /l --log-format json create --bundle /b --pid-file=/p \
                    --console-socket /c id-1";
        let expected = Invocation {
            root: "/r".into(),
            log: Log {
                path: Some("/l".into()),
                format: Format::Json,
            },
            command: Command::Create(Create {
                id: "id-1".to_owned(),
                bundle: "/b".into(),
                pid_file: Some("/p".into()),
                console_socket: Some("/c".into()),
            }),
        };
        assert_eq!(parsed(line), Ok(expected));
    }

    #[test]
    fn options_may_stand_before_or_after_the_id() {
        let kill = |all| Command::Kill {
            id: "x".to_owned(),
            signal: 9,
            all,
        };
        for (line, all) in [
            ("kill x KILL", false),
            ("kill --all x 9", true),
            ("kill x 9 -a", true),
        ] {
            assert_eq!(parsed(line).unwrap().command, kill(all), "{line}");
        }
        let delete = parsed("delete -f -- -x").unwrap().command;
        let expected = Command::Delete {
            id: "-x".to_owned(),
            force: true,
        };
        assert_eq!(delete, expected);
    }

    #[test]
    fn without_options_the_defaults_hold() {
        let invocation = parsed("kill x").unwrap();
        assert_eq!(invocation.root, PathBuf::from("/run/estiba-oci"));
        assert_eq!(invocation.log, Log::default());
        let expected = Command::Kill {
            id: "x".to_owned(),
            signal: 15,
            all: false,
        };
        assert_eq!(invocation.command, expected);
    }

    #[test]
    fn what_this_runtime_does_not_have_is_refused_by_name() {
        for (line, name) in [
            ("--systemd-cgroup create x", "--systemd-cgroup"),
            ("create --no-pivot x", "--no-pivot"),
            ("create --preserve-fds 2 x", "--preserve-fds"),
            ("create --no-new-keyring x", "--no-new-keyring"),
            ("exec x true", "\"exec\""),
        ] {
            match refusal(line) {
                Refusal::Unsupported(message) => assert!(message.contains(name), "{message}"),
                Refusal::Usage(message) => panic!("{line}: {message}"),
            }
        }
        assert!(parsed("create --preserve-fds 0 x").is_ok());
    }

    #[test]
    fn a_refusal_knows_the_log_whatever_the_order() {
        let (_, log) = parsed("--systemd-cgroup --log /l --log-format=json state x").unwrap_err();
        assert_eq!(log.path, Some("/l".into()));
        assert_eq!(log.format, Format::Json);
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        for line in [
            "",
            "--root",
            "frob x",
            "start",
            "start a b",
            "start --force a",
            "kill x NOPE",
            "kill a 1 2",
            "delete --force=maybe x",
            "--log-format xml state x",
            "features x",
        ] {
            assert!(matches!(refusal(line), Refusal::Usage(_)), "{line}");
        }
    }
}
