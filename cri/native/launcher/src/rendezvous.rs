//! The socket that clients find the launcher at, and the lock that keeps a second launcher away.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::LauncherError;

const BACKLOG: i32 = 512;

/// The listening socket. Dropping it leaves the socket file for the next launcher to replace:
/// forked children drop it, too.
#[derive(Debug)]
pub(crate) struct Rendezvous {
    pub(crate) listener: OwnedFd,
    pub(crate) run_dir: PathBuf,
    socket_path: PathBuf,
    socket_inode: (u64, u64),
    /// Held by the process, not by the descriptor: children do not inherit it.
    _lock: OwnedFd,
}

impl Rendezvous {
    /// Takes the lock, then listens on `launcher.sock`.
    pub(crate) fn open(run_dir: &Path) -> Result<Self, LauncherError> {
        let fail = |step| {
            move |why| LauncherError::RunDir {
                run_dir: run_dir.to_owned(),
                step,
                why,
            }
        };
        let lock = take_lock(&run_dir.join("launcher.lock")).map_err(|why| match why {
            Errno::AGAIN | Errno::ACCESS => LauncherError::AlreadyServed(run_dir.to_owned()),
            why => fail("take the lock")(why),
        })?;
        let socket_path = run_dir.join("launcher.sock");
        let address = SocketAddrUnix::new(&socket_path).map_err(fail("name the socket"))?;
        // The lock file may have been removed under a living launcher.
        if answers(&address).map_err(fail("try the socket"))? {
            return Err(LauncherError::AlreadyServed(run_dir.to_owned()));
        }
        match rustix::fs::unlink(&socket_path) {
            Err(Errno::NOENT) | Ok(()) => {}
            Err(why) => return Err(fail("remove the stale socket")(why)),
        }
        let listener = listen(&address).map_err(fail("listen"))?;
        let socket_inode = inode(&socket_path).map_err(fail("look at the socket"))?;
        let run_dir = run_dir.to_owned();
        Ok(Self {
            listener,
            run_dir,
            socket_path,
            socket_inode,
            _lock: lock,
        })
    }

    /// Whether clients still find us.
    pub(crate) fn is_reachable(&self) -> bool {
        inode(&self.socket_path) == Ok(self.socket_inode)
    }
}

fn inode(path: &Path) -> Result<(u64, u64), Errno> {
    rustix::fs::lstat(path).map(|stat| (stat.st_dev, stat.st_ino))
}

fn take_lock(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

fn answers(address: &SocketAddrUnix) -> Result<bool, Errno> {
    let socket = stream_socket(SocketFlags::empty())?;
    match rustix::net::connect(&socket, address) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT | Errno::CONNREFUSED) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn listen(address: &SocketAddrUnix) -> Result<OwnedFd, Errno> {
    let socket = stream_socket(SocketFlags::NONBLOCK)?;
    let umask = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let bound = rustix::net::bind(&socket, address);
    rustix::process::umask(umask);
    bound?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn stream_socket(flags: SocketFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | SocketFlags::CLOEXEC;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}
