//! One connection of `serve` or of the command line.

use estiba_wire::v1::{self, MonitorReply, MonitorRequest, monitor_reply};
use estiba_wire::{Fill, FrameError, FrameReader, FrameWriter, PROTOCOL_VERSION};
use rustix::event::epoll::EventFlags;

use crate::poller::{Poller, Watched};

/// A client that lets so much pile up is disconnected.
const QUEUE_LIMIT: usize = 8 << 20;
/// Above this no more requests are read and no more exec output is queued.
const BUSY: usize = 256 << 10;

/// Whom an answer goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) client: u64,
    pub(crate) request: u64,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: Watched,
    reader: FrameReader,
    writer: FrameWriter,
    pub(crate) subscribed: bool,
    /// To be closed as soon as nobody is using it.
    pub(crate) broken: bool,
    waiting_for_room: bool,
}

impl Client {
    pub(crate) fn new(socket: Watched) -> Self {
        Self {
            socket,
            reader: FrameReader::new(),
            writer: FrameWriter::new(QUEUE_LIMIT),
            subscribed: false,
            broken: false,
            waiting_for_room: false,
        }
    }

    /// Whether the client should get no more bulk data for now.
    pub(crate) fn is_busy(&self) -> bool {
        self.writer.queued() > BUSY
    }

    /// Takes what the socket has, at most one chunk.
    pub(crate) fn fill(&mut self) {
        match self.reader.fill(&self.socket) {
            Ok(Fill::Some | Fill::WouldBlock) => {}
            Ok(Fill::Eof) | Err(_) => self.broken = true,
        }
    }

    /// The next whole request.
    pub(crate) fn next_request(&mut self) -> Option<MonitorRequest> {
        if self.broken {
            return None;
        }
        self.reader.next_frame().unwrap_or_else(|_malformed| {
            self.broken = true;
            None
        })
    }

    /// Queues one frame and sends what the socket takes.
    pub(crate) fn send(
        &mut self,
        poller: &Poller,
        id: u64,
        done: bool,
        result: monitor_reply::Result,
    ) {
        let reply = MonitorReply {
            version: PROTOCOL_VERSION,
            id,
            done,
            result: Some(result),
        };
        let pushed = match self.writer.push(&reply) {
            Err(FrameError::TooLong(bytes)) => {
                let message = format!("cannot answer: the answer has {bytes} bytes");
                let fault = v1::Fault::new(v1::ErrorCode::Internal, "answer", message);
                let result = Some(monitor_reply::Result::Fault(fault));
                self.writer.push(&MonitorReply { result, ..reply })
            }
            other => other,
        };
        if pushed.is_err() {
            self.broken = true;
        } else if !self.waiting_for_room {
            self.flush(poller);
        }
    }

    /// Sends what the socket takes and waits for room when that is not all.
    pub(crate) fn flush(&mut self, poller: &Poller) {
        let Ok(empty) = self.writer.flush(&self.socket) else {
            self.broken = true;
            return;
        };
        if empty == self.waiting_for_room {
            self.waiting_for_room = !empty;
            let flags = if empty {
                EventFlags::IN
            } else {
                EventFlags::IN | EventFlags::OUT
            };
            poller.change(&self.socket, flags);
        }
    }
}

impl Client {
    /// Sends what is queued, waiting for a slow client no longer than `patience`.
    pub(crate) fn flush_blocking(&mut self, patience: std::time::Duration) {
        use rustix::net::sockopt::{Timeout, set_socket_timeout};
        let timeout = set_socket_timeout(&self.socket, Timeout::Send, Some(patience));
        if timeout.is_ok() && rustix::io::ioctl_fionbio(&self.socket, false).is_ok() {
            self.writer.flush(&self.socket).ok();
        }
    }
}
