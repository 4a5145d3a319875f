//! Writes a line of `mail_log` for each message that passes through the tunnel.

use std::collections::VecDeque;
use std::time::Instant;

use crate::log::mail_log::MessageRecord;
use crate::proto::smtp::follower::{
    Answer, Event, Message, Messages, Observer, Outcome, Request, Transfer,
};
use crate::proto::smtp::reply;
use crate::session::log::SessionLog;
use crate::session::recorder::{Answered, Opening, Recorder};

/// The observer of a session in the tunnel. It has the session's record until the tunnel ends.
#[derive(Debug)]
pub(super) struct MessageRecorder {
    record: Option<Box<Recorder>>,
    messages: Messages,
    /// When MAIL came, for the transactions that are not over.
    begun: VecDeque<(u64, Instant)>,
    /// MAIL commands so far.
    count: u64,
}

impl MessageRecorder {
    /// An observer for a session with this record. Commands that the gateway has sent itself are the first ones.
    pub fn new(mut record: Box<Recorder>) -> Self {
        let opening = record.take_opening();
        let mut recorder = Self {
            record: Some(record),
            messages: Messages::default(),
            begun: VecDeque::new(),
            count: 0,
        };
        if let Some(opening) = opening {
            recorder.open(&opening);
        }
        recorder
    }

    /// Publishes the bytes that the tunnel has carried so far.
    pub fn carrying(&self, (up, down): (u64, u64)) {
        if let Some(record) = &self.record {
            record.carrying(up, down);
        }
    }

    /// The session's record, whose messages are over.
    pub fn take_record(&mut self) -> Option<Box<Recorder>> {
        self.record.take()
    }

    /// Passes in the events of commands that the gateway has sent, or the client has, and their replies.
    fn open(&mut self, opening: &Opening) {
        let Some(answered) = &opening.answered else {
            return;
        };
        let commands = [
            (Request::Mail, Some(&opening.envelope.mail)),
            (Request::Rcpt, opening.envelope.rcpt.as_ref()),
        ];
        for (request, line) in commands {
            if let Some(line) = line {
                self.event(Event::Command { request, line });
            }
        }
        match answered {
            Answered::Mail(last) => self.reply(Request::Mail, last),
            Answered::Rcpt(last) => {
                self.reply(Request::Mail, b"250\r\n");
                self.reply(Request::Rcpt, last);
            }
        }
        if let Some((_, begun)) = self.begun.back_mut() {
            *begun = opening.begun;
        }
    }

    fn reply(&mut self, request: Request, reply: &[u8]) {
        let text: Vec<_> = reply::texts(reply).collect();
        self.event(Event::Reply {
            request: Some(request),
            code: reply::code(reply).unwrap_or_default(),
            text: &text.join(&b'\n'),
        });
    }
}

impl Observer for MessageRecorder {
    // The line of a message does not show them.
    const WANTS_NEWLINES: bool = false;

    fn event(&mut self, event: Event<'_>) {
        if let Event::Command {
            request: Request::Mail,
            ..
        } = event
        {
            self.begun.push_back((self.count, Instant::now()));
            self.count += 1;
        }
        let is_lost = matches!(event, Event::LostTrack);
        self.messages.event(event);
        while let Some(message) = self.messages.take() {
            let at = self
                .begun
                .iter()
                .position(|(number, _)| *number == message.number);
            let begun = at.and_then(|at| self.begun.remove(at));
            if let Some(record) = &self.record {
                let duration = begun.map(|(_, begun)| begun.elapsed()).unwrap_or_default();
                let mut message = of(message);
                message.duration = duration;
                record.message(&message);
            }
        }
        if is_lost {
            self.begun.clear();
        }
    }
}

/// Writes the line of the mail of a client without a login, whose MAIL the backend has refused before the tunnel.
pub(in crate::session) fn record_refused(log: &mut SessionLog, reply: &[u8]) {
    let Some(mut record) = log.record.take_if(|record| record.has_messages()) else {
        return;
    };
    record.mail_refused(reply);
    let mut recorder = MessageRecorder::new(record);
    recorder.event(Event::Ended);
    log.record = recorder.take_record();
}

/// The record of a message.
fn of(message: Message) -> MessageRecord {
    let answer = match &message.outcome {
        Outcome::Answered(answer) | Outcome::Refused(answer) => Some(answer),
        Outcome::Abandoned | Outcome::CutOff | Outcome::Unanswered => None,
    };
    MessageRecord {
        accepted: message.accepted,
        size: message.octets,
        code: answer.map(|answer| answer.code),
        reply: answer.map(|answer| answer.text.clone()),
        queue_id: answer
            .filter(|answer| answer.code / 100 == 2)
            .and_then(Answer::queue_id)
            .map(Into::into),
        duration: std::time::Duration::ZERO,
        chunks: match message.transfer {
            Transfer::Chunks(chunks) => Some(chunks),
            Transfer::None | Transfer::Data => None,
        },
        sender: message.sender,
        recipients: message
            .recipients
            .into_iter()
            .map(|recipient| recipient.address)
            .collect(),
    }
}
