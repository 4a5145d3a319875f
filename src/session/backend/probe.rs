//! A conversation with a backend without a client: connection, PROXY header, TLS, questions.

use std::{fmt, io};

use tokio::time::timeout;

use super::Backends;
use super::connect::{CONNECTING, prepare};
use super::connection::BackendConnection;
use super::conversation::converse;
use super::error::{ConnectError, ConversationError, LoginError};
use crate::base::{Address, Errno, Escaped};
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
    /// What a `match` block expects has not come, and the connection or the buffer is at its end.
    Unmatched(Unmatched),
}

/// Data in which the expectation of a `match` block is not found.
#[derive(Debug)]
pub(super) struct Unmatched {
    /// The name of the block.
    pub name: Box<[u8]>,
    /// How the data ended.
    pub ended: ConversationError,
    /// The beginning of the data. Empty where something was sent: the backend may repeat a password.
    pub data: Vec<u8>,
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
    let mut connection = connect(backends, address, host, phase).await?;
    let ended = converse(&mut connection, dialogue, Vec::new(), phase).await;
    let (outcome, _) = ended.map_err(ProbeError::Conversation)?;
    Ok((outcome, connection))
}

/// Connects to an address of the host, with PROXY header and TLS.
///
/// # Errors
/// As of [`ask`].
pub(super) async fn connect(
    backends: &Backends,
    address: &Address,
    host: &[u8],
    phase: &mut Phase,
) -> Result<BackendConnection, ProbeError> {
    let proxy = &backends.server.proxy;
    *phase = CONNECTING;
    let connecting = backends.dialer.connect(address);
    let socket = match timeout(proxy.proxy_connect_timeout, connecting).await {
        Ok(connected) => connected.map_err(ProbeError::Unreachable)?,
        Err(_) => return Err(ProbeError::TimedOut),
    };
    // The connection's own ends: Postfix does not accept a header with `UNKNOWN`.
    let header = source::own_header(&backends.server, &socket);
    let header = header.as_ref().map(|header| &*header.bytes);
    let host = unbracketed(host);
    let mut connection = BackendConnection::new(socket, proxy.proxy_buffer);
    let prepared = prepare(&mut connection, backends, header, host, None, phase).await;
    prepared.map_err(ProbeError::Unprepared)?;
    Ok(connection)
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(cause) => write!(f, "connect() failed{}", Errno(cause)),
            Self::TimedOut => LoginError::TimedOut.fmt(f),
            Self::Unprepared(error) => error.fmt(f),
            Self::Conversation(error) => error.fmt(f),
            Self::Unmatched(error) => error.fmt(f),
        }
    }
}

/// The most data that a line in the log shows, in bytes.
const SHOWN: usize = 64;

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ended {
            ConversationError::TooLong(data) => {
                let length = data.len();
                write!(f, "the first {length} bytes from upstream do not")?;
            }
            other => write!(f, "{other}, its data does not")?,
        }
        write!(f, " contain what match \"{}\" expects", Escaped(&self.name))?;
        match &self.data[..self.data.len().min(SHOWN)] {
            [] => Ok(()),
            start => write!(f, ": \"{}\"", Escaped(start)),
        }
    }
}
