//! A server without an auth server: the backend itself decides, and the client may try again.

use tokio::time::timeout;

use super::connect::{Target, Unmet, upstream_timed_out};
use super::conversation::{Broken, Line, READING, log_broken, log_unexpected};
use super::start_tls::Whom;
use crate::base::level::Level;
use crate::config::client_tls::host;
use crate::proto::judge::{Hearing, Plea};
use crate::proto::login::Bytes;
use crate::proto::{self, Credentials, Judge, Login, Origin, Refusal, Rejection, shown};
use crate::session::client::commands::Session;
use crate::session::log::SessionLog;
use crate::session::{Bridge, Over};

/// The conversation with the backend, kept between a client's attempts.
pub(in crate::session) struct Court {
    line: Line,
    judge: Box<dyn Judge>,
}

/// Our own no, in a backend's place: what a wrong password gets.
const NO_SUCH_LOGIN: Rejection = Rejection {
    code: 535,
    closing: false,
};

/// What the backend said to one plea.
enum Verdict {
    Challenge(Box<[u8]>),
    LoggedIn(Vec<u8>),
    Answered(Vec<u8>),
    Refused(Rejection, Vec<u8>),
    NotOffered,
    /// The certificate that shall speak for the client is not for this login. The backend is not asked.
    NotProved,
    /// The conversation is over, and the log knows why.
    Lost,
}

impl Session {
    /// Gets the client a challenge of the backend.
    pub async fn fetch_challenge(&mut self, origin: Origin) -> Result<(), Over> {
        self.client.flush().await?;
        match self.plead(Plea::Challenge(origin)).await? {
            Verdict::Challenge(salt) => {
                self.log.doing("in auth state");
                self.front.challenge(salt, &mut self.client.out);
                Ok(())
            }
            verdict => self.turn_down(verdict).await,
        }
    }

    /// Passes a login, or mail without one, on.
    pub async fn plead_login(&mut self, mut login: Login) -> Result<Option<Bridge>, Over> {
        if let Credentials::External { user } = &mut login.credentials {
            match self.proved(user) {
                Ok(own) => *user = own,
                Err(verdict) => return self.turn_down(verdict).await.map(|()| None),
            }
            self.log.login(user);
        }
        match self.plead(Plea::Login(login)).await? {
            Verdict::LoggedIn(reply) => {
                self.front.accept(&reply, &mut self.client.out);
                self.log.event(format_args!("client logged in"));
            }
            Verdict::Answered(reply) => self.answered(&reply),
            verdict => return self.turn_down(verdict).await.map(|()| None),
        }
        self.client.flush().await?;
        Ok(self.court.take().map(|court| court.line.into_bridge()))
    }

    /// The login that the client's certificate stands for: a backend takes our word for who the client is.
    fn proved(&self, asked: &[u8]) -> Result<Bytes, Verdict> {
        let shown = self.client.verified().ok_or(Verdict::NotOffered)?;
        shown.login(asked).ok_or(Verdict::NotProved)
    }

    /// Tells the client no.
    async fn turn_down(&mut self, verdict: Verdict) -> Result<(), Over> {
        let refusal = match verdict {
            Verdict::Refused(rejection, reply) => {
                self.log.line(
                    Level::Info,
                    format_args!(
                        "client login failed: \"{}\"",
                        crate::base::Escaped(shown(&reply))
                    ),
                );
                let shown = self.endpoint.server.proxy.proxy_pass_error_message;
                Refusal::Judged {
                    rejection,
                    reply: shown.then(|| reply.into()),
                }
            }
            Verdict::NotProved => {
                self.log.line(
                    Level::Info,
                    format_args!("client login failed: \"the certificate is not for this login\""),
                );
                Refusal::Judged {
                    rejection: NO_SUCH_LOGIN,
                    reply: None,
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
        let endpoint = self.endpoint.clone();
        let server = &endpoint.server;
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
        let (log, shared) = (&mut self.log, &self.shared);
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
                    let line = target.connect(&endpoint, shared, log).await?;
                    Court { line, judge }
                }
            };
            let verdict = hear(&mut court, plea, log).await;
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
                log_unexpected(&self.log, Level::Error, &greeting);
                return Ok(Verdict::Lost);
            }
            Err(_) => {
                upstream_timed_out(&self.log);
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

async fn hear(court: &mut Court, plea: Plea, log: &mut SessionLog) -> Verdict {
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
                log_unexpected(log, Level::Error, &reply);
                return Verdict::Lost;
            }
        }
        // Before the greeting nothing was sent: as nginx sees it, the connection is still being made.
        if !out.is_empty() {
            log.doing(court.judge.action());
        }
        let heard = {
            let judge = &court.judge;
            court
                .line
                .exchange(&mut out, |bytes| judge.whole(bytes))
                .await
        };
        log.doing(READING);
        reply = match heard {
            Ok(reply) => reply,
            Err(broken) => {
                if matches!(broken, Broken::Closed) {
                    log.line(
                        Level::Error,
                        format_args!("upstream prematurely closed connection"),
                    );
                }
                log_broken(log, &broken);
                return Verdict::Lost;
            }
        };
        progress = court.judge.advance(&reply, &mut out);
    }
}
