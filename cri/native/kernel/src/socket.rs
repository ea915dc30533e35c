//! Sequenced-packet sockets that carry descriptors.

#![allow(unsafe_code, reason = "SO_PEERCRED has no safe wrapper that fits")]

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
    sendmsg, socketpair,
};

use crate::spawn::last_errno;

/// Most descriptors that one message may carry.
pub const MAX_FDS: usize = 8;

/// A connected pair of message sockets, closed on exec.
///
/// # Errors
/// The kernel's errno.
pub fn seqpacket_pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
}

/// Sends one message with descriptors.
///
/// # Errors
/// `PIPE` when the peer is gone (never a signal).
pub fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::INVAL);
    }
    loop {
        match sendmsg(
            &socket,
            &[IoSlice::new(bytes)],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        ) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// One received message. Empty `bytes`: the peer has closed.
#[derive(Debug)]
pub struct Message {
    /// The payload.
    pub bytes: Vec<u8>,
    /// The descriptors, close-on-exec.
    pub fds: Vec<OwnedFd>,
    /// Not all have arrived: this process may open no more.
    pub has_lost_fds: bool,
}

/// Receives one message of at most `limit` bytes.
///
/// # Errors
/// `AGAIN` when `block` is false and nothing has arrived; `MSGSIZE` when the message was longer.
pub fn receive(socket: impl AsFd, limit: usize, block: bool) -> Result<Message, Errno> {
    let mut bytes = vec![0; limit];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut flags = RecvFlags::CMSG_CLOEXEC;
    if !block {
        flags |= RecvFlags::DONTWAIT;
    }
    let received = loop {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        match recvmsg(&socket, &mut slices, &mut ancillary, flags) {
            Ok(received) => break received,
            Err(Errno::INTR) => {}
            // A peer that died with unread data counts as closed.
            Err(Errno::CONNRESET) => {
                return Ok(Message {
                    bytes: Vec::new(),
                    fds: Vec::new(),
                    has_lost_fds: false,
                });
            }
            Err(errno) => return Err(errno),
        }
    };
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if received.flags.contains(ReturnFlags::TRUNC) {
        return Err(Errno::MSGSIZE);
    }
    bytes.truncate(received.bytes);
    Ok(Message {
        bytes,
        fds,
        has_lost_fds: received.flags.contains(ReturnFlags::CTRUNC),
    })
}

/// User id of the process at the other end of a unix socket.
///
/// # Errors
/// The kernel's errno.
pub fn peer_uid(socket: impl AsFd) -> Result<u32, Errno> {
    // rustix has no value for the pid 0 of a peer that this pid namespace cannot see.
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut length = libc::socklen_t::try_from(size_of::<libc::ucred>()).unwrap_or_default();
    // SAFETY: pointer and length describe `peer`, which is plain data.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            std::ptr::from_mut(&mut peer).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(peer.uid)
    } else {
        Err(last_errno())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn messages_keep_their_bounds_and_carry_descriptors() {
        let (a, b) = seqpacket_pair().unwrap();
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let mut reader = std::fs::File::from(reader);
        send(&a, b"one", &[writer.as_fd()]).unwrap();
        send(&a, b"two", &[]).unwrap();
        drop(writer);
        let mut first = receive(&b, 16, false).unwrap();
        assert_eq!(first.bytes, b"one");
        let mut carried = std::fs::File::from(first.fds.remove(0));
        carried.write_all(b"x").unwrap();
        drop(carried);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
        assert_eq!(receive(&b, 16, false).unwrap().bytes, b"two");
        assert_eq!(receive(&b, 16, false).unwrap_err(), Errno::AGAIN);
        drop(a);
        assert!(receive(&b, 16, true).unwrap().bytes.is_empty());
    }

    #[test]
    fn a_message_beyond_the_limit_is_an_error() {
        let (a, b) = seqpacket_pair().unwrap();
        send(&a, b"too long", &[]).unwrap();
        assert_eq!(receive(&b, 3, false).unwrap_err(), Errno::MSGSIZE);
    }

    #[test]
    fn the_peer_is_this_user() {
        let (a, _b) = seqpacket_pair().unwrap();
        assert_eq!(peer_uid(&a).unwrap(), rustix::process::geteuid().as_raw());
    }
}
