//! A client whom the auth server let in: the backend it named is told so, and mail flows.

use tokio::time::timeout;

use super::connect::{Target, Unmet, upstream_timed_out};
use super::conversation::{Broken, Line, READING, log_broken, log_unexpected};
use super::start_tls::Whom;
use crate::base::Escaped;
use crate::base::{Address, Level};
use crate::config::client_tls::host;
use crate::proto::auth_http::{Backend, Grant};
use crate::proto::back::Progress;
use crate::proto::smtp::reply;
use crate::proto::{self, Back, Login, shown};
use crate::session::client::commands::Session;
use crate::session::log::SessionLog;
use crate::session::{Bridge, Over};

/// How the conversation ended.
enum End {
    LoggedIn(Vec<u8>),
    Answered(Vec<u8>),
    Unexpected(Vec<u8>),
    Broken(Broken),
    NoPassword,
}

impl Session {
    /// Connects, introduces the client, answers it. Whatever fails here ends the session.
    pub async fn vouch(&mut self, login: Login, grant: Grant) -> Result<Bridge, Over> {
        let endpoint = self.endpoint.clone();
        let server = &endpoint.server;
        let addresses = self.addresses(&grant).await?;
        let header = self.proxy_header();
        let helo = login.origin.helo().cloned();
        let host = self.host(&grant);
        let mut back = self.back(login, &grant);
        let name = grant.backend.map(|backend| backend.to_string());
        let target = Target {
            addresses: &addresses,
            name: name.as_deref(),
            header: header.as_deref(),
            whom: Whom {
                host: &host,
                helo: helo.as_ref(),
            },
        };
        let (log, shared) = (&mut self.log, &self.shared);
        let conversation = async {
            let mut line = target.connect(&endpoint, shared, log).await?;
            let end = introduce(back.as_mut(), &mut line, log).await;
            Ok((end, line))
        };
        let met = tokio::select! {
            met = timeout(server.mail.timeout, conversation) => met,
            () = self.client.leaves() => return Err(Over),
        };
        let (end, line) = match met {
            Ok(Ok(met)) => met,
            Ok(Err(Unmet::Reported)) => return Err(self.fail().await),
            Ok(Err(Unmet::Unwelcome(greeting))) => {
                return Err(self.unexpected(&greeting, &greeting).await);
            }
            Err(_) => {
                upstream_timed_out(&self.log);
                return Err(self.fail().await);
            }
        };
        match end {
            End::LoggedIn(reply) => {
                self.front.accept(&reply, &mut self.client.out);
                self.log.event(format_args!("client logged in"));
            }
            End::Answered(reply) => self.answered(&reply),
            End::Unexpected(mut reply) => {
                // Whatever follows belongs to it: nobody asked for more.
                reply.append(&mut line.into_bridge().read_too_far);
                return Err(self.unexpected(&reply, back.shown(&reply)).await);
            }
            End::NoPassword => {
                self.log.doing("sending AUTH to upstream");
                self.log
                    .line(Level::Error, format_args!("no password available"));
                return Err(self.fail().await);
            }
            End::Broken(broken) => {
                log_broken(&self.log, &broken);
                return Err(self.fail().await);
            }
        }
        self.client.flush().await?;
        Ok(line.into_bridge())
    }

    /// The backend's reply is not what it must be: the client hears it where it may, and the session is over.
    async fn unexpected(&mut self, reply: &[u8], shown: &[u8]) -> Over {
        if !self.endpoint.server.proxy.proxy_pass_error_message {
            log_unexpected(&self.log, Level::Error, shown);
            return self.fail().await;
        }
        log_unexpected(&self.log, Level::Info, shown);
        self.client.out.extend_from_slice(reply);
        // The client may be gone by now; the session is over either way.
        let _ = self.client.close().await;
        Over
    }

    /// Mail without a login: the client gets the backend's reply, whatever it is.
    pub fn answered(&mut self, answer: &[u8]) {
        self.client.out.extend_from_slice(answer);
        if matches!(reply::code(answer), Some(200..=299)) {
            self.log.event(format_args!("client logged in"));
        } else {
            let text = Escaped(shown(answer));
            self.log
                .event(format_args!("client was refused by upstream: \"{text}\""));
        }
    }

    /// Where the backend is.
    async fn addresses(&mut self, grant: &Grant) -> Result<Vec<Address>, Over> {
        let (name, port) = match (&grant.backend, &self.endpoint.server.proxy.proxy_pass) {
            (Some(Backend::Address(address)), _) => return Ok(vec![Address::Inet(*address)]),
            (Some(Backend::Name(name, port)), _) => (name, *port),
            (None, Some(upstream)) => return Ok(upstream.addresses.clone()),
            (None, None) => return Err(self.fail().await),
        };
        let found = tokio::select! {
            found = self.endpoint.resolver.addresses(name, port) => found,
            () = self.client.leaves() => return Err(Over),
        };
        match found {
            Ok((found, _)) => Ok(found.into_iter().map(Address::Inet).collect()),
            Err(fault) => {
                self.log.line(
                    Level::Error,
                    format_args!("\"{name}\" could not be resolved ({fault})"),
                );
                Err(self.fail().await)
            }
        }
    }

    /// What the backend is called.
    fn host(&self, grant: &Grant) -> Box<[u8]> {
        match (&grant.backend, &self.endpoint.server.proxy.proxy_pass) {
            (Some(Backend::Address(address)), _) => address.ip().to_string().into_bytes().into(),
            (Some(Backend::Name(name, _)), _) => name.as_bytes().into(),
            (None, Some(upstream)) => host(&upstream.host).into(),
            (None, None) => Box::default(),
        }
    }

    /// The conversation that fits this login.
    fn back(&mut self, login: Login, grant: &Grant) -> Box<dyn Back> {
        let server = &self.endpoint.server;
        let user = grant.user.as_deref().unwrap_or(login.credentials.user());
        let pass = grant
            .pass
            .as_ref()
            .or(login.credentials.password())
            .cloned();
        self.log.login(user);
        let user: Box<[u8]> = user.into();
        let smtp_auth = grant.smtp_auth;
        proto::settings::back(server, self.identity.seen(), login, user, pass, smtp_auth)
    }
}

async fn introduce(back: &mut dyn Back, line: &mut Line, log: &mut SessionLog) -> End {
    let mut out = Vec::new();
    loop {
        let heard = line.exchange(&mut out, |bytes| back.whole(bytes)).await;
        log.doing(READING);
        let reply = match heard {
            Ok(reply) => reply,
            Err(broken) => return End::Broken(broken),
        };
        match back.advance(&reply, &mut out) {
            Progress::Read => log.doing(back.action()),
            Progress::LoggedIn => return End::LoggedIn(reply),
            Progress::Answered => return End::Answered(reply),
            Progress::Unexpected => return End::Unexpected(reply),
            Progress::NoPassword => return End::NoPassword,
        }
    }
}
