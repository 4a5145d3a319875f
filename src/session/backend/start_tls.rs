//! TLS with a backend, at once or after STARTTLS. A connection that should use TLS and does not is closed.

use tokio::time::timeout;

use super::Backends;
use super::connection::BackendConnection;
use super::conversation::converse;
use super::error::UpgradeError;
use crate::proto::backend::StartTls;
use crate::proto::backend::start_tls::Outcome;
use crate::proto::client::READING;
use crate::proto::dialogues;
use crate::proto::login::Helo;
use crate::session::phase::Phase;

/// The step of the handshake, in nginx's words.
const HANDSHAKING: &str = "SSL handshaking to upstream";

/// Upgrades a new connection to TLS, where `proxy_ssl` wants it. The dialogue that follows begins with the greeting in any
/// case. `host` is the backend's, `helo` the client's if there is an SMTP client.
pub(super) async fn secure(
    connection: &mut BackendConnection,
    backends: &Backends,
    host: &[u8],
    helo: Option<&Helo>,
    phase: &mut Phase,
) -> Result<(), UpgradeError> {
    let Some(connector) = &backends.tls else {
        return Ok(());
    };
    let greeting = match dialogues::start_tls(&backends.server, helo) {
        Some(dialogue) => Some(agree(connection, dialogue, phase).await?),
        None => None,
    };
    *phase = Phase::Backend(HANDSHAKING);
    let target = connector.target(host);
    let target = target.ok_or_else(|| UpgradeError::NoName(host.into()))?;
    let limit = backends.server.proxy.proxy_connect_timeout;
    let handshake = timeout(limit, connection.secure(&target)).await;
    handshake
        .map_err(|_| UpgradeError::TimedOut)?
        .map_err(UpgradeError::Handshake)?;
    *phase = Phase::Backend(READING);
    connection.put_back(greeting.unwrap_or_default());
    Ok(())
}

/// Runs the dialogue up to the handshake; returns the bytes that stand for the greeting inside TLS.
async fn agree(
    connection: &mut BackendConnection,
    dialogue: StartTls,
    phase: &mut Phase,
) -> Result<&'static [u8], UpgradeError> {
    let ended = converse(connection, dialogue, Vec::new(), phase).await;
    match ended.map_err(UpgradeError::Conversation)? {
        (Outcome::Agreed(_), _) if connection.is_ahead() => Err(UpgradeError::Ahead),
        (Outcome::Agreed(greeting), _) => Ok(greeting),
        (Outcome::NotOffered, _) => Err(UpgradeError::NotOffered),
    }
}
