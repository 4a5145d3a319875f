//! The phase of commands: the dialogue answers the client until a command needs the auth server or the backend.

use std::pin::Pin;
use std::sync::Arc;

use tokio::time::{Instant, Sleep};

use super::Session;
use super::auth_http::auth_server::AuthServer;
use super::backend::backend_login::OpenConversation;
use super::client::connection::Received;
use super::client::handshake::TlsError;
use super::client::identity::Identity;
use super::connections::Connection;
use super::end::{Cause, SessionEnd};
use super::endpoint::Authenticator;
use super::limits;
use super::phase::Phase;
use crate::base::Level;
use crate::config::Stage;
use crate::config::settings::{AuthHttp, Proxy};
use crate::proto::backend::backend_login::Request;
use crate::proto::{Fields, Login, Origin, Response, ServerDialogue, Step, Turn};

/// A client that was greeted and has not logged in.
#[derive(Debug)]
pub(in crate::session) struct Commands<'s> {
    pub session: Session<'s>,
    pub identity: Identity,
    pub dialogue: Box<dyn ServerDialogue>,
    /// The number of complete logins so far.
    pub attempts: u32,
    /// The connection to the auth server or the backend, as nginx counts them.
    pub second: Option<Connection>,
    /// The conversation with the backend that authenticates, between two attempts.
    pub conversation: Option<Box<KeptConversation>>,
    /// The end of `timeout`: one timer for all waits.
    deadline: Pin<Box<Sleep>>,
}

/// An open conversation with the backend.
#[derive(Debug)]
pub(in crate::session) struct KeptConversation {
    pub open: OpenConversation,
    /// The login whose exchange goes on, for `limit_auth`.
    pub login: Option<Box<Login>>,
}

impl From<OpenConversation> for Box<KeptConversation> {
    fn from(open: OpenConversation) -> Self {
        Box::new(KeptConversation { open, login: None })
    }
}

/// The decision that a command requires.
#[derive(Debug)]
pub(in crate::session) enum Needed<'s> {
    /// The auth server's decision about a login.
    AuthHttp(&'s Arc<AuthServer>, &'s AuthHttp, Login),
    /// A challenge of the backend that authenticates, or its decision about a login.
    Backend(Request),
}

impl Needed<'_> {
    /// The login to decide about.
    pub fn login(&self) -> Option<&Login> {
        match self {
            Self::AuthHttp(_, _, login) | Self::Backend(Request::Login(login)) => Some(login),
            Self::Backend(_) => None,
        }
    }
}

/// What the dialogue needs before it goes on. Large parts are boxed: a waiting client needs none of them.
enum Wait {
    /// More input of the client.
    Input,
    /// The client's acceptance of many replies.
    Flush,
    /// TLS.
    StartTls,
    /// A challenge of the backend for a login of this origin.
    Challenge(Box<Origin>),
    /// A decision about a login.
    Decision(Box<Login>),
    /// The backend's answer to a response.
    Response(Box<Response>),
}

impl<'s> Commands<'s> {
    /// A client that was greeted, and whose time ends at `deadline`.
    pub fn new(
        session: Session<'s>,
        mut identity: Identity,
        dialogue: Box<dyn ServerDialogue>,
        deadline: Pin<Box<Sleep>>,
    ) -> Self {
        identity.identify(&session.endpoint.server);
        Self {
            deadline,
            session,
            identity,
            dialogue,
            attempts: 0,
            second: None,
            conversation: None,
        }
    }

    /// Answers commands up to one that needs the auth server or the backend.
    pub async fn serve(&mut self) -> Result<Needed<'s>, SessionEnd> {
        loop {
            let wait = self.advance()?;
            match wait {
                Wait::Input => self.read().await?,
                Wait::Flush => self.flush().await?,
                // Boxed: a handshake is short.
                Wait::StartTls => Box::pin(self.start_tls()).await?,
                Wait::Challenge(origin) => {
                    self.flush().await?;
                    return Ok(Needed::Backend(Request::Challenge(*origin)));
                }
                Wait::Response(response) => {
                    self.flush().await?;
                    return Ok(Needed::Backend(Request::Response(*response)));
                }
                Wait::Decision(login) => {
                    self.flush().await?;
                    return Ok(self.decision(*login));
                }
            }
        }
    }

    /// Answers commands as far as that needs no waiting.
    fn advance(&mut self) -> Result<Wait, SessionEnd> {
        let authenticator = &self.session.endpoint.authenticator;
        loop {
            let dialogue = &mut self.dialogue;
            let client = &mut *self.session.client;
            let turn = client.parse(|input, out| dialogue.advance(input, out));
            match self.follow(turn)? {
                Step::Next => {}
                Step::Identified(fields) => self.identified(&fields),
                Step::Read => return Ok(Wait::Input),
                Step::StartTls => return Ok(Wait::StartTls),
                Step::Challenge(origin) => match authenticator {
                    Authenticator::AuthHttp { .. } => self.challenge(),
                    Authenticator::Backend(_) => return Ok(Wait::Challenge(Box::new(origin))),
                },
                Step::Authenticate(login) => return Ok(Wait::Decision(login)),
                Step::Respond(response) => return Ok(Wait::Response(response)),
                Step::Quit => return Err(Phase::Commands.end(Cause::Quit)),
                Step::Close => return Err(Phase::Commands.end(Cause::Dialogue(None))),
            }
            if self.session.client.has_gathered() {
                return Ok(Wait::Flush);
            }
        }
    }

    /// The decision that a login needs. Begins an attempt.
    fn decision(&mut self, login: Login) -> Needed<'s> {
        self.attempts += 1;
        self.session.log.attempt(&login);
        match &self.session.endpoint.authenticator {
            Authenticator::AuthHttp {
                server, settings, ..
            } => Needed::AuthHttp(server, settings, login),
            Authenticator::Backend(_) => Needed::Backend(Request::Login(login)),
        }
    }

    /// Goes on after a refused login, unless the session ends with it. `timeout` begins anew.
    pub fn refused(&mut self, turn: Turn) -> Result<(), SessionEnd> {
        let limit = self.session.endpoint.server.mail.timeout;
        self.deadline.as_mut().reset(Instant::now() + limit);
        if self.conversation.is_none() {
            self.session.log.no_upstream();
            self.second = None;
        }
        match turn {
            Turn {
                step: Step::Close,
                note: None,
                ..
            } => Err(Phase::Commands.end(Cause::Denied)),
            turn => self.follow(turn).map(|_| ()),
        }
    }

    /// Counts the connection that the decision needs.
    pub fn take_second(&mut self) -> Result<(), SessionEnd> {
        if self.second.is_none() {
            self.second = self.session.shared.connections.take();
        }
        match self.second {
            Some(_) => Ok(()),
            None => {
                let per_worker = self.session.shared.connections.per_worker();
                Err(Phase::AuthHttp.end(Cause::NoConnection { per_worker }))
            }
        }
    }

    /// The directives about backends.
    pub fn proxy(&self) -> &Proxy {
        &self.session.endpoint.server.proxy
    }

    /// Writes a turn's line into the log.
    fn follow(&mut self, turn: Turn) -> Result<Step, SessionEnd> {
        let log = &mut *self.session.log;
        log.turn(&turn);
        if let Some(login) = &turn.login {
            log.login(login);
        }
        if matches!(turn.step, Step::Close) {
            let cause = match (turn.note, turn.objection) {
                (None, Some(objection)) => Cause::Objection(objection),
                (note, _) => Cause::Dialogue(note),
            };
            return Err(Phase::Commands.end(cause));
        }
        if let Some(note) = turn.note {
            log.line(Phase::Commands, Level::Info, format_args!("{note}"));
        }
        Ok(turn.step)
    }

    async fn flush(&mut self) -> Result<(), SessionEnd> {
        let sent = self.session.client.flush().await;
        sent.map_err(|error| Phase::Commands.end(Cause::Client(error)))
    }

    /// Sends the replies and waits for more input.
    async fn read(&mut self) -> Result<(), SessionEnd> {
        self.flush().await?;
        let cause = match self.session.client.receive(self.deadline.as_mut()).await {
            Ok(Received::More) => return Ok(()),
            Ok(Received::End) => Cause::Closed,
            Ok(Received::Timeout) => Cause::Timeout,
            Err(error) => Cause::Client(error),
        };
        Err(Phase::Commands.end(cause))
    }

    async fn start_tls(&mut self) -> Result<(), SessionEnd> {
        self.flush().await?;
        self.session.log.started_tls();
        let left = self.deadline.deadline() - Instant::now();
        let secured = match self.session.endpoint.tls.tls() {
            Some(tls) => self.session.client.secure(tls, left).await,
            None => Err(TlsError::NotConfigured),
        };
        self.session.log.secured(self.session.client);
        secured.map_err(|error| Phase::StartTls.end(Cause::Tls(error)))?;
        if self.session.endpoint.limits.is_some() {
            limits::enter(&mut self.session, Stage::Tls).await?;
        }
        // The backend knows the client as one without TLS: the next attempt begins a new conversation.
        self.conversation = None;
        self.session.log.no_upstream();
        self.dialogue.secured();
        Ok(())
    }

    /// Takes the fields of the client's ID command.
    fn identified(&mut self, fields: &Fields) {
        if !fields.is_empty() {
            let line = format_args!("client sent ID {fields}");
            self.session.log.line(Phase::Commands, Level::Info, line);
        }
        self.identity.identified(fields);
    }

    /// Answers with a challenge of the gateway's own.
    fn challenge(&mut self) {
        let Session {
            endpoint,
            shared,
            client,
            ..
        } = &mut self.session;
        let salt = shared.challenge(&endpoint.server.name);
        self.dialogue.challenge(salt, &mut client.out);
    }
}
