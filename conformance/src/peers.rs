//! The three parties around the gateway, on real sockets.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::case::{Act, Case, Peer};
use crate::gateway::{Gateway, Program};
use crate::link::Link;
use crate::log;
use crate::place::Place;
use crate::template::{Template, Values};

/// So long the backend waits for the end when the client has left.
const PARTING: Duration = Duration::from_millis(300);

/// A listening peer: the auth server or the backend. One connection at a time.
#[derive(Debug)]
struct Door {
    listener: Option<TcpListener>,
    link: Option<Link>,
    /// The auth server has answered on this link; the next request comes on a new one.
    answered: bool,
}

/// Client, auth server, backend, and the gateway between them.
#[derive(Debug)]
pub struct Peers {
    gateway: Gateway,
    client: Option<Link>,
    auth: Door,
    backend: Door,
    /// What is known in this run.
    pub values: Values,
    /// How long a peer waits for the gateway.
    pub patience: Duration,
}

impl Peers {
    /// Opens the doors, starts the gateway, connects the client.
    ///
    /// # Errors
    /// When something of that fails.
    pub fn new(
        program: &Program,
        case: &Case,
        place: &Place,
        patience: Duration,
    ) -> Result<Self, String> {
        let door = |refused: bool| -> io::Result<(u16, Door)> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            listener.set_nonblocking(true)?;
            let listener = (!refused).then_some(listener);
            Ok((
                port,
                Door {
                    listener,
                    link: None,
                    answered: false,
                },
            ))
        };
        let text = |error: io::Error| error.to_string();
        let (auth_port, auth) = door(case.header.auth_refused).map_err(text)?;
        let (backend_port, backend) = door(case.header.backend_refused).map_err(text)?;
        let listen_port = place.free_port().map_err(text)?;
        let listen_addr = place.address.to_string();
        let root = place.root_text();
        let mut values = Values {
            listen_addr,
            listen_port,
            auth_port,
            backend_port,
            root,
            ..Values::default()
        };
        let (gateway, client) = Gateway::start(program, &case.header, place, &values)?;
        values.client_port = client.local_addr().map_err(text)?.port();
        let client = Some(Link::new(client).map_err(text)?);
        Ok(Self {
            gateway,
            client,
            auth,
            backend,
            values,
            patience,
        })
    }

    /// Does a step in which the peer is active.
    ///
    /// # Errors
    /// When the gateway has closed, or never came.
    pub fn act(&mut self, peer: Peer, act: &Act) -> io::Result<()> {
        match act {
            Act::Send(bytes) => self.say(peer, bytes, Link::say),
            Act::SendBytewise(bytes) => self.say(peer, bytes, Link::say_bytewise),
            Act::HalfClose => self.link(peer)?.half_close(),
            Act::Close => {
                self.link(peer)?;
                self.forget(peer);
                Ok(())
            }
            Act::Connect => {
                let address = (self.values.listen_addr.as_str(), self.values.listen_port);
                let socket = TcpStream::connect(address)?;
                self.values.client_port = socket.local_addr()?.port();
                self.client = Some(Link::new(socket)?);
                Ok(())
            }
            Act::Tls(name) => {
                let pki = Path::new(&self.values.root).join("pki");
                let own = name.as_ref().map(|name| {
                    (
                        pki.join(format!("{name}.pem")),
                        pki.join(format!("{name}-key.pem")),
                    )
                });
                self.link(Peer::Client)?.start_tls(own)
            }
            Act::Wait(time) => {
                thread::sleep(*time);
                Ok(())
            }
            Act::Expect(_) | Act::ExpectNothing | Act::ExpectEnd(_) | Act::ExpectGone => Ok(()),
        }
    }

    fn say(
        &mut self,
        peer: Peer,
        bytes: &Template,
        how: fn(&mut Link, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let bytes = bytes.fill(&self.values);
        how(self.link(peer)?, &bytes)?;
        if peer == Peer::Auth {
            self.auth.answered = true;
        }
        Ok(())
    }

    /// The peer's connection; a listening peer waits for it.
    ///
    /// # Errors
    /// When the gateway does not connect in time.
    pub fn link(&mut self, peer: Peer) -> io::Result<&mut Link> {
        match peer {
            Peer::Client => self
                .client
                .as_mut()
                .ok_or_else(|| ErrorKind::NotConnected.into()),
            Peer::Auth => self.auth.link(self.patience),
            Peer::Backend => self.backend.link(self.patience),
        }
    }

    /// The connection on which the peer reads next: the auth server has a new one for each request.
    ///
    /// # Errors
    /// As [`Peers::link`].
    pub fn reading_link(&mut self, peer: Peer) -> io::Result<(&mut Link, &mut Values)> {
        if peer == Peer::Auth && std::mem::take(&mut self.auth.answered) {
            self.auth.link = None;
        }
        let link = match peer {
            Peer::Client => self.client.as_mut().ok_or(ErrorKind::NotConnected)?,
            Peer::Auth => self.auth.link(self.patience)?,
            Peer::Backend => self.backend.link(self.patience)?,
        };
        Ok((link, &mut self.values))
    }

    /// Is there a connection on which the peer could hear something?
    pub fn listens(&self, peer: Peer) -> bool {
        match peer {
            Peer::Client => self.client.is_some(),
            Peer::Auth => self.auth.link.is_some() && !self.auth.answered,
            Peer::Backend => self.backend.link.is_some(),
        }
    }

    /// Takes in a connection that the gateway makes without being expected to.
    pub fn stranger(&mut self, peer: Peer) -> bool {
        let door = match peer {
            Peer::Client => return false,
            Peer::Auth => &mut self.auth,
            Peer::Backend => &mut self.backend,
        };
        door.answered = false;
        door.accept().is_ok()
    }

    /// The connection is over.
    pub fn forget(&mut self, peer: Peer) {
        match peer {
            Peer::Client => self.client = None,
            Peer::Auth => (self.auth.link, self.auth.answered) = (None, false),
            Peer::Backend => self.backend.link = None,
        }
    }

    /// The client leaves; the backend does so as soon as it has seen that, or a moment later.
    pub fn part(&mut self) {
        self.forget(Peer::Client);
        if let Some(backend) = &mut self.backend.link {
            // what still comes is not looked at any more
            let _ = backend.hear_out(PARTING, PARTING);
        }
        self.forget(Peer::Backend);
    }

    /// What the log says about connections.
    pub fn log(&self) -> Vec<String> {
        log::lines(&self.gateway.log(), &self.values)
    }

    /// What the gateway wrote to standard error and to its log.
    pub fn words(&self) -> String {
        self.gateway.words()
    }

    /// Ends the gateway.
    ///
    /// # Errors
    /// When it ended by itself before.
    pub fn stop(self) -> Result<(), String> {
        self.gateway.stop()
    }
}

impl Door {
    fn link(&mut self, patience: Duration) -> io::Result<&mut Link> {
        let until = Instant::now() + patience;
        while self.link.is_none() {
            match self.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(io::Error::new(
                        ErrorKind::TimedOut,
                        "the gateway did not connect",
                    ));
                }
                other => other?,
            }
        }
        self.link
            .as_mut()
            .ok_or_else(|| ErrorKind::NotConnected.into())
    }

    fn accept(&mut self) -> io::Result<()> {
        let listener = self.listener.as_ref().ok_or(ErrorKind::NotConnected)?;
        self.link = Some(Link::new(listener.accept()?.0)?);
        Ok(())
    }
}
