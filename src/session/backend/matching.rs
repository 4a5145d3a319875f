//! A health check with a `match` block: what it sends, and the wait for what it expects.

use super::connection::BackendConnection;
use super::error::ConversationError;
use super::probe::{ProbeError, Unmatched};
use crate::config::HealthMatch;
use crate::session::phase::Phase;

const SENDING: Phase = Phase::Backend("sending the data of match to upstream");
const EXPECTING: Phase = Phase::Backend("waiting for the data that match expects from upstream");

/// Sends what the block says on a new connection and reads until its expectation is found. `phase` becomes the step reached.
///
/// # Errors
/// The connection fails or ends before, or `proxy_buffer` is full. The caller limits the time.
pub(super) async fn satisfy(
    connection: &mut BackendConnection,
    matching: &HealthMatch,
    phase: &mut Phase,
) -> Result<(), ProbeError> {
    // What stands for the greeting after STARTTLS is no data of the backend.
    connection.discard();
    let sent = matching.send.as_ref().map(|bytes| &**bytes.reveal());
    if let Some(bytes) = sent {
        *phase = SENDING;
        let sent = connection.send_all(bytes).await;
        sent.map_err(ProbeError::Conversation)?;
    }
    let Some(expectation) = &matching.expect else {
        return Ok(());
    };
    *phase = EXPECTING;
    let found = |data: &[u8]| expectation.is_found(data).then_some(data.len());
    let ended = match connection.exchange(&mut Vec::new(), found).await {
        Ok(_) => return Ok(()),
        Err(ended) => ended,
    };
    let data = match (&ended, sent) {
        (_, Some(_)) => Vec::new(),
        (ConversationError::TooLong(data), None) => data.clone(),
        (_, None) => connection.discard(),
    };
    Err(ProbeError::Unmatched(Unmatched {
        name: matching.name.clone(),
        ended,
        data,
    }))
}
