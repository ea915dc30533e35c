//! The OCI runtime command line, with the arguments that runc and crun have for their commands (but
//! not `--systemd-cgroup`, `--no-pivot`, `--no-new-keyring`, `--preserve-fds`, `--cgroup`).

mod arguments;
mod features;
mod log;
mod print;
mod words;

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use arguments::{Build, Command, Exec, Invocation, Limits, Refusal};
use estiba_isolate::oci::{self, CreateOptions, ExecOptions};
use estiba_isolate::{Host, IsolateError};

/// What the commands take, for the usage text.
pub(crate) const USAGE: &str = "\
OCI runtime: estiba-isolator [--root DIR] [--log FILE] [--log-format text|json] COMMAND
  create [--bundle|-b DIR] [--pid-file FILE] [--console-socket SOCKET] ID
  run [create's options] [--detach|-d] [--keep] ID
  start ID
  state ID
  kill [--all|-a] ID [SIGNAL]
  delete [--force|-f] ID
  exec [--detach|-d] [--pid-file FILE] [--console-socket SOCKET] [--ignore-paused]
       {--process|-p FILE ID | [--tty|-t] [--cwd DIR] [--env|-e NAME=VALUE] [--user|-u UID[:GID]]
        [--additional-gids|-g GID] [--cap|-c CAPABILITY] [--no-new-privs] [--apparmor PROFILE]
        [--process-label LABEL] ID COMMAND [ARGUMENT...]}
  pause ID
  resume ID
  update [--resources|-r FILE|-] [--memory BYTES] [--memory-reservation BYTES] [--memory-swap BYTES]
         [--cpu-share N] [--cpu-quota US] [--cpu-period US] [--cpu-burst US] [--cpu-idle N]
         [--cpuset-cpus LIST] [--cpuset-mems LIST] [--pids-limit N] ID
  ps [--format|-f table|json] ID [OPTION OF ps...]
  list [--format|-f table|json] [--quiet|-q]
  events [--stats | --interval 5s] ID
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

/// Exit status of an exec that has not begun: most commands have others.
const EXIT_NO_EXEC: u8 = 255;

/// Runs one command. Exit status: 0, or that of the process which it has waited for; 1 for a failure,
/// 255 for one of exec, 64 for a command line that makes no sense.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    let invocation = match arguments::parse(words) {
        Ok(invocation) => invocation,
        Err((refusal, log)) => return fail(&Failure::Refused(refusal), &log, 1),
    };
    match execute(&invocation) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(EXIT_NO_EXEC)),
        Err(failure) => {
            let is_exec = matches!(invocation.command, Command::Exec(_));
            let status = if is_exec { EXIT_NO_EXEC } else { 1 };
            fail(&failure, &invocation.log, status)
        }
    }
}

fn fail(failure: &Failure, log: &log::Log, status: u8) -> ExitCode {
    let (message, status) = match failure {
        Failure::Refused(Refusal::Usage(message)) => (message, crate::EXIT_USAGE),
        Failure::Refused(Refusal::Unsupported(message)) | Failure::Failed(message) => {
            (message, status)
        }
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

/// What is in a container for a moment must not be a way to the file that the host runs.
fn seal() -> Result<(), Failure> {
    estiba_launcher::ensure_sealed().map_err(|error| Failure::Failed(error.to_string()))
}

fn create_options<'a>(root: &'a Path, build: &'a Build, now: &'a str) -> CreateOptions<'a> {
    CreateOptions {
        root,
        id: &build.id,
        bundle: &build.bundle,
        pid_file: build.pid_file.as_deref(),
        console_socket: build.console_socket.as_deref(),
        now,
    }
}

fn exec_options<'a>(root: &'a Path, exec: &'a Exec) -> ExecOptions<'a> {
    ExecOptions {
        root,
        id: &exec.id,
        command: &exec.command,
        pid_file: exec.pid_file.as_deref(),
        console_socket: exec.console_socket.as_deref(),
        detach: exec.detach,
        ignore_paused: exec.ignore_paused,
    }
}

/// Tells of what went wrong beside a command that was carried out.
fn warn(warning: IsolateError, log: &log::Log) {
    if let Failure::Failed(message) = Failure::from(warning) {
        eprintln!("{message}");
        if let Err(error) = log.warning(&message) {
            eprintln!("{error}");
        }
    }
}

/// The `resources` of an OCI runtime spec.
fn resources(limits: &Limits) -> Result<Vec<u8>, Failure> {
    match limits {
        Limits::Given(value) => Ok(value.to_string().into_bytes()),
        Limits::Stdin => Ok(oci::read_whole(std::io::stdin(), "the standard input")?),
        Limits::File(path) => {
            let what = format!("{path:?}");
            let opened = File::open(path);
            let file =
                opened.map_err(|error| Failure::Failed(format!("cannot open {what}: {error}")))?;
            Ok(oci::read_whole(file, &what)?)
        }
    }
}

/// The exit status.
fn execute(invocation: &Invocation) -> Result<i32, Failure> {
    let root = invocation.root.as_path();
    let now = estiba_monitor::timestamp::now();
    let warn: oci::Warn<'_> = &|warning| warn(warning, &invocation.log);
    match &invocation.command {
        Command::Create(build) => {
            seal()?;
            oci::create(&Host::probe()?, &create_options(root, build, &now))?;
        }
        Command::Run {
            build,
            detach,
            keep,
        } => {
            seal()?;
            let options = create_options(root, build, &now);
            return Ok(oci::run(&Host::probe()?, &options, *detach, *keep, warn)?);
        }
        Command::Exec(exec) => {
            seal()?;
            return Ok(oci::exec(&Host::probe()?, &exec_options(root, exec))?);
        }
        Command::Pause { id } => oci::pause(&Host::probe()?, root, id)?,
        Command::Resume { id } => oci::resume(&Host::probe()?, root, id)?,
        Command::Start { id } => oci::start(&Host::probe()?, root, id, warn)?,
        Command::State { id } => {
            let state = oci::state(&Host::probe()?, root, id)?;
            let text = serde_json::to_string_pretty(&state)
                .map_err(|error| Failure::Failed(format!("cannot print state: {error}")))?;
            print::out(&format!("{text}\n"))?;
        }
        Command::Kill { id, signal, all } => {
            oci::kill(&Host::probe()?, root, id, *signal, *all)?;
        }
        Command::Delete { id, force } => {
            oci::delete(&Host::probe()?, root, id, *force, warn)?;
        }
        Command::Update { id, limits } => {
            oci::update(&Host::probe()?, root, id, &resources(limits)?)?;
        }
        Command::Ps {
            id,
            is_json,
            arguments,
        } => print::processes(root, id, *is_json, arguments)?,
        Command::List { is_json, only_ids } => print::list(root, *is_json, *only_ids)?,
        Command::Events { id, interval } => print::events(root, id, *interval)?,
        Command::Features => print::out(&format!("{:#}\n", features::document()))?,
    }
    Ok(0)
}
