//! The output of execs, with back-pressure.

use estiba_wire::v1;
use rustix::io::Errno;

use crate::client::Client;
use crate::exec::ExecStream;
use crate::monitor::{Answer, Monitor};
use crate::poller::{Key, Source};

impl Monitor {
    pub(crate) fn exec_output(&mut self, key: Key, index: usize) {
        self.pump_exec(key, index);
        self.finish_drained_exec(key);
    }

    pub(crate) fn finish_drained_exec(&mut self, key: Key) {
        let Some(exec) = self.execs.get(&key) else {
            return;
        };
        let open = exec.streams.iter().any(ExecStream::is_open);
        if exec.ended.is_some() && exec.killed.is_none() && !open {
            self.finish_exec(key);
        }
    }

    /// Reads one stream once and sends it on; false when there is nothing to read, or the client
    /// has enough to do.
    pub(crate) fn pump_exec(&mut self, key: Key, index: usize) -> bool {
        let mut scratch = self.take_scratch();
        let more = self.pump_exec_with(&mut scratch, key, index);
        self.return_scratch(scratch);
        more
    }

    fn pump_exec_with(
        &mut self,
        scratch: &mut crate::log::Scratch,
        key: Key,
        index: usize,
    ) -> bool {
        let Some(exec) = self.execs.get_mut(&key) else {
            return false;
        };
        let Some(stream) = exec.streams.get_mut(index) else {
            return false;
        };
        let Some(pipe) = &stream.pipe else {
            return false;
        };
        let count = match scratch.read(pipe) {
            Err(Errno::AGAIN) => return false,
            Ok(count) if count > 0 => count,
            Ok(_) | Err(_) => {
                if let Some(pipe) = stream.pipe.take() {
                    self.poller.unwatch(pipe);
                }
                return false;
            }
        };
        let taken = stream.take(count, exec.limit);
        exec.output_cut |= taken < count;
        let bytes = scratch.input.get(..taken).unwrap_or_default();
        if bytes.is_empty() {
            return true;
        }
        let mut output = v1::ExecOutput::default();
        let target = if index == 0 {
            &mut output.stdout
        } else {
            &mut output.stderr
        };
        target.extend_from_slice(bytes);
        let reply_to = exec.reply_to;
        self.send(reply_to, false, Answer::ExecOutput(output));
        if self
            .clients
            .get(&reply_to.client)
            .is_some_and(Client::is_busy)
        {
            self.pause_execs(reply_to.client);
            return false;
        }
        true
    }

    fn pause_execs(&mut self, client: Key) {
        let execs = self
            .execs
            .values_mut()
            .filter(|exec| exec.reply_to.client == client);
        for stream in execs.flat_map(|exec| exec.streams.iter_mut()) {
            if let Some(pipe) = stream.pipe.take() {
                stream.paused = Some(self.poller.unwatch(pipe));
            }
        }
    }

    /// The client has room again.
    pub(crate) fn resume_execs(&mut self, client: Key) {
        for (key, exec) in &mut self.execs {
            if exec.reply_to.client != client {
                continue;
            }
            for (index, stream) in exec.streams.iter_mut().enumerate() {
                if let Some(pipe) = stream.paused.take() {
                    stream.pipe = self
                        .poller
                        .watch(pipe, Source::ExecOutput(*key, index))
                        .ok();
                }
            }
        }
    }
}
