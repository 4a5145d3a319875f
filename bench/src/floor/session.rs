//! One session of the relay: the fixed dialogue, then a tunnel.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use super::dialogue::Step;
use super::outbox::Outbox;

/// A session.
#[derive(Debug)]
pub struct Session {
    client: Peer,
    backend: Peer,
    /// The steps that are left; a tunnel without.
    steps: &'static [Step],
    /// Replies of the backend that arrived before their step.
    replies: usize,
}

/// One side of a session.
#[derive(Debug)]
struct Peer {
    socket: OwnedFd,
    outbox: Outbox,
}

/// Which side of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The backend.
    Backend,
}

/// What the relay has to do for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait for events.
    Wait,
    /// Send this request to the auth server.
    Authorize(&'static [u8]),
    /// Close both connections.
    Close,
}

impl Session {
    /// A session before its first step.
    pub fn new(client: OwnedFd, backend: OwnedFd, steps: &'static [Step]) -> Self {
        let peer = |socket| Peer {
            socket,
            outbox: Outbox::default(),
        };
        Self {
            client: peer(client),
            backend: peer(backend),
            steps,
            replies: 0,
        }
    }

    /// Goes on until it has to wait.
    pub fn advance(&mut self) -> Result<Next, Errno> {
        while let [step, rest @ ..] = self.steps {
            match *step {
                Step::Reply(bytes) => self.client.outbox.send(&self.client.socket, bytes)?,
                Step::Login(bytes) => self.backend.outbox.send(&self.backend.socket, bytes)?,
                Step::Backend if self.replies > 0 => self.replies -= 1,
                // The answer goes on after this step.
                Step::Authorize(request) => return Ok(Next::Authorize(request)),
                Step::Command | Step::Backend => return Ok(Next::Wait),
            }
            self.steps = rest;
        }
        Ok(Next::Wait)
    }

    /// The auth server has answered.
    pub fn authorized(&mut self) -> Result<Next, Errno> {
        if let [Step::Authorize(_), rest @ ..] = self.steps {
            self.steps = rest;
        }
        self.advance()
    }

    /// The socket that takes no more at the moment, if any.
    pub fn blocked(&self) -> Option<(&OwnedFd, Side)> {
        let sides = [(&self.client, Side::Client), (&self.backend, Side::Backend)];
        sides
            .into_iter()
            .find(|(peer, _)| !peer.outbox.is_empty())
            .map(|(peer, side)| (&peer.socket, side))
    }

    /// A socket can be read or written. `ended` says that nothing follows what can be read now.
    pub fn ready(&mut self, side: Side, ended: bool, scratch: &mut [u8]) -> Result<Next, Errno> {
        let (from, to) = match side {
            Side::Client => (&mut self.client, &mut self.backend),
            Side::Backend => (&mut self.backend, &mut self.client),
        };
        from.outbox.flush(&from.socket)?;
        loop {
            let read = match recv(&from.socket, &mut *scratch, RecvFlags::empty()) {
                Ok((0, _)) => return Ok(Next::Close),
                Ok((read, _)) => read,
                Err(Errno::AGAIN) => return Ok(Next::Wait),
                Err(e) => return Err(e),
            };
            let bytes = &scratch[..read];
            match (self.steps, side) {
                ([], _) => to.outbox.send(&to.socket, bytes)?,
                ([Step::Command, rest @ ..], Side::Client) if bytes.ends_with(b"\n") => {
                    self.steps = rest;
                    return self.advance();
                }
                (_, Side::Backend) if bytes.ends_with(b"\n") => {
                    self.replies += 1;
                    return self.advance();
                }
                // Clients of the benchmark send whole lines, and none before the reply to the last one.
                _ => return Ok(Next::Close),
            }
            // A short read has taken everything; another one would only find nothing.
            if read < scratch.len() {
                let delivered = to.outbox.is_empty();
                return Ok(if ended && delivered {
                    Next::Close
                } else {
                    Next::Wait
                });
            }
        }
    }
}
