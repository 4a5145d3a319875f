//! Why the gateway refused a command, where that explains a session that ends without a login.

/// The reason for a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// A login is required before mail is sent: `smtp_auth` has no `none`.
    LoginRequired,
    /// TLS is required before a login: `starttls only`.
    TlsRequired,
    /// The client speaks another protocol, such as HTTP.
    ForeignProtocol,
    /// The client's input cannot be divided into commands.
    Malformed,
}
