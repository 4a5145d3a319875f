//! Dialogues with simulated backends: their replies, the bytes sent to them, and the outcome.

use std::ops::ControlFlow;

use super::authorized_login::Task;
use super::backend_login::{self, Idle, Request};
use super::{Accepted, authorized_login, capability_probe, start_tls};
use crate::base::Secret;
use crate::proto::client::{Dialogue, Progress, then};
use crate::proto::login::{Bearer, Bytes, Credentials, Login, Origin};

mod imap;
mod pop3;
mod scram;
mod sieve;
mod smtp;
mod states;

/// A dialogue after some replies.
struct Played<O> {
    /// All that was sent, with `|` for line ends.
    sent: String,
    /// The action when the last reply came.
    action: &'static str,
    end: End<O>,
}

enum End<O> {
    /// More replies are awaited.
    Open,
    Done(O),
    /// The part of the reply that the log shows.
    Unexpected(String),
}

/// Plays the backend. Each reply must be recognized as complete, and as incomplete without its last byte.
fn play<O>(dialogue: Dialogue<O>, replies: &[&str]) -> Played<O> {
    go_on(dialogue, Vec::new(), replies)
}

/// The same for a dialogue that has sent something.
fn go_on<O>(mut dialogue: Dialogue<O>, mut out: Vec<u8>, replies: &[&str]) -> Played<O> {
    let mut sent = String::new();
    let mut action = dialogue.action();
    let mut tell = |out: &mut Vec<u8>| {
        sent.push_str(&String::from_utf8_lossy(out).replace("\r\n", "|"));
        out.clear();
    };
    tell(&mut out);
    let mut end = End::Open;
    for reply in replies {
        let bytes = reply.as_bytes();
        assert_eq!(dialogue.whole(bytes), Some(bytes.len()), "{reply:?}");
        assert_eq!(dialogue.whole(&bytes[..bytes.len() - 1]), None, "{reply:?}");
        action = dialogue.action();
        match dialogue.advance(bytes, &mut out) {
            Progress::Read(next) => dialogue = next,
            Progress::Done(outcome) => {
                end = End::Done(outcome);
                break;
            }
            Progress::Unexpected { shown_from } => {
                end = End::Unexpected(reply[shown_from..].to_owned());
                break;
            }
        }
        tell(&mut out);
    }
    assert!(out.is_empty(), "nothing is sent at the end");
    Played { sent, action, end }
}

impl<O: Shown> Played<O> {
    /// The bytes sent, and the outcome.
    fn text(&self) -> String {
        let end = match &self.end {
            End::Open => "Open".to_owned(),
            End::Done(outcome) => outcome.shown(),
            End::Unexpected(_) => "Unexpected".to_owned(),
        };
        format!("{} {end}", self.sent)
    }

    /// The same with the action at the end.
    fn text_while(&self) -> String {
        format!("{} while {}", self.text(), self.action)
    }
}

/// An outcome as the tests write it.
trait Shown {
    fn shown(&self) -> String;
}

impl Shown for start_tls::Outcome {
    fn shown(&self) -> String {
        match self {
            Self::Agreed(greeting) => format!("Agreed {:?}", String::from_utf8_lossy(greeting)),
            other => format!("{other:?}"),
        }
    }
}

impl Shown for capability_probe::Answer {
    fn shown(&self) -> String {
        let list: Vec<_> = self
            .list
            .words
            .iter()
            .map(|word| String::from_utf8_lossy(word))
            .collect();
        format!(
            "{} {}",
            list.join(","),
            String::from_utf8_lossy(self.quit).trim_ascii()
        )
    }
}

impl Shown for Accepted {
    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

impl Shown for authorized_login::Outcome {
    fn shown(&self) -> String {
        match self {
            Self::Accepted(accepted, _) => accepted.shown(),
            Self::NoPassword => "NoPassword".to_owned(),
        }
    }
}

impl Shown for backend_login::Outcome {
    fn shown(&self) -> String {
        match self {
            Self::Challenge(text, _) | Self::Message(_, text, _) => {
                String::from_utf8_lossy(text).into_owned()
            }
            Self::Accepted(accepted, _) => accepted.shown(),
            Self::Refused(rejection, idle) => {
                assert_eq!(rejection.closing, idle.is_none());
                let end = if rejection.closing { " closing" } else { "" };
                format!("Refused({}){end}", rejection.code)
            }
            Self::NotOffered(_) => "NotOffered".to_owned(),
        }
    }
}

impl Played<backend_login::Outcome> {
    /// The rest of the conversation.
    fn idle(self) -> Idle {
        use backend_login::Outcome::{Challenge, Message, NotOffered, Refused};
        match self.end {
            End::Done(
                Challenge(_, idle)
                | Message(_, _, idle)
                | Refused(_, Some(idle))
                | NotOffered(idle),
            ) => idle,
            _ => panic!("the conversation is over: {}", self.sent),
        }
    }
}

/// The opening and the task as one dialogue.
fn authorized_dialogue(
    opening: authorized_login::Opening,
    task: Task,
) -> Dialogue<authorized_login::Outcome> {
    then(opening, |opened, _, out| match task.begin(opened, out) {
        ControlFlow::Continue(dialogue) => Progress::Read(dialogue),
        ControlFlow::Break(outcome) => Progress::Done(outcome),
    })
}

/// The opening and the first request as one dialogue.
fn backend_dialogue(
    opening: backend_login::Opening,
    request: Request,
) -> Dialogue<backend_login::Outcome> {
    then(opening, |opened, _, out| {
        let idle = Idle::new(opened, request.origin().helo().cloned());
        match idle.request(request, out) {
            Ok(dialogue) => Progress::Read(dialogue),
            Err(idle) => Progress::Done(backend_login::Outcome::NotOffered(idle)),
        }
    })
}

/// Another request in a conversation that has been kept.
fn again(idle: Idle, request: Request, replies: &[&str]) -> Played<backend_login::Outcome> {
    let mut out = Vec::new();
    match idle.request(request, &mut out) {
        Ok(dialogue) => go_on(dialogue, out, replies),
        Err(idle) => Played {
            sent: String::new(),
            action: "",
            end: End::Done(backend_login::Outcome::NotOffered(idle)),
        },
    }
}

fn bytes(text: &str) -> Bytes {
    text.as_bytes().into()
}

fn secret(text: &str) -> Secret<Bytes> {
    Secret::new(bytes(text))
}

/// `u` with the password `p`.
fn plain() -> Credentials {
    Credentials::Plain {
        user: bytes("u"),
        pass: secret("p"),
    }
}

fn bearer(mechanism: Bearer, token: &str) -> Credentials {
    Credentials::Bearer {
        user: bytes("u"),
        token: secret(token),
        mechanism,
    }
}

fn external(user: &str) -> Credentials {
    Credentials::External { user: bytes(user) }
}

/// The answer to a challenge.
fn cram_md5() -> Credentials {
    Credentials::CramMd5 {
        user: bytes("u"),
        salt: bytes("<1.2@mx>"),
        digest: secret("0123"),
    }
}

fn login(credentials: Credentials, origin: Origin) -> Request {
    Request::Login(Login {
        credentials,
        origin,
    })
}
