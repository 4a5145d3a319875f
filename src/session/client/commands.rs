//! The command phase: what the client says, step by step, until a backend takes over.

use std::sync::Arc;

use tokio::time::{Instant, sleep};

use super::buffer::{Client, Heard};
use super::identity::Identity;
use crate::base::level::Level;
use crate::proto::backend::backend_login::Request;
use crate::proto::{LastReply, Login, Origin, Refusal, ServerDialogue, Step, Turn};
use crate::session::auth_http::request::Outcome;
use crate::session::backend::backend_login::OpenConversation;
use crate::session::log::SessionLog;
use crate::session::{Bridge, Endpoint, Over, Shared};

/// A client that is not logged in yet.
pub(in crate::session) struct Session {
    pub endpoint: Arc<Endpoint>,
    pub shared: Arc<Shared>,
    pub client: Client,
    pub log: SessionLog,
    pub identity: Identity,
    pub front: Box<dyn ServerDialogue>,
    /// Logins tried so far.
    pub attempts: u32,
    /// The conversation with the backend that authenticates, between two attempts.
    pub conversation: Option<OpenConversation>,
    deadline: Instant,
}

impl Session {
    pub fn new(
        endpoint: Arc<Endpoint>,
        shared: Arc<Shared>,
        client: Client,
        log: SessionLog,
        identity: Identity,
        front: Box<dyn ServerDialogue>,
    ) -> Self {
        Session {
            endpoint,
            shared,
            client,
            log,
            identity,
            front,
            attempts: 0,
            conversation: None,
            deadline: Instant::now(),
        }
    }

    /// The parts that go on when mail flows.
    pub fn into_parts(self) -> (Client, SessionLog) {
        (self.client, self.log)
    }

    /// `timeout` is one budget for all commands up to the login; a failed login starts it anew.
    pub fn restart_clock(&mut self) {
        self.deadline = Instant::now() + self.endpoint.server.mail.timeout;
    }

    /// Serves commands until one of them leads to a backend.
    pub async fn converse(&mut self) -> Result<Bridge, Over> {
        loop {
            let front = &mut self.front;
            let turn = self.client.parse(|input, out| front.advance(input, out));
            if let Some(bridge) = self.follow(turn).await? {
                return Ok(bridge);
            }
        }
    }

    /// Does what the dialogue wants done.
    async fn follow(&mut self, turn: Turn) -> Result<Option<Bridge>, Over> {
        self.log(&turn);
        match turn.step {
            Step::Next if self.client.is_gathered() => self.client.flush().await?,
            Step::Next => {}
            Step::Read => self.listen().await?,
            Step::StartTls => self.start_tls().await?,
            Step::Challenge(origin) => return self.challenge(origin).await,
            Step::Authenticate(login) => return self.ask(*login).await,
            Step::Close => {
                self.client.close().await?;
                return Err(Over);
            }
        }
        Ok(None)
    }

    fn log(&mut self, turn: &Turn) {
        if let Some(login) = &turn.login {
            self.log.login(login);
        }
        if let Some(note) = &turn.note {
            self.log.line(Level::Info, format_args!("{note}"));
        }
    }

    /// Sends what was answered and waits for more.
    async fn listen(&mut self) -> Result<(), Over> {
        self.client.flush().await?;
        match self.client.hear(self.deadline).await? {
            Heard::More => Ok(()),
            Heard::End => Err(Over),
            Heard::Silence => {
                self.log.timed_out();
                self.endpoint
                    .settings
                    .last_reply(LastReply::Timeout, &mut self.client.out);
                self.client.close().await?;
                Err(Over)
            }
        }
    }

    async fn start_tls(&mut self) -> Result<(), Over> {
        self.client.flush().await?;
        self.log.started_tls();
        self.log.doing("in starttls state");
        let tls = self.endpoint.tls.clone().ok_or(Over)?;
        let patience = self.deadline.saturating_duration_since(Instant::now());
        self.client
            .secure(&tls, &self.endpoint.settings, patience, &self.log)
            .await?;
        self.log.doing("in auth state");
        self.front.secured();
        Ok(())
    }

    /// Our own challenge, or the backend's where the backend decides.
    async fn challenge(&mut self, origin: Origin) -> Result<Option<Bridge>, Over> {
        if self.endpoint.server.backend_authenticates() {
            return self.backend_login(Request::Challenge(origin)).await;
        }
        let salt = self
            .shared
            .challenge(&self.endpoint.server.mail.server_name);
        self.front.challenge(salt, &mut self.client.out);
        Ok(None)
    }

    /// A login is complete: find out what it is worth.
    async fn ask(&mut self, login: Login) -> Result<Option<Bridge>, Over> {
        self.attempts += 1;
        self.client.flush().await?;
        self.log.login(login.credentials.user());
        if self.endpoint.server.backend_authenticates() {
            return self.backend_login(Request::Login(login)).await;
        }
        match self.inquire(&login).await? {
            Outcome::Accepted(grant) => self.authorized_login(login, grant).await.map(Some),
            Outcome::Denied(denial) => {
                let text = crate::base::Escaped(&denial.text);
                self.log
                    .line(Level::Info, format_args!("client login failed: \"{text}\""));
                if !denial.wait.is_zero() {
                    self.pause(denial.wait).await?;
                }
                let refusal = Refusal::Denied(denial);
                let turn = self.front.refuse(&refusal, &mut self.client.out);
                self.refused(turn).await
            }
        }
    }

    /// The client may try again, unless the session ends with its refusal.
    pub async fn refused(&mut self, turn: Turn) -> Result<Option<Bridge>, Over> {
        self.restart_clock();
        self.log.upstream(None);
        self.log.doing("in auth state");
        self.log(&turn);
        if matches!(turn.step, Step::Close) {
            self.client.close().await?;
            return Err(Over);
        }
        Ok(None)
    }

    /// Waits, unless the client leaves.
    pub async fn pause(&mut self, wait: std::time::Duration) -> Result<(), Over> {
        tokio::select! {
            () = sleep(wait) => Ok(()),
            () = self.client.leaves() => Err(Over),
        }
    }

    /// Something on our side is broken: says so and ends the session.
    pub async fn fail(&mut self) -> Over {
        self.endpoint
            .settings
            .last_reply(LastReply::InternalError, &mut self.client.out);
        // The client may be gone by now; the session is over either way.
        let _ = self.client.close().await;
        Over
    }
}
