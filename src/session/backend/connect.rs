//! A connection to a backend, up to the greeting: address, PROXY header, TLS.

use std::io;

use tokio::time::timeout;

use super::connection::BackendConnection;
use super::conversation::UnexpectedReply;
use super::start_tls::{UpgradeError, secure};
use crate::base::{Address, Errno, Level};
use crate::net::socket::Socket;
use crate::proto::client::READING;
use crate::proto::login::Helo;
use crate::session::log::SessionLog;
use crate::session::{Endpoint, Shared};

/// What is being done while the PROXY header is sent, in nginx's words.
const SENDING_HEADER: &str = "sending PROXY protocol header to upstream";

/// A backend, and the client that the connection is for.
#[derive(Debug)]
pub(in crate::session) struct Target<'a> {
    /// The backend's addresses; the next one is tried when one cannot be reached.
    pub addresses: &'a [Address],
    /// The backend's name in the log, if that is not the address.
    pub name: Option<&'a str>,
    /// The backend's host: its name in TLS, unless the configuration has another.
    pub host: &'a [u8],
    /// The client's HELO or EHLO, where there is a client of SMTP.
    pub helo: Option<&'a Helo>,
    /// The PROXY header.
    pub header: Option<&'a [u8]>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(in crate::session) enum ConnectError {
    /// No address could be reached. Each attempt has its line in the log.
    Unreachable,
    /// The PROXY header could not be sent.
    Header(io::Error),
    /// TLS failed.
    Upgrade(UpgradeError),
}

impl Target<'_> {
    /// Connects to the first address that answers, sends the PROXY header and upgrades to TLS.
    ///
    /// # Errors
    /// See [`ConnectError`]. After the connection was made, no further address is tried.
    pub async fn connect(
        &self,
        endpoint: &Endpoint,
        shared: &Shared,
        log: &mut SessionLog,
    ) -> Result<BackendConnection, ConnectError> {
        let server = &endpoint.server;
        let limit = server.proxy.proxy_connect_timeout.min(server.mail.timeout);
        log.doing("connecting to upstream");
        for address in self.addresses {
            shared.next_number();
            let shown = address.to_string();
            log.upstream(Some(self.name.unwrap_or(&shown)));
            match timeout(limit, Socket::connect(address)).await {
                Ok(Ok(socket)) => {
                    return self.prepare(socket, endpoint, |what| log.doing(what)).await;
                }
                Ok(Err(error)) => {
                    let (doing, call) = match self.header {
                        None => (READING, "recv"),
                        Some(_) => (SENDING_HEADER, "send"),
                    };
                    log.doing(doing);
                    log.unconnected(address, call, &error);
                    log.doing("connecting to upstream");
                }
                Err(_) => log_timeout(log),
            }
        }
        Err(ConnectError::Unreachable)
    }

    /// Sends the PROXY header and upgrades to TLS. `doing` is told what is being done, in nginx's words.
    pub async fn prepare(
        &self,
        socket: Socket,
        endpoint: &Endpoint,
        mut doing: impl FnMut(&'static str),
    ) -> Result<BackendConnection, ConnectError> {
        let mut connection = BackendConnection::new(socket, endpoint.server.proxy.proxy_buffer);
        if let Some(header) = self.header {
            doing(SENDING_HEADER);
            let sent = connection.send(header).await;
            sent.map_err(ConnectError::Header)?;
        }
        let secured = secure(&mut connection, endpoint, self.host, self.helo, doing).await;
        secured.map_err(ConnectError::Upgrade)?;
        Ok(connection)
    }
}

impl ConnectError {
    /// Writes the error to the log. A negative greeting gets the level `unwelcome`.
    pub fn log(&self, log: &SessionLog, unwelcome: Level) {
        match self {
            Self::Unreachable => {}
            Self::Header(error) => {
                log.line(Level::Error, format_args!("send() failed{}", Errno(error)));
            }
            Self::Upgrade(error) => error.log(log, unwelcome),
        }
    }

    /// A negative greeting.
    pub fn greeting(&self) -> Option<&UnexpectedReply> {
        match self {
            Self::Upgrade(UpgradeError::Unwelcome(greeting)) => Some(greeting),
            _ => None,
        }
    }
}

/// Writes to the log that a backend took too long.
pub(super) fn log_timeout(log: &SessionLog) {
    log.line(
        Level::Info,
        format_args!("upstream timed out (110: Connection timed out)"),
    );
}
