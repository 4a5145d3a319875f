//! The command phase: what the client says, step by step, until a backend takes over.

use std::sync::Arc;

use tokio::time::{Instant, sleep};

use super::client::{Client, Heard};
use super::identity::Identity;
use super::inquiry::Outcome;
use super::journal::Journal;
use super::judged::Court;
use super::{Bridge, Over, Place, Shared};
use crate::config::level::Level;
use crate::proto::{Front, Login, Origin, Refusal, Step, Turn};

/// A client that is not logged in yet.
pub(super) struct Session {
    pub place: Arc<Place>,
    pub shared: Arc<Shared>,
    pub client: Client,
    pub journal: Journal,
    pub identity: Identity,
    pub front: Box<dyn Front>,
    /// Logins tried so far.
    pub attempts: u32,
    /// The backend that decides about logins, once it was asked.
    pub court: Option<Court>,
    deadline: Instant,
}

impl Session {
    pub fn new(
        place: Arc<Place>,
        shared: Arc<Shared>,
        client: Client,
        journal: Journal,
        identity: Identity,
        front: Box<dyn Front>,
    ) -> Self {
        Session {
            place,
            shared,
            client,
            journal,
            identity,
            front,
            attempts: 0,
            court: None,
            deadline: Instant::now(),
        }
    }

    /// The parts that go on when mail flows.
    pub fn into_parts(self) -> (Client, Journal) {
        (self.client, self.journal)
    }

    /// `timeout` is one budget for all commands up to the login; a failed login starts it anew.
    pub fn restart_clock(&mut self) {
        self.deadline = Instant::now() + self.place.server.mail.timeout;
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
            Step::Challenge(origin) => self.challenge(origin).await?,
            Step::Ask(login) => return self.ask(*login).await,
            Step::Close => {
                self.client.close().await?;
                return Err(Over);
            }
        }
        Ok(None)
    }

    fn log(&mut self, turn: &Turn) {
        if let Some(login) = &turn.login {
            self.journal.login(login);
        }
        if let Some(note) = &turn.note {
            self.journal.line(Level::Info, format_args!("{note}"));
        }
    }

    /// Sends what was answered and waits for more.
    async fn listen(&mut self) -> Result<(), Over> {
        self.client.flush().await?;
        match self.client.hear(self.deadline).await? {
            Heard::More => Ok(()),
            Heard::End => Err(Over),
            Heard::Silence => {
                self.journal.timed_out();
                self.front.time_out(&mut self.client.out);
                self.client.close().await?;
                Err(Over)
            }
        }
    }

    async fn start_tls(&mut self) -> Result<(), Over> {
        self.client.flush().await?;
        self.journal.started_tls();
        self.journal.doing("in starttls state");
        let tls = self.place.tls.clone().ok_or(Over)?;
        let patience = self.deadline.saturating_duration_since(Instant::now());
        self.client
            .secure(&tls, self.place.server.protocol, patience, &self.journal)
            .await?;
        self.journal.doing("in auth state");
        self.front.secured();
        Ok(())
    }

    /// Our own challenge, or the backend's where the backend decides.
    async fn challenge(&mut self, origin: Origin) -> Result<(), Over> {
        if self.place.server.is_judged() {
            return self.fetch_challenge(origin).await;
        }
        let salt = self.shared.challenge(&self.place.server.mail.server_name);
        self.front.challenge(salt, &mut self.client.out);
        Ok(())
    }

    /// A login is complete: find out what it is worth.
    async fn ask(&mut self, login: Login) -> Result<Option<Bridge>, Over> {
        self.attempts += 1;
        self.client.flush().await?;
        self.journal.login(login.credentials.user());
        if self.place.server.is_judged() {
            return self.plead_login(login).await;
        }
        match self.inquire(&login).await? {
            Outcome::Accepted(grant) => self.vouch(login, grant).await.map(Some),
            Outcome::Denied(denial) => {
                let text = crate::log::Escaped(&denial.text);
                self.journal
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
        self.journal.upstream(None);
        self.journal.doing("in auth state");
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
        self.front.fail(&mut self.client.out);
        // The client may be gone by now; the session is over either way.
        let _ = self.client.close().await;
        Over
    }
}
