//! Collects the messages of a session from its events.

use std::collections::VecDeque;

use super::event::{Event, Observer};
use super::message::{Answer, Message, Outcome, Recipient, Transfer};
use super::outstanding::Request;
use super::path::{Body, Path};

/// Recipients that are kept of one message. More are only counted.
const RECIPIENTS: usize = 1000;

/// An observer that collects messages. If the gateway itself sent MAIL and the first RCPT, pass their events in first.
#[derive(Debug, Default)]
pub struct Messages {
    /// Transactions that are not over, oldest first.
    open: VecDeque<Open>,
    done: VecDeque<Message>,
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
                self.leave(Stage::Left);
                self.open.push_back(Open::new(line));
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
                self.finish_left();
                if let Some(open) = self.open.iter_mut().find(|open| !open.mail_answered) {
                    open.mail_answered = true;
                    open.refuse(answer);
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
                        self.finish_left();
                    }
                    Some(open) => open.refuse(answer),
                    None => {}
                }
            }
            Request::Reset | Request::Hello | Request::Quit => self.finish_left(),
            _ => {}
        }
    }

    /// Finishes the oldest transactions, up to the first that is current or has no reply to MAIL.
    fn finish_left(&mut self) {
        let is_over = |open: &Open| open.mail_answered && open.stage != Stage::Current;
        while self.open.front().is_some_and(is_over) {
            self.done.extend(self.open.pop_front().map(Open::finish));
        }
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
    fn new(line: &[u8]) -> Self {
        let path = Path::parse(line);
        Open {
            message: Message {
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
                (None, Stage::Current | Stage::Left) => Outcome::Abandoned,
            };
        }
        self.message
    }
}
