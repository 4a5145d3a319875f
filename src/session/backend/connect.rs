//! A connection to a backend, up to the greeting: address, PROXY header, TLS.

use tokio::time::timeout;

use super::connection::BackendConnection;
use super::error::{ConnectError, log_timeout};
use super::start_tls::secure;
use super::{Backends, ClientContext};
use crate::base::Address;
use crate::config::{Deciding, Upstream, unbracketed};
use crate::net::socket::Socket;
use crate::proto::client::READING;
use crate::proto::login::Helo;
use crate::session::phase::Phase;

const CONNECTING: Phase = Phase::Backend("connecting to upstream");
const READING_REPLY: Phase = Phase::Backend(READING);
const SENDING_HEADER: Phase = Phase::Backend("sending PROXY protocol header to upstream");

/// A backend.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Its addresses; the next one is tried when one cannot be reached.
    pub addresses: Vec<Address>,
    /// Its name in the log, if that is not the address.
    pub name: Option<Box<str>>,
    /// Its host: its name in TLS, unless the configuration has another.
    pub host: Box<[u8]>,
}

impl From<&Upstream> for Target {
    fn from(upstream: &Upstream) -> Self {
        Target {
            addresses: upstream.addresses.clone(),
            name: None,
            host: unbracketed(&upstream.host).into(),
        }
    }
}

impl ClientContext<'_> {
    /// Connects to the first address that answers, sends the PROXY header and upgrades to TLS. `helo` is the client's,
    /// if there is an SMTP client.
    ///
    /// # Errors
    /// Once a connection was made, no further address is tried.
    pub(super) async fn connect(
        &mut self,
        target: &Target,
        helo: Option<&Helo>,
    ) -> Result<BackendConnection, ConnectError> {
        let (server, log) = (&self.backends.server, &mut *self.log);
        let own_limit = server.proxy.proxy_connect_timeout;
        let (limit, limited_by) = match own_limit <= server.mail.timeout {
            true => (own_limit, Deciding::ProxyConnectTimeout),
            false => (server.mail.timeout, Deciding::Timeout),
        };
        let mut by = None;
        let header = self.header.as_deref();
        *self.phase = CONNECTING;
        for address in &target.addresses {
            self.shared.next_number();
            log.upstream(address, target.name.as_deref());
            match timeout(limit, self.backends.dialer.connect(address)).await {
                Ok(Ok(socket)) => {
                    log.connected();
                    let (backends, phase) = (self.backends, &mut *self.phase);
                    return prepare(socket, backends, header, &target.host, helo, phase).await;
                }
                Ok(Err(error)) => {
                    let (phase, call) = match header {
                        None => (READING_REPLY, "recv"),
                        Some(_) => (SENDING_HEADER, "send"),
                    };
                    log.unconnected(phase, address, call, &error);
                }
                Err(_) => {
                    log_timeout(log, CONNECTING);
                    by = Some(limited_by);
                    continue;
                }
            }
            by = None;
        }
        Err(ConnectError::Unreachable(by))
    }
}

/// Sends the PROXY header and upgrades to TLS.
pub(super) async fn prepare(
    socket: Socket,
    backends: &Backends,
    header: Option<&[u8]>,
    host: &[u8],
    helo: Option<&Helo>,
    phase: &mut Phase,
) -> Result<BackendConnection, ConnectError> {
    let mut connection = BackendConnection::new(socket, backends.server.proxy.proxy_buffer);
    if let Some(header) = header {
        *phase = SENDING_HEADER;
        let sent = connection.send(header).await;
        sent.map_err(ConnectError::Header)?;
    }
    let secured = secure(&mut connection, backends, host, helo, phase).await;
    secured.map_err(ConnectError::Upgrade)?;
    Ok(connection)
}
