//! The client's address: the socket's peer, or the source in a PROXY header from a trusted peer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustls::HandshakeKind;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::connection::Client;
use crate::config::{Cidr, ProxyProtocol, SentTlv, Server};
use crate::log::mail_log::HeaderRecord;
use crate::net::socket::{Peer, Socket};
use crate::net::stream::Stream;
use crate::proto::proxy_protocol::{self, Addresses, Certificate, Fault, SentHeader, Tls, Tlvs};
use crate::session::log::SessionLog;
use crate::tls;

/// A client's address, and the contents of its PROXY header.
#[derive(Debug)]
pub(in crate::session) struct Source {
    /// The client: the header's source if `set_real_ip_from` trusts the socket's peer, else that peer.
    pub peer: Peer,
    /// Boxed: most servers need neither.
    ends: Option<Box<Ends>>,
}

/// What is known beside the client's address.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    /// The header's addresses, trusted or not.
    header: Option<Addresses>,
    /// The local end of the connection, if backends get it.
    local: Option<SocketAddr>,
}

/// The error that made a PROXY header unusable.
#[derive(Debug)]
pub(in crate::session) enum ProxyHeaderError {
    Timeout,
    /// The peer closed the connection without a byte, as health checks do.
    Missing,
    Invalid(Fault),
    Receive(io::Error),
}

impl Source {
    /// The socket's peer, and the local end for a server whose backends get it.
    pub fn new(socket: &Socket, peer: Peer, server: &Server) -> Self {
        let is_sent = server.proxy.proxy_protocol != ProxyProtocol::Off
            || server.sends_imap_id()
            || server.sends_destination();
        let local = is_sent.then(|| socket.local_address()).flatten();
        let ends = |local| {
            Box::new(Ends {
                header: None,
                local: Some(local),
            })
        };
        Self {
            peer,
            ends: local.map(ends),
        }
    }

    /// The addresses in the PROXY header, trusted or not.
    pub fn header(&self) -> Option<Addresses> {
        self.ends.as_ref()?.header
    }

    /// The local end of the connection, if backends get it.
    fn local(&self) -> Option<SocketAddr> {
        self.ends.as_ref()?.local
    }

    /// Reads the PROXY header, for which the peer has `limit`, and takes the client's address from it if the peer is in one of
    /// the `trusted` networks. Returns the header if it has addresses, with its extensions if `with_tlvs` asks for them. The bytes
    /// after the header stay in the socket.
    pub async fn receive_header(
        &mut self,
        client: &mut Client,
        limit: Duration,
        trusted: &[Cidr],
        with_tlvs: bool,
    ) -> Result<Option<HeaderRecord>, ProxyHeaderError> {
        let received = timeout(limit, receive(&mut client.stream, with_tlvs)).await;
        let (addresses, tlvs) = received.map_err(|_| ProxyHeaderError::Timeout)??;
        let Some(header) = addresses else {
            return Ok(None);
        };
        self.ends.get_or_insert_default().header = Some(header);
        let ip = self.peer.ip();
        if trusted.iter().any(|network| network.contains(ip)) {
            self.peer = Peer::Inet(header.source);
        }
        let source = header.source;
        Ok(Some(HeaderRecord { source, tlvs }))
    }

    /// The address that the client connected to: the local end, or the header's destination where the header counts.
    pub fn connected(&self) -> Option<(IpAddr, u16)> {
        let header = self.header().filter(|header| match self.peer {
            Peer::Inet(peer) => peer == header.source,
            Peer::Unix => false,
        });
        let end = header.map(|header| header.destination).or(self.local())?;
        Some((end.ip(), end.port()))
    }

    /// Both ends of the client's connection for the backend. In version 1 the far end is the local one, or the header's
    /// destination, whose family fits; version 2 has the local one, as in nginx.
    fn addresses(&self, version: ProxyProtocol) -> Option<Addresses> {
        let Peer::Inet(client) = self.peer else {
            return None;
        };
        if version == ProxyProtocol::V2 {
            return Some(Addresses::of_one_family(client, self.local()?));
        }
        let destination = self.header().map(|header| header.destination);
        let ends: Vec<_> = self.local().into_iter().chain(destination).collect();
        Addresses::of(client, &ends)
    }

    /// The header that a connection to a backend for this client begins with; `None` for `proxy_protocol off`. `own` is the
    /// gateway's side of the client's TLS. `log` has the client's variables.
    pub fn proxy_header(
        &self,
        server: &Server,
        client: &Client,
        own: Option<&tls::ServerTls>,
        log: &SessionLog,
    ) -> Option<SentHeader> {
        let version = server.proxy.proxy_protocol;
        let addresses = self.addresses(version);
        match version {
            ProxyProtocol::Off => None,
            ProxyProtocol::V1 => Some(proxy_protocol::v1(addresses)),
            ProxyProtocol::V2 => Some(extended_header(addresses, server, client, own, log)),
        }
    }
}

/// The header of version 2, with what is known about the client and what is configured.
fn extended_header(
    addresses: Option<Addresses>,
    server: &Server,
    client: &Client,
    own: Option<&tls::ServerTls>,
    log: &SessionLog,
) -> SentHeader {
    let certificate = client.certificate.as_deref();
    let name = certificate.and_then(tls::ClientCertificate::common_name);
    let verify = certificate.and_then(tls::ClientCertificate::verify_code);
    let algorithms = client.tls().zip(own);
    let algorithms = algorithms.and_then(|(connection, own)| own.algorithms(connection));
    let tls = client.tls().map(|connection| Tls {
        authority: connection.server_name(),
        alpn: connection.alpn_protocol(),
        words: tls::negotiated(connection),
        certificate: verify.map(|verify| Certificate {
            verify,
            shown_now: connection.handshake_kind() != Some(HandshakeKind::Resumed),
            name: name.as_deref(),
        }),
        signature: algorithms.as_ref().map(|own| own.signature),
        key: algorithms.as_ref().and_then(|own| own.key.as_deref()),
    });
    let mut tlvs = tls.map_or_else(Tlvs::default, Tlvs::from);
    for SentTlv { name, value } in server.sent_tlvs() {
        tlvs.set(*name, log.value(value));
    }
    proxy_protocol::v2(addresses, &tlvs)
}

/// The header of a connection to a backend that does not serve a client. It has the extensions that depend on no variable.
pub(in crate::session) fn own_header(server: &Server, socket: &Socket) -> Option<SentHeader> {
    let ends = socket.local_address().zip(socket.peer_address());
    let addresses = ends.map(|(source, destination)| Addresses {
        source,
        destination,
    });
    match server.proxy.proxy_protocol {
        ProxyProtocol::Off => None,
        ProxyProtocol::V1 => Some(proxy_protocol::v1(addresses)),
        ProxyProtocol::V2 => {
            let mut tlvs = Tlvs::default();
            for SentTlv { name, value } in server.sent_tlvs() {
                if let Some(value) = value.literal() {
                    tlvs.set(*name, value);
                }
            }
            Some(proxy_protocol::v2(addresses, &tlvs))
        }
    }
}

impl From<io::Error> for ProxyHeaderError {
    fn from(error: io::Error) -> Self {
        Self::Receive(error)
    }
}

/// The addresses in a header, and its extensions.
type Received = (Option<Addresses>, Box<[u8]>);

/// Peeks before it reads, so that no byte after the header is taken.
async fn receive(stream: &mut Stream, with_tlvs: bool) -> Result<Received, ProxyHeaderError> {
    let mut bytes = vec![0; proxy_protocol::LIMIT];
    let mut held = 0;
    loop {
        let Some(socket) = stream.socket() else {
            return Err(ProxyHeaderError::Missing);
        };
        let seen = held + socket.peek(&mut bytes[held..]).await?;
        if seen == held {
            return Err(match held {
                0 => ProxyHeaderError::Missing,
                _ => ProxyHeaderError::Invalid(Fault::cut_short(&bytes[..held])),
            });
        }
        let parsed = proxy_protocol::parse(&bytes[..seen]).map(|header| {
            header.map(|header| {
                let tlvs = if with_tlvs { header.tlvs } else { &[] };
                (header.length, (header.addresses, tlvs.into()))
            })
        });
        let end = match &parsed {
            Ok(Some((length, _))) => *length,
            Ok(None) | Err(_) => seen,
        };
        stream.read_exact(&mut bytes[held..end]).await?;
        match parsed {
            Ok(Some((_, received))) => return Ok(received),
            Ok(None) => held = seen,
            Err(fault) => return Err(ProxyHeaderError::Invalid(fault)),
        }
    }
}
