//! A server without an auth server: the backend itself authenticates, and the client may try again.

use tokio::time::timeout;

use super::connect::{ConnectError, Target, log_timeout};
use super::connection::BackendConnection;
use super::conversation::{ConversationError, converse};
use super::{Admitted, ClientContext};
use crate::base::Level;
use crate::config::Upstream;
use crate::config::client_tls::host;
use crate::proto::backend::backend_login::{Idle, Outcome, Request};
use crate::proto::backend::wire::Rejection;
use crate::proto::client::READING;
use crate::proto::dialogues;
use crate::proto::login::Bytes;
use crate::session::log::SessionLog;

/// An open conversation with the backend, kept between a client's attempts.
#[derive(Debug)]
pub(in crate::session) struct OpenConversation {
    connection: BackendConnection,
    idle: Idle,
}

/// The backend's answer to one request. The conversation comes with it where it can go on.
#[derive(Debug)]
pub(in crate::session) enum Answer {
    /// A challenge for the client.
    Challenge(Bytes, OpenConversation),
    /// The client is let in.
    Admitted(Admitted),
    /// The backend refuses, by this reply.
    Refused(Rejection, Vec<u8>, Option<OpenConversation>),
    /// The backend does not announce this way to log in.
    NotOffered(OpenConversation),
}

/// Why there is no answer. The conversation is over.
#[derive(Debug)]
pub(in crate::session) enum BackendLoginError {
    /// The client closed its connection.
    ClientLeft,
    /// The connection that the challenge came through is gone.
    ChallengeLost,
    /// There is no connection to the backend.
    Connect(ConnectError),
    /// The backend took longer than `timeout`.
    TimedOut,
    /// The conversation failed.
    Conversation(ConversationError),
}

/// Puts a request to the backend, in the conversation that was kept, or in a new one where there is none that suits.
///
/// # Errors
/// See [`BackendLoginError`].
pub(in crate::session) async fn request(
    context: ClientContext<'_>,
    upstream: &Upstream,
    kept: Option<OpenConversation>,
    request: Request,
    client_left: impl Future<Output = ()>,
) -> Result<Answer, BackendLoginError> {
    let ClientContext {
        endpoint,
        shared,
        log,
        client,
        header,
    } = context;
    let server = &endpoint.server;
    let kept = kept
        .filter(|kept| kept.idle.suits(request.origin()))
        .and_then(|mut kept| (!kept.connection.is_stale()).then_some(kept));
    if kept.is_none() && request.answers_challenge() {
        return Err(BackendLoginError::ChallengeLost);
    }
    let conversation = async {
        let mut out = Vec::new();
        let (mut connection, dialogue) = match kept {
            Some(OpenConversation { connection, idle }) => match idle.request(request, &mut out) {
                Ok(dialogue) => (connection, dialogue),
                Err(idle) => return Ok(Answer::NotOffered(OpenConversation { connection, idle })),
            },
            None => {
                let target = Target {
                    addresses: &upstream.addresses,
                    name: None,
                    host: host(&upstream.host),
                    helo: request.origin().helo(),
                    header: header.as_deref(),
                };
                let connected = target.connect(endpoint, shared, log).await;
                let connection = connected.map_err(BackendLoginError::Connect)?;
                (
                    connection,
                    dialogues::backend_login(server, client, request),
                )
            }
        };
        let ended = converse(&mut connection, dialogue, out, |what| log.doing(what)).await;
        log.doing(READING);
        let (outcome, reply) = ended.map_err(BackendLoginError::Conversation)?;
        Ok(match outcome {
            Outcome::Challenge(challenge, idle) => {
                Answer::Challenge(challenge, OpenConversation { connection, idle })
            }
            Outcome::Accepted(accepted) => Answer::Admitted(Admitted {
                accepted,
                reply,
                bridge: connection.into_bridge(),
            }),
            Outcome::Refused(rejection, idle) => {
                let open = idle.map(|idle| OpenConversation { connection, idle });
                Answer::Refused(rejection, reply, open)
            }
            Outcome::NotOffered(idle) => Answer::NotOffered(OpenConversation { connection, idle }),
        })
    };
    tokio::select! {
        ended = timeout(server.mail.timeout, conversation) => {
            ended.unwrap_or(Err(BackendLoginError::TimedOut))
        }
        () = client_left => Err(BackendLoginError::ClientLeft),
    }
}

impl BackendLoginError {
    /// Writes the error to the log.
    pub fn log(&self, log: &SessionLog) {
        match self {
            Self::ClientLeft | Self::ChallengeLost => {}
            Self::Connect(error) => error.log(log, Level::Error),
            Self::TimedOut => log_timeout(log),
            Self::Conversation(error) => error.log(log, Level::Error),
        }
    }
}
