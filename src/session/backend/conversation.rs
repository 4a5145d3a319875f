//! The conversation with a backend: one loop for all dialogues, and its time limits.

use std::pin::Pin;

use tokio::time::timeout;

use super::ClientContext;
use super::connection::BackendConnection;
use super::error::{ConversationError, LoginError, UnexpectedReply};
use crate::proto::client::{Dialogue, Progress, READING};
use crate::session::phase::Phase;

/// Runs a dialogue to its outcome, and returns that with the last reply. `out` has the bytes to send first;
/// `phase` becomes the dialogue's current step.
pub(super) async fn converse<O>(
    connection: &mut BackendConnection,
    mut dialogue: Dialogue<O>,
    mut out: Vec<u8>,
    phase: &mut Phase,
) -> Result<(O, Vec<u8>), ConversationError> {
    loop {
        // Until the greeting nothing has been sent: nginx logs this phase as connecting.
        if !out.is_empty() {
            *phase = Phase::Backend(dialogue.action());
        }
        let reply = connection.exchange(&mut out, |bytes| dialogue.whole(bytes));
        let reply = reply.await?;
        let action = dialogue.action();
        match dialogue.advance(&reply, &mut out) {
            Progress::Read(next) => dialogue = next,
            Progress::Done(outcome) => return Ok((outcome, reply)),
            Progress::Unexpected { shown_from } => {
                *phase = Phase::Backend(action);
                let unexpected = UnexpectedReply {
                    reply,
                    shown_from,
                    step: action,
                };
                return Err(ConversationError::Unexpected(unexpected));
            }
        }
    }
}

impl ClientContext<'_> {
    /// Runs a login to its outcome.
    pub(super) async fn converse<O>(
        &mut self,
        connection: &mut BackendConnection,
        dialogue: Dialogue<O>,
        out: Vec<u8>,
    ) -> Result<(O, Vec<u8>), ConversationError> {
        let ended = converse(connection, dialogue, out, self.phase).await;
        *self.phase = Phase::Backend(READING);
        ended
    }
}

/// Runs a login for `timeout` at most, and only while the client is connected.
pub(super) async fn limited<T>(
    limit: std::time::Duration,
    client_left: Pin<&mut impl Future<Output = ()>>,
    login: Pin<&mut impl Future<Output = Result<T, LoginError>>>,
) -> Result<T, LoginError> {
    // Both are the caller's: this future would have room for each of them twice.
    tokio::select! {
        biased;
        ended = timeout(limit, login) => ended.unwrap_or(Err(LoginError::TimedOut)),
        () = client_left => Err(LoginError::ClientLeft),
    }
}
