//! The OCI runtime command line: create, start, state, kill, delete and features, with the arguments
//! that runc and crun have for them (but not `--systemd-cgroup`, `--no-pivot`, `--no-new-keyring`,
//! `--preserve-fds`).

mod arguments;
mod features;
mod log;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::{Command, Invocation, Refusal};
use estiba_isolate::oci::{self, CreateOptions};
use estiba_isolate::{Host, IsolateError};

/// What the commands take, for the usage text.
pub(crate) const USAGE: &str = "\
OCI runtime: estiba-isolator [--root DIR] [--log FILE] [--log-format text|json] COMMAND
  create [--bundle|-b DIR] [--pid-file FILE] [--console-socket SOCKET] ID
  start ID
  state ID
  kill [--all|-a] ID [SIGNAL]
  delete [--force|-f] ID
  features
";

/// Why a command failed.
enum Failure {
    Refused(Refusal),
    Failed(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<IsolateError> for Failure {
    fn from(error: IsolateError) -> Self {
        let causes = error.chain.iter().filter(|cause| !cause.is_empty());
        Self::Failed(causes.fold(error.message.clone(), |text, cause| {
            format!("{text}: {cause}")
        }))
    }
}

/// Whether the command line begins like one of these.
pub(crate) fn is_meant(first: &str) -> bool {
    arguments::is_global_option(first) || arguments::is_command(first)
}

/// Runs one command. Exit status: 0, 1 for a failure, 64 for a command line that makes no sense.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    let invocation = match arguments::parse(words) {
        Ok(invocation) => invocation,
        Err((refusal, log)) => return fail(&Failure::Refused(refusal), &log),
    };
    match execute(&invocation) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure, &invocation.log),
    }
}

fn fail(failure: &Failure, log: &log::Log) -> ExitCode {
    let (message, status) = match failure {
        Failure::Refused(Refusal::Usage(message)) => (message, crate::EXIT_USAGE),
        Failure::Refused(Refusal::Unsupported(message)) | Failure::Failed(message) => (message, 1),
    };
    eprintln!("{message}");
    if status == crate::EXIT_USAGE {
        eprint!("{USAGE}");
    }
    if let Err(error) = log.error(message) {
        eprintln!("{error}");
    }
    ExitCode::from(status)
}

fn execute(invocation: &Invocation) -> Result<(), Failure> {
    let root = invocation.root.as_path();
    match &invocation.command {
        Command::Create(create) => {
            // The init of a container must not be a way to the file that the host runs.
            estiba_launcher::ensure_sealed().map_err(|error| Failure::Failed(error.to_string()))?;
            oci::create(
                &Host::probe()?,
                &CreateOptions {
                    root,
                    id: &create.id,
                    bundle: &create.bundle,
                    pid_file: create.pid_file.as_deref(),
                    console_socket: create.console_socket.as_deref(),
                },
            )?;
        }
        Command::Start { id } => oci::start(&Host::probe()?, root, id)?,
        Command::State { id } => {
            let state = oci::state(&Host::probe()?, root, id)?;
            let text = serde_json::to_string_pretty(&state)
                .map_err(|error| Failure::Failed(format!("cannot print state: {error}")))?;
            println!("{text}");
        }
        Command::Kill { id, signal, all } => {
            oci::kill(&Host::probe()?, root, id, *signal, *all)?;
        }
        Command::Delete { id, force } => oci::delete(&Host::probe()?, root, id, *force)?,
        Command::Features => println!("{:#}", features::document()),
    }
    Ok(())
}
