//! Events of a session, for mail_log, limits and statistics.

use super::newline::BareNewline;
use super::outstanding::Request;

/// An event. Events are in the order of the bytes of each direction; a reply comes after the command that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A command passes. `line` has no line end. It ends after the mechanism of AUTH and is empty for a SASL response, because
    /// the rest may be a password.
    Command { request: Request, line: &'a [u8] },
    /// A reply passes. `request` is what it answers, `None` for an unsolicited reply. `text` has up to 1024 bytes of its lines,
    /// without codes and separated by LF.
    Reply {
        request: Option<Request>,
        code: u16,
        text: &'a [u8],
    },
    /// The content after DATA is complete. `octets` are as transferred: dot-stuffed, without the final dot line.
    Content { octets: u64 },
    /// A BDAT chunk is complete.
    Chunk { octets: u64, last: bool },
    /// The first bare newline of a message.
    BareNewline(BareNewline),
    /// The session ended inside the content after DATA or inside a chunk, of which `octets` have passed.
    CutOff { octets: u64 },
    /// The gateway refuses the message inside its content, of which `octets` have passed, by this reply.
    Refused {
        octets: u64,
        code: u16,
        text: &'a [u8],
    },
    /// A follower that only watches knows no more what passes. Only [`Event::Ended`] comes after this.
    LostTrack,
    /// The session ended. This is the last event.
    Ended,
}

/// Receives events. With `()` the follower produces none.
pub trait Observer {
    /// Whether the follower produces events.
    const WANTED: bool = true;

    /// Whether it wants [`Event::BareNewline`], for which every octet of a message is looked at.
    const WANTS_NEWLINES: bool = Self::WANTED;

    /// Receives one event.
    fn event(&mut self, event: Event<'_>);
}

impl Observer for () {
    const WANTED: bool = false;

    fn event(&mut self, _: Event<'_>) {}
}
