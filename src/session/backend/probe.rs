//! A conversation with a backend without a client: connection, PROXY header, TLS, questions.

use std::{fmt, io};

use tokio::time::timeout;

use super::Backends;
use super::connect::{CONNECTING, prepare};
use super::connection::BackendConnection;
use super::conversation::converse;
use super::error::{ConnectError, ConversationError, LoginError};
use crate::base::{Address, Errno};
use crate::config::unbracketed;
use crate::proto::client::Dialogue;
use crate::session::client::source;
use crate::session::phase::Phase;

/// Why a backend has not answered.
#[derive(Debug)]
pub(super) enum ProbeError {
    /// There is no connection.
    Unreachable(io::Error),
    /// It took too long.
    TimedOut,
    /// The PROXY header or TLS failed.
    Unprepared(ConnectError),
    /// The conversation failed.
    Conversation(ConversationError),
}

/// Connects to an address of the host and runs a dialogue. Returns its outcome, and the connection, on which the last command is to be
/// sent. `phase` becomes the step reached.
///
/// # Errors
/// The dialogue has no outcome. Only the connection and the TLS handshake are limited by `proxy_connect_timeout`.
pub(super) async fn ask<O>(
    backends: &Backends,
    address: &Address,
    host: &[u8],
    dialogue: Dialogue<O>,
    phase: &mut Phase,
) -> Result<(O, BackendConnection), ProbeError> {
    let proxy = &backends.server.proxy;
    *phase = CONNECTING;
    let connecting = backends.dialer.connect(address);
    let socket = match timeout(proxy.proxy_connect_timeout, connecting).await {
        Ok(connected) => connected.map_err(ProbeError::Unreachable)?,
        Err(_) => return Err(ProbeError::TimedOut),
    };
    // The connection's own ends: Postfix does not accept a header with `UNKNOWN`.
    let header = source::own_header(proxy, &socket);
    let (header, host) = (header.as_deref(), unbracketed(host));
    let prepared = prepare(socket, backends, header, host, None, phase).await;
    let mut connection = prepared.map_err(ProbeError::Unprepared)?;
    let ended = converse(&mut connection, dialogue, Vec::new(), phase).await;
    let (outcome, _) = ended.map_err(ProbeError::Conversation)?;
    Ok((outcome, connection))
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(cause) => write!(f, "connect() failed{}", Errno(cause)),
            Self::TimedOut => LoginError::TimedOut.fmt(f),
            Self::Unprepared(error) => error.fmt(f),
            Self::Conversation(error) => error.fmt(f),
        }
    }
}
