//! `create` and `run`.

use std::path::PathBuf;

use super::super::words::{Given, Known, Words, flag, value};
use super::{Command, Refusal, one, path, unsupported};

const CREATE: [Known; 6] = [
    value("--bundle", Some("-b")),
    value("--pid-file", None),
    value("--console-socket", None),
    value("--preserve-fds", None),
    flag("--no-pivot", None),
    flag("--no-new-keyring", None),
];
/// `run` has these too.
const RUN: [Known; 3] = [
    flag("--detach", Some("-d")),
    flag("--keep", None),
    flag("--no-subreaper", None),
];

/// What a container is made of.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Build {
    pub(in super::super) id: String,
    pub(in super::super) bundle: PathBuf,
    pub(in super::super) pid_file: Option<PathBuf>,
    pub(in super::super) console_socket: Option<PathBuf>,
}

pub(super) fn create(words: &mut Words<'_>) -> Result<Command, Refusal> {
    let (options, operands) = words.rest(&CREATE)?;
    let mut build = Build::new(one(operands)?);
    options
        .into_iter()
        .try_for_each(|given| build.option(given))?;
    Ok(Command::Create(build))
}

pub(super) fn run(words: &mut Words<'_>) -> Result<Command, Refusal> {
    let (options, operands) = words.rest(&[&CREATE[..], &RUN].concat())?;
    let mut build = Build::new(one(operands)?);
    let (mut detach, mut keep) = (false, false);
    for given in options {
        match given.long {
            "--detach" => detach = true,
            "--keep" => keep = true,
            // Orphans of a container are left to whoever is there for them.
            "--no-subreaper" => {}
            _ => build.option(given)?,
        }
    }
    Ok(Command::Run {
        build,
        detach,
        keep,
    })
}

impl Build {
    fn new(id: String) -> Self {
        Self {
            id,
            bundle: PathBuf::from("."),
            pid_file: None,
            console_socket: None,
        }
    }

    fn option(&mut self, Given { long, value }: Given) -> Result<(), Refusal> {
        match long {
            "--bundle" => self.bundle = path(&value).unwrap_or(PathBuf::from(".")),
            "--pid-file" => self.pid_file = path(&value),
            "--console-socket" => self.console_socket = path(&value),
            "--preserve-fds" if value == "0" => {}
            other => return unsupported(other),
        }
        Ok(())
    }
}
