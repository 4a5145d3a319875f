//! TLS with a backend, at once or after STARTTLS. A connection that should use TLS and does not is given up.

use tokio::time::timeout;

use super::connection::BackendConnection;
use super::conversation::converse;
use super::error::{UnexpectedReply, UpgradeError};
use crate::proto::backend::StartTls;
use crate::proto::backend::start_tls::Outcome;
use crate::proto::client::READING;
use crate::proto::dialogues;
use crate::proto::login::Helo;
use crate::session::Endpoint;

/// What is being done during the handshake, in nginx's words.
const HANDSHAKING: &str = "SSL handshaking to upstream";

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
        Some(dialogue) => Some(agree(connection, dialogue, &mut doing).await?),
        None => None,
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
    connection.put_back(greeting.unwrap_or_default());
    Ok(())
}

/// Has the backend agree; returns what stands for the greeting inside TLS.
async fn agree(
    connection: &mut BackendConnection,
    dialogue: StartTls,
    mut doing: impl FnMut(&'static str),
) -> Result<&'static [u8], UpgradeError> {
    let ended = converse(connection, dialogue, Vec::new(), &mut doing).await;
    match ended.map_err(UpgradeError::Conversation)? {
        (Outcome::Agreed(_), _) if connection.is_ahead() => Err(UpgradeError::Ahead),
        (Outcome::Agreed(greeting), _) => Ok(greeting),
        (Outcome::NotOffered, _) => Err(UpgradeError::NotOffered),
        (Outcome::Unwelcome, reply) => {
            doing(READING);
            let shown_from = 0;
            Err(UpgradeError::Unwelcome(UnexpectedReply {
                reply,
                shown_from,
            }))
        }
    }
}
