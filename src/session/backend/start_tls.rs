//! TLS with a backend, at once or after STARTTLS. A connection that should use TLS and does not is given up.

use tokio::time::timeout;

use super::connect::log_timeout;
use super::connection::BackendConnection;
use super::conversation::{ConversationError, UnexpectedReply, converse};
use crate::base::{Escaped, Level};
use crate::proto::backend::start_tls::Outcome;
use crate::proto::client::READING;
use crate::proto::dialogues;
use crate::proto::login::Helo;
use crate::session::Endpoint;
use crate::session::log::SessionLog;

/// What is being done during the handshake, in nginx's words.
const HANDSHAKING: &str = "SSL handshaking to upstream";

/// Why there is no TLS.
#[derive(Debug)]
pub(in crate::session) enum UpgradeError {
    /// The dialogue before the handshake failed.
    Conversation(ConversationError),
    /// The handshake took longer than `proxy_connect_timeout`.
    TimedOut,
    /// The handshake failed; this is the text for the log.
    Handshake(String),
    /// The backend's host is not a name that a certificate could have, and certificates are verified.
    NoName(Box<[u8]>),
    /// The backend does not announce STARTTLS.
    NotOffered,
    /// The backend sent bytes in clear text after its agreement: anybody may have put them there.
    Ahead,
    /// The backend's greeting is negative.
    Unwelcome(UnexpectedReply),
}

/// Upgrades a new connection to TLS, where `proxy_ssl` wants it. The dialogue that follows begins with the greeting in any
/// case. `host` is the backend's, `helo` the client's where there is a client of SMTP; `doing` is told what is being done.
pub(super) async fn secure(
    connection: &mut BackendConnection,
    endpoint: &Endpoint,
    host: &[u8],
    helo: Option<&Helo>,
    mut doing: impl FnMut(&'static str),
) -> Result<(), UpgradeError> {
    let Some(connector) = &endpoint.backend_tls else {
        return Ok(());
    };
    let greeting = match dialogues::start_tls(&endpoint.server, helo) {
        None => None,
        Some(dialogue) => {
            let agreed = converse(connection, dialogue, Vec::new(), &mut doing).await;
            match agreed.map_err(UpgradeError::Conversation)? {
                (Outcome::Agreed(_), _) if connection.is_ahead() => {
                    return Err(UpgradeError::Ahead);
                }
                (Outcome::Agreed(greeting), _) => Some(greeting),
                (Outcome::NotOffered, _) => return Err(UpgradeError::NotOffered),
                (Outcome::Unwelcome, reply) => {
                    doing(READING);
                    let shown_from = 0;
                    return Err(UpgradeError::Unwelcome(UnexpectedReply {
                        reply,
                        shown_from,
                    }));
                }
            }
        }
    };
    doing(HANDSHAKING);
    let towards = connector.towards(host);
    let towards = towards.ok_or_else(|| UpgradeError::NoName(host.into()))?;
    let limit = endpoint.server.proxy.proxy_connect_timeout;
    let shaken = timeout(limit, connection.secure(&towards)).await;
    shaken
        .map_err(|_| UpgradeError::TimedOut)?
        .map_err(UpgradeError::Handshake)?;
    doing(READING);
    if let Some(greeting) = greeting {
        connection.put_back(greeting);
    }
    Ok(())
}

impl UpgradeError {
    /// Writes the error to the log. A negative greeting gets the level `unwelcome`.
    pub fn log(&self, log: &SessionLog, unwelcome: Level) {
        let level = Level::Error;
        match self {
            Self::Conversation(error) => error.log(log, level),
            Self::TimedOut => log_timeout(log),
            Self::Handshake(text) => log.line(level, format_args!("{text}")),
            Self::NoName(host) => log.line(
                level,
                format_args!(
                    "upstream SSL certificate does not match \"{}\"",
                    Escaped(host)
                ),
            ),
            Self::NotOffered => {
                log.line(level, format_args!("upstream does not offer STARTTLS"));
            }
            Self::Ahead => log.line(
                level,
                format_args!("upstream sent data in clear text before SSL handshake"),
            ),
            Self::Unwelcome(greeting) => greeting.log(log, unwelcome),
        }
    }
}
