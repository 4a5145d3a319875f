//! The dialogue with a backend that authenticates by itself (`proxy_pass` without `auth_http`).
//!
//! Only what the backend announces is used. The connection outlives a refusal and a challenge: what is left of the dialogue
//! then is an [`Idle`], which takes the client's next request, so that the backend sees all attempts as one session.

use super::Accepted;
use super::authorized_login::SENDING_MAIL;
use super::discovery::{Discovered, Discovery};
use super::steps::{Moved, Running, SENDING_AUTH, Step, Steps};
use super::wire::{Capabilities, Class, Expected, Rejection, Wire};
use crate::config::Method;
use crate::proto::client::{ClientDialogue, Dialogue, Progress, READING};
use crate::proto::login::{Bytes, Credentials, Helo, Login, Origin};
use crate::proto::sasl;
use crate::proto::sasl::client::{self, Exchange};

/// What the client wants of the backend.
#[derive(Debug)]
pub enum Request {
    /// A challenge for CRAM-MD5.
    Challenge(Origin),
    /// A login, or mail without one.
    Login(Login),
}

impl Request {
    /// The client's dialogue, as far as it matters to the backend.
    pub fn origin(&self) -> &Origin {
        match self {
            Request::Challenge(origin) => origin,
            Request::Login(login) => &login.origin,
        }
    }

    /// Whether it only makes sense to the backend that sent the challenge.
    pub fn answers_challenge(&self) -> bool {
        matches!(self, Request::Login(login) if matches!(login.credentials, Credentials::CramMd5 { .. }))
    }
}

/// How one request ends. An [`Idle`] comes with it where the conversation can go on.
#[derive(Debug)]
pub enum Outcome {
    /// The challenge for the client, with its angle brackets.
    Challenge(Bytes, Idle),
    /// The client is let in.
    Accepted(Accepted),
    /// The backend refuses; `None` when it closes the connection.
    Refused(Rejection, Option<Idle>),
    /// The backend does not announce this way to log in.
    NotOffered(Idle),
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

/// What the backend waits for.
#[derive(Clone, Copy, Debug)]
enum Awaited {
    Command,
    /// The answer to its challenge.
    Answer,
}

impl Idle {
    /// Whether a request of this origin belongs into this conversation; else it needs a new one.
    pub fn suits(&self, origin: &Origin) -> bool {
        origin.helo() == self.helo.as_ref()
    }

    /// Sends the first line of a request.
    ///
    /// # Errors
    /// The backend does not announce this way to log in. Nothing was sent, and the conversation can go on.
    pub fn request(
        mut self,
        request: Request,
        out: &mut Vec<u8>,
    ) -> Result<Dialogue<Outcome>, Self> {
        let state = match (self.awaited, request) {
            (Awaited::Command, request) => match self.begin(request, out) {
                Some(state) => state,
                None => return Err(self),
            },
            (
                Awaited::Answer,
                Request::Login(Login {
                    credentials: Credentials::CramMd5 { user, digest, .. },
                    ..
                }),
            ) => {
                let answer = client::cram_md5(&user, &digest);
                let step = Step::new(answer, SENDING_AUTH, Expected::LoggedIn);
                State::Login(Steps::new(step, []).begin(out), Accepted::LoggedIn)
            }
            (Awaited::Answer, request) => {
                out.extend_from_slice(b"*\r\n");
                State::Cancelled(request)
            }
        };
        self.awaited = Awaited::Command;
        Ok(Box::new(Attempt { idle: self, state }))
    }

    /// Sends the first command of a request, if the backend announces a way.
    fn begin(&mut self, request: Request, out: &mut Vec<u8>) -> Option<State> {
        if let Some(tag) = request.origin().tag() {
            self.wire.set_tag(tag);
        }
        let (steps, accepted) = match request {
            Request::Challenge(_) => {
                if !self.capabilities.mechanisms.has(Method::CramMd5) {
                    return None;
                }
                out.extend(self.wire.auth_command("CRAM-MD5"));
                out.extend_from_slice(b"\r\n");
                return Some(State::Challenge);
            }
            Request::Login(login) => match login.origin.envelope() {
                Some(envelope) => {
                    let mail = Step::new(&*envelope.mail, SENDING_MAIL, Expected::Reply);
                    (Steps::new(mail, []), Accepted::Answered)
                }
                None => (self.steps(&login.credentials)?, Accepted::LoggedIn),
            },
        };
        Some(State::Login(steps.begin(out), accepted))
    }

    /// The best way to log in with these credentials that the backend announces. SASL goes first: to it, a space is a
    /// character like any other.
    fn steps(&self, credentials: &Credentials) -> Option<Steps> {
        let Capabilities {
            mechanisms,
            initial_response,
            ..
        } = self.capabilities;
        let sasl = |exchange: Exchange| {
            let command = self.wire.auth_command(exchange.mechanism);
            Steps::sasl(exchange, command, initial_response)
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

/// The dialogue on a new connection, up to the first request.
#[derive(Debug)]
pub struct BackendLogin {
    wire: Box<dyn Wire>,
    opening: Opening,
    request: Request,
}

/// How a conversation begins.
#[derive(Debug)]
pub enum Opening {
    /// With the backend's capabilities.
    Discovery(Discovery),
    /// With the introduction of the client, which tells the capabilities too (SMTP).
    Introduction(Dialogue<Capabilities>),
}

impl BackendLogin {
    /// A dialogue that waits for the greeting.
    pub fn new(wire: Box<dyn Wire>, opening: Opening, request: Request) -> Self {
        BackendLogin {
            wire,
            opening,
            request,
        }
    }
}

impl ClientDialogue for BackendLogin {
    type Outcome = Outcome;

    fn action(&self) -> &'static str {
        match &self.opening {
            Opening::Discovery(Discovery::Greeting) => READING,
            Opening::Discovery(Discovery::Asked) => self.wire.verbs().login_capabilities_action,
            Opening::Introduction(introduction) => introduction.action(),
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        match &self.opening {
            Opening::Discovery(discovery) => self.wire.whole(discovery.expected(), bytes),
            Opening::Introduction(introduction) => introduction.whole(bytes),
        }
    }

    fn advance(mut self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<Outcome> {
        let capabilities = match self.opening {
            Opening::Discovery(discovery) => {
                match discovery.advance(&*self.wire, |_| true, reply, out) {
                    Discovered::Read(discovery) => {
                        self.opening = Opening::Discovery(discovery);
                        return Progress::Read(self);
                    }
                    Discovered::Found(capabilities) => capabilities,
                    Discovered::Unwelcome | Discovered::Unexpected => return Progress::UNEXPECTED,
                }
            }
            Opening::Introduction(introduction) => match introduction.advance(reply, out) {
                Progress::Read(introduction) => {
                    self.opening = Opening::Introduction(introduction);
                    return Progress::Read(self);
                }
                Progress::Done(capabilities) => capabilities,
                Progress::Unexpected { shown_from } => return Progress::Unexpected { shown_from },
            },
        };
        let idle = Idle {
            wire: self.wire,
            helo: self.request.origin().helo().cloned(),
            capabilities,
            awaited: Awaited::Command,
        };
        go_on(idle, self.request, out)
    }
}

/// The dialogue of one request.
#[derive(Debug)]
struct Attempt {
    idle: Idle,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A login, or MAIL.
    Login(Running, Accepted),
    /// The command that asks for a challenge was sent.
    Challenge,
    /// A challenge was cancelled; the next request follows the reply to that.
    Cancelled(Request),
}

impl ClientDialogue for Attempt {
    type Outcome = Outcome;

    fn action(&self) -> &'static str {
        match &self.state {
            State::Login(running, _) => running.action(),
            State::Challenge | State::Cancelled(_) => SENDING_AUTH,
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        let expected = match &self.state {
            State::Login(running, _) => running.expected(),
            State::Challenge => Expected::Challenge,
            State::Cancelled(_) => Expected::Reply,
        };
        self.idle.wire.whole(expected, bytes)
    }

    fn advance(self: Box<Self>, reply: &[u8], out: &mut Vec<u8>) -> Progress<Outcome> {
        let Attempt { mut idle, state } = *self;
        match state {
            State::Login(running, accepted) => match running.advance(&*idle.wire, reply, out) {
                Moved::Sent(running) => {
                    let state = State::Login(running, accepted);
                    Progress::Read(Box::new(Attempt { idle, state }))
                }
                Moved::Complete => Progress::Done(Outcome::Accepted(accepted)),
                Moved::Refused(rejection) => refused(rejection, idle),
                Moved::Unexpected => Progress::UNEXPECTED,
            },
            State::Challenge => match idle.wire.class(Expected::Challenge, reply) {
                Class::Challenge(text) => match sasl::challenge(text) {
                    Some(challenge) => {
                        idle.awaited = Awaited::Answer;
                        Progress::Done(Outcome::Challenge(challenge, idle))
                    }
                    None => Progress::UNEXPECTED,
                },
                Class::Refused(rejection) => refused(rejection, idle),
                Class::Ok | Class::Other => Progress::UNEXPECTED,
            },
            State::Cancelled(request) => match idle.wire.class(Expected::Reply, reply) {
                Class::Ok => go_on(idle, request, out),
                _ => Progress::UNEXPECTED,
            },
        }
    }
}

/// Begins a request that has waited.
fn go_on(idle: Idle, request: Request, out: &mut Vec<u8>) -> Progress<Outcome> {
    match idle.request(request, out) {
        Ok(attempt) => Progress::Read(attempt),
        Err(idle) => Progress::Done(Outcome::NotOffered(idle)),
    }
}

fn refused(rejection: Rejection, idle: Idle) -> Progress<Outcome> {
    let idle = (!rejection.closing).then_some(idle);
    Progress::Done(Outcome::Refused(rejection, idle))
}
