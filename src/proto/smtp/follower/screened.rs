//! Content in which irregularities do not pass (`smtp_bare_newline`): each is repaired, or the message is refused.
//!
//! A chunk of BDAT has a size that is sent before it, so it cannot be repaired. A message in chunks with a bare CR or LF is refused by
//! both policies, unless the client declared binary content (BODY=BINARYMIME, RFC 3030). Dots mean nothing in chunks.

use super::newline::{BareNewline, Half};
use super::screen::{Irregularity, Seen};
use super::{Body, Event, Fault, Follower, Observer, Path, Phase, Progress, Request, Then};
use crate::config::BareNewlines;

/// The policy, and what it has to know about the current message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Screening {
    policy: BareNewlines,
    content: Content,
}

/// What the client has declared about the content of the current transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Content {
    #[default]
    Undeclared,
    Text,
    Binary,
}

/// The replies that the client gets before a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// Those to all commands.
    All,
    /// Those to all but the last one: a chunk that the backend does not get to its end.
    ButLast,
}

impl Screening {
    pub(super) fn is_off(self) -> bool {
        self.policy == BareNewlines::Pass
    }

    /// Notes a command that passes.
    pub(super) fn command(&mut self, request: Request, line: &[u8]) {
        if self.is_off() {
            return;
        }
        match request {
            Request::Mail => {
                let path = Path::parse(line);
                let is_binary = path.is_some_and(|path| path.body() == Body::BinaryMime);
                // A second MAIL may be refused, so that the first one holds.
                self.content = match (self.content, is_binary) {
                    (Content::Undeclared | Content::Binary, true) => Content::Binary,
                    _ => Content::Text,
                };
            }
            Request::Reset | Request::Hello => self.content = Content::Undeclared,
            _ => {}
        }
    }

    /// Notes the end of a message.
    pub(super) fn message_ended(&mut self) {
        self.content = Content::Undeclared;
    }

    fn refuses_in_chunks(self) -> bool {
        !self.is_off() && self.content != Content::Binary
    }
}

impl Follower {
    /// Lets nothing pass in a message that servers read in different ways, as `policy` says. `mail` is the MAIL command of the
    /// current transaction, if the gateway has sent it.
    #[must_use]
    pub fn screen(mut self, policy: BareNewlines, mail: Option<&[u8]>) -> Self {
        self.screening = Screening {
            policy,
            content: Content::Undeclared,
        };
        if let Some(mail) = mail {
            self.screening.command(Request::Mail, mail);
        }
        self
    }

    /// Examines content after DATA.
    pub(super) fn screened<O: Observer>(&mut self, rest: &[u8], observer: &mut O) -> Progress {
        let Phase::Screened(screen) = &mut self.phase else {
            return Progress::Pass(0);
        };
        let seen = screen.scan(rest);
        let rejects = self.screening.policy == BareNewlines::Reject;
        let (before, put) = match seen {
            Seen::Irregular(n, _, repair) if !rejects => (n, repair.put),
            Seen::Content(n) | Seen::End(n) | Seen::Irregular(n, ..) => (n, &b""[..]),
        };
        for bytes in [&rest[..before], put] {
            if let Some(screen) = self.screen_in_progress() {
                screen.passed(bytes.len());
            }
            if let stop @ Progress::Stop { .. } = self.octets(bytes, observer) {
                return stop;
            }
        }
        match seen {
            Seen::Content(n) if n == rest.len() => Progress::Pass(n),
            Seen::Content(pass) => Progress::Stop {
                pass,
                discard: 0,
                then: Then::Read,
            },
            Seen::End(n) => {
                let octets = self
                    .screen_in_progress()
                    .map_or(0, |screen| screen.octets());
                self.end_data(octets.saturating_sub(b".\r\n".len() as u64), observer);
                Progress::Pass(n)
            }
            Seen::Irregular(n, what, _) if rejects => {
                let octets = self
                    .screen_in_progress()
                    .map_or(0, |screen| screen.octets());
                self.refuse_message(what, octets, Awaited::All, observer);
                Progress::Pass(n)
            }
            Seen::Irregular(pass, what, repair) => Progress::Stop {
                pass,
                discard: repair.skip,
                then: Then::Insert(repair.put, what),
            },
        }
    }

    /// Examines octets of a chunk.
    pub(super) fn chunk<O: Observer>(&mut self, bytes: &[u8], observer: &mut O) -> Progress {
        let Phase::Chunk { octets, left, last } = self.phase else {
            return Progress::Pass(0);
        };
        if !self.screening.refuses_in_chunks() {
            return self.octets(bytes, observer);
        }
        let before = octets - left - bytes.len() as u64;
        let start = self.newlines.octets();
        let found = self.find_newline(bytes, observer);
        let ends_in_cr = last && left == 0 && self.newlines.ends_in_cr();
        // A CR passes before it is known to be bare, unless it is the last octet.
        let (what, passing) = match found {
            Some(BareNewline {
                half: Half::Cr,
                offset,
            }) => (Irregularity::BareCr, offset + 1 - start),
            Some(BareNewline {
                half: Half::Lf,
                offset,
            }) => (Irregularity::BareLf, offset - start),
            None if ends_in_cr => (Irregularity::BareCr, bytes.len() as u64 - 1),
            None => return self.guarded(bytes, observer),
        };
        let passing = usize::try_from(passing).map_or(bytes.len(), |n| n.min(bytes.len()));
        let progress = self.guarded(&bytes[..passing], observer);
        if let Progress::Pass(n) = progress {
            self.refuse_message(what, before + n as u64, Awaited::ButLast, observer);
        }
        progress
    }

    /// Refuses the message if it ends in CR, where the next command is its empty last chunk.
    pub(super) fn ends_in_cr<O: Observer>(&mut self, observer: &mut O) -> Option<Progress> {
        let refuses = self.screening.refuses_in_chunks() && self.newlines.ends_in_cr();
        refuses.then(|| {
            self.refuse_message(Irregularity::BareCr, 0, Awaited::All, observer);
            Progress::Pass(0)
        })
    }

    /// Ends the session before the end of the message. `octets` of it have passed since the last chunk.
    fn refuse_message<O: Observer>(
        &mut self,
        what: Irregularity,
        octets: u64,
        awaited: Awaited,
        observer: &mut O,
    ) {
        let fault = Fault::Irregular(what, self.screening.policy);
        let text = fault.reply().trim_ascii();
        let text = text.strip_prefix(b"550 ").unwrap_or(text);
        observer.event(Event::Refused {
            octets,
            code: 550,
            text,
        });
        self.phase = Phase::Refused(fault, awaited);
    }

    /// Ends the session once the client has the replies to what came before: one that is missing may be about an earlier message.
    pub(super) fn close_refused(&mut self, fault: Fault, awaited: Awaited) -> Progress {
        let has_all = match awaited {
            Awaited::All => self.outstanding.is_empty(),
            Awaited::ButLast => self.outstanding.is_last(),
        };
        if !has_all || !self.replies.between() {
            return Progress::stop(Then::Wait);
        }
        self.phase = Phase::Closed;
        Progress::stop(Then::Close(fault))
    }

    fn screen_in_progress(&mut self) -> Option<&mut super::screen::Screen> {
        match &mut self.phase {
            Phase::Screened(screen) => Some(screen),
            _ => None,
        }
    }
}
