//! The event loop of the relay.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, accept_with, bind, connect,
    listen, recv, send, socket_with, sockopt,
};

use super::Route;
use super::dialogue::steps;
use super::session::{Next, Session, Side};
use crate::server::Server;

/// The most that is read at once, in bytes.
const SCRATCH: usize = 64 << 10;
const NON_BLOCKING: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// The events of connections.
const READ: EventFlags = EventFlags::IN
    .union(EventFlags::RDHUP)
    .union(EventFlags::ET);

/// The session that went on, and what comes next for it.
type Done = Option<(usize, Result<Next, Errno>)>;

/// What an event belongs to, in the number that epoll keeps.
#[derive(Debug, Clone, Copy)]
enum Source {
    Listener(usize),
    Auth(usize),
    Session(usize, Side),
}

/// The relay.
pub struct Relay {
    epoll: OwnedFd,
    auth: SocketAddr,
    listeners: Vec<(OwnedFd, Server, SocketAddr)>,
    sessions: Vec<Option<Session>>,
    /// Places in `sessions` for new ones.
    free: Vec<usize>,
    /// Connections to the auth server, and the session that waits for its answer.
    auths: Vec<(OwnedFd, usize)>,
    /// Connections to the auth server without a request.
    idle: Vec<usize>,
    scratch: Vec<u8>,
}

impl Relay {
    /// Opens the listening sockets.
    pub fn new(auth: SocketAddr, routes: &[Route]) -> Result<Self, Errno> {
        let mut relay = Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            auth,
            listeners: Vec::new(),
            sessions: Vec::new(),
            free: Vec::new(),
            auths: Vec::new(),
            idle: Vec::new(),
            scratch: vec![0; SCRATCH],
        };
        for (at, route) in routes.iter().enumerate() {
            let listener = socket()?;
            sockopt::set_socket_reuseaddr(&listener, true)?;
            // Accepted connections inherit it.
            sockopt::set_tcp_nodelay(&listener, true)?;
            bind(&listener, &route.listen)?;
            listen(&listener, 4096)?;
            relay.watch(&listener, Source::Listener(at), EventFlags::IN)?;
            relay
                .listeners
                .push((listener, route.server, route.backend));
        }
        Ok(relay)
    }

    /// Serves until the process ends.
    pub fn run(&mut self) -> Result<(), Errno> {
        let mut events = Vec::with_capacity(256);
        let mut closed = Vec::new();
        loop {
            events.clear();
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                None,
            ) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => return Err(e),
            }
            for event in &events {
                let (flags, data) = (event.flags, event.data.u64());
                let done = match Source::of(data) {
                    Source::Listener(at) => self.accept(at)?,
                    Source::Auth(at) => self.answer(at)?,
                    Source::Session(at, side) => {
                        let ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP);
                        let session = self.sessions[at].as_mut();
                        session.map(|session| (at, session.ready(side, ended, &mut self.scratch)))
                    }
                };
                let Some((at, next)) = done else { continue };
                let next = match next {
                    Ok(Next::Authorize(request)) => self.ask(at, request),
                    next => next,
                };
                if matches!(next, Ok(Next::Wait)) {
                    self.watch_blocked(at)?;
                } else if self.sessions[at].take().is_some() {
                    closed.push(at);
                }
            }
            // Not before: other events of this batch may belong to a closed session.
            self.free.append(&mut closed);
        }
    }

    /// Takes one client and connects to its backend.
    fn accept(&mut self, listener: usize) -> Result<Done, Errno> {
        let (listener, server, backend) = &self.listeners[listener];
        let client = match accept_with(listener, NON_BLOCKING) {
            Ok(client) => client,
            // The client has left.
            Err(Errno::AGAIN | Errno::CONNABORTED) => return Ok(None),
            Err(e) => return Err(e),
        };
        let (server, backend) = (*server, connected(backend)?);
        let at = self.free.pop().unwrap_or(self.sessions.len());
        self.watch(&client, Source::Session(at, Side::Client), READ)?;
        self.watch(&backend, Source::Session(at, Side::Backend), READ)?;
        let mut session = Session::new(client, backend, steps(server));
        let next = session.advance();
        match self.sessions.get_mut(at) {
            Some(place) => *place = Some(session),
            None => self.sessions.push(Some(session)),
        }
        Ok(Some((at, next)))
    }

    /// Sends a request to the auth server, over a kept connection where there is one.
    fn ask(&mut self, session: usize, request: &[u8]) -> Result<Next, Errno> {
        let at = match self.idle.pop() {
            Some(at) => at,
            None => {
                let socket = connected(&self.auth)?;
                self.watch(&socket, Source::Auth(self.auths.len()), READ)?;
                self.auths.push((socket, session));
                self.auths.len() - 1
            }
        };
        self.auths[at].1 = session;
        send(&self.auths[at].0, request, SendFlags::NOSIGNAL)?;
        Ok(Next::Wait)
    }

    /// Reads the answer of the auth server, which arrives in one piece.
    fn answer(&mut self, at: usize) -> Result<Done, Errno> {
        let (socket, session) = &self.auths[at];
        let waiting = *session;
        recv(socket, &mut self.scratch[..], RecvFlags::empty())?;
        self.idle.push(at);
        let session = self.sessions[waiting].as_mut();
        Ok(session.map(|session| (waiting, session.authorized())))
    }

    /// Asks for an event when a socket takes more again. Small sessions never need it.
    fn watch_blocked(&self, at: usize) -> Result<(), Errno> {
        let blocked = self.sessions[at].as_ref().and_then(Session::blocked);
        if let Some((socket, side)) = blocked {
            let data = EventData::new_u64(Source::Session(at, side).number());
            epoll::modify(&self.epoll, socket, data, READ | EventFlags::OUT)?;
        }
        Ok(())
    }

    fn watch(&self, socket: &OwnedFd, source: Source, flags: EventFlags) -> Result<(), Errno> {
        epoll::add(
            &self.epoll,
            socket,
            EventData::new_u64(source.number()),
            flags,
        )
    }
}

impl Source {
    fn number(self) -> u64 {
        let (at, kind) = match self {
            Self::Listener(at) => (at, 0),
            Self::Auth(at) => (at, 1),
            Self::Session(at, Side::Client) => (at, 2),
            Self::Session(at, Side::Backend) => (at, 3),
        };
        at as u64 * 4 + kind
    }

    fn of(number: u64) -> Self {
        let at = (number / 4) as usize;
        match number % 4 {
            0 => Self::Listener(at),
            1 => Self::Auth(at),
            2 => Self::Session(at, Side::Client),
            _ => Self::Session(at, Side::Backend),
        }
    }
}

fn socket() -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::INET, SocketType::STREAM, NON_BLOCKING, None)
}

fn connected(to: &SocketAddr) -> Result<OwnedFd, Errno> {
    let socket = socket()?;
    match connect(&socket, to) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_numbers() {
        for at in [0, 1, 70_000] {
            for source in [
                Source::Listener(at),
                Source::Auth(at),
                Source::Session(at, Side::Client),
                Source::Session(at, Side::Backend),
            ] {
                assert_eq!(Source::of(source.number()).number(), source.number());
            }
        }
    }
}
