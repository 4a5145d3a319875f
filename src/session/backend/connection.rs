//! A connection to a backend: what is sent to it, and its replies one by one.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::candidates::now;
use super::error::ConversationError;
use crate::config::Deciding;
use crate::net::socket::Socket;
use crate::net::stream::Stream;
use crate::proto::smtp::follower::Follower;
use crate::session::io_failure::IoFailure;
use crate::tls::Target;
use crate::upstream::{Lease, PeerSession};

/// Room for a usual reply in bytes: it arrives in one read then.
const USUAL: usize = 512;
/// The least room for a reply in bytes, if `proxy_buffer` is smaller.
const LEAST: usize = 64;

/// An open connection, and the received bytes that are not part of a reply yet.
#[derive(Debug)]
pub(in crate::session) struct BackendConnection {
    stream: Stream,
    received: Vec<u8>,
    limit: usize,
    reply_limit: Option<ReplyLimit>,
    lease: Option<Lease>,
}

/// The longest time for a reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyLimit {
    pub time: Duration,
    /// The directive that sets it.
    pub by: Deciding,
}

/// A backend that takes over from the gateway.
#[derive(Debug)]
pub struct BackendStream {
    pub stream: Stream,
    /// Bytes that the backend sent after its last reply.
    pub received: Vec<u8>,
    /// Follows the session, if the backend must not see all of the client's commands (SMTP).
    pub follower: Option<Box<Follower>>,
    /// Its peer's count of sessions.
    pub peer: Option<PeerSession>,
}

impl BackendConnection {
    /// `limit` is the longest reply in bytes.
    pub fn new(socket: Socket, limit: usize) -> Self {
        BackendConnection {
            stream: Stream::Plain(socket),
            received: Vec::new(),
            limit: limit.max(LEAST),
            reply_limit: None,
            lease: None,
        }
    }

    /// Sends bytes that no reply is expected to.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The same, with the error of a conversation.
    pub async fn send_all(&mut self, bytes: &[u8]) -> Result<(), ConversationError> {
        let sent = self.send(bytes).await;
        sent.map_err(|error| ConversationError::Send(IoFailure::writing(&self.stream, error)))
    }

    /// Limits the time for each reply, or ends that limit.
    pub fn limit_replies(&mut self, limit: Option<ReplyLimit>) {
        self.reply_limit = limit;
    }

    /// Sends `out`, if there is something in it, and reads the whole reply. `whole` returns its length.
    pub async fn exchange(
        &mut self,
        out: &mut Vec<u8>,
        whole: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Vec<u8>, ConversationError> {
        let limit = self.reply_limit;
        let reply = pin!(self.reply(out, whole));
        match limit {
            Some(ReplyLimit { time, by }) => match timeout(time, reply).await {
                Ok(reply) => reply,
                Err(_) => Err(ConversationError::TimedOut(by)),
            },
            None => reply.await,
        }
    }

    async fn reply(
        &mut self,
        out: &mut Vec<u8>,
        whole: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Vec<u8>, ConversationError> {
        if !out.is_empty() {
            // Bytes that came before the command are no reply to it.
            self.received.clear();
            self.send_all(out).await?;
            out.clear();
        }
        loop {
            if let Some(end) = whole(&self.received) {
                let rest = self.received.split_off(end);
                return Ok(std::mem::replace(&mut self.received, rest));
            }
            if self.received.len() >= self.limit {
                let start = std::mem::take(&mut self.received);
                return Err(ConversationError::TooLong(start));
            }
            let room = (self.limit - self.received.len()) as u64;
            self.received.reserve(USUAL);
            let read = (&mut self.stream)
                .take(room)
                .read_buf(&mut self.received)
                .await;
            match read {
                Ok(0) => return Err(ConversationError::Closed),
                Ok(_) => {}
                Err(error) => {
                    let failure = IoFailure::reading(&self.stream, error);
                    return Err(ConversationError::Receive(failure));
                }
            }
        }
    }

    /// Whether the backend has sent more than the replies that were read.
    pub fn is_ahead(&self) -> bool {
        !self.received.is_empty()
    }

    /// Whether the backend has closed, or has sent bytes without a command.
    pub fn is_stale(&mut self) -> bool {
        self.is_ahead() || !self.stream.is_quiet()
    }

    /// Forgets the bytes that are not part of a reply, and returns them.
    pub fn discard(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    /// Runs the TLS handshake. Bytes that the backend sent in clear text are discarded.
    ///
    /// # Errors
    /// The text for the log.
    pub async fn secure(&mut self, target: &Target) -> Result<(), String> {
        self.received = Vec::new();
        let (config, name) = (target.config.clone(), target.name.clone());
        let handshake = self.stream.connect_tls(config, name).await;
        handshake.map_err(|error| target.failure(&error))
    }

    /// Counts the connection as a session of its peer, as long as it is open.
    pub fn hold(&mut self, lease: Option<Lease>) {
        self.lease = lease;
    }

    /// Notes that the backend has decided about a login: its peer works.
    pub fn decided(&self) {
        if let Some(lease) = &self.lease {
            lease.succeed(now());
        }
    }

    /// The peer of a group that it belongs to.
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Puts bytes in front of those that were received.
    pub fn put_back(&mut self, bytes: &[u8]) {
        self.received.splice(..0, bytes.iter().copied());
    }

    /// The stream, for the tunnel.
    pub fn into_stream(self) -> BackendStream {
        BackendStream {
            stream: self.stream,
            received: self.received,
            follower: None,
            peer: self.lease.map(Lease::into_session),
        }
    }

    /// Sends a last command and closes. Whether it arrives does not matter.
    pub async fn leave(mut self, quit: &[u8]) {
        let _ = self.stream.write_all(quit).await;
        let _ = self.stream.shutdown().await;
    }
}
