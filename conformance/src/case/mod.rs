//! A dialogue case: what each peer sends and reads, in order. It uses no sockets, so every runner can share it.

mod parse;

use std::ops::Range;
use std::time::Duration;

use crate::template::Template;

/// A peer of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Client,
    Auth,
    Backend,
}

impl Peer {
    /// All peers.
    pub const ALL: [Self; 3] = [Self::Client, Self::Auth, Self::Backend];

    /// The prefix of lines that this peer sends.
    pub fn send_prefix(self) -> &'static str {
        match self {
            Self::Client => "C>",
            Self::Auth => "A<",
            Self::Backend => "U<",
        }
    }

    /// The prefix of lines that this peer reads.
    pub fn read_prefix(self) -> &'static str {
        match self {
            Self::Client => "S<",
            Self::Auth => "A>",
            Self::Backend => "U>",
        }
    }
}

/// What a peer does or expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends bytes in one write.
    Send(Template),
    /// Sends one byte per packet.
    SendBytewise(Template),
    /// Reads exactly these bytes.
    Expect(Template),
    /// Reads nothing for a short time.
    ExpectNothing,
    /// The gateway closes the connection within this time and sends nothing before.
    ExpectEof(Duration),
    /// The gateway closes the connection, and may send anything before: the library chooses TLS alerts.
    ExpectEofAfterAny,
    /// Closes the sending direction.
    HalfClose,
    Close,
    /// Closes with a reset.
    Reset,
    /// The client connects again.
    Connect,
    /// The client does the TLS handshake, with this certificate of `pki/` if any.
    StartTls(Option<String>),
    /// Waits; only for timers of the protocol, and to separate two packets.
    Wait(Duration),
}

/// An action, its peer, and the lines of the file that describe it (from 0, end exclusive).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub peer: Peer,
    pub action: Action,
    pub lines: Range<usize>,
}

/// The header of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The protocol, as in the directive: the name of the case's folder.
    pub protocol: String,
    /// Lines for `mail {}` (`m| `).
    pub mail: Vec<String>,
    /// Lines for `server {}` (`s| `).
    pub server: Vec<String>,
    /// Further parameters of `listen` (`listen = ssl`).
    pub listen: String,
    /// The level of the error log (`log = error`); by default info.
    pub log: Option<String>,
    /// `auth = refused`, `unix` or `ipv6`.
    pub auth: PeerAddress,
    /// `backend =`, likewise.
    pub backend: PeerAddress,
    /// `oracle = older`: the installable nginx behaves differently; the expectation is from the specification.
    pub oracle_older: bool,
}

impl Header {
    /// The reason why the case is not for the installable nginx, if there is one.
    pub fn not_for_nginx(&self) -> Option<&'static str> {
        match &*self.protocol {
            "sieve" => Some("nginx has no ManageSieve"),
            _ => self.oracle_older.then_some("the installed nginx is older"),
        }
    }
}

/// Where a peer listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeerAddress {
    /// A port of 127.0.0.1.
    #[default]
    Ipv4,
    /// A port of ::1.
    Ipv6,
    /// The socket `auth.sock` or `backend.sock` in the working directory.
    Unix,
    /// Nowhere: connections are refused.
    Refused,
}

/// A parsed case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    pub header: Header,
    pub events: Vec<Event>,
    /// The expected lines of the error log (`L| `); the log is not compared if there are none.
    pub log: Vec<String>,
}

impl Case {
    /// The number of the last line with an event, from 1; 0 without events.
    pub fn last_line(&self) -> usize {
        self.events.last().map_or(0, |event| event.lines.end)
    }
}

/// How long a peer waits for the gateway before the case fails.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two packets: long enough for the gateway to read the first one alone.
pub const PACKET_GAP: Duration = Duration::from_millis(30);
