//! The dialogue with a backend after the auth server has accepted a client: a login or XCLIENT identifies the client. As in
//! nginx, capabilities matter little, and every reply must be the expected one.
//!
//! It has two parts: the [`Opening`], which another backend can repeat, and the [`Task`], which has the client's password or
//! mail.

use std::ops::ControlFlow;

use super::Accepted;
use super::reply::{Expected, Replies};
use super::steps::{self, Ended, Step, Steps};
use super::wire::Capabilities;
use crate::config::Method;
use crate::proto::client::{Action, Dialogue, Progress, then};
use crate::proto::login::Envelope;

/// The action while the reply to MAIL is awaited.
pub const SENDING_MAIL: Action = "sending MAIL FROM to upstream";
/// The action while the reply to RCPT is awaited.
const SENDING_RCPT: Action = "sending RCPT TO to upstream";

/// The dialogue after the opening.
pub type AuthorizedLogin = Dialogue<Outcome>;

/// How the dialogue ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The backend accepts the client with the last reply. It has these capabilities, if it was asked.
    Accepted(Accepted, Capabilities),
    /// The backend needs a password, and there is none.
    NoPassword,
}

/// The task after the greeting, or after EHLO and XCLIENT.
#[derive(Debug)]
pub enum Task {
    /// Nothing: the backend trusts XCLIENT or the network.
    Nothing,
    /// A login for which there is no password.
    NoPassword,
    /// A login for which there is only one method.
    Login(Steps),
    /// A login by SASL PLAIN, or by LOGIN where the backend announces that without PLAIN.
    Plain {
        /// By PLAIN.
        plain: Steps,
        /// By LOGIN.
        login: Steps,
    },
    /// MAIL and RCPT as the client typed them.
    Mail(Envelope),
}

/// The start of a dialogue: greeting, EHLO, and what identifies the client. It has neither password nor mail.
pub type Opening = Dialogue<Opened>;

/// The result of the opening: the backend's capabilities, and how the replies that follow are read.
pub type Opened = (Box<dyn Replies>, Capabilities);

/// A start that is the greeting alone.
pub fn greeting(replies: Box<dyn Replies>) -> Opening {
    then(
        steps::greeting(replies),
        |(replies, ended), _, _| match ended {
            Ended::Complete(_) => Progress::Done((replies, Capabilities::default())),
            Ended::Refused(_) => Progress::UNEXPECTED,
        },
    )
}

impl Task {
    /// Sends the first line of the task. Where nothing is to be sent, the dialogue is over.
    pub fn begin(
        self,
        (replies, found): Opened,
        out: &mut Vec<u8>,
    ) -> ControlFlow<Outcome, AuthorizedLogin> {
        let (steps, accepted) = match self {
            Task::Nothing => {
                return ControlFlow::Break(Outcome::Accepted(Accepted::LoggedIn, found));
            }
            Task::NoPassword => return ControlFlow::Break(Outcome::NoPassword),
            Task::Login(steps) => (steps, Accepted::LoggedIn),
            Task::Plain { plain, login } => {
                let has = |method| found.mechanisms.has(method);
                let only_login = has(Method::Login) && !has(Method::Plain);
                (if only_login { login } else { plain }, Accepted::LoggedIn)
            }
            Task::Mail(Envelope { mail, rcpt }) => {
                let mail = Step::new(mail, SENDING_MAIL, Expected::Completion);
                let rcpt = rcpt.map(|rcpt| Step::new(rcpt, SENDING_RCPT, Expected::Anything));
                (Steps::new(mail, rcpt), Accepted::Answered)
            }
        };
        let sent = steps.begin(replies, out);
        ControlFlow::Continue(then(sent, move |(_, ended), _, _| match ended {
            Ended::Complete(_) => Progress::Done(Outcome::Accepted(accepted, found)),
            Ended::Refused(_) => Progress::UNEXPECTED,
        }))
    }
}
