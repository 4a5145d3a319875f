//! The dialogue with a backend that authenticates by itself (`proxy_pass` without `auth_http`).
//!
//! Only announced capabilities are used. The connection stays open after a refusal or a challenge: the rest of the dialogue
//! is then an [`Idle`], which takes the client's next request, so that the backend sees all attempts as one session.

use super::Accepted;
use super::authorized_login::SENDING_MAIL;
use super::discovery::Discovery;
use super::relay::{self, Answered};
use super::reply::{Expected, Rejection, Replies};
use super::steps::{Context, Ended, SENDING_AUTH, Step, Steps};
use super::wire::{Capabilities, Offer, Wire};
use crate::config::Method;
use crate::proto::client::{Dialogue, Progress, then};
use crate::proto::login::{Bytes, Credentials, Helo, Login, Origin, Response};
use crate::proto::sasl;
use crate::proto::sasl::client::{self, Exchange};
use crate::proto::sasl::scram::{self, Scram};

/// A client's request to the backend.
#[derive(Debug)]
pub enum Request {
    /// A challenge for CRAM-MD5.
    Challenge(Origin),
    /// A login, or mail without one.
    Login(Login),
    /// A response to the backend's message.
    Response(Response),
}

impl Request {
    /// The client's dialogue, as far as it matters to the backend.
    pub fn origin(&self) -> &Origin {
        match self {
            Request::Challenge(origin) => origin,
            Request::Login(login) => &login.origin,
            Request::Response(response) => &response.origin,
        }
    }

    /// The SASL mechanisms that would do, for the log.
    pub fn mechanisms(&self) -> &'static str {
        match self {
            Request::Challenge(_) => "CRAM-MD5",
            Request::Response(_) => "SCRAM",
            Request::Login(login) => match &login.credentials {
                Credentials::Plain { .. } => "PLAIN LOGIN",
                Credentials::CramMd5 { .. } => "CRAM-MD5",
                Credentials::Apop { .. } => "APOP",
                Credentials::External { .. } => "EXTERNAL",
                Credentials::Bearer { mechanism, .. } => mechanism.name(),
                Credentials::Scram { mechanism, .. } => mechanism.name(),
                Credentials::None => "",
            },
        }
    }

    /// Whether it only makes sense to the backend that sent the challenge.
    pub fn answers_challenge(&self) -> bool {
        match self {
            Request::Challenge(_) => false,
            Request::Login(login) => matches!(login.credentials, Credentials::CramMd5 { .. }),
            Request::Response(_) => true,
        }
    }
}

/// The dialogue of one request.
pub type BackendLogin = Dialogue<Outcome>;

/// How one request ends. An [`Idle`] comes with it where the conversation can go on.
#[derive(Debug)]
pub enum Outcome {
    /// The challenge for the client, with its angle brackets.
    Challenge(Bytes, Idle),
    /// The backend's message for the client, in base64.
    Message(Scram, Bytes, Idle),
    /// The client is accepted, by a backend with these capabilities.
    Accepted(Accepted, Capabilities),
    /// The backend refuses; `None` when it closes the connection.
    Refused(Rejection, Option<Idle>),
    /// The backend does not announce this way to log in.
    NotOffered(Idle),
}

/// The start of a conversation: greeting, capabilities, and what identifies the client. It has neither password nor mail.
pub type Opening = Dialogue<Opened>;

/// The result of the opening: the backend's capabilities, and the wire for what follows.
pub type Opened = (Box<dyn Wire>, Capabilities);

/// A start that only asks for the capabilities.
pub fn discovery(wire: Box<dyn Wire>) -> Opening {
    let asking = wire.verbs().login_capabilities_action;
    Discovery::new(wire, asking, |_| true)
}

/// Begins the pending request.
fn go_on(idle: Idle, request: Request, out: &mut Vec<u8>) -> Progress<Outcome> {
    match idle.request(request, out) {
        Ok(dialogue) => Progress::Read(dialogue),
        Err(idle) => Progress::Done(Outcome::NotOffered(idle)),
    }
}

/// An open conversation without a request under way.
#[derive(Debug)]
pub struct Idle {
    wire: Box<dyn Wire>,
    /// How the client had introduced itself when the conversation began (SMTP).
    helo: Option<Helo>,
    capabilities: Capabilities,
    awaited: Awaited,
}

/// The input that the backend waits for.
#[derive(Clone, Copy, Debug)]
enum Awaited {
    Command,
    /// The answer to its challenge.
    Answer,
    /// The response to a message of an exchange that is relayed.
    Response(Scram, Round),
}

/// The message of the backend that the client responds to.
#[derive(Clone, Copy, Debug)]
enum Round {
    /// The one after the client's first message.
    First,
    /// The one with the backend's signature.
    Last,
}

impl Context for Idle {
    fn replies(&self) -> &dyn Replies {
        &*self.wire
    }
}

impl Idle {
    /// A conversation after the opening, for a client that introduced itself in this way (SMTP).
    pub fn new((wire, capabilities): Opened, helo: Option<Helo>) -> Self {
        Self {
            wire,
            helo,
            capabilities,
            awaited: Awaited::Command,
        }
    }

    /// Whether a request of this origin can use this conversation; otherwise it needs a new one.
    pub fn suits(&self, origin: &Origin) -> bool {
        origin.helo() == self.helo.as_ref()
    }

    /// What the backend offers for logins.
    pub fn offer(&self) -> Offer {
        self.capabilities.offer(self.wire.verbs())
    }

    /// Sends the first line of a request.
    ///
    /// # Errors
    /// The backend does not announce this way to log in. Nothing was sent, and the conversation can go on.
    pub fn request(mut self, request: Request, out: &mut Vec<u8>) -> Result<BackendLogin, Self> {
        let awaited = std::mem::replace(&mut self.awaited, Awaited::Command);
        match (awaited, request) {
            (Awaited::Command, request) => self.begin(request, out),
            (
                Awaited::Answer,
                Request::Login(Login {
                    credentials: Credentials::CramMd5 { user, digest, .. },
                    ..
                }),
            ) => {
                let answer = client::cram_md5(&user, &digest);
                let answer = self.wire.framing().line(answer.as_bytes());
                let step = Step::new(answer, SENDING_AUTH, Expected::LoggedIn);
                Ok(self.log_in(Steps::new(step, []), Accepted::LoggedIn, out))
            }
            (Awaited::Response(mechanism, round), Request::Response(response)) => {
                Ok(self.respond(mechanism, round, response.line.reveal(), out))
            }
            (Awaited::Answer | Awaited::Response(..), request) => {
                // The challenge is cancelled; the request follows the reply to that.
                let cancel = self.wire.framing().line(scram::CANCEL);
                let step = Step::new(cancel, SENDING_AUTH, Expected::Refusal);
                let cancelled = Steps::new(step, []).begin(self, out);
                Ok(then(cancelled, |(idle, ended), _, out| match ended {
                    Ended::Refused(rejection) if !rejection.closing => go_on(idle, request, out),
                    Ended::Refused(_) | Ended::Complete(_) => Progress::UNEXPECTED,
                }))
            }
        }
    }

    fn begin(mut self, request: Request, out: &mut Vec<u8>) -> Result<BackendLogin, Self> {
        if let Some(tag) = request.origin().tag() {
            self.wire.set_tag(tag);
        }
        match request {
            Request::Challenge(_) if self.capabilities.mechanisms.has(Method::CramMd5) => {
                let command = self.wire.auth_command("CRAM-MD5");
                let step = Step::new(command, SENDING_AUTH, Expected::Challenge);
                Ok(then(Steps::new(step, []).begin(self, out), challenged))
            }
            Request::Challenge(_) | Request::Response(_) => Err(self),
            Request::Login(Login {
                credentials:
                    Credentials::Scram {
                        message, mechanism, ..
                    },
                ..
            }) => self.first_message(mechanism, &message, out),
            Request::Login(login) => match login.origin.envelope() {
                Some(envelope) => {
                    let mail = Step::new(&*envelope.mail, SENDING_MAIL, Expected::Decision);
                    Ok(self.log_in(Steps::new(mail, []), Accepted::Answered, out))
                }
                None => match self.steps(&login.credentials) {
                    Some(steps) => Ok(self.log_in(steps, Accepted::LoggedIn, out)),
                    None => Err(self),
                },
            },
        }
    }

    /// Sends the first message of SCRAM.
    fn first_message(
        self,
        mechanism: Scram,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<BackendLogin, Self> {
        if !self.capabilities.mechanisms.has(mechanism.method()) {
            return Err(self);
        }
        let command = self.wire.auth_command(mechanism.name());
        let longest = self.capabilities.initial_response;
        let steps = Steps::first_message(message, command, longest, self.wire.framing());
        Ok(then(
            steps.begin(self, out),
            move |(idle, ended), _, _| match ended {
                Ended::Complete(text) => match relay::message(&text) {
                    Some(text) => idle.relayed(mechanism, Round::First, text),
                    None => Progress::UNEXPECTED,
                },
                Ended::Refused(rejection) => refused(rejection, idle),
            },
        ))
    }

    /// Passes the client's response on.
    fn respond(
        self,
        mechanism: Scram,
        round: Round,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> BackendLogin {
        let is_cancelled = line == scram::CANCEL;
        let message = self.wire.framing().line(line);
        let sent = relay::dialogue(&message, self, out);
        then(sent, move |(idle, answered), _, _| {
            match (answered, round) {
                (Answered::Refused(rejection), _) => refused(rejection, idle),
                _ if is_cancelled => Progress::UNEXPECTED,
                (Answered::Message(text), Round::First) => {
                    idle.relayed(mechanism, Round::Last, text)
                }
                (Answered::Message(_), Round::Last) => Progress::UNEXPECTED,
                (Answered::Complete, round) => {
                    let accepted = match round {
                        Round::First => Accepted::WithReply,
                        Round::Last => Accepted::LoggedIn,
                    };
                    Progress::Done(Outcome::Accepted(accepted, idle.capabilities))
                }
            }
        })
    }

    /// Returns the backend's message, and waits for the response to it.
    fn relayed(mut self, mechanism: Scram, round: Round, text: Bytes) -> Progress<Outcome> {
        self.awaited = Awaited::Response(mechanism, round);
        Progress::Done(Outcome::Message(mechanism, text, self))
    }

    fn log_in(self, steps: Steps, accepted: Accepted, out: &mut Vec<u8>) -> BackendLogin {
        then(
            steps.begin(self, out),
            move |(idle, ended), _, _| match ended {
                Ended::Complete(_) => {
                    Progress::Done(Outcome::Accepted(accepted, idle.capabilities))
                }
                Ended::Refused(rejection) => refused(rejection, idle),
            },
        )
    }

    /// The best way to log in with these credentials that the backend announces. SASL goes first: to it, a space is a
    /// character like any other.
    fn steps(&self, credentials: &Credentials) -> Option<Steps> {
        let Capabilities {
            mechanisms,
            initial_response,
            ..
        } = &self.capabilities;
        let (mechanisms, initial_response) = (*mechanisms, *initial_response);
        let sasl = |exchange: Exchange| {
            let command = self.wire.auth_command(exchange.mechanism);
            Steps::sasl(exchange, command, initial_response, self.wire.framing())
        };
        let in_one_message = Exchange::in_one_message(credentials, mechanisms).map(sasl);
        in_one_message
            .or_else(|| (self.wire).login_without_sasl(credentials, &self.capabilities))
            .or_else(|| match credentials {
                Credentials::Plain { user, pass } if mechanisms.has(Method::Login) => {
                    Some(sasl(Exchange::login(user, pass)))
                }
                _ => None,
            })
    }
}

/// Takes the challenge.
fn challenged((mut idle, ended): (Idle, Ended), _: &[u8], _: &mut Vec<u8>) -> Progress<Outcome> {
    match ended {
        Ended::Complete(text) => match sasl::challenge(&text) {
            Some(challenge) => {
                idle.awaited = Awaited::Answer;
                Progress::Done(Outcome::Challenge(challenge, idle))
            }
            None => Progress::UNEXPECTED,
        },
        Ended::Refused(rejection) => refused(rejection, idle),
    }
}

fn refused(rejection: Rejection, idle: Idle) -> Progress<Outcome> {
    let idle = (!rejection.closing).then_some(idle);
    Progress::Done(Outcome::Refused(rejection, idle))
}
