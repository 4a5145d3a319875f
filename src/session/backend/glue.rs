//! What a conversation with a backend means for the session: the reply to the client, the log, and whether it goes on.

use super::backend_login::{self, Answer};
use super::error::LoginError;
use super::{Admitted, ClientContext, authorized_login};
use crate::base::{Escaped, Level};
use crate::proto::auth_http::Grant;
use crate::proto::backend::Accepted;
use crate::proto::backend::backend_login::Request;
use crate::proto::backend::wire::Rejection;
use crate::proto::login::{Bytes, Credentials, Login};
use crate::proto::smtp::reply;
use crate::proto::{Refusal, shown};
use crate::session::client::commands::Session;
use crate::session::{Bridge, Over};

/// The gateway's own refusal in place of a backend's: that of a wrong password.
const NO_SUCH_LOGIN: Rejection = Rejection {
    code: 535,
    closing: false,
};

impl Session {
    /// Brings a client that the auth server let in to its backend. Any failure ends the session.
    pub async fn authorized_login(&mut self, login: Login, grant: Grant) -> Result<Bridge, Over> {
        let header = self.proxy_header();
        let context = ClientContext {
            endpoint: &self.endpoint,
            shared: &self.shared,
            log: &mut self.log,
            client: self.identity.seen(),
            header,
        };
        let left = self.client.leaves();
        match authorized_login::log_in(context, login, grant, left).await {
            Ok(admitted) => self.admit(admitted).await,
            Err(LoginError::ClientLeft) => Err(Over),
            Err(error) => {
                let passes_on = self.endpoint.server.proxy.proxy_pass_error_message;
                let reply = error.reply().filter(|_| passes_on);
                let level = reply.map_or(Level::Error, |_| Level::Info);
                error.log(&mut self.log, level);
                let Some(reply) = reply else {
                    return Err(self.fail().await);
                };
                self.client.out.extend_from_slice(&reply.reply);
                // The client may be gone by now; the session is over either way.
                let _ = self.client.close().await;
                Err(Over)
            }
        }
    }

    /// Puts a request to the backend that authenticates by itself.
    pub async fn backend_login(&mut self, mut request: Request) -> Result<Option<Bridge>, Over> {
        self.client.flush().await?;
        if let Request::Login(Login {
            credentials: Credentials::External { user },
            ..
        }) = &mut request
        {
            match self.certified_login(user) {
                Ok(own) => *user = own,
                Err(refusal) => return self.turn_down(&refusal).await,
            }
            self.log.login(user);
        }
        let endpoint = self.endpoint.clone();
        let Some(upstream) = &endpoint.server.proxy.proxy_pass else {
            return Err(self.fail().await);
        };
        let header = self.proxy_header();
        let context = ClientContext {
            endpoint: &endpoint,
            shared: &self.shared,
            log: &mut self.log,
            client: self.identity.seen(),
            header,
        };
        let (kept, left) = (self.conversation.take(), self.client.leaves());
        let refusal = match backend_login::request(context, upstream, kept, request, left).await {
            Ok(Answer::Admitted(admitted)) => return self.admit(admitted).await.map(Some),
            Ok(Answer::Challenge(challenge, open)) => {
                self.conversation = Some(open);
                self.log.doing("in auth state");
                self.front.challenge(challenge, &mut self.client.out);
                return Ok(None);
            }
            Ok(Answer::Refused(rejection, reply, open)) => {
                self.conversation = open;
                let text = Escaped(shown(&reply));
                let line = format_args!("client login failed: \"{text}\"");
                self.log.line(Level::Info, line);
                let passes_on = endpoint.server.proxy.proxy_pass_error_message;
                let reply = passes_on.then(|| reply.into());
                Refusal::Rejected { rejection, reply }
            }
            Ok(Answer::NotOffered(open)) => {
                self.conversation = Some(open);
                Refusal::Mechanism
            }
            Err(LoginError::ClientLeft) => return Err(Over),
            Err(error) => {
                error.log(&mut self.log, Level::Error);
                Refusal::Unavailable
            }
        };
        self.turn_down(&refusal).await
    }

    /// The login that the client's certificate proves: a backend takes the gateway's word for it.
    fn certified_login(&self, wanted: &[u8]) -> Result<Bytes, Refusal> {
        let certificate = self.client.verified().ok_or(Refusal::Mechanism)?;
        certificate.login(wanted).ok_or_else(|| {
            let line =
                format_args!("client login failed: \"the certificate is not for this login\"");
            self.log.line(Level::Info, line);
            Refusal::Rejected {
                rejection: NO_SUCH_LOGIN,
                reply: None,
            }
        })
    }

    /// Tells the client that it is let in.
    async fn admit(&mut self, admitted: Admitted) -> Result<Bridge, Over> {
        let Admitted {
            accepted,
            reply,
            bridge,
        } = admitted;
        let log = &self.log;
        match accepted {
            Accepted::LoggedIn => {
                self.front.accept(&reply, &mut self.client.out);
                log.event(format_args!("client logged in"));
            }
            Accepted::Answered => {
                self.client.out.extend_from_slice(&reply);
                if matches!(reply::code(&reply), Some(200..=299)) {
                    log.event(format_args!("client logged in"));
                } else {
                    let text = Escaped(shown(&reply));
                    log.event(format_args!("client was refused by upstream: \"{text}\""));
                }
            }
        }
        self.client.flush().await?;
        Ok(bridge)
    }

    /// Tells the client that its login failed; it may try again, unless the session ends with it.
    async fn turn_down(&mut self, refusal: &Refusal) -> Result<Option<Bridge>, Over> {
        let turn = self.front.refuse(refusal, &mut self.client.out);
        self.refused(turn).await
    }
}
