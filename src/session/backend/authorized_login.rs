//! The login at the backend of a client that the auth server has accepted.

use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::pin::pin;

use tokio::time::sleep;

use super::candidates::Candidates;
use super::connect::Opened;
use super::conversation::unless_left;
use super::error::{ConversationError, LoginError};
use super::{Admitted, Backends, ClientContext, mail_command};
use crate::base::Address;
use crate::base::address::Ipv4Text;
use crate::proto::auth_http::{Backend, BackendHost, Grant};
use crate::proto::backend::Accepted;
use crate::proto::backend::authorized_login::Outcome;
use crate::proto::dialogues::Authorization;
use crate::proto::login::Login;
use crate::proto::smtp::reply;
use crate::session::log::SessionLog;
use crate::session::phase::Phase;

/// The step of a backend's AUTH, in nginx's words.
const SENDING_AUTH: &str = "sending AUTH to upstream";

/// Connects to the backend and logs the client in. From then on, the session's log names the login that the auth server
/// chose.
///
/// # Errors
/// The session cannot go on, whatever the error.
pub(in crate::session) async fn log_in(
    mut context: ClientContext<'_>,
    login: Login,
    grant: Grant,
    client_left: impl Future<Output = ()>,
) -> Result<Admitted, LoginError> {
    let mut client_left = pin!(client_left);
    let server = &context.backends.server;
    let own = &login.credentials;
    let user = grant.replacement.user.unwrap_or_else(|| own.user().into());
    let pass = (grant.replacement.pass).or_else(|| own.password().cloned());
    context.log.login(&user);
    if let Some(pass) = &pass {
        context.log.hide(pass);
    }
    // Variables of `proxy_pass` have the login that the auth server chose.
    let candidates = tokio::select! {
        biased;
        found = candidates(context.backends, context.log, grant.backend) => found?,
        () = &mut client_left => return Err(LoginError::ClientLeft),
    };
    // nginx has one address only, and writes no line when its backend closes.
    let is_single = candidates.is_single();
    let mail = mail_command(server, &login.origin);
    let client = context.client;
    let authorization = Authorization {
        login,
        user,
        pass,
        smtp_auth: grant.smtp_auth,
    };
    let mut deadline = pin!(sleep(server.mail.timeout));
    let admission = pin!(async {
        let helo = authorization.login.origin.helo();
        let opening = || authorization.opening(server, client);
        let opened = context.open(candidates, helo, opening, deadline.as_mut());
        let Opened {
            mut connection,
            outcome,
            reply,
        } = opened.await?;
        let mut out = Vec::new();
        let (outcome, reply) = match authorization.task(server).begin(outcome, &mut out) {
            ControlFlow::Continue(dialogue) => {
                let ended = context.converse(&mut connection, dialogue, out, deadline);
                ended.await?
            }
            ControlFlow::Break(outcome) => (outcome, reply),
        };
        connection.decided();
        match outcome {
            Outcome::Accepted(accepted, found) => {
                let mut admitted = Admitted::new(
                    (accepted, reply),
                    connection,
                    found,
                    server,
                    mail.as_deref(),
                    context.log,
                );
                // Mail without a login: the dialogue has sent the first RCPT.
                if admitted.accepted == Accepted::Answered
                    && matches!(reply::code(&admitted.reply), Some(200..=299))
                    && let Some(follower) = &mut admitted.backend.follower
                {
                    follower.recipient_accepted();
                }
                Ok(admitted)
            }
            Outcome::NoPassword => {
                *context.phase = Phase::Backend(SENDING_AUTH);
                Err(LoginError::NoPassword)
            }
        }
    });
    match unless_left(client_left, admission).await {
        Err(LoginError::Conversation(ConversationError::Closed)) if is_single => {
            Err(LoginError::Closed)
        }
        ended => ended,
    }
}

/// The backend that the auth server named, or that of `proxy_pass`.
async fn candidates(
    backends: &Backends,
    log: &SessionLog,
    named: Option<Backend>,
) -> Result<Candidates, LoginError> {
    let Some(Backend { host, port, name }) = named else {
        return backends.candidates(log).await;
    };
    let (found, host) = match host {
        BackendHost::Address(ip) => {
            let text: Box<str> = match ip {
                IpAddr::V4(ip) => Ipv4Text::new(ip).as_str().into(),
                IpAddr::V6(ip) => ip.to_string().into(),
            };
            (vec![SocketAddr::new(ip, port)], text)
        }
        // Boxed: most auth servers name an address.
        BackendHost::Name(host) => match Box::pin(backends.resolver.addresses(&host, port)).await {
            Ok((found, _)) => {
                log.resolved(&host);
                (found, host)
            }
            Err(fault) => return Err(LoginError::Unresolved(host, fault)),
        },
    };
    let addresses: Vec<_> = found.into_iter().map(Address::Inet).collect();
    Ok(Candidates::Named {
        addresses: addresses.into_iter(),
        name: Some(name),
        host: host.into_boxed_bytes(),
    })
}
