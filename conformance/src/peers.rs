//! The peers of a dialogue case: client, auth server and backend, with the gateway between them.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use crate::case::{Action, Case, Peer};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::gateway::{Gateway, Program};
use crate::listener::Listener;
use crate::log;
use crate::memory::Network;
use crate::template::{Template, Values};
use crate::workdir::WorkDir;

/// How long the backend waits for the end of its connection after the client has closed.
const BACKEND_EOF: Duration = Duration::from_millis(300);

/// The running gateway and its peers.
#[derive(Debug)]
pub struct Peers {
    gateway: Gateway,
    /// The time of the gateway and all peers.
    pub clock: Clock,
    client: Option<Connection>,
    auth: Listener,
    backend: Listener,
    /// The values of this run's placeholders.
    pub values: Values,
    /// How long a peer waits for the gateway.
    pub timeout: Duration,
}

impl Peers {
    /// Starts the listening peers and the gateway, and connects the client.
    ///
    /// # Errors
    /// When one of them does not start.
    pub fn new(
        program: &Program,
        case: &Case,
        workdir: &WorkDir,
        timeout: Duration,
    ) -> Result<Self, String> {
        let text = |error: io::Error| error.to_string();
        let network = match program {
            Program::InMemory => Some(Network::new().map_err(text)?),
            Program::Nginx { .. } | Program::Portcullis(_) => None,
        };
        let network = network.as_ref();
        let open = |address, name| {
            Listener::open(address, &workdir.root.join(name), network).map_err(text)
        };
        let (auth_port, auth) = open(case.header.auth, "auth.sock")?;
        let (backend_port, backend) = open(case.header.backend, "backend.sock")?;
        let (clock, listen_port) = match network {
            Some(network) => (Clock::Virtual(network.runtime.clone()), network.free_port()),
            None => (Clock::System, workdir.free_port().map_err(text)?),
        };
        let mut values = Values {
            listen_addr: workdir.address.to_string(),
            listen_port,
            auth_port,
            backend_port,
            root: workdir.root_text(),
            ..Values::default()
        };
        let mut gateway = Gateway::start(program, &case.header, workdir, &values, network)?;
        let (client, address) = gateway.client(&values).map_err(text)?;
        values.client_port = address.port();
        let client = Some(Connection::new(client, clock.clone()).map_err(text)?);
        Ok(Self {
            gateway,
            clock,
            client,
            auth,
            backend,
            values,
            timeout,
        })
    }

    /// Does an action of a peer. Expectations do nothing.
    ///
    /// # Errors
    /// When the gateway has closed, or does not connect.
    pub fn act(&mut self, peer: Peer, action: &Action) -> io::Result<()> {
        match action {
            Action::Send(bytes) => self.send(peer, bytes, Connection::send),
            Action::SendBytewise(bytes) => self.send(peer, bytes, Connection::send_bytewise),
            Action::HalfClose => self.connection(peer)?.shutdown_write(),
            Action::Close => {
                self.connection(peer)?;
                self.close(peer);
                Ok(())
            }
            Action::Reset => {
                self.connection(peer)?.reset_on_close()?;
                self.close(peer);
                Ok(())
            }
            Action::Connect => {
                let (client, address) = self.gateway.client(&self.values)?;
                self.values.client_port = address.port();
                self.client = Some(Connection::new(client, self.clock.clone())?);
                Ok(())
            }
            Action::StartTls(name) => {
                let pki = Path::new(&self.values.root).join("pki");
                let certificate = name.as_ref().map(|name| {
                    (
                        pki.join(format!("{name}.pem")),
                        pki.join(format!("{name}-key.pem")),
                    )
                });
                self.connection(Peer::Client)?
                    .start_tls(certificate.as_ref())
            }
            Action::Wait(time) => {
                self.clock.sleep(*time);
                Ok(())
            }
            Action::Expect(_)
            | Action::ExpectNothing
            | Action::ExpectEof(_)
            | Action::ExpectEofAfterAny => Ok(()),
        }
    }

    fn send(
        &mut self,
        peer: Peer,
        bytes: &Template,
        send: fn(&mut Connection, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let bytes = bytes.fill(&self.values);
        send(self.connection(peer)?, &bytes)?;
        if peer == Peer::Auth {
            self.auth.answered = true;
        }
        Ok(())
    }

    /// The connection of a peer; a listening peer waits for it.
    ///
    /// # Errors
    /// When the gateway does not connect in time.
    pub fn connection(&mut self, peer: Peer) -> io::Result<&mut Connection> {
        match peer {
            Peer::Client => self
                .client
                .as_mut()
                .ok_or_else(|| ErrorKind::NotConnected.into()),
            Peer::Auth => self.auth.connection(self.timeout),
            Peer::Backend => self.backend.connection(self.timeout),
        }
    }

    /// The connection on which the peer reads next: the auth server has a new one for each request.
    ///
    /// # Errors
    /// As [`Peers::connection`].
    pub fn reading_connection(&mut self, peer: Peer) -> io::Result<(&mut Connection, &mut Values)> {
        if peer == Peer::Auth && std::mem::take(&mut self.auth.answered) {
            self.auth.connection = None;
        }
        let connection = match peer {
            Peer::Client => self.client.as_mut().ok_or(ErrorKind::NotConnected)?,
            Peer::Auth => self.auth.connection(self.timeout)?,
            Peer::Backend => self.backend.connection(self.timeout)?,
        };
        Ok((connection, &mut self.values))
    }

    /// Whether the peer has a connection on which data may arrive.
    pub fn has_connection(&self, peer: Peer) -> bool {
        match peer {
            Peer::Client => self.client.is_some(),
            Peer::Auth => self.auth.connection.is_some() && !self.auth.answered,
            Peer::Backend => self.backend.connection.is_some(),
        }
    }

    /// Accepts a connection that no event expects; false if there is none.
    pub fn accept_unexpected(&mut self, peer: Peer) -> bool {
        let listener = match peer {
            Peer::Client => return false,
            Peer::Auth => &mut self.auth,
            Peer::Backend => &mut self.backend,
        };
        listener.answered = false;
        listener.accept().is_ok()
    }

    fn close(&mut self, peer: Peer) {
        match peer {
            Peer::Client => self.client = None,
            Peer::Auth => (self.auth.connection, self.auth.answered) = (None, false),
            Peer::Backend => self.backend.connection = None,
        }
    }

    /// Closes the client's connection, then the backend's: at its end, or after a short time.
    pub fn disconnect(&mut self) {
        self.close(Peer::Client);
        if let Some(backend) = &mut self.backend.connection {
            // Data that still arrives is ignored.
            let _ = backend.read_until_quiet(BACKEND_EOF, BACKEND_EOF);
        }
        self.close(Peer::Backend);
    }

    /// The lines of the error log about connections.
    pub fn log(&self) -> Vec<String> {
        log::lines(&self.gateway.log(), &self.values)
    }

    /// How the gateway exited; `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.gateway.exit_status()
    }

    /// Standard error and the error log of the gateway.
    pub fn output(&self) -> String {
        self.gateway.output()
    }

    /// Ends the gateway.
    ///
    /// # Errors
    /// When it has exited before.
    pub fn stop(self) -> Result<(), String> {
        self.gateway.stop()
    }
}
