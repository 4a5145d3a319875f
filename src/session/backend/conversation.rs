//! The conversation with a backend: one loop for all dialogues, and its time limits.

use std::pin::{Pin, pin};

use tokio::time::Sleep;

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
        let mut reply = reply.await?;
        let action = dialogue.action();
        match dialogue.advance(&reply, &mut out) {
            Progress::Read(next) => dialogue = next,
            Progress::Done(outcome) => return Ok((outcome, reply)),
            Progress::Unexpected { shown_from } => {
                *phase = Phase::Backend(action);
                // Nothing else was requested: the bytes that follow belong to the reply.
                reply.append(&mut connection.discard());
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

/// The end of the time that a client has for its login (`timeout`): one timer for all waits.
pub(super) type Deadline<'a> = Pin<&'a mut Sleep>;

impl ClientContext<'_> {
    /// Runs a login to its outcome. A failure counts for the peer; that of an outcome is the caller's to count.
    ///
    /// # Errors
    /// The conversation fails, or `deadline` passes.
    pub(super) async fn converse<O>(
        &mut self,
        connection: &mut BackendConnection,
        dialogue: Dialogue<O>,
        out: Vec<u8>,
        deadline: Deadline<'_>,
    ) -> Result<(O, Vec<u8>), LoginError> {
        let ended = {
            let conversation = pin!(converse(connection, dialogue, out, self.phase));
            until(deadline, conversation).await
        };
        let ended = ended.and_then(|ended| {
            *self.phase = Phase::Backend(READING);
            Ok(ended?)
        });
        if let Err(error) = &ended {
            self.count(connection.lease(), error);
        }
        ended
    }
}

/// Waits for a future, but no longer than until the deadline.
pub(super) async fn until<T>(
    deadline: Deadline<'_>,
    future: Pin<&mut impl Future<Output = T>>,
) -> Result<T, LoginError> {
    // The future is the caller's: this one would have room for it twice.
    tokio::select! {
        biased;
        ended = future => Ok(ended),
        () = deadline => Err(LoginError::TimedOut),
    }
}

/// Runs a login, but only while the client is connected.
pub(super) async fn unless_left<T>(
    client_left: Pin<&mut impl Future<Output = ()>>,
    login: Pin<&mut impl Future<Output = Result<T, LoginError>>>,
) -> Result<T, LoginError> {
    tokio::select! {
        biased;
        ended = login => ended,
        () = client_left => Err(LoginError::ClientLeft),
    }
}
