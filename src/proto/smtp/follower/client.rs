//! Handles the client's bytes, phase by phase.

use super::data::Scan;
use super::line::{Class, Ending, Extent, Line, extent};
use super::verb_scanner::is_blank;
use super::{
    Ambiguity, BareNewline, Event, Fault, Follower, Mode, Newlines, Observer, Phase, Progress,
    Refusal, Region, Request, Then,
};

impl Follower {
    /// Handles the first of the client's bytes, up to the end of the current phase.
    pub(super) fn advance<O: Observer>(&mut self, rest: &[u8], observer: &mut O) -> Progress {
        match &mut self.phase {
            Phase::OwnReply(refusal) => {
                let refusal = *refusal;
                self.refuse(0, refusal)
            }
            Phase::Closed if self.mode == Mode::Watch && !rest.is_empty() => {
                Progress::Pass(rest.len())
            }
            Phase::Closed => discard(rest.len()),
            Phase::Unknown if !rest.is_empty() => Progress::Pass(rest.len()),
            Phase::Chunk {
                octets,
                left: 0,
                last,
            } => {
                let (octets, last) = (*octets, *last);
                self.end_chunk(octets, last, observer)
            }
            Phase::Unknown => Progress::stop(Then::Read),
            Phase::Refused(fault, awaited) => {
                let (fault, awaited) = (*fault, *awaited);
                self.close_refused(fault, awaited)
            }
            _ if rest.is_empty() => Progress::stop(Then::Read),
            Phase::Command => self.command(rest, observer),
            Phase::AwaitingReplies => Progress::stop(Then::Wait),
            Phase::Response => self.response(rest, observer),
            Phase::Data(data) => {
                let scan = data.scan(rest);
                let size = data.size();
                self.content(rest, scan, size, observer)
            }
            Phase::Screened(_) => self.screened(rest, observer),
            Phase::Chunk { left, .. } => {
                let n = at_most(*left, rest);
                *left -= n as u64;
                self.chunk(&rest[..n], observer)
            }
            Phase::DiscardedChunk { left } => {
                let n = at_most(*left, rest);
                *left -= n as u64;
                if *left > 0 {
                    discard(n)
                } else {
                    self.refuse(n, Refusal::Chunking)
                }
            }
            Phase::OverlongLine => match memchr::memchr(b'\n', rest) {
                Some(at) => self.refuse(at + 1, Refusal::TooLong),
                None => discard(rest.len()),
            },
        }
    }

    fn command<O: Observer>(&mut self, rest: &[u8], observer: &mut O) -> Progress {
        let length = match extent(rest) {
            Extent::Whole(length) => length,
            Extent::Open => return Progress::stop(Then::Read),
            Extent::TooLong if self.mode == Mode::Watch => return self.give_up(observer),
            Extent::TooLong => {
                self.phase = Phase::OverlongLine;
                return Progress::Pass(0);
            }
        };
        if !self.outstanding.has_room() {
            return Progress::stop(Then::Wait);
        }
        let line = Line::new(&rest[..length]);
        let (request, after) = match self.mode.allow(line.classify()) {
            Class::Refuse(_) if self.mode == Mode::Watch => return self.give_up(observer),
            Class::Refuse(refusal) => return self.refuse(length, refusal),
            Class::InvalidBdat => return self.close(0, Fault::InvalidBdat, observer),
            Class::Chunk { .. } if !self.chunking && self.mode == Mode::Watch => {
                return self.give_up(observer);
            }
            Class::Chunk { octets, .. } if !self.chunking => {
                let left = length as u64 + octets;
                self.phase = Phase::DiscardedChunk { left };
                return Progress::Pass(0);
            }
            Class::Chunk { octets, last } => {
                let left = octets;
                let request = if last {
                    Request::LastChunk
                } else {
                    Request::Chunk
                };
                (request, Phase::Chunk { octets, left, last })
            }
            Class::Pass(request) => (request, phase_after(request, line.ending)),
        };
        if let Some(at) = self.smuggled(&rest[..length], Region::Command) {
            return self.close(at, Fault::SmuggledCommand, observer);
        }
        if let Phase::Chunk {
            left: 0,
            last: true,
            ..
        } = after
            && let Some(refused) = self.ends_in_cr(observer)
        {
            return refused;
        }
        self.screening.command(request, line.content);
        if request == Request::Hello {
            // After HELO some servers do not accept BDAT and read its octets as commands. The reply to EHLO sets this again.
            self.chunking = false;
        }
        if matches!(request, Request::Hello | Request::Mail | Request::Reset) {
            self.newlines = Newlines::new();
        }
        observer.event(Event::Command {
            request,
            line: without_secrets(request, line.content),
        });
        self.pass_line(&line, request, after);
        Progress::Pass(length)
    }

    fn response<O: Observer>(&mut self, rest: &[u8], observer: &mut O) -> Progress {
        let length = match extent(rest) {
            Extent::Whole(length) => length,
            Extent::Open => return Progress::stop(Then::Read),
            Extent::TooLong => return self.close(0, Fault::InvalidResponse, observer),
        };
        let line = Line::new(&rest[..length]);
        if line.is_broken() || line.hides_command() {
            return self.close(0, Fault::InvalidResponse, observer);
        }
        if let Some(at) = self.smuggled(&rest[..length], Region::Content) {
            return self.close(at, Fault::SmuggledCommand, observer);
        }
        let request = Request::AuthResponse;
        observer.event(Event::Command { request, line: b"" });
        self.pass_line(&line, request, Phase::AwaitingReplies);
        Progress::Pass(length)
    }

    fn close<O: Observer>(&mut self, pass: usize, fault: Fault, observer: &mut O) -> Progress {
        if self.mode == Mode::Watch {
            return self.give_up(observer);
        }
        self.phase = Phase::Closed;
        Progress::Stop {
            pass,
            discard: 0,
            then: Then::Close(fault),
        }
    }

    fn pass_line(&mut self, line: &Line<'_>, request: Request, after: Phase) {
        if line.is_long() {
            self.mark_ambiguous(Ambiguity::LongLine);
        }
        if line.ending == Ending::CrCrlf {
            self.mark_ambiguous(Ambiguity::ExtraCr);
        }
        self.outstanding.push(request);
        self.phase = after;
    }

    fn content<O: Observer>(
        &mut self,
        rest: &[u8],
        scan: Scan,
        size: u64,
        observer: &mut O,
    ) -> Progress {
        let passed = match scan {
            Scan::Content => rest.len(),
            Scan::End(n) | Scan::MaybeEnded(n) => n,
        };
        let progress = self.octets(&rest[..passed], observer);
        if let Progress::Stop { .. } = progress {
            return progress;
        }
        match scan {
            Scan::Content => {}
            Scan::MaybeEnded(_) => self.mark_ambiguous(Ambiguity::EndOfData),
            Scan::End(_) => self.end_data(size, observer),
        }
        progress
    }

    /// The final dot line passes, after this many octets of content.
    pub(super) fn end_data<O: Observer>(&mut self, octets: u64, observer: &mut O) {
        observer.event(Event::Content { octets });
        self.outstanding.push(Request::EndOfData);
        self.screening.message_ended();
        // Servers that look for CRLF before the dot miss the end of an empty message.
        self.phase = if octets == 0 || self.ambiguity.is_some() {
            Phase::AwaitingReplies
        } else {
            Phase::Command
        };
    }

    /// Passes octets of a message.
    pub(super) fn octets<O: Observer>(&mut self, content: &[u8], observer: &mut O) -> Progress {
        let progress = self.guarded(content, observer);
        if O::WANTS_NEWLINES && matches!(progress, Progress::Pass(_)) {
            self.find_newline(content, observer);
        }
        progress
    }

    /// Passes octets of a message up to the first guarded verb, where it matters.
    pub(super) fn guarded<O: Observer>(&mut self, content: &[u8], observer: &mut O) -> Progress {
        if let Some(at) = self.smuggled(content, Region::Content) {
            self.cut_off(content.len() - at, observer);
            return self.close(at, Fault::SmuggledCommand, observer);
        }
        Progress::Pass(content.len())
    }

    /// The first bare newline of a message, once.
    pub(super) fn find_newline<O: Observer>(
        &mut self,
        content: &[u8],
        observer: &mut O,
    ) -> Option<BareNewline> {
        let found = self.newlines.find(content)?;
        observer.event(Event::BareNewline(found));
        Some(found)
    }

    fn end_chunk<O: Observer>(&mut self, octets: u64, last: bool, observer: &mut O) -> Progress {
        observer.event(Event::Chunk { octets, last });
        self.phase = Phase::Command;
        if last {
            self.newlines = Newlines::new();
            self.screening.message_ended();
        }
        Progress::Pass(0)
    }
}

/// The phase after a command. If not all servers accept its line end, nothing passes until a reply shows that this one does.
fn phase_after(request: Request, ending: Ending) -> Phase {
    match (request, ending) {
        (Request::Data | Request::Auth | Request::Hello | Request::Quit, _) => {
            Phase::AwaitingReplies
        }
        (_, Ending::Crlf) => Phase::Command,
        (_, Ending::Lf | Ending::CrCrlf) => Phase::AwaitingReplies,
    }
}

/// The part of a command line that observers may see: without the initial response of AUTH.
fn without_secrets(request: Request, line: &[u8]) -> &[u8] {
    if request != Request::Auth {
        return line;
    }
    let after_word = |at: usize| {
        let word = line[at..].iter().position(|b| !is_blank(b));
        let start = word.map_or(line.len(), |n| at + n);
        let blank = line[start..].iter().position(is_blank);
        blank.map_or(line.len(), |n| start + n)
    };
    &line[..after_word(after_word(0))]
}

fn discard(discard: usize) -> Progress {
    Progress::Stop {
        pass: 0,
        discard,
        then: Then::Read,
    }
}

/// The length of `rest`, but at most `left`.
fn at_most(left: u64, rest: &[u8]) -> usize {
    usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()))
}
