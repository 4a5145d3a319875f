//! Collects the messages of a session from its events.

use std::collections::VecDeque;

use super::event::{Event, Observer};
use super::message::{Answer, Message, Outcome, Recipient, Transfer};
use super::outstanding::Request;
use super::path::{Body, Path};

/// Recipients that are kept of one message. More are only counted.
const RECIPIENTS: usize = 1000;
/// The code of the reply to a command out of sequence, such as MAIL inside a transaction (RFC 5321, section 4.1.4).
const BAD_SEQUENCE: u16 = 503;

/// An observer that collects messages. If the gateway itself sent MAIL and the first RCPT, pass their events in first.
#[derive(Debug, Default)]
pub struct Messages {
    /// Transactions that are not over, oldest first.
    open: VecDeque<Open>,
    done: VecDeque<Message>,
    /// MAIL commands so far.
    count: u64,
}

#[derive(Debug)]
struct Open {
    message: Message,
    stage: Stage,
    mail_answered: bool,
    /// Recipients that the backend has replied to.
    answered: u32,
    refusal: Option<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The client's next command can belong to it.
    Current,
    /// The client has sent another MAIL. If the backend refuses it as a second one, this transaction goes on.
    Replaced,
    /// The client has abandoned it.
    Left,
    /// All content has passed.
    Whole,
    CutOff,
}

impl Messages {
    /// Removes the oldest finished message.
    pub fn take(&mut self) -> Option<Message> {
        self.done.pop_front()
    }

    fn current(&mut self) -> Option<&mut Open> {
        let newest = self.open.back_mut();
        newest.filter(|open| open.stage == Stage::Current)
    }

    /// The transaction that a reply to DATA or BDAT belongs to.
    fn answered(&mut self) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.mail_answered)
    }

    fn leave(&mut self, stage: Stage) {
        if let Some(open) = self.current() {
            open.stage = stage;
        }
    }

    fn command(&mut self, request: Request, line: &[u8]) {
        match request {
            Request::Mail => {
                self.leave(Stage::Replaced);
                self.open.push_back(Open::new(self.count, line));
                self.count += 1;
            }
            Request::Reset | Request::Hello | Request::Quit => self.leave(Stage::Left),
            Request::Rcpt => {
                if let Some(open) = self.current() {
                    open.offer(line);
                }
            }
            Request::Chunk | Request::LastChunk => {
                if let Some(open) = self.current() {
                    open.message.transfer = match open.message.transfer {
                        Transfer::Chunks(n) => Transfer::Chunks(n.saturating_add(1)),
                        Transfer::None | Transfer::Data => Transfer::Chunks(1),
                    };
                }
            }
            _ => {}
        }
    }

    fn reply(&mut self, request: Request, answer: Answer) {
        match request {
            Request::Mail => {
                if let Some(at) = self.open.iter().position(|open| !open.mail_answered) {
                    self.mail(at, answer);
                }
            }
            Request::Rcpt => {
                let mut open = self.open.iter_mut();
                if let Some(open) = open.find(|open| open.answered < open.message.offered) {
                    open.recipient(answer);
                }
            }
            Request::Data if answer.code / 100 == 3 => {
                if let Some(open) = self.answered() {
                    open.message.transfer = Transfer::Data;
                }
            }
            Request::EndOfData | Request::LastChunk if answer.code / 100 == 3 => {}
            Request::Data | Request::Chunk | Request::EndOfData | Request::LastChunk => {
                let last = matches!(request, Request::EndOfData | Request::LastChunk);
                match self.answered() {
                    Some(open) if last && open.stage == Stage::Whole => {
                        open.message.outcome = match open.refusal.take() {
                            Some(first) if answer.code >= 400 => Outcome::Refused(first),
                            _ => Outcome::Answered(answer),
                        };
                        self.finish_left(usize::MAX);
                    }
                    Some(open) => open.refuse(answer),
                    None => {}
                }
            }
            Request::Reset | Request::Hello | Request::Quit => self.finish_left(usize::MAX),
            _ => {}
        }
    }

    /// Handles the reply to MAIL of the transaction with this index.
    fn mail(&mut self, at: usize, answer: Answer) {
        let is_second = answer.code == BAD_SEQUENCE;
        let Some(open) = self.open.get_mut(at) else {
            return;
        };
        open.mail_answered = true;
        open.refuse(answer);
        let is_replaced = |open: &Open| open.stage == Stage::Replaced;
        if let Some(before) = at.checked_sub(1).filter(|at| is_replaced(&self.open[*at])) {
            self.open[before].stage = Stage::Left;
            if is_second && let Some(mut second) = self.open.remove(at) {
                self.open[before].resume(&mut second);
                self.done.push_back(second.finish());
                return;
            }
        }
        // Its own commands may still be without replies.
        self.finish_left(at);
    }

    /// Finishes the oldest transactions, `most` of them, up to the first that is current or has no reply to MAIL.
    fn finish_left(&mut self, most: usize) {
        let goes_on = |open: &Open| matches!(open.stage, Stage::Current | Stage::Replaced);
        let is_over = |open: &Open| open.mail_answered && !goes_on(open);
        let count = self.open.iter().take(most).take_while(|open| is_over(open));
        let count = count.count();
        self.done.extend(self.open.drain(..count).map(Open::finish));
    }
}

impl Observer for Messages {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Command { request, line } => self.command(request, line),
            Event::Reply {
                request: Some(request),
                code,
                text,
            } => self.reply(
                request,
                Answer {
                    code,
                    text: text.into(),
                },
            ),
            Event::Reply { request: None, .. } => {}
            Event::Content { octets } => {
                if let Some(open) = self.current() {
                    open.message.octets = octets;
                    open.stage = Stage::Whole;
                }
            }
            Event::Chunk { octets, last } => {
                if let Some(open) = self.current() {
                    open.message.octets += octets;
                    if last {
                        open.stage = Stage::Whole;
                    }
                }
            }
            Event::BareNewline(found) => {
                if let Some(open) = self.current() {
                    open.message.bare_newline = Some(found);
                }
            }
            Event::CutOff { octets } => {
                if let Some(open) = self.current() {
                    open.message.octets += octets;
                    open.stage = Stage::CutOff;
                }
            }
            Event::Refused { octets, code, text } => {
                if let Some(open) = self.current() {
                    open.message.octets += octets;
                    open.stage = Stage::CutOff;
                    open.message.outcome = Outcome::Refused(Answer {
                        code,
                        text: text.into(),
                    });
                }
            }
            // The results of the other ones will not be known.
            Event::LostTrack => {
                let refused = self.open.drain(..).filter(|open| open.refusal.is_some());
                self.done.extend(refused.map(Open::finish));
            }
            Event::Ended => self.done.extend(self.open.drain(..).map(Open::finish)),
        }
    }
}

impl Open {
    fn new(number: u64, line: &[u8]) -> Self {
        let path = Path::parse(line);
        Open {
            message: Message {
                number,
                sender: path.map_or(line, |path| path.address).into(),
                body: path.map_or(Body::SevenBit, |path| path.body()),
                smtputf8: path.is_some_and(|path| path.smtputf8()),
                recipients: Vec::new(),
                offered: 0,
                accepted: 0,
                transfer: Transfer::None,
                octets: 0,
                bare_newline: None,
                outcome: Outcome::Abandoned,
            },
            stage: Stage::Current,
            mail_answered: false,
            answered: 0,
            refusal: None,
        }
    }

    /// Goes on with what followed a second MAIL that the backend has refused.
    fn resume(&mut self, second: &mut Self) {
        self.stage = std::mem::replace(&mut second.stage, Stage::Left);
        let (own, other) = (&mut self.message, &mut second.message);
        own.offered = own
            .offered
            .saturating_add(std::mem::take(&mut other.offered));
        own.recipients.append(&mut other.recipients);
        own.recipients.truncate(RECIPIENTS);
        own.octets += std::mem::take(&mut other.octets);
        own.transfer = match (own.transfer, other.transfer) {
            (Transfer::Chunks(own), Transfer::Chunks(more)) => {
                Transfer::Chunks(own.saturating_add(more))
            }
            (own, Transfer::None) => own,
            (_, other) => other,
        };
        other.transfer = Transfer::None;
        own.bare_newline = own.bare_newline.or(other.bare_newline.take());
    }

    fn offer(&mut self, line: &[u8]) {
        self.message.offered = self.message.offered.saturating_add(1);
        if self.message.recipients.len() < RECIPIENTS {
            let path = Path::parse(line);
            self.message.recipients.push(Recipient {
                address: path.map_or(line, |path| path.address).into(),
                code: None,
            });
        }
    }

    fn recipient(&mut self, answer: Answer) {
        let index = self.answered as usize;
        if let Some(recipient) = self.message.recipients.get_mut(index) {
            recipient.code = Some(answer.code);
        }
        self.answered += 1;
        if answer.code / 100 == 2 {
            self.message.accepted += 1;
            self.refusal = None;
        } else if self.message.accepted == 0 {
            self.refuse(answer);
        }
    }

    /// Keeps the first negative reply.
    fn refuse(&mut self, answer: Answer) {
        if answer.code >= 400 {
            self.refusal.get_or_insert(answer);
        }
    }

    fn finish(mut self) -> Message {
        if self.message.outcome == Outcome::Abandoned {
            self.message.outcome = match (self.refusal, self.stage) {
                (Some(answer), _) => Outcome::Refused(answer),
                (None, Stage::Whole) => Outcome::Unanswered,
                (None, Stage::CutOff) => Outcome::CutOff,
                (None, Stage::Current | Stage::Replaced | Stage::Left) => Outcome::Abandoned,
            };
        }
        self.message
    }
}
