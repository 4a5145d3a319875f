//! Follows an SMTP session while the gateway carries its bytes: after the login or, without one, after the first RCPT.
//! Pure: no socket, no clock, no log; bytes in, decisions and events out.
//!
//! The follower reads both directions and knows at every byte whether the client sends a command, a SASL response or message
//! content. It does not let XCLIENT, XFORWARD, STARTTLS and a few other commands through to the backend; the gateway answers them
//! in the backend's place, in the order of the replies. Where backends disagree about which bytes are commands, no bytes pass that
//! could be one of these commands ([`Ambiguity`]). Message content passes unchanged and is not buffered, unless
//! [`Follower::screen`] is called.
//!
//! Calling order:
//! - Bytes from the client: call [`Follower::from_client`] with everything that has not been passed on yet and do what the [`Step`]
//!   says, field by field. After [`Then::Reply`] call again at once with the remaining bytes. After [`Then::Wait`] stop reading from
//!   the client.
//! - Bytes from the backend: call [`Follower::from_backend`] and queue the bytes for the client. If the last step was [`Then::Wait`],
//!   call [`Follower::from_client`] again with the remaining bytes, even if there are none.
//! - Either connection ends: call [`Follower::ended`] once. Client bytes that remain are an unfinished line; drop them.
//!
//! ```
//! use portcullis::proto::smtp::follower::{Follower, Then};
//!
//! fn pump(follower: &mut Follower, rest: &mut Vec<u8>, backend: &mut Vec<u8>, client: &mut Vec<u8>) -> Then {
//!     loop {
//!         let step = follower.from_client(rest, &mut ());
//!         backend.extend_from_slice(&rest[..step.forward]);
//!         rest.drain(..step.forward + step.discard);
//!         match step.then {
//!             Then::Reply(refusal) => client.extend_from_slice(refusal.reply()),
//!             then => return then,
//!         }
//!     }
//! }
//!
//! let mut follower = Follower::new(true);
//! let (mut backend, mut client) = (Vec::new(), Vec::new());
//! let mut rest = b"NOOP\r\nXCLIENT ADDR=192.0.2.1\r\nRSET\r\n".to_vec();
//! // The reply to XCLIENT must follow the backend's reply to NOOP. RSET has to wait for both.
//! assert_eq!(pump(&mut follower, &mut rest, &mut backend, &mut client), Then::Wait);
//! assert_eq!(backend, b"NOOP\r\n");
//! assert!(follower.from_backend(b"250 Ok\r\n", &mut ()).is_ok());
//! client.extend_from_slice(b"250 Ok\r\n");
//! assert_eq!(pump(&mut follower, &mut rest, &mut backend, &mut client), Then::Read);
//! assert_eq!(backend, b"NOOP\r\nRSET\r\n");
//! assert_eq!(client, b"250 Ok\r\n550 5.7.0 Command not permitted\r\n");
//! ```

mod backend;
mod client;
mod data;
mod event;
mod line;
mod message;
mod messages;
mod newline;
mod outstanding;
mod pairs;
mod path;
mod queue_id;
mod replies;
mod screen;
mod screened;
mod step;
mod verb_scanner;
mod watch;

pub use event::{Event, Observer};
pub use line::{MAX_LINE, hides_command};
pub use message::{Answer, Message, Outcome, Recipient, Transfer};
pub use messages::Messages;
pub use newline::{BareNewline, Half};
pub use outstanding::Request;
pub use path::{Body, Path};
pub use screen::Irregularity;
pub use step::{Ambiguity, Broken, Fault, Refusal, Step, Then};

use std::mem;

use data::Data;
use newline::Newlines;
use outstanding::Outstanding;
use replies::{Found, Replies, Reply};
use screen::Screen;
use screened::{Awaited, Screening};
use verb_scanner::{Region, VerbScanner};
use watch::Mode;

/// The state of one session. It owns no heap memory, except for a reply's text while an observer wants events.
#[derive(Debug)]
pub struct Follower {
    phase: Phase,
    mode: Mode,
    outstanding: Outstanding,
    replies: Replies,
    /// The backend announced CHUNKING in its latest reply to EHLO.
    chunking: bool,
    /// Recipients of the current transaction that the backend has accepted.
    accepted: u16,
    /// Why command boundaries have become ambiguous, and the scanner for everything that passes since.
    ambiguity: Option<(Ambiguity, VerbScanner)>,
    newlines: Newlines,
    screening: Screening,
}

/// What the client's next byte is.
#[derive(Debug)]
enum Phase {
    /// The first byte of a command line.
    Command,
    /// Unknown until the backend has answered everything.
    AwaitingReplies,
    /// The first byte of a line in a SASL dialogue.
    Response,
    /// Content after DATA.
    Data(Data),
    /// The same where irregularities do not pass.
    Screened(Screen),
    /// One of the last `left` octets of a BDAT chunk.
    Chunk { octets: u64, left: u64, last: bool },
    /// One of the last `left` octets of a BDAT command and chunk that the backend does not get.
    DiscardedChunk { left: u64 },
    /// Part of a line that is too long to pass.
    OverlongLine,
    /// The first byte of a command line, after the gateway has sent this reply.
    OwnReply(Refusal),
    /// Of no interest: the session ends in this fault once the client has the replies to what came before.
    Refused(Fault, Awaited),
    /// Of no interest: the client sent QUIT, or the session failed.
    Closed,
    /// Unknown until the end: a follower that only watches has lost track.
    Unknown,
}

/// The result of one step of [`Follower::from_client`].
enum Progress {
    /// This many bytes pass. The bytes after them can be examined.
    Pass(usize),
    /// `pass` bytes pass, `discard` bytes after them do not.
    Stop {
        pass: usize,
        discard: usize,
        then: Then,
    },
}

impl Progress {
    fn stop(then: Then) -> Self {
        Progress::Stop {
            pass: 0,
            discard: 0,
            then,
        }
    }
}

impl Follower {
    /// Starts between two commands, with no reply outstanding. `chunking` tells whether the backend announced CHUNKING in its reply
    /// to the gateway's last greeting on this connection, which must have been EHLO.
    pub fn new(chunking: bool) -> Self {
        Follower {
            phase: Phase::Command,
            mode: Mode::Guard,
            outstanding: Outstanding::new(),
            replies: Replies::default(),
            chunking,
            accepted: 0,
            ambiguity: None,
            newlines: Newlines::new(),
            screening: Screening::default(),
        }
    }

    /// Records that the backend has already accepted a recipient of the current transaction, which the gateway sent itself.
    pub fn recipient_accepted(&mut self) {
        self.accepted = self.accepted.saturating_add(1);
    }

    /// The reason why command boundaries are ambiguous, if they are.
    pub fn ambiguity(&self) -> Option<Ambiguity> {
        self.ambiguity.map(|(ambiguity, _)| ambiguity)
    }

    /// Examines all bytes from the client that have not been passed on yet.
    pub fn from_client<O: Observer>(&mut self, bytes: &[u8], observer: &mut O) -> Step {
        let mut forward = 0;
        loop {
            match self.advance(&bytes[forward..], observer) {
                Progress::Pass(n) => forward += n,
                Progress::Stop {
                    pass,
                    discard,
                    then,
                } => {
                    return Step {
                        forward: forward + pass,
                        discard,
                        then,
                    };
                }
            }
        }
    }

    /// Examines bytes from the backend. All of them go to the client.
    ///
    /// # Errors
    /// The session cannot continue. Only the bytes up to the end of the offending reply go to the client.
    pub fn from_backend<O: Observer>(
        &mut self,
        bytes: &[u8],
        observer: &mut O,
    ) -> Result<(), Broken> {
        let mut at = 0;
        while at < bytes.len() && !matches!(self.phase, Phase::Unknown) {
            let (n, found) = self.replies.read(&bytes[at..], O::WANTED);
            let result = match found {
                Found::Nothing => Ok(()),
                // Whether it answers the command that the next bytes wait for is not known.
                Found::Garbage if self.mode == Mode::Watch => {
                    self.lose_track(observer);
                    break;
                }
                Found::Garbage => {
                    self.mark_ambiguous(Ambiguity::UnsolicitedReply);
                    Ok(())
                }
                Found::Reply(reply) => self.reply(&reply, observer),
            };
            at += n;
            if let Err(fault) = result {
                if self.mode == Mode::Watch {
                    self.lose_track(observer);
                    break;
                }
                self.cut_off(0, observer);
                return Err(Broken { forward: at, fault });
            }
        }
        Ok(())
    }

    /// Reports the end of either connection.
    pub fn ended<O: Observer>(&mut self, observer: &mut O) {
        self.cut_off(0, observer);
        observer.event(Event::Ended);
    }

    /// Closes the session. `unsent` octets of the current content were examined and do not pass.
    fn cut_off<O: Observer>(&mut self, unsent: usize, observer: &mut O) {
        let octets = match mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Data(data) => data.octets(),
            Phase::Screened(screen) => screen.octets(),
            Phase::Chunk { octets, left, .. } => octets - left,
            _ => return,
        };
        let octets = octets.saturating_sub(unsent as u64);
        observer.event(Event::CutOff { octets });
    }

    /// Discards bytes and replies in the backend's place once the client has all earlier replies.
    fn refuse(&mut self, discard: usize, refusal: Refusal) -> Progress {
        let then = if self.outstanding.is_empty() && self.replies.between() {
            self.phase = Phase::Command;
            Then::Reply(refusal)
        } else {
            self.phase = Phase::OwnReply(refusal);
            Then::Wait
        };
        Progress::Stop {
            pass: 0,
            discard,
            then,
        }
    }

    /// Where nothing is guarded, it does not matter what another backend would read.
    fn mark_ambiguous(&mut self, ambiguity: Ambiguity) {
        if self.mode == Mode::Watch {
            return;
        }
        self.ambiguity
            .get_or_insert_with(|| (ambiguity, VerbScanner::new()));
    }

    /// If command boundaries are ambiguous: the index of the byte that completes a guarded verb. The bytes before it may pass.
    fn smuggled(&mut self, bytes: &[u8], region: Region) -> Option<usize> {
        let (_, scanner) = self.ambiguity.as_mut()?;
        scanner.find(bytes, region)
    }
}

#[cfg(test)]
mod tests;
