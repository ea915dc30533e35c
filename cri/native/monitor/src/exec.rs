//! One command that runs in a container while somebody waits for its output.

use std::time::{Duration, Instant};

use estiba_wire::v1;

use crate::client::Address;
use crate::container::Construction;
use crate::poller::{Key, Watched};
use crate::process::Ended;

/// After the command's end, for output that processes it left behind hold open.
pub(crate) const DRAIN: Duration = Duration::from_millis(100);
/// How often a killed exec's leaf is looked at until it is empty.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long that goes on: a process that hangs in the kernel cannot be waited for.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(5);

/// Where no limit is given: what the kubelet's gRPC messages hold.
const DEFAULT_LIMIT: u64 = 16 << 20;

/// One output stream of an exec.
#[derive(Debug, Default)]
pub(crate) struct ExecStream {
    /// In the event loop.
    pub(crate) pipe: Option<Watched>,
    /// Out of the event loop, because the client does not keep up.
    pub(crate) paused: Option<std::os::fd::OwnedFd>,
    pub(crate) sent: u64,
}

impl ExecStream {
    pub(crate) fn is_open(&self) -> bool {
        self.pipe.is_some() || self.paused.is_some()
    }

    /// How many of `count` fresh bytes are still wanted.
    pub(crate) fn take(&mut self, count: usize, limit: u64) -> usize {
        let room = usize::try_from(limit.saturating_sub(self.sent)).unwrap_or(usize::MAX);
        let taken = room.min(count);
        self.sent = self
            .sent
            .saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        taken
    }
}

/// Why an exec is being killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Killed {
    /// Its time was over.
    TimedOut,
    /// The client has cancelled it.
    Canceled,
    /// The client or the container is gone; nobody waits for an answer.
    Abandoned,
}

#[derive(Debug)]
pub(crate) struct Exec {
    pub(crate) reply_to: Address,
    pub(crate) container: Key,
    pub(crate) cgroup: String,
    pub(crate) leaf: String,
    pub(crate) limit: u64,
    pub(crate) deadline: Option<Instant>,
    pub(crate) construction: Option<Construction>,
    pub(crate) process: Option<Watched>,
    pub(crate) streams: [ExecStream; 2],
    pub(crate) output_cut: bool,
    /// Why it could not be run.
    pub(crate) fault: Option<estiba_wire::v1::Fault>,
    pub(crate) ended: Option<Ended>,
    pub(crate) drain_until: Option<Instant>,
    pub(crate) killed: Option<Killed>,
    /// Kills for lack of memory in the container before it began.
    pub(crate) oom_kills_before: u64,
    /// When the killed leaf is looked at next, and when that is given up.
    pub(crate) look_at: Option<Instant>,
    pub(crate) give_up_at: Option<Instant>,
}

impl Exec {
    /// An exec of `request` that is being built, in `(cgroup, leaf)`.
    pub(crate) fn new(
        reply_to: Address,
        container: Key,
        request: &v1::ExecSync,
        (cgroup, leaf): (String, &str),
        construction: Construction,
        streams: [ExecStream; 2],
    ) -> Self {
        let timeout = Some(request.timeout_ms).filter(|milliseconds| *milliseconds > 0);
        let limit = match request.output_limit_bytes {
            0 => DEFAULT_LIMIT,
            limit => limit,
        };
        Self {
            reply_to,
            container,
            cgroup,
            leaf: leaf.to_owned(),
            limit,
            deadline: timeout.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms))),
            construction: Some(construction),
            process: None,
            streams,
            output_cut: false,
            fault: None,
            ended: None,
            drain_until: None,
            killed: None,
            oom_kills_before: 0,
            look_at: None,
            give_up_at: None,
        }
    }

    /// The next moment at which something is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        [self.deadline, self.drain_until, self.look_at]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_takes_no_more_than_its_limit() {
        let mut stream = ExecStream::default();
        assert_eq!(stream.take(60, 100), 60);
        assert_eq!(stream.take(60, 100), 40);
        assert_eq!(stream.take(60, 100), 0);
        let mut unlimited = ExecStream::default();
        assert_eq!(unlimited.take(usize::MAX, u64::MAX), usize::MAX);
    }
}
