//! The dialogue with a backend when the auth server has decided: the backend learns who the client is, by a login or by
//! XCLIENT. As in nginx, capabilities decide little, and every reply must be the expected one.

use super::Accepted;
use super::steps::{Moved, Running, Step, Steps};
use super::wire::{Capabilities, Class, Expected, Replies};
use crate::base::Secret;
use crate::proto::client::{ClientDialogue, Dialogue, Progress, READING};
use crate::proto::login::{Bytes, Envelope};

/// What is being done, in nginx's words.
pub const SENDING_MAIL: &str = "sending MAIL FROM to upstream";
const SENDING_RCPT: &str = "sending RCPT TO to upstream";

/// What follows the greeting, or the introduction of the client.
#[derive(Debug)]
pub enum Errand {
    /// Nothing: XCLIENT or the network stands for the client.
    Nothing,
    /// A login with the client's user name and password, or those that the auth server put in their place.
    Login {
        /// The user name.
        user: Bytes,
        /// The password, where the client or the auth server told one.
        pass: Option<Secret<Bytes>>,
    },
    /// MAIL and RCPT as the client typed them.
    Mail(Envelope),
}

/// How the dialogue ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The backend lets the client in; the last reply is the one to it.
    Accepted(Accepted),
    /// The backend wants a password, and there is none.
    NoPassword,
}

/// A protocol as nginx speaks it to backends.
pub trait PasswordLogin: Replies {
    /// The login with a user name and a password.
    fn steps(&self, capabilities: &Capabilities, user: &[u8], pass: &Secret<Bytes>) -> Steps;

    /// Where the part of an unexpected reply begins that the log shows.
    fn shown_from(&self, _expected: Expected, _reply: &[u8]) -> usize {
        0
    }
}

/// The dialogue from the greeting to the login.
#[derive(Debug)]
pub struct AuthorizedLogin {
    wire: Box<dyn PasswordLogin>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The greeting is awaited.
    Greeting(Errand),
    /// The backend is told about the client (SMTP).
    Introduction(Dialogue<Capabilities>, Errand),
    /// The errand is under way.
    Running(Running, Accepted),
}

impl AuthorizedLogin {
    /// A dialogue in which the errand follows the greeting.
    pub fn new(wire: Box<dyn PasswordLogin>, errand: Errand) -> Self {
        AuthorizedLogin {
            wire,
            state: State::Greeting(errand),
        }
    }

    /// A dialogue in which the errand follows an introduction.
    pub fn introduced(
        wire: Box<dyn PasswordLogin>,
        introduction: Dialogue<Capabilities>,
        errand: Errand,
    ) -> Self {
        AuthorizedLogin {
            wire,
            state: State::Introduction(introduction, errand),
        }
    }
}

impl Errand {
    /// Sends its first line, if it has one.
    fn begin(
        self,
        wire: &dyn PasswordLogin,
        capabilities: &Capabilities,
        out: &mut Vec<u8>,
    ) -> Result<State, Outcome> {
        let (steps, accepted) = match self {
            Errand::Nothing => return Err(Outcome::Accepted(Accepted::LoggedIn)),
            Errand::Login { pass: None, .. } => return Err(Outcome::NoPassword),
            Errand::Login {
                user,
                pass: Some(pass),
            } => (wire.steps(capabilities, &user, &pass), Accepted::LoggedIn),
            Errand::Mail(Envelope { mail, rcpt }) => {
                let mail = Step::new(mail, SENDING_MAIL, Expected::Completion);
                let rcpt = rcpt.map(|rcpt| Step::new(rcpt, SENDING_RCPT, Expected::Anything));
                (Steps::new(mail, rcpt), Accepted::Answered)
            }
        };
        Ok(State::Running(steps.begin(out), accepted))
    }
}

impl ClientDialogue for AuthorizedLogin {
    type Outcome = Outcome;

    fn action(&self) -> &'static str {
        match &self.state {
            State::Greeting(_) => READING,
            State::Introduction(introduction, _) => introduction.action(),
            State::Running(running, _) => running.action(),
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        match &self.state {
            State::Greeting(_) => self.wire.whole(Expected::Greeting, bytes),
            State::Introduction(introduction, _) => introduction.whole(bytes),
            State::Running(running, _) => self.wire.whole(running.expected(), bytes),
        }
    }

    fn advance(self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<Outcome> {
        let AuthorizedLogin { wire, state } = *self;
        let next = match state {
            State::Greeting(errand) => match wire.class(Expected::Greeting, reply) {
                Class::Ok => errand.begin(&*wire, &Capabilities::default(), out),
                _ => return Progress::UNEXPECTED,
            },
            State::Introduction(introduction, errand) => match introduction.advance(reply, out) {
                Progress::Read(introduction) => Ok(State::Introduction(introduction, errand)),
                Progress::Done(capabilities) => errand.begin(&*wire, &capabilities, out),
                Progress::Unexpected { shown_from } => return Progress::Unexpected { shown_from },
            },
            State::Running(running, accepted) => {
                let expected = running.expected();
                match running.advance(&*wire, reply, out) {
                    Moved::Sent(running) => Ok(State::Running(running, accepted)),
                    Moved::Complete => Err(Outcome::Accepted(accepted)),
                    Moved::Refused(_) | Moved::Unexpected => {
                        let shown_from = wire.shown_from(expected, reply);
                        return Progress::Unexpected { shown_from };
                    }
                }
            }
        };
        match next {
            Ok(state) => Progress::Read(Box::new(AuthorizedLogin { wire, state })),
            Err(outcome) => Progress::Done(outcome),
        }
    }
}
