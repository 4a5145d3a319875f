//! Directives whose value is one word of a few. The words themselves are in `schema`, beside the rows.

/// `starttls`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartTls {
    /// Not offered.
    #[default]
    Off,
    /// Offered.
    On,
    /// Offered, and required before a login.
    Only,
}

/// `ssl_verify_client`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyClient {
    /// No certificate is requested.
    #[default]
    Off,
    /// A valid certificate is required.
    On,
    /// A certificate is requested, and must be valid if the client sends one.
    Optional,
    /// A certificate is requested, and not checked against CAs.
    OptionalNoCa,
}

/// `proxy_ssl`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendTls {
    /// Clear text.
    #[default]
    Off,
    /// TLS from the first byte.
    On,
    /// TLS within the open connection, by STARTTLS or STLS.
    StartTls,
}

/// `proxy_smtp_auth`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxySmtpAuth {
    /// No AUTH is sent to the backend.
    #[default]
    Off,
    /// PLAIN if the backend announces it, else LOGIN.
    On,
    /// PLAIN
    Plain,
    /// LOGIN
    Login,
}

impl ProxySmtpAuth {
    /// Applies the auth server's word (`Auth-SMTP-Auth`): it decides whether AUTH is sent, the configuration decides how.
    #[must_use]
    pub fn overruled(self, word: Option<bool>) -> Self {
        match (word, self) {
            (Some(false), _) => Self::Off,
            (Some(true), Self::Off) => Self::On,
            (_, own) => own,
        }
    }
}

/// `proxy_smtp_helo`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxySmtpHelo {
    /// `server_name`
    #[default]
    Server,
    /// The name the client gave, if it gave one.
    Client,
}

/// `proxy_protocol`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProxyProtocol {
    /// No PROXY header is sent to the backend.
    #[default]
    Off,
    /// Version 1, a line of text.
    V1,
    /// Version 2, binary.
    V2,
}

/// `debug_points`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DebugPoints {
    /// Stop the process.
    Stop,
    /// Abort it.
    Abort,
}
