//! A terminal of the container's own devpts.

use std::os::fd::{AsFd, OwnedFd};

use estiba_kernel::{Errno, mount, resolve, terminal};
use rustix::fs::{Gid, Mode, OFlags, Uid};

use crate::devices::open_in_dev;
use crate::error::{ErrorCode, IsolateError};
use crate::spec::ConsoleSize;

const STEP: &str = "console";
const DEVPTS_SUPER_MAGIC: i64 = 0x1cd1;

/// Both ends of a terminal.
#[derive(Debug)]
pub(crate) struct Console {
    pub master: OwnedFd,
    pub slave: OwnedFd,
}

fn fail(action: &str) -> impl Fn(Errno) -> IsolateError + '_ {
    move |errno| IsolateError::kernel(STEP, action, errno)
}

/// The container's /dev. No link on the way leads out, by way of procfs neither.
pub(crate) fn open_dev(root: impl AsFd) -> Result<OwnedFd, IsolateError> {
    resolve::open_in_root(root, "/dev", OFlags::PATH | OFlags::DIRECTORY)
        .map_err(fail("open /dev of the container"))
}

/// Opens a new terminal through `/dev/pts/ptmx` of the container, which must be devpts.
pub(crate) fn open(dev: &OwnedFd, size: Option<ConsoleSize>) -> Result<Console, IsolateError> {
    let failed = fail("open a terminal of the container's devpts");
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let master = open_in_dev(dev.as_fd(), "pts/ptmx", flags).map_err(&failed)?;
    let stat = rustix::fs::fstat(&master).map_err(&failed)?;
    let magic = rustix::fs::fstatfs(&master).map_err(&failed)?.f_type;
    if magic != DEVPTS_SUPER_MAGIC || stat.st_rdev != rustix::fs::makedev(5, 2) {
        let message = "cannot open a terminal: /dev/pts of the container is not devpts";
        return Err(IsolateError::new(
            ErrorCode::FailedPrecondition,
            STEP,
            message,
        ));
    }
    let slave = terminal::open_slave(&master).map_err(&failed)?;
    if let Some(size) = size {
        terminal::set_size(&master, size.height, size.width).map_err(&failed)?;
    }
    Ok(Console { master, slave })
}

/// Makes the terminal known as /dev/console.
pub(crate) fn bind_console(dev: &OwnedFd, console: &Console) -> Result<(), IsolateError> {
    let failed = fail("mount the terminal at /dev/console");
    let number = terminal::slave_number(&console.master).map_err(&failed)?;
    let source =
        open_in_dev(dev.as_fd(), &format!("pts/{number}"), OFlags::PATH).map_err(&failed)?;
    let (named, opened) = (
        rustix::fs::fstat(&source).map_err(&failed)?,
        rustix::fs::fstat(&console.slave).map_err(&failed)?,
    );
    if named.st_dev != opened.st_dev || named.st_ino != opened.st_ino {
        let message = "cannot mount the terminal: its name leads to another file";
        return Err(IsolateError::new(
            ErrorCode::FailedPrecondition,
            STEP,
            message,
        ));
    }
    let create = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(dev, "console", create, Mode::from_raw_mode(0o600)) {
        Ok(_) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(failed(errno)),
    }
    let target =
        open_in_dev(dev.as_fd(), "console", OFlags::PATH | OFlags::NOFOLLOW).map_err(&failed)?;
    let copy = mount::clone_fd(&source, false).map_err(&failed)?;
    mount::attach(&copy, target.as_fd()).map_err(&failed)
}

/// Gives the terminal to the user.
pub(crate) fn give(console: &Console, uid: u32) -> Result<(), IsolateError> {
    rustix::fs::fchown(&console.slave, Some(Uid::from_raw(uid)), None::<Gid>)
        .map_err(fail("give the terminal to the user"))
}

/// Makes the terminal the controlling one of this new session.
pub(crate) fn take(slave: impl AsFd) -> Result<(), IsolateError> {
    terminal::make_controlling(slave).map_err(fail("take the terminal as controlling"))
}
