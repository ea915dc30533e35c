//! Runs this program from a sealed copy in memory: an upgrade of the file on disk cannot change or
//! remove what monitors run, and a process that enters a container cannot be used to overwrite it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;

use crate::LauncherError;

const NAME: &str = "estiba-launcher";
const RUNNING: &str = "/proc/self/exe";

fn seals() -> SealFlags {
    SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE
}

/// Returns when this process runs from a sealed copy; otherwise replaces it by one that does.
pub(crate) fn ensure_sealed() -> Result<(), LauncherError> {
    let fail = |step| move |why| LauncherError::Image { step, why };
    let mut running = File::open(RUNNING).map_err(fail("open the running program"))?;
    if rustix::fs::fcntl_get_seals(&running).is_ok_and(|have| have.contains(seals())) {
        return Ok(());
    }
    let copy = memory_file()
        .map_err(io::Error::from)
        .map_err(fail("create a memory file"))?;
    let mut copy = File::from(copy);
    io::copy(&mut running, &mut copy).map_err(fail("copy the program"))?;
    rustix::fs::fcntl_add_seals(copy.as_fd(), seals())
        .map_err(io::Error::from)
        .map_err(fail("seal the copy"))?;
    // An open write descriptor of our own would make execve fail with ETXTBSY.
    let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
    let read_only = File::open(path).map_err(fail("open the copy"))?;
    drop(copy);
    let path = format!("/proc/self/fd/{}", read_only.as_raw_fd());
    // Whatever the starter left open is not for us, our monitors and their containers.
    estiba_kernel::fd::close_on_exec_from_3()
        .map_err(io::Error::from)
        .map_err(fail("close inherited descriptors"))?;
    let mut arguments = std::env::args_os();
    let mut command = Command::new(path);
    command
        .arg0(arguments.next().unwrap_or_else(|| NAME.into()))
        .args(arguments);
    Err(fail("execute the copy")(command.exec()))
}

fn memory_file() -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Since 6.3 the kernel wants to be told that the file is for running; before, it refuses that.
    match rustix::fs::memfd_create(NAME, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => rustix::fs::memfd_create(NAME, flags),
        other => other,
    }
}
