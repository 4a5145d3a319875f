//! The lines of one login, each sent when the reply to the one before it is as expected.

use std::fmt::Debug;
use std::vec;

use super::framing::Framing;
use super::reply::{Class, Expected, Rejection, Replies};
use crate::base::Secret;
use crate::proto::client::{Action, ClientDialogue, Dialogue, Progress, READING};
use crate::proto::login::Bytes;
use crate::proto::sasl::client::Exchange;

/// The action during a SASL exchange.
pub const SENDING_AUTH: Action = "sending AUTH to upstream";

/// One line and the reply to it.
#[derive(Debug)]
pub struct Step {
    /// The line without its end; it may carry a password.
    line: Secret<Vec<u8>>,
    action: Action,
    expected: Expected,
}

impl Step {
    /// A line, the action while the reply is awaited, and the reply that leads on.
    pub fn new(line: impl Into<Vec<u8>>, action: Action, expected: Expected) -> Self {
        Step {
            line: Secret::new(line.into()),
            action,
            expected,
        }
    }
}

/// Lines before the first one is sent.
#[derive(Debug)]
pub struct Steps {
    first: Step,
    rest: vec::IntoIter<Step>,
}

impl Steps {
    /// These lines, in order.
    pub fn new(first: Step, rest: impl IntoIterator<Item = Step>) -> Self {
        let rest = rest.into_iter().collect::<Vec<_>>().into_iter();
        Steps { first, rest }
    }

    /// A SASL exchange that `command` begins. The command carries an initial response of up to `longest_initial` bytes.
    pub fn sasl(
        exchange: Exchange,
        mut command: Vec<u8>,
        longest_initial: Option<usize>,
        framing: Framing,
    ) -> Self {
        let mut answers = exchange.answers;
        match exchange.initial {
            Some(message)
                if longest_initial.is_some_and(|longest| message.reveal().len() <= longest) =>
            {
                command.push(b' ');
                command.extend_from_slice(&framing.initial(message.reveal().as_bytes()));
            }
            Some(message) => answers.insert(0, message),
            None => {}
        }
        let count = answers.len();
        let expected = |left| match left {
            0 => Expected::LoggedIn,
            _ => Expected::Challenge,
        };
        let line = |text: &str| framing.line(text.as_bytes());
        let step = |text: &str, left| Step::new(line(text), SENDING_AUTH, expected(left));
        let rest = answers.iter().enumerate();
        let rest = rest.map(|(at, answer)| step(answer.reveal(), count - at - 1));
        // A challenge in place of the completion carries the reason of a refusal. The refusal follows the answer to it.
        let acknowledge = |text: &str| Step::new(line(text), SENDING_AUTH, Expected::Refusal);
        let acknowledgement = exchange.acknowledgement.map(acknowledge);
        Steps::new(
            Step::new(command, SENDING_AUTH, expected(count)),
            rest.chain(acknowledgement),
        )
    }

    /// The first message of an exchange that the gateway relays. The command carries a message of up to `longest_initial` bytes.
    /// The last reply is the backend's first message.
    pub fn first_message(
        message: &[u8],
        mut command: Vec<u8>,
        longest_initial: Option<usize>,
        framing: Framing,
    ) -> Self {
        let step = |line: Vec<u8>| Step::new(line, SENDING_AUTH, Expected::Challenge);
        if longest_initial.is_some_and(|longest| message.len() <= longest) {
            command.push(b' ');
            command.extend_from_slice(&framing.initial(message));
            return Steps::new(step(command), []);
        }
        Steps::new(step(command), [step(framing.line(message))])
    }

    /// Sends the first line. `context` is returned with the outcome.
    pub fn begin<C: Context>(self, context: C, out: &mut Vec<u8>) -> Dialogue<(C, Ended)> {
        let running = Running {
            context,
            action: READING,
            expected: Expected::Greeting,
            rest: self.rest,
        };
        let mut running = Box::new(running);
        running.send(&self.first, out);
        running
    }
}

/// Waits for the greeting. `context` is returned with the outcome.
pub fn greeting<C: Context>(context: C) -> Dialogue<(C, Ended)> {
    Box::new(Running {
        context,
        action: READING,
        expected: Expected::Greeting,
        rest: Vec::new().into_iter(),
    })
}

/// The state that a dialogue keeps while lines are sent. It interprets the replies.
pub trait Context: Debug + Send + Sync + 'static {
    /// The protocol's replies.
    fn replies(&self) -> &dyn Replies;
}

impl Context for Box<dyn Replies> {
    fn replies(&self) -> &dyn Replies {
        &**self
    }
}

/// How the lines end.
#[derive(Debug)]
pub enum Ended {
    /// The reply to the last line is as expected. If a challenge was, this is its text in base64.
    Complete(Bytes),
    /// The backend refuses.
    Refused(Rejection),
}

/// Lines after the first one was sent.
#[derive(Debug)]
struct Running<C> {
    context: C,
    action: Action,
    expected: Expected,
    rest: vec::IntoIter<Step>,
}

impl<C> Running<C> {
    fn send(&mut self, step: &Step, out: &mut Vec<u8>) {
        let line = step.line.reveal();
        out.reserve(line.len() + 2);
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        self.action = step.action;
        self.expected = step.expected;
    }
}

impl<C: Context> ClientDialogue for Running<C> {
    type Outcome = (C, Ended);

    fn action(&self) -> Action {
        self.action
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        self.context.replies().whole(self.expected, bytes)
    }

    fn advance(mut self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<(C, Ended)> {
        let replies = self.context.replies();
        let (text, is_last) = match (replies.class(self.expected, reply), self.expected) {
            (Class::Refused(rejection), _) => {
                return Progress::Done((self.context, Ended::Refused(rejection)));
            }
            (Class::Ok, Expected::LoggedIn) => (Bytes::default(), true),
            (Class::Ok, _) => (Bytes::default(), false),
            (Class::Challenge(text), Expected::Challenge) => (text.into(), false),
            // A challenge in place of the completion is answered by the acknowledgement.
            (Class::Challenge(_), Expected::LoggedIn) if self.rest.len() > 0 => {
                (Bytes::default(), false)
            }
            (Class::Challenge(_) | Class::Other, expected) => {
                let shown_from = replies.shown_from(expected, reply);
                return Progress::Unexpected { shown_from };
            }
        };
        match self.rest.next().filter(|_| !is_last) {
            Some(step) => {
                self.send(&step, out);
                Progress::Read(self)
            }
            None => Progress::Done((self.context, Ended::Complete(text))),
        }
    }
}
