//! A server without an auth server: the backend itself authenticates, and the client may try again.

use std::pin::pin;

use tokio::time::sleep;

use super::connect::Opened;
use super::connection::BackendConnection;
use super::conversation::{Deadline, unless_left, until};
use super::error::LoginError;
use super::{Admitted, ClientContext, mail_command};
use crate::proto::backend::backend_login::{Idle, Outcome, Request};
use crate::proto::backend::reply::Rejection;
use crate::proto::backend::wire::Offer;
use crate::proto::dialogues;
use crate::proto::login::{Bytes, Origin};
use crate::proto::sasl::scram::Scram;

/// An open conversation with the backend, kept between a client's attempts.
#[derive(Debug)]
pub(in crate::session) struct OpenConversation {
    connection: BackendConnection,
    idle: Idle,
}

impl OpenConversation {
    fn new(connection: BackendConnection, idle: Idle) -> Self {
        Self { connection, idle }
    }

    /// What the backend offers for logins.
    pub fn offer(&self) -> Offer {
        self.idle.offer()
    }
}

/// The backend's answer to one request. The conversation comes with it where it can go on.
#[derive(Debug)]
pub(in crate::session) enum Answer {
    /// A challenge for the client.
    Challenge(Bytes, OpenConversation),
    /// A message for the client, in base64.
    Message(Scram, Bytes, OpenConversation),
    /// The client is accepted.
    Admitted(Admitted),
    /// The backend refuses, by this reply.
    Refused(Rejection, Vec<u8>, Option<OpenConversation>),
    /// The backend does not announce this way to log in.
    NotOffered(OpenConversation),
}

/// Sends a request to the backend, in the kept conversation if it suits, otherwise in a new one.
///
/// # Errors
/// The conversation is over; the client may try again.
pub(in crate::session) async fn request(
    mut context: ClientContext<'_>,
    kept: Option<OpenConversation>,
    request: Request,
    client_left: impl Future<Output = ()>,
) -> Result<Answer, LoginError> {
    let server = &context.backends.server;
    let is_same = !server.backend_varies_by_login() || request.answers_challenge();
    let kept = kept
        .filter(|_| is_same)
        .filter(|kept| kept.idle.suits(request.origin()))
        .and_then(|mut kept| (!kept.connection.is_stale()).then_some(kept));
    if kept.is_none() && request.answers_challenge() {
        return Err(LoginError::ChallengeLost);
    }
    let mail = mail_command(server, request.origin());
    let mut deadline = pin!(sleep(server.mail.timeout));
    let login = pin!(async {
        let kept = match kept {
            Some(kept) => kept,
            None => begin(&mut context, request.origin(), deadline.as_mut()).await?,
        };
        let OpenConversation {
            mut connection,
            idle,
        } = kept;
        let mut out = Vec::new();
        let dialogue = match idle.request(request, &mut out) {
            Ok(dialogue) => dialogue,
            Err(idle) => {
                connection.decided();
                return Ok(Answer::NotOffered(OpenConversation::new(connection, idle)));
            }
        };
        let ended = context.converse(&mut connection, dialogue, out, deadline);
        let (outcome, reply) = ended.await?;
        if !matches!(outcome, Outcome::Challenge(..) | Outcome::Message(..)) {
            connection.decided();
        }
        Ok(match outcome {
            Outcome::Challenge(challenge, idle) => {
                Answer::Challenge(challenge, OpenConversation::new(connection, idle))
            }
            Outcome::Message(mechanism, text, idle) => {
                Answer::Message(mechanism, text, OpenConversation::new(connection, idle))
            }
            Outcome::Accepted(accepted, found) => {
                context.guard_relay(found.trust);
                Answer::Admitted(Admitted::new(
                    (accepted, reply),
                    connection,
                    found,
                    server,
                    mail.as_deref(),
                    context.log,
                ))
            }
            Outcome::Refused(rejection, idle) => {
                let open = idle.map(|idle| OpenConversation::new(connection, idle));
                Answer::Refused(rejection, reply, open)
            }
            Outcome::NotOffered(idle) => {
                Answer::NotOffered(OpenConversation::new(connection, idle))
            }
        })
    });
    unless_left(pin!(client_left), login).await
}

/// Begins a conversation with a backend for requests of this origin.
async fn begin(
    context: &mut ClientContext<'_>,
    origin: &Origin,
    mut deadline: Deadline<'_>,
) -> Result<OpenConversation, LoginError> {
    let (backends, client) = (context.backends, context.client);
    let candidates = {
        let found = pin!(backends.candidates(context.log));
        until(deadline.as_mut(), found).await??
    };
    let opening = || dialogues::backend_opening(&backends.server, client, origin);
    let opened = context.open(candidates, origin.helo(), opening, deadline);
    let Opened {
        connection,
        outcome,
        ..
    } = opened.await?;
    let idle = Idle::new(outcome, origin.helo().cloned());
    Ok(OpenConversation::new(connection, idle))
}
