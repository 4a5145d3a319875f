//! Values of single directives. Where they are one word of a few, the words themselves are in `schema`, beside the rows.

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

/// `ssl_alpn`: the handshake with a client that offers other protocols than the server's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alpn {
    /// It fails.
    #[default]
    Strict,
    /// It continues without ALPN.
    Lenient,
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

/// `smtp_bare_newline`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BareNewlines {
    /// Messages pass unread.
    #[default]
    Pass,
    /// A message is made one that every server reads in the same way. One in BDAT chunks is refused.
    Normalize,
    /// The message is refused, and the session ends.
    Reject,
}

/// `xclient`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Xclient {
    /// XCLIENT is not sent.
    Off,
    /// After the auth server's decision it is sent in any case, else with the announced attributes.
    #[default]
    On,
    /// It is sent with the announced attributes, and only where it is announced.
    Announced,
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

/// The words of an announcement, for SMTP its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capabilities {
    /// Written in the configuration.
    Configured(Vec<Box<[u8]>>),
    /// The default. The backend's own announcement takes its place where the gateway can ask for it.
    Default(Vec<Box<[u8]>>),
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::Default(Vec::new())
    }
}

impl Capabilities {
    /// The words.
    pub fn words(&self) -> &[Box<[u8]>] {
        match self {
            Self::Configured(words) | Self::Default(words) => words,
        }
    }

    /// Whether the configuration has them, so that the backend is not asked.
    pub fn is_configured(&self) -> bool {
        matches!(self, Self::Configured(_))
    }
}

/// `user`: a user and a group, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name as written.
    pub name: Box<str>,
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
}
