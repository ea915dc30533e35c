//! `exec`.

use std::ffi::OsStr;
use std::path::PathBuf;

use estiba_isolate::oci::{Changes, ExecCommand};

use super::super::words::{Given, Known, Words, flag, value};
use super::{Command, Refusal, number, path, text, unsupported, usage};

const EXEC: [Known; 16] = [
    value("--console-socket", None),
    value("--cwd", None),
    value("--env", Some("-e")),
    flag("--tty", Some("-t")),
    value("--user", Some("-u")),
    value("--additional-gids", Some("-g")),
    value("--process", Some("-p")),
    flag("--detach", Some("-d")),
    value("--pid-file", None),
    value("--process-label", None),
    value("--apparmor", None),
    flag("--no-new-privs", None),
    value("--cap", Some("-c")),
    value("--preserve-fds", None),
    value("--cgroup", None),
    flag("--ignore-paused", None),
];

/// A command to run.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Exec {
    pub(in super::super) id: String,
    pub(in super::super) command: ExecCommand,
    pub(in super::super) pid_file: Option<PathBuf>,
    pub(in super::super) console_socket: Option<PathBuf>,
    pub(in super::super) detach: bool,
    pub(in super::super) ignore_paused: bool,
}

pub(super) fn exec(words: &mut Words<'_>) -> Result<Command, Refusal> {
    let (options, operands) = words.leading(&EXEC)?;
    let mut operands = operands.into_iter();
    let Some(id) = operands.next() else {
        return usage("cannot run a command: no container id given");
    };
    let mut exec = Exec {
        id,
        command: ExecCommand::Document(PathBuf::new()),
        pid_file: None,
        console_socket: None,
        detach: false,
        ignore_paused: false,
    };
    let mut changes = Changes {
        argv: operands.collect(),
        ..Changes::default()
    };
    let mut document = None;
    for Given { long, value } in options {
        match long {
            "--process" => document = path(&value),
            "--pid-file" => exec.pid_file = path(&value),
            "--console-socket" => exec.console_socket = path(&value),
            "--detach" => exec.detach = true,
            "--ignore-paused" => exec.ignore_paused = true,
            "--preserve-fds" if value == "0" => {}
            _ => change(&mut changes, long, &value)?,
        }
    }
    exec.command = match document {
        // As in runc, everything else about the process is the document's then.
        Some(path) => ExecCommand::Document(path),
        None if changes.argv.is_empty() => {
            return usage("cannot run a command: neither a command nor --process given");
        }
        None => ExecCommand::Changes(changes),
    };
    Ok(Command::Exec(exec))
}

fn change(changes: &mut Changes, long: &str, value: &OsStr) -> Result<(), Refusal> {
    match long {
        "--tty" => changes.tty = true,
        "--no-new-privs" => changes.no_new_privs = true,
        "--cwd" => changes.cwd = Some(text(long, value)?),
        "--env" => changes.env.push(text(long, value)?),
        "--cap" => changes.capabilities.push(text(long, value)?),
        "--process-label" => changes.process_label = Some(text(long, value)?),
        "--apparmor" => changes.apparmor = Some(text(long, value)?),
        "--additional-gids" => changes.additional_gids.push(number(long, value)?),
        "--user" => {
            let user = text(long, value)?;
            changes.user = Some(match user.split_once(':') {
                Some((uid, gid)) => (
                    number(long, OsStr::new(uid))?,
                    Some(number(long, OsStr::new(gid))?),
                ),
                None => (number(long, value)?, None),
            });
        }
        other => return unsupported(other),
    }
    Ok(())
}
