//! The dialogue with a backend when the auth server has decided: the backend learns who the client is, by a login or by
//! XCLIENT. As in nginx, capabilities decide little, and every reply must be the expected one.

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

/// The dialogue from the greeting to the login.
pub type AuthorizedLogin = Dialogue<Outcome>;

/// How the dialogue ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The backend lets the client in; the last reply is the one to it.
    Accepted(Accepted),
    /// The backend wants a password, and there is none.
    NoPassword,
}

/// What follows the greeting, or the introduction of the client.
#[derive(Debug)]
pub enum Task {
    /// Nothing: XCLIENT or the network stands for the client.
    Nothing,
    /// A login, and there is no password for it.
    NoPassword,
    /// A login in the one way there is.
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

/// The start of a dialogue.
pub type Opening = Dialogue<(Box<dyn Replies>, Capabilities)>;

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

/// A dialogue in which the task follows the opening.
pub fn dialogue(opening: Opening, task: Task) -> AuthorizedLogin {
    then(opening, |(replies, found), _, out| {
        let (steps, accepted) = match task {
            Task::Nothing => return Progress::Done(Outcome::Accepted(Accepted::LoggedIn)),
            Task::NoPassword => return Progress::Done(Outcome::NoPassword),
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
        Progress::Read(then(sent, move |(_, ended), _, _| match ended {
            Ended::Complete(_) => Progress::Done(Outcome::Accepted(accepted)),
            Ended::Refused(_) => Progress::UNEXPECTED,
        }))
    })
}
