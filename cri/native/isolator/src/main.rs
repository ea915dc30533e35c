//! `estiba-isolator`: launcher, monitors and OCI command line in one static binary.

mod oci;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use estiba_launcher::{LauncherError, Options};

const USAGE: &str = "\
usage: estiba-isolator launcher --run-dir DIR [--cgroup-base CGROUP]
       estiba-isolator --version

launcher   serves DIR/launcher.sock in the foreground; exits with 3 when another launcher does

";

/// Exit status for a command line that makes no sense.
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let command = words.first().map(|command| command.to_string_lossy());
    match command.as_deref() {
        Some("launcher") => launcher(words.get(1..).unwrap_or_default()),
        Some("--version" | "-v") => {
            let spec = estiba_isolate::oci::SPEC_VERSION;
            println!("{}\nspec: {spec}", estiba_monitor::BUILD);
            ExitCode::SUCCESS
        }
        Some("--help" | "-h" | "help") => {
            print!("{USAGE}{}", oci::USAGE);
            ExitCode::SUCCESS
        }
        Some(first) if oci::is_meant(first) => oci::run(&words),
        Some(other) => usage(&format!("cannot run {other:?}: no such command")),
        None => usage("cannot run: no command given"),
    }
}

fn usage(why: &str) -> ExitCode {
    eprint!("{why}\n{USAGE}{}", oci::USAGE);
    ExitCode::from(EXIT_USAGE)
}

fn launcher(arguments: &[OsString]) -> ExitCode {
    let options = match launcher_options(arguments) {
        Ok(options) => options,
        Err(why) => return usage(&why),
    };
    match estiba_launcher::run(&options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            match error {
                LauncherError::AlreadyServed(_) => {
                    ExitCode::from(estiba_launcher::EXIT_ALREADY_SERVED)
                }
                LauncherError::Image { .. }
                | LauncherError::RunDir { .. }
                | LauncherError::Loop(_) => ExitCode::FAILURE,
            }
        }
    }
}

fn launcher_options(arguments: &[OsString]) -> Result<Options, String> {
    let mut run_dir = None;
    let mut cgroup_base = "/estiba".to_owned();
    let mut arguments = arguments.iter();
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("cannot use {name:?}: a value is missing"));
        match name.to_str() {
            Some("--run-dir") => run_dir = Some(PathBuf::from(value?)),
            Some("--cgroup-base") => {
                let value = value?.to_str().filter(|value| is_cgroup(value));
                cgroup_base = value
                    .ok_or("cannot use --cgroup-base: it is not an absolute cgroup path")?
                    .to_owned();
            }
            _ => return Err(format!("cannot use {name:?}: no such option")),
        }
    }
    let run_dir = run_dir.ok_or("cannot start the launcher: --run-dir is missing")?;
    if !run_dir.is_absolute() {
        return Err(format!(
            "cannot use run directory {run_dir:?}: it is not absolute"
        ));
    }
    Ok(Options {
        run_dir,
        cgroup_base,
    })
}

fn is_cgroup(path: &str) -> bool {
    path.len() > 1
        && path.starts_with('/')
        && path
            .split('/')
            .skip(1)
            .all(|part| !matches!(part, "" | "." | ".."))
}
