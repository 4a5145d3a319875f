//! The three parties around the gateway, on real sockets.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use crate::case::{Act, Case, Peer};
use crate::clock::Clock;
use crate::door::Door;
use crate::gateway::{Gateway, Program};
use crate::link::Link;
use crate::log;
use crate::memory::Network;
use crate::place::Place;
use crate::template::{Template, Values};

/// So long the backend waits for the end when the client has left.
const PARTING: Duration = Duration::from_millis(300);

/// Client, auth server, backend, and the gateway between them.
#[derive(Debug)]
pub struct Peers {
    gateway: Gateway,
    /// The time that all of them go by.
    pub clock: Clock,
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
        let text = |error: io::Error| error.to_string();
        let network = match program {
            Program::InMemory => Some(Network::new().map_err(text)?),
            Program::Nginx { .. } | Program::Ours(_) => None,
        };
        let network = network.as_ref();
        let door = |seat, socket| Door::open(seat, &place.root.join(socket), network).map_err(text);
        let (auth_port, auth) = door(case.header.auth, "auth.sock")?;
        let (backend_port, backend) = door(case.header.backend, "backend.sock")?;
        let (clock, listen_port) = match network {
            Some(network) => (Clock::Virtual(network.runtime.clone()), network.free_port()),
            None => (Clock::System, place.free_port().map_err(text)?),
        };
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
        let mut gateway = Gateway::start(program, &case.header, place, &values, network)?;
        let (client, address) = gateway.client(&values).map_err(text)?;
        values.client_port = address.port();
        let client = Some(Link::new(client, clock.clone()).map_err(text)?);
        Ok(Self {
            gateway,
            clock,
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
            Act::Reset => {
                self.link(peer)?.break_off()?;
                self.forget(peer);
                Ok(())
            }
            Act::Connect => {
                let (client, address) = self.gateway.client(&self.values)?;
                self.values.client_port = address.port();
                self.client = Some(Link::new(client, self.clock.clone())?);
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
                self.clock.sleep(*time);
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
