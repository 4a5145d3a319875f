//! The replies that end a session without a command of the client. Each protocol has their texts in its own `replies`,
//! together with all other fixed replies to clients.

use super::Excess;

/// A last reply, which the session sends when it closes a connection for a reason of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastReply {
    /// `worker_connections` leaves no room for the client.
    TooManyConnections,
    /// A limit is reached.
    Limited(Excess),
    /// A rule of `deny` is about the client.
    Forbidden,
    /// The client sent data before the greeting (`smtp_greeting_delay`).
    EarlyTalker,
    /// The client's certificate is invalid (`ssl_verify_client`).
    InvalidCertificate,
    /// The client sent no certificate (`ssl_verify_client on`).
    MissingCertificate,
    /// The client has not logged in within `timeout`.
    Timeout,
    /// `worker_shutdown_timeout` has expired.
    ShuttingDown,
    /// An auth server or a backend failed.
    InternalError,
}
