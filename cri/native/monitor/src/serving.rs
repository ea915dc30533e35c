//! Connections: who comes, what is asked, what is answered.

use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::SocketFlags;

use crate::client::{Address, Client};
use crate::monitor::{Answer, Monitor};
use crate::poller::{Key, Source};
use crate::stderr_log::Level;

/// How long no connection is accepted after the host refused a descriptor.
const SCARCE: Duration = Duration::from_millis(100);

impl Monitor {
    pub(crate) fn accept(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = match rustix::net::accept_with(&self.listener, flags) {
            Ok(socket) => socket,
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => return,
            Err(errno) => {
                self.log(
                    Level::Warn,
                    "cannot accept a connection",
                    &[("why", &errno.to_string())],
                );
                // Whoever waits there would be told of again at once.
                self.poller.change(&self.listener, EventFlags::empty());
                self.accept_at = Instant::now().checked_add(SCARCE);
                return;
            }
        };
        if !crate::is_trusted(&socket) {
            self.log(Level::Warn, "connection refused: the peer is not root", &[]);
            return;
        }
        let key = self.new_key();
        match self.poller.watch(socket, Source::Client(key)) {
            Ok(socket) => {
                self.clients.insert(key, Client::new(socket));
            }
            Err(fault) => self.log(Level::Warn, "cannot serve", &[("why", &fault.message)]),
        }
    }

    /// Hears of new connections again.
    pub(crate) fn accept_again(&mut self) {
        self.accept_at = None;
        self.poller.change(&self.listener, EventFlags::IN);
    }

    pub(crate) fn serve_client(&mut self, key: Key, flags: EventFlags) {
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        if flags.contains(EventFlags::OUT) {
            client.flush(&self.poller);
            if !client.is_busy() {
                self.resume_execs(key);
            }
        }
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            client.fill();
        }
        while let Some(request) = self.clients.get_mut(&key).and_then(Client::next_request) {
            self.call(key, request);
        }
    }

    pub(crate) fn drop_broken_clients(&mut self) {
        let broken = |(key, client): (&Key, &Client)| client.broken.then_some(*key);
        let keys: Vec<Key> = self.clients.iter().filter_map(broken).collect();
        for key in keys {
            if let Some(client) = self.clients.remove(&key) {
                self.poller.unwatch(client.socket);
            }
            self.abandon_execs_of(key);
        }
    }

    pub(crate) fn answer(&mut self, to: Address, result: Answer) {
        self.send(to, true, result);
    }

    pub(crate) fn answer_all(&mut self, to: Vec<Address>, result: &Answer) {
        for address in to {
            self.answer(address, result.clone());
        }
    }

    pub(crate) fn send(&mut self, to: Address, done: bool, result: Answer) {
        if let Some(client) = self.clients.get_mut(&to.client) {
            client.send(&self.poller, to.request, done, result);
        }
    }

    /// Sends an event to everybody who wants events.
    pub(crate) fn publish(&mut self, event: &Answer) {
        for client in self.clients.values_mut().filter(|client| client.subscribed) {
            client.send(&self.poller, 0, true, event.clone());
        }
    }
}
