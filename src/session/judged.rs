//! A server without an auth server: the backend itself decides, and the client may try again.

use tokio::time::timeout;

use super::commands::Session;
use super::connect::{Target, Unmet, upstream_timed_out};
use super::dialogue::{Broken, Line, READING, log_broken, log_unexpected};
use super::journal::Journal;
use super::rising::Whom;
use super::{Bridge, Over};
use crate::config::client_tls::host;
use crate::config::level::Level;
use crate::proto::judge::{Hearing, Plea};
use crate::proto::{self, Credentials, Judge, Login, Origin, Refusal, Rejection, shown};

/// The conversation with the backend, kept between a client's attempts.
pub(super) struct Court {
    line: Line,
    judge: Box<dyn Judge>,
}

/// What the backend said to one plea.
enum Verdict {
    Challenge(Box<[u8]>),
    LoggedIn(Vec<u8>),
    Answered(Vec<u8>),
    Refused(Rejection, Vec<u8>),
    NotOffered,
    /// The conversation is over, and the log knows why.
    Lost,
}

impl Session {
    /// Gets the client a challenge of the backend.
    pub async fn fetch_challenge(&mut self, origin: Origin) -> Result<(), Over> {
        self.client.flush().await?;
        match self.plead(Plea::Challenge(origin)).await? {
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
        // A backend takes our word for who the client is: it must have been proved to us.
        if matches!(login.credentials, Credentials::External { .. }) && !self.client.is_verified() {
            return self.turn_down(Verdict::NotOffered).await.map(|()| None);
        }
        match self.plead(Plea::Login(login)).await? {
            Verdict::LoggedIn(reply) => {
                self.front.accept(&reply, &mut self.client.out);
                self.journal.event(format_args!("client logged in"));
            }
            Verdict::Answered(reply) => self.answered(&reply),
            verdict => return self.turn_down(verdict).await.map(|()| None),
        }
        self.client.flush().await?;
        Ok(self.court.take().map(|court| court.line.into_bridge()))
    }

    /// Tells the client no.
    async fn turn_down(&mut self, verdict: Verdict) -> Result<(), Over> {
        let refusal = match verdict {
            Verdict::Refused(rejection, reply) => {
                self.journal.line(
                    Level::Info,
                    format_args!(
                        "client login failed: \"{}\"",
                        crate::log::Escaped(shown(&reply))
                    ),
                );
                let shown = self.place.server.proxy.proxy_pass_error_message;
                Refusal::Judged {
                    rejection,
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
    async fn plead(&mut self, plea: Plea) -> Result<Verdict, Over> {
        let place = self.place.clone();
        let server = &place.server;
        let Some(upstream) = &server.proxy.proxy_pass else {
            return Err(self.fail().await);
        };
        let mut kept = self
            .court
            .take()
            .filter(|kept| kept.judge.suits(plea.origin()));
        kept = kept.take_if(|kept| !kept.line.is_stale());
        if kept.is_none() && answers_a_challenge(&plea) {
            // The challenge went with the conversation that it belonged to.
            return Ok(Verdict::Lost);
        }
        let header = self.proxy_header();
        let helo = plea.origin().helo().cloned();
        let judge = proto::settings::judge(server, self.identity.seen(), plea.origin());
        let (journal, shared) = (&mut self.journal, &self.shared);
        let conversation = async {
            let mut court = match kept {
                Some(kept) => kept,
                None => {
                    let target = Target {
                        addresses: &upstream.addresses,
                        name: None,
                        header: header.as_deref(),
                        whom: Whom {
                            host: host(&upstream.host),
                            helo: helo.as_ref(),
                        },
                    };
                    let line = target.connect(&place, shared, journal).await?;
                    Court { line, judge }
                }
            };
            let verdict = hear(&mut court, plea, journal).await;
            Ok((verdict, court))
        };
        let heard = tokio::select! {
            heard = timeout(server.mail.timeout, conversation) => heard,
            () = self.client.leaves() => return Err(Over),
        };
        let (verdict, court) = match heard {
            Ok(Ok(heard)) => heard,
            Ok(Err(Unmet::Reported)) => return Ok(Verdict::Lost),
            Ok(Err(Unmet::Unwelcome(greeting))) => {
                log_unexpected(&self.journal, Level::Error, &greeting);
                return Ok(Verdict::Lost);
            }
            Err(_) => {
                upstream_timed_out(&self.journal);
                return Ok(Verdict::Lost);
            }
        };
        let over = match &verdict {
            Verdict::Refused(rejection, _) => rejection.closing,
            verdict => matches!(verdict, Verdict::Lost),
        };
        self.court = (!over).then_some(court);
        Ok(verdict)
    }
}

fn answers_a_challenge(plea: &Plea) -> bool {
    matches!(
        plea,
        Plea::Login(Login {
            credentials: Credentials::CramMd5 { .. },
            ..
        })
    )
}

async fn hear(court: &mut Court, plea: Plea, journal: &mut Journal) -> Verdict {
    let mut out = Vec::new();
    let mut progress = court.judge.plead(plea, &mut out);
    let mut reply = Vec::new();
    loop {
        match progress {
            Hearing::Read => {}
            Hearing::Challenge(salt) => return Verdict::Challenge(salt),
            Hearing::LoggedIn => return Verdict::LoggedIn(reply),
            Hearing::Answered => return Verdict::Answered(reply),
            Hearing::Refused(rejection) => return Verdict::Refused(rejection, reply),
            Hearing::NotOffered => return Verdict::NotOffered,
            Hearing::Unexpected => {
                log_unexpected(journal, Level::Error, &reply);
                return Verdict::Lost;
            }
        }
        // Before the greeting nothing was sent: as nginx sees it, the connection is still being made.
        if !out.is_empty() {
            journal.doing(court.judge.action());
        }
        let heard = {
            let judge = &court.judge;
            court
                .line
                .exchange(&mut out, |bytes| judge.whole(bytes))
                .await
        };
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
        progress = court.judge.advance(&reply, &mut out);
    }
}
