//! The conversation with a backend: one loop for all dialogues.

use std::io;

use super::connection::BackendConnection;
use crate::base::{Errno, Escaped, Level};
use crate::proto::client::{Dialogue, Progress};
use crate::proto::shown;
use crate::session::log::SessionLog;
use crate::tls;

/// Why a conversation ended without an outcome.
#[derive(Debug)]
pub(in crate::session) enum ConversationError {
    /// The backend closed the connection.
    Closed,
    /// Nothing can be received.
    Receive(io::Error),
    /// Nothing can be sent.
    Send(io::Error),
    /// A reply does not fit into `proxy_buffer`; this is its start.
    TooLong(Vec<u8>),
    /// The protocol does not allow the reply at this point.
    Unexpected(UnexpectedReply),
}

/// A reply that is not allowed.
#[derive(Debug)]
pub(in crate::session) struct UnexpectedReply {
    pub reply: Vec<u8>,
    /// Where the part begins that the log shows.
    pub shown_from: usize,
}

/// Leads a dialogue to its outcome, and returns that with the last reply. `out` is what the dialogue has to send first;
/// `doing` is told what is being done, in nginx's words.
pub(in crate::session) async fn converse<O>(
    connection: &mut BackendConnection,
    mut dialogue: Dialogue<O>,
    mut out: Vec<u8>,
    mut doing: impl FnMut(&'static str),
) -> Result<(O, Vec<u8>), ConversationError> {
    loop {
        // Before the greeting nothing was sent: as nginx sees it, the connection is still being made.
        if !out.is_empty() {
            doing(dialogue.action());
        }
        let reply = connection.exchange(&mut out, |bytes| dialogue.whole(bytes));
        let reply = reply.await?;
        match dialogue.advance(&reply, &mut out) {
            Progress::Read(next) => dialogue = next,
            Progress::Done(outcome) => return Ok((outcome, reply)),
            Progress::Unexpected { shown_from } => {
                let unexpected = UnexpectedReply { reply, shown_from };
                return Err(ConversationError::Unexpected(unexpected));
            }
        }
    }
}

impl ConversationError {
    /// Writes the error to the log. A reply that is not allowed gets the level `unexpected`.
    pub fn log(&self, log: &SessionLog, unexpected: Level) {
        let error = Level::Error;
        match self {
            Self::Closed => log.line(
                error,
                format_args!("upstream prematurely closed connection"),
            ),
            Self::Receive(cause) => match tls::failure(cause, b"") {
                // With TLS 1.3, a backend that rejects our certificate says so at the first read after the handshake.
                Some(failure) => {
                    log.line(error, format_args!("SSL_read() failed (SSL: {failure})"));
                }
                None => log.line(error, format_args!("recv() failed{}", Errno(cause))),
            },
            Self::Send(cause) => log.line(error, format_args!("send() failed{}", Errno(cause))),
            Self::TooLong(bytes) => {
                // nginx puts its NUL over the last byte.
                let shown = bytes.split_last().map_or(&[][..], |(_, shown)| shown);
                let text = Escaped(shown);
                log.line(
                    error,
                    format_args!("upstream sent too long response line: \"{text}\""),
                );
            }
            Self::Unexpected(reply) => reply.log(log, unexpected),
        }
    }
}

impl UnexpectedReply {
    /// Writes the reply to the log.
    pub fn log(&self, log: &SessionLog, level: Level) {
        let text = Escaped(shown(&self.reply[self.shown_from..]));
        log.line(
            level,
            format_args!("upstream sent invalid response: \"{text}\""),
        );
    }
}
