//! The phases of a session, as its log lines name them.

/// The action of a session. In a log line, nginx's words for it follow `while`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Phase {
    /// The PROXY header is read.
    ProxyHeader,
    /// TLS begins with the first byte.
    Handshake,
    /// The name of the client's address is looked up.
    ClientAddress,
    /// The addresses of that name are looked up.
    ClientHostName,
    /// `smtp_greeting_delay` passes.
    GreetingDelay,
    /// The greeting is sent.
    Greeting,
    /// Commands are read and answered.
    Commands,
    /// TLS begins after STARTTLS or STLS.
    StartTls,
    /// The auth server is queried.
    AuthHttp,
    /// A step of the connection to the backend, in the words of its dialogue.
    Backend(&'static str),
    /// The tunnel carries bytes.
    Proxying,
    /// The tunnel reads from the client.
    ProxyingFromClient,
    /// The tunnel reads from the backend.
    ProxyingFromBackend,
    /// The tunnel writes to the client.
    ProxyingToClient,
    /// The tunnel writes to the backend.
    ProxyingToBackend,
}

impl Phase {
    /// nginx's words.
    pub fn action(self) -> &'static str {
        match self {
            Self::ProxyHeader => "reading PROXY protocol",
            Self::Handshake => "SSL handshaking",
            Self::ClientAddress => "in resolving client address",
            Self::ClientHostName => "in resolving client hostname",
            Self::GreetingDelay => "in delay pipelining state",
            Self::Greeting => "sending client greeting line",
            Self::Commands => "in auth state",
            Self::StartTls => "in starttls state",
            Self::AuthHttp => "in http auth state",
            Self::Backend(step) => step,
            Self::Proxying => "proxying",
            Self::ProxyingFromClient => "proxying and reading from client",
            Self::ProxyingFromBackend => "proxying and reading from upstream",
            Self::ProxyingToClient => "proxying and sending to client",
            Self::ProxyingToBackend => "proxying and sending to upstream",
        }
    }
}
