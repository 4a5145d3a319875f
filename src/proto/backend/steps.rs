//! The lines of one login, each sent when the reply to the one before it is as expected.

use std::vec;

use super::wire::{Class, Expected, Rejection, Replies};
use crate::base::Secret;
use crate::proto::sasl::client::Exchange;

/// What is being done during a SASL exchange, in nginx's words.
pub const SENDING_AUTH: &str = "sending AUTH to upstream";

/// One line and the reply to it.
#[derive(Debug)]
pub struct Step {
    /// The line without its end; it may carry a password.
    line: Secret<Vec<u8>>,
    action: &'static str,
    expected: Expected,
}

impl Step {
    /// A line, what is being done while the reply is awaited (in nginx's words), and the reply that leads on.
    pub fn new(line: impl Into<Vec<u8>>, action: &'static str, expected: Expected) -> Self {
        Step {
            line: Secret::new(line.into()),
            action,
            expected,
        }
    }
}

/// A login that has not begun.
#[derive(Debug)]
pub struct Steps {
    first: Step,
    rest: vec::IntoIter<Step>,
}

impl Steps {
    /// A login of these lines.
    pub fn new(first: Step, rest: impl IntoIterator<Item = Step>) -> Self {
        let rest: Vec<_> = rest.into_iter().collect();
        Steps {
            first,
            rest: rest.into_iter(),
        }
    }

    /// A SASL exchange that `command` begins. An initial response of up to `longest_initial` bytes goes along with it.
    pub fn sasl(exchange: Exchange, mut command: Vec<u8>, longest_initial: Option<usize>) -> Self {
        let mut answers = exchange.answers;
        match exchange.initial {
            Some(message)
                if longest_initial.is_some_and(|longest| message.reveal().len() <= longest) =>
            {
                command.push(b' ');
                // An empty message in a command is written as `=` (RFC 4954, section 4).
                let message = Some(message.reveal()).filter(|message| !message.is_empty());
                command.extend_from_slice(message.map_or(b"=", |message| message.as_bytes()));
            }
            Some(message) => answers.insert(0, message),
            None => {}
        }
        let count = answers.len();
        let expected = |left| match left {
            0 => Expected::LoggedIn,
            _ => Expected::Challenge,
        };
        let step = |line: &str, left| Step::new(line, SENDING_AUTH, expected(left));
        let rest = answers.iter().enumerate();
        let rest = rest.map(|(at, answer)| step(answer.reveal(), count - at - 1));
        // A challenge in place of the completion says why the backend refuses; it wants an answer before the refusal.
        let acknowledgement = exchange.acknowledgement.map(|text| step(text, 0));
        Steps::new(
            Step::new(command, SENDING_AUTH, expected(count)),
            rest.chain(acknowledgement),
        )
    }

    /// Sends the first line.
    pub fn begin(self, out: &mut Vec<u8>) -> Running {
        Running::send(self.first, self.rest, out)
    }
}

/// A login of which at least one line was sent.
#[derive(Debug)]
pub struct Running {
    action: &'static str,
    expected: Expected,
    rest: vec::IntoIter<Step>,
}

/// What follows from a reply.
#[derive(Debug)]
pub enum Moved {
    /// The next line was sent.
    Sent(Running),
    /// The login is complete.
    Complete,
    /// The backend refuses it.
    Refused(Rejection),
    /// The reply is not allowed here.
    Unexpected,
}

impl Running {
    fn send(step: Step, rest: vec::IntoIter<Step>, out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(step.line.reveal());
        out.extend_from_slice(b"\r\n");
        Running {
            action: step.action,
            expected: step.expected,
            rest,
        }
    }

    /// What is being done, in nginx's words.
    pub fn action(&self) -> &'static str {
        self.action
    }

    /// The reply that is awaited.
    pub fn expected(&self) -> Expected {
        self.expected
    }

    /// Takes the reply to the line that was sent last.
    pub fn advance(mut self, replies: &dyn Replies, reply: &[u8], out: &mut Vec<u8>) -> Moved {
        let next = match (replies.class(self.expected, reply), self.expected) {
            (Class::Refused(rejection), _) => return Moved::Refused(rejection),
            (Class::Ok, Expected::LoggedIn) => return Moved::Complete,
            (Class::Ok, _) => match self.rest.next() {
                Some(next) => next,
                None => return Moved::Complete,
            },
            (Class::Challenge(_), Expected::Challenge | Expected::LoggedIn) => {
                match self.rest.next() {
                    Some(next) => next,
                    None => return Moved::Unexpected,
                }
            }
            (Class::Challenge(_) | Class::Other, _) => return Moved::Unexpected,
        };
        Moved::Sent(Running::send(next, self.rest, out))
    }
}
