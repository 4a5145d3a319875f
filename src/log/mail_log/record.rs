//! The facts about a session and a message that a log line can show. Plain data: a session fills them in, and they never hold a
//! password.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::base::{Protocol, SessionId};

/// The facts about a session. A fact that is not known yet, or never was, is `None`.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    pub id: SessionId,
    /// The number of the connection in the error log.
    pub connection: u64,
    pub protocol: Protocol,
    /// The name of the server.
    pub server_name: Arc<[u8]>,
    /// The address that the client connected to.
    pub server: RecordAddress,
    /// The client's address: that of a trusted PROXY header, or of the connection.
    pub client: RecordAddress,
    /// The client's PROXY header, trusted or not, if it has addresses.
    pub proxy_protocol: Option<Box<HeaderRecord>>,
    pub tls: Option<Box<TlsRecord>>,
    /// The argument of HELO or EHLO.
    pub helo: Option<Box<[u8]>>,
    /// The argument of MAIL, before a backend is connected.
    pub smtp_from: Option<Box<[u8]>>,
    /// The argument of RCPT, before a backend is connected.
    pub smtp_to: Option<Box<[u8]>>,
    /// The mechanism of the last login attempt.
    pub method: Option<&'static str>,
    /// The login of the last attempt.
    pub login: Option<Box<[u8]>>,
    /// The headers of the last answer of the auth server, by lower-case name, where a log asks for one.
    pub auth_headers: Vec<(Box<str>, Box<[u8]>)>,
    pub outcome: SessionOutcome,
    /// The backend's address, with the port.
    pub upstream: Option<Box<str>>,
    /// The version of TLS towards the backend.
    pub upstream_tls: Option<&'static str>,
    /// The time that the connection to the backend took.
    pub connect: Option<Duration>,
    /// The time from accept to the end of the login.
    pub login_time: Option<Duration>,
    /// The time from accept to the end of the session.
    pub total: Duration,
    /// Bytes from the client.
    pub received: u64,
    /// Bytes to the client.
    pub sent: u64,
    pub ended_by: EndedBy,
}

/// One end of the client's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordAddress {
    /// An IP address and a port.
    Inet(SocketAddr),
    /// A Unix socket, with its path where it has one.
    Unix(Box<str>),
}

/// A PROXY header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRecord {
    /// The client's address.
    pub source: SocketAddr,
    /// Its extensions as they came, where a value depends on them; otherwise empty.
    pub tlvs: Box<[u8]>,
}

/// TLS with the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsRecord {
    /// `TLSv1.3`
    pub version: &'static str,
    /// The cipher suite, in OpenSSL's words.
    pub cipher: &'static str,
    /// The group of the key exchange.
    pub curve: Option<&'static str>,
    /// The session was resumed.
    pub resumed: bool,
    /// The server name that the client sent.
    pub sni: Option<Box<str>>,
    /// `SUCCESS`, `FAILED:reason`, `NONE`; absent where client certificates are not requested.
    pub verify: Option<Box<str>>,
    /// The subject of the client's certificate, as in RFC 2253.
    pub subject: Option<Box<str>>,
    /// The SHA-1 fingerprint of the client's certificate, in hexadecimal.
    pub fingerprint: Option<Box<str>>,
}

/// The result of a session, and its cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOutcome {
    pub result: SessionResult,
    /// The cause, where the result is not a success. Displayed text, without secrets.
    pub reason: Option<Box<str>>,
    /// The directive that decided: `file:line`, or `default`.
    pub by: Option<Box<str>>,
}

/// The result of a session: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionResult {
    /// The client logged in, or sent mail where no login is required.
    Login,
    /// Every login attempt failed.
    LoginFailed,
    /// The client left without an attempt.
    NoLogin,
    /// A rule of the configuration refused the client.
    Refused,
    /// A limit was exceeded.
    Limited,
    /// The client took too long.
    Timeout,
    /// The backend could not be used.
    BackendUnavailable,
    /// The auth server could not be used.
    AuthUnavailable,
    /// TLS with the client was not established.
    TlsFailed,
    /// The client broke the protocol.
    ProtocolError,
    /// The gateway was shut down.
    Shutdown,
}

impl SessionResult {
    /// All results.
    pub const ALL: [Self; 11] = [
        Self::Login,
        Self::LoginFailed,
        Self::NoLogin,
        Self::Refused,
        Self::Limited,
        Self::Timeout,
        Self::BackendUnavailable,
        Self::AuthUnavailable,
        Self::TlsFailed,
        Self::ProtocolError,
        Self::Shutdown,
    ];

    /// The word in a log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginFailed => "login-failed",
            Self::NoLogin => "no-login",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Timeout => "timeout",
            Self::BackendUnavailable => "backend-unavailable",
            Self::AuthUnavailable => "auth-unavailable",
            Self::TlsFailed => "tls-failed",
            Self::ProtocolError => "protocol-error",
            Self::Shutdown => "shutdown",
        }
    }
}

/// The side that ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndedBy {
    Client,
    Backend,
    Gateway,
}

impl EndedBy {
    /// The word in a log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Backend => "backend",
            Self::Gateway => "gateway",
        }
    }
}

/// The facts about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRecord {
    /// The address of MAIL, without `<` and `>`.
    pub sender: Box<[u8]>,
    /// The addresses of RCPT, likewise.
    pub recipients: Vec<Box<[u8]>>,
    /// The number of RCPT commands that the backend accepted.
    pub accepted: u32,
    /// Octets of content.
    pub size: u64,
    /// The code of the final reply; `None` if the session ended before it.
    pub code: Option<u16>,
    /// The text of the final reply.
    pub reply: Option<Box<[u8]>>,
    pub queue_id: Option<Box<[u8]>>,
    /// The time from MAIL to the final reply.
    pub duration: Duration,
    /// The number of BDAT commands; `None` for DATA.
    pub chunks: Option<u32>,
}

/// A line of a log: the session, the message if it is the line of one, and the time of the event.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    pub session: &'a SessionRecord,
    pub message: Option<&'a MessageRecord>,
    pub time: SystemTime,
}
