//! The child of a program between fork and execve, and how its parent hears of it.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use estiba_monitor::process;
use estiba_wire::v1;
use rustix::io::Errno;
use rustix::process::Signal;

/// The child between fork and execve. What fails is written to `report`, which execve closes.
pub(crate) fn become_program(request: &v1::RunProgram, stdio: [OwnedFd; 3], report: &OwnedFd) -> ! {
    let (step, error) = prepare(request, stdio);
    let mut message = error
        .raw_os_error()
        .unwrap_or(libc_eio())
        .to_le_bytes()
        .to_vec();
    message.extend_from_slice(step.as_bytes());
    rustix::io::write(report, &message).ok();
    process::exit_now(127)
}

fn libc_eio() -> i32 {
    Errno::IO.raw_os_error()
}

fn prepare(request: &v1::RunProgram, stdio: [OwnedFd; 3]) -> (&'static str, std::io::Error) {
    // Own session and with it own process group; and not a moment longer than its attendant.
    rustix::process::setsid().ok();
    if let Err(errno) = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)) {
        return ("prctl", errno.into());
    }
    let cwd = if request.cwd.is_empty() {
        "/"
    } else {
        &request.cwd
    };
    if let Err(error) = std::env::set_current_dir(cwd) {
        return ("chdir", error);
    }
    let [stdin, stdout, stderr] = stdio;
    let mut argv = request.argv.iter();
    let mut command = Command::new(argv.next().map_or("", String::as_str));
    command
        .args(argv)
        .env_clear()
        .stdin(stdin)
        .stdout(stdout)
        .stderr(stderr);
    for entry in &request.env {
        if let Some((name, value)) = entry.split_once('=') {
            command.env(
                OsStr::from_bytes(name.as_bytes()),
                OsStr::from_bytes(value.as_bytes()),
            );
        }
    }
    ("execve", command.exec())
}

/// What the child's report says so far: `None` as long as it says nothing, then whether execve has
/// succeeded, or the step and errno that it or the way to it failed with.
pub(crate) fn read_report(report: &OwnedFd) -> Option<Result<(), (&'static str, i32)>> {
    // Written at once, and so read at once.
    let mut message = [0; 32];
    let length = match rustix::io::read(report, &mut message) {
        Err(Errno::AGAIN | Errno::INTR) => return None,
        // A failing read tells nothing; the exit status will.
        Ok(0) | Err(_) => return Some(Ok(())),
        Ok(length) => length,
    };
    let (errno, step) = message.get(..length)?.split_first_chunk::<4>()?;
    let known = ["prctl", "chdir", "execve"];
    let step = known
        .into_iter()
        .find(|known| known.as_bytes() == step)
        .unwrap_or("execve");
    Some(Err((step, i32::from_le_bytes(*errno))))
}
