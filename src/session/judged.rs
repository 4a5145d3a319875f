//! A server without an auth server: the backend itself decides, and the client may try again.

use tokio::time::timeout;

use super::commands::Session;
use super::connect::{Target, upstream_timed_out};
use super::dialogue::{Broken, Line, READING, log_broken, log_unexpected};
use super::identity::Identity;
use super::journal::Journal;
use super::{Bridge, Over};
use crate::config::level::Level;
use crate::proto::smtp::Judge;
use crate::proto::smtp::judge::{Plea, Progress};
use crate::proto::smtp::opening::Introduction;
use crate::proto::{Credentials, Helo, Login, Refusal};

/// The conversation with the backend, kept between a client's attempts.
pub(super) struct Hearing {
    line: Line,
    judge: Judge,
    /// How the client had introduced itself when the conversation began.
    helo: Helo,
}

/// What the backend said to one plea.
enum Verdict {
    Challenge(Box<[u8]>),
    LoggedIn,
    Answered(Vec<u8>),
    Refused {
        code: u16,
        reply: Vec<u8>,
    },
    NotOffered,
    /// The conversation is over, and the log knows why.
    Lost,
}

impl Session {
    /// Gets the client a challenge of the backend.
    pub async fn fetch_challenge(&mut self) -> Result<(), Over> {
        self.client.flush().await?;
        let helo = self.front.helo().clone();
        match self.plead(helo, Plea::Challenge).await? {
            Verdict::Challenge(salt) => {
                self.journal.doing("in auth state");
                self.front.challenge(salt, &mut self.client.out);
                Ok(())
            }
            verdict => self.turn_down(verdict).await,
        }
    }

    /// Passes a login, or mail without one, on.
    pub async fn plead_login(&mut self, login: Login) -> Result<Option<Bridge>, Over> {
        let plea = match login.envelope {
            Some(envelope) => Plea::Mail(envelope),
            None => Plea::Login(login.credentials),
        };
        match self.plead(login.helo, plea).await? {
            Verdict::LoggedIn => {
                self.front.accept(&mut self.client.out);
                self.journal.event(format_args!("client logged in"));
            }
            Verdict::Answered(reply) => self.answered(&reply),
            verdict => return self.turn_down(verdict).await.map(|()| None),
        }
        self.client.flush().await?;
        Ok(self
            .hearing
            .take()
            .map(|hearing| hearing.line.into_bridge()))
    }

    /// Tells the client no.
    async fn turn_down(&mut self, verdict: Verdict) -> Result<(), Over> {
        let refusal = match verdict {
            Verdict::Refused { code, reply } => {
                self.journal.line(
                    Level::Info,
                    format_args!(
                        "client login failed: \"{}\"",
                        crate::log::Escaped(crate::proto::smtp::reply::shown(&reply))
                    ),
                );
                let shown = self.place.server.proxy.proxy_pass_error_message;
                Refusal::Judged {
                    code,
                    reply: shown.then(|| reply.into()),
                }
            }
            Verdict::NotOffered => Refusal::Mechanism,
            _ => Refusal::Unavailable,
        };
        let turn = self.front.refuse(&refusal, &mut self.client.out);
        self.refused(turn).await.map(|_| ())
    }

    /// Brings a plea before the backend, over the conversation at hand or a new one.
    async fn plead(&mut self, helo: Helo, plea: Plea) -> Result<Verdict, Over> {
        let place = self.place.clone();
        let server = &place.server;
        let Some(upstream) = &server.proxy.proxy_pass else {
            return Err(self.fail().await);
        };
        let kept = self
            .hearing
            .take()
            .filter(|kept| kept.helo == helo && !kept.line.is_stale());
        if kept.is_none() && matches!(plea, Plea::Login(Credentials::CramMd5 { .. })) {
            // The challenge went with the conversation that it belonged to.
            return Ok(Verdict::Lost);
        }
        let Identity { xclient, host, .. } = &self.identity;
        let introduction = Introduction::of(server, xclient, host, helo.clone()).by_offers();
        let (journal, shared) = (&mut self.journal, &self.shared);
        let conversation = async {
            let mut hearing = match kept {
                Some(kept) => kept,
                None => {
                    let target = Target {
                        addresses: &upstream.addresses,
                        name: None,
                    };
                    let line = target.connect(server, shared, journal).await?;
                    Hearing {
                        line,
                        judge: Judge::new(introduction),
                        helo,
                    }
                }
            };
            let verdict = hear(&mut hearing, plea, journal).await;
            Some((verdict, hearing))
        };
        let heard = tokio::select! {
            heard = timeout(server.mail.timeout, conversation) => heard,
            () = self.client.leaves() => return Err(Over),
        };
        let (verdict, hearing) = match heard {
            Ok(Some(heard)) => heard,
            Ok(None) => return Ok(Verdict::Lost),
            Err(_) => {
                upstream_timed_out(&self.journal);
                return Ok(Verdict::Lost);
            }
        };
        let over = matches!(verdict, Verdict::Lost | Verdict::Refused { code: 421, .. });
        self.hearing = (!over).then_some(hearing);
        Ok(verdict)
    }
}

async fn hear(hearing: &mut Hearing, plea: Plea, journal: &mut Journal) -> Verdict {
    let mut out = Vec::new();
    let mut progress = hearing.judge.plead(plea, &mut out);
    let mut reply = Vec::new();
    loop {
        match progress {
            Progress::Read => {}
            Progress::Challenge(salt) => return Verdict::Challenge(salt),
            Progress::LoggedIn => return Verdict::LoggedIn,
            Progress::Answered => return Verdict::Answered(reply),
            Progress::Refused(code) => return Verdict::Refused { code, reply },
            Progress::NotOffered => return Verdict::NotOffered,
            Progress::Unexpected => {
                log_unexpected(journal, Level::Error, &reply);
                return Verdict::Lost;
            }
        }
        // Before the greeting nothing was sent: as nginx sees it, the connection is still being made.
        if !out.is_empty() {
            journal.doing(hearing.judge.action());
        }
        let heard = hearing.line.exchange(&mut out).await;
        journal.doing(READING);
        reply = match heard {
            Ok(reply) => reply,
            Err(broken) => {
                if matches!(broken, Broken::Closed) {
                    journal.line(
                        Level::Error,
                        format_args!("upstream prematurely closed connection"),
                    );
                }
                log_broken(journal, &broken);
                return Verdict::Lost;
            }
        };
        progress = hearing.judge.advance(&reply, &mut out);
    }
}
