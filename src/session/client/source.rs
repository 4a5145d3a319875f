//! Where a client comes from: the socket says it, or a PROXY header of somebody who is trusted to.

use std::net::SocketAddr;

use rustls::HandshakeKind;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::commands::Session;
use crate::base::{Errno, Level};
use crate::config::ProxyProtocol;
use crate::net::socket::{Peer, Socket};
use crate::proto::proxy_protocol::{self, Addresses, Certificate, Fault, Tls};
use crate::session::log::SessionLog;
use crate::session::{Endpoint, Over, cipher};
use crate::tls;

/// A client's address, and what was said about it.
#[derive(Debug)]
pub(in crate::session) struct Source {
    /// The client: the source of the PROXY header if `set_real_ip_from` trusts the socket's peer, else that peer.
    pub peer: Peer,
    /// What the PROXY header said, trusted or not.
    pub told: Option<Addresses>,
    /// Our end of the connection, where a backend is to hear of it.
    local: Option<SocketAddr>,
}

impl Source {
    /// Reads the PROXY header where the `listen` wants one. What comes behind it stays in the socket.
    ///
    /// # Errors
    /// The session is over, and the log says why. The client hears nothing: it may expect TLS.
    pub async fn learn(
        socket: &mut Socket,
        peer: Peer,
        endpoint: &Endpoint,
        log: &mut SessionLog,
    ) -> Result<Self, Over> {
        let mut source = Self {
            peer,
            told: None,
            local: match endpoint.server.proxy.proxy_protocol {
                ProxyProtocol::Off => None,
                ProxyProtocol::V1 | ProxyProtocol::V2 => socket.local_address(),
            },
        };
        if !endpoint.proxy_protocol {
            return Ok(source);
        }
        log.doing("reading PROXY protocol");
        match timeout(endpoint.server.mail.timeout, receive(socket)).await {
            Ok(Ok(told)) => source.told = told,
            Ok(Err(unread)) => {
                unread.log(log);
                return Err(Over);
            }
            Err(_) => {
                log.timed_out();
                return Err(Over);
            }
        }
        let mut trusted = endpoint.server.realip.set_real_ip_from.iter();
        if let Some(told) = source.told
            && trusted.any(|network| network.contains(peer.ip()))
        {
            source.peer = Peer::Inet(told.source);
            log.client(&source.peer);
        }
        log.doing("sending client greeting line");
        Ok(source)
    }

    /// Both ends of the client's connection, for the backend: ours, or where the header says that it went.
    fn addresses(&self) -> Option<Addresses> {
        let Peer::Inet(client) = self.peer else {
            return None;
        };
        let told = self.told.map(|told| told.destination);
        let ends: Vec<_> = self.local.into_iter().chain(told).collect();
        Addresses::of(client, &ends)
    }
}

impl Session {
    /// The header that a new connection for this client begins with, where `proxy_protocol` is on.
    pub fn proxy_header(&self) -> Option<Vec<u8>> {
        let shown = self.client.certificate.as_ref();
        let shown = shown.filter(|client| client.has_certificate());
        let name = shown.and_then(tls::Client::common_name);
        let tls = self.client.tls().map(|tls| Tls {
            authority: tls.server_name(),
            alpn: tls.alpn_protocol(),
            words: cipher::words(tls),
            certificate: shown.map(|client| Certificate {
                verified: client.is_verified(),
                shown_now: tls.handshake_kind() != Some(HandshakeKind::Resumed),
                name: name.as_deref(),
            }),
        });
        let addresses = self.identity.source.addresses();
        header(self.endpoint.server.proxy.proxy_protocol, addresses, tls)
    }
}

/// The header of a connection to a backend that is made for no client.
pub(in crate::session) fn own_header(version: ProxyProtocol, socket: &Socket) -> Option<Vec<u8>> {
    let ends = socket.local_address().zip(socket.peer_address());
    let addresses = ends.map(|(source, destination)| Addresses {
        source,
        destination,
    });
    header(version, addresses, None)
}

fn header(
    version: ProxyProtocol,
    addresses: Option<Addresses>,
    tls: Option<Tls<'_>>,
) -> Option<Vec<u8>> {
    match version {
        ProxyProtocol::Off => None,
        ProxyProtocol::V1 => Some(proxy_protocol::v1(addresses)),
        ProxyProtocol::V2 => Some(proxy_protocol::v2(addresses, tls)),
    }
}

/// Why there is no header.
enum Unread {
    Fault(Fault),
    Receive(std::io::Error),
}

impl Unread {
    fn log(&self, log: &SessionLog) {
        match self {
            Self::Fault(fault) => log.line(Level::Error, format_args!("{fault}")),
            Self::Receive(error) => {
                log.line(Level::Info, format_args!("recv() failed{}", Errno(error)));
            }
        }
    }
}

impl From<std::io::Error> for Unread {
    fn from(error: std::io::Error) -> Self {
        Self::Receive(error)
    }
}

/// Looks first and then takes, so that no byte behind the header is touched.
async fn receive(socket: &mut Socket) -> Result<Option<Addresses>, Unread> {
    let mut bytes = vec![0; proxy_protocol::LIMIT];
    let mut held = 0;
    loop {
        let seen = held + socket.peek(&mut bytes[held..]).await?;
        if seen == held {
            return Err(Unread::Fault(Fault::broken(&bytes[..held])));
        }
        let parsed = proxy_protocol::parse(&bytes[..seen]);
        let end = match &parsed {
            Ok(Some((_, end))) => *end,
            Ok(None) | Err(_) => seen,
        };
        socket.read_exact(&mut bytes[held..end]).await?;
        match parsed {
            Ok(Some((told, _))) => return Ok(told),
            Ok(None) => held = seen,
            Err(fault) => return Err(Unread::Fault(fault)),
        }
    }
}
