//! The dialogue with a backend after the auth server has accepted a client: a login or XCLIENT identifies the client. As in
//! nginx, capabilities matter little, and every reply must be the expected one.

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
            Task::Nothing => {
                return Progress::Done(Outcome::Accepted(Accepted::LoggedIn, found));
            }
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
            Ended::Complete(_) => Progress::Done(Outcome::Accepted(accepted, found)),
            Ended::Refused(_) => Progress::UNEXPECTED,
        }))
    })
}
