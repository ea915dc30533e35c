//! Holds a newborn process back until the monitor can know of it.
//!
//! A process is the monitor's child from its birth on, but the monitor hears of it only by a message
//! of its maker. A maker that is killed between the two leaves a child that nobody would reap; its
//! zombie would keep the pid namespace it is in, and with it the pod, alive for ever. So the child
//! stays in its maker's process group, where [`crate::reap_unreported`] finds it, until the gate
//! opens, and ends by itself when it never does.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use crate::error::{ErrorCode, IsolateError};

const STEP: &str = "gate";

#[derive(Debug)]
pub(crate) struct Gate {
    read: OwnedFd,
    write: OwnedFd,
}

impl Gate {
    pub(crate) fn new() -> Result<Self, IsolateError> {
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)
            .map_err(|errno| IsolateError::kernel(STEP, "make a pipe", errno))?;
        Ok(Self { read, write })
    }

    pub(crate) fn fds(&self) -> [RawFd; 2] {
        [self.read.as_raw_fd(), self.write.as_raw_fd()]
    }

    /// For the maker, once the monitor has been told. Its own read end keeps a child that is dead
    /// already from being a broken pipe.
    pub(crate) fn open(self) {
        rustix::io::write(&self.write, b"x").ok();
    }

    /// For the child: waits for the maker's word.
    pub(crate) fn pass(self) -> Result<(), IsolateError> {
        drop(self.write);
        let mut byte = [0_u8; 1];
        loop {
            match rustix::io::read(&self.read, &mut byte) {
                Err(Errno::INTR) => {}
                Ok(count) if count > 0 => return Ok(()),
                Ok(_) | Err(_) => {
                    let message = "cannot go on: the process that prepared the way has died";
                    return Err(IsolateError::new(ErrorCode::Internal, STEP, message));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_pass_only_after_its_makers_word() {
        let gate = Gate::new().unwrap();
        let copy = Gate {
            read: gate.read.try_clone().unwrap(),
            write: gate.write.try_clone().unwrap(),
        };
        gate.open();
        copy.pass().unwrap();
        let gate = Gate::new().unwrap();
        assert_eq!(gate.pass().unwrap_err().code, ErrorCode::Internal);
    }
}
