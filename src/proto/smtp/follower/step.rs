//! The follower's decisions, and the replies that the gateway sends in the backend's place.

use super::screen::Irregularity;
use crate::config::BareNewlines;
use crate::proto::smtp::replies;

/// What to do with the bytes that were passed to [`Follower::from_client`](super::Follower::from_client).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes at the beginning that go to the backend.
    pub forward: usize,
    /// Bytes after those that are dropped. The caller keeps the rest and passes it in again.
    pub discard: usize,
    /// What to do next.
    pub then: Then,
}

/// What to do after the bytes of a [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Read more from the client. The remaining bytes, if any, are an unfinished line shorter than [`super::MAX_LINE`].
    Read,
    /// Do not read from the client. Call again with the remaining bytes, if any, after the next bytes from the backend.
    Wait,
    /// Send this reply to the client after all backend bytes so far. Then call again with the remaining bytes.
    Reply(Refusal),
    /// Send these bytes to the backend in the place of the discarded ones, which are irregular. Then call again with the remaining
    /// bytes.
    Insert(&'static [u8], Irregularity),
    /// Send [`Fault::reply`] to the client and close both connections.
    Close(Fault),
}

/// Why a command does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// XCLIENT, XFORWARD, XPROXYFROM: the backend trusts the gateway, not its clients.
    ProxyCommand,
    /// STARTTLS, X-ANONYMOUSTLS: the follower could not read what comes after the handshake.
    StartTls,
    /// TURN and ATRN, which swap client and server, and XEXCH50, which has octets after it.
    NotImplemented,
    /// BDAT to a backend that does not announce CHUNKING: it would read the octets as commands.
    Chunking,
    /// A line without a verb, with a verb that has other than graphic ASCII octets, or with NUL or a bare CR.
    Invalid,
    /// A line longer than [`super::MAX_LINE`], or a long line with a guarded verb where a backend may split it.
    TooLong,
}

impl Refusal {
    /// The reply to the client, with its line end.
    pub fn reply(self) -> &'static [u8] {
        match self {
            Refusal::ProxyCommand => replies::NOT_PERMITTED,
            // 454 would invite a retry and 503 depends on the session; 502 holds with and without TLS towards the client.
            Refusal::StartTls | Refusal::NotImplemented => replies::NOT_IMPLEMENTED,
            Refusal::Chunking => replies::NO_CHUNKING,
            Refusal::Invalid => replies::INVALID_COMMAND,
            Refusal::TooLong => replies::LINE_TOO_LONG,
        }
    }
}

/// Why the session has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Backends disagree about how many octets follow this BDAT command.
    InvalidBdat,
    /// A line of a SASL dialogue is longer than [`super::MAX_LINE`], or has NUL, a bare CR or a guarded verb in it.
    InvalidResponse,
    /// A guarded verb where some backend may read a command. See [`Ambiguity`].
    SmuggledCommand,
    /// The backend sent a reply that its command cannot have. The follower does not know what the backend expects now.
    UnexpectedReply,
    /// The backend refused a message or chunk that the client is still sending, or does not know BDAT.
    EarlyReply,
    /// The message has an irregularity, which this policy refuses. The backend has not got its end.
    Irregular(Irregularity, BareNewlines),
}

impl Fault {
    /// The last reply to the client. Empty if the backend's reply says it all.
    pub fn reply(self) -> &'static [u8] {
        match self {
            Fault::InvalidBdat => replies::INVALID_CHUNK_SIZE,
            Fault::InvalidResponse => replies::INVALID_EXCHANGE_LINE,
            Fault::SmuggledCommand => replies::NOT_PERMITTED,
            Fault::UnexpectedReply => replies::UNEXPECTED_REPLY,
            Fault::EarlyReply => b"",
            Fault::Irregular(Irregularity::BareCr, _) => replies::BARE_CR,
            Fault::Irregular(Irregularity::BareLf, _) => replies::BARE_LF,
            Fault::Irregular(Irregularity::LoneDot, _) => replies::INVALID_END_OF_DATA,
        }
    }
}

/// Why backends may disagree about which of the client's bytes are commands.
///
/// From then on until the session ends, a line that begins with a verb of [`Refusal::ProxyCommand`] or [`Refusal::StartTls`] does
/// not pass, even inside a message and whatever ends the line before it. The session fails with [`Fault::SmuggledCommand`] instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ambiguity {
    /// A dot alone on a line, where a line end is not CRLF: some backends end the message there.
    EndOfData,
    /// A line longer than RFC 5321 (section 4.5.3.1.4) allows: some backends split it.
    LongLine,
    /// More than one CR before LF: some backends read an empty line.
    ExtraCr,
    /// A reply without a command, or a line that is not a reply.
    UnsolicitedReply,
}

/// The error of [`Follower::from_backend`](super::Follower::from_backend).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Bytes at the beginning that still go to the client. They end with a whole reply.
    pub forward: usize,
    /// Why both connections have to be closed.
    pub fault: Fault,
}
