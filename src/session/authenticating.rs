//! The phase of authentication: the auth server, the backend, or both decide about a login.

use std::sync::Arc;

use tokio::time::sleep;

use super::Session;
use super::auth_http::auth_server::AuthServer;
use super::auth_http::exchange::{Decision, Exchange};
use super::auth_http::request::Attempt;
use super::backend::backend_login::{self, Answer};
use super::backend::error::LoginError;
use super::backend::not_offered::NotOffered;
use super::backend::{Admitted, BackendStream, ClientContext, authorized_login};
use super::client::identity::Identity;
use super::commands::{Commands, KeptConversation, Needed};
use super::end::{Cause, SessionEnd};
use super::limit_state::Barred;
use super::limits::auth::{Permits, Untried};
use super::limits::{self, Limited, Stopped};
use super::log::SessionLog;
use super::phase::Phase;
use crate::base::{Escaped, Level};
use crate::config::Stage;
use crate::config::settings::AuthHttp;
use crate::log::mail_log::SessionResult;
use crate::proto::auth_http::Grant;
use crate::proto::backend::Accepted;
use crate::proto::backend::backend_login::Request;
use crate::proto::login::{self, Credentials, Login};
use crate::proto::sasl::scram;
use crate::proto::smtp::reply;
use crate::proto::{Denial, Refusal, Rejection, shown};

/// The gateway's own refusal in place of a backend's: as for a wrong password.
const WRONG_PASSWORD: Rejection = Rejection {
    code: 535,
    closing: false,
};

/// The reason why a user is kept out.
const HELD: &str = "login is held by the administrator";

/// The reasons why a certificate proves no login.
const NOT_VERIFIED: &[u8] = b"client has no verified certificate";
const FOREIGN: &[u8] = b"the certificate is not for this login";

/// A client that waits for the decision about its login. A client that is refused goes on with the commands.
#[derive(Debug)]
pub(in crate::session) struct Authenticating<'c, 's> {
    commands: &'c mut Commands<'s>,
    needed: Needed<'s>,
}

impl<'c, 's> Authenticating<'c, 's> {
    /// A client whose command needs a decision.
    pub fn new(commands: &'c mut Commands<'s>, needed: Needed<'s>) -> Self {
        Self { commands, needed }
    }

    /// Gets the decision and sends it to the client. `None`: the client may try again.
    pub async fn run(self) -> Result<Option<BackendStream>, SessionEnd> {
        // Nothing is counted while the client is to respond: each response is an attempt of its own.
        let pending = match &self.needed {
            Needed::Backend(Request::Response(_)) => {
                let kept = self.commands.conversation.as_mut();
                kept.and_then(|kept| kept.login.take())
            }
            Needed::Backend(Request::Login(login)) => login.scram().cloned().map(Box::new),
            Needed::Backend(Request::Challenge(_)) | Needed::AuthHttp(..) => None,
        };
        let mut permits = Permits::default();
        if limits::auth::has_rules(self.commands.session.endpoint.limits.as_deref())
            && let Some(login) = self.needed.login().or(pending.as_deref())
        {
            match permit(self.commands, login).await? {
                Some(got) => permits = got,
                None => return Ok(None),
            }
        }
        self.commands.take_second()?;
        match self.needed {
            // Boxed: the other way to log in needs more than twice the room.
            Needed::AuthHttp(server, settings, login) => {
                Box::pin(auth_http(self.commands, server, settings, login, permits)).await
            }
            Needed::Backend(request) => {
                Box::pin(backend(self.commands, request, permits, pending)).await
            }
        }
    }
}

/// Asks the limits whether the login may be tried. `None`: the client was refused, and may try again.
async fn permit(commands: &mut Commands<'_>, login: &Login) -> Result<Option<Permits>, SessionEnd> {
    let peer = commands.identity.source.peer;
    let permitted = Box::pin(limits::auth::permit(&mut commands.session, &peer, login)).await;
    match permitted {
        Ok(permits) => Ok(Some(permits)),
        Err(Untried::Left) => Err(Phase::Commands.end(Cause::Closed)),
        Err(Untried::Refused(limited)) => refuse_limited(commands, limited).map(|()| None),
        Err(Untried::Dropped(Limited { verdict, .. })) => {
            let barred = Barred {
                result: SessionResult::Limited,
                verdict,
                reply: None,
            };
            Err(Phase::Commands.end(barred.into()))
        }
    }
}

/// Whether the administrator keeps a user out while his mail is moved.
fn is_held(commands: &Commands<'_>, user: &[u8]) -> bool {
    let monitor = commands.session.endpoint.monitor.as_ref();
    let holds = monitor.map(|own| &own.monitor.holds);
    holds.is_some_and(|holds| holds.has(login::shown(user)))
}

/// Tells such a user to try again later.
fn refuse_held(commands: &mut Commands<'_>) -> Result<(), SessionEnd> {
    let log = &mut *commands.session.log;
    log.line(Phase::Commands, Level::Info, format_args!("{HELD}"));
    log.unavailable(&HELD, None);
    refuse(commands, &Refusal::Held)
}

/// Checks the limits whose keys are known once the login is accepted.
///
/// # Errors
/// The session ends: a limit is reached, or the client has left.
async fn enter(commands: &mut Commands<'_>) -> Result<(), SessionEnd> {
    if commands.session.endpoint.limits.is_none() {
        return Ok(());
    }
    let checked = Box::pin(limits::check(&mut commands.session, Stage::Login)).await;
    match checked {
        Ok(()) => Ok(()),
        Err(Stopped::Left) => Err(Phase::Commands.end(Cause::Closed)),
        Err(Stopped::Limited(limited)) => {
            refuse_limited(commands, limited)?;
            Err(Phase::Commands.end(Cause::Denied))
        }
    }
}

/// Tells the client that a limit keeps it from logging in.
fn refuse_limited(commands: &mut Commands<'_>, limited: Limited) -> Result<(), SessionEnd> {
    commands.session.log.limited(limited.verdict);
    refuse(commands, &Refusal::Limited(limited.excess))
}

/// Queries the auth server, and logs an accepted client in at the backend.
async fn auth_http(
    commands: &mut Commands<'_>,
    server: &Arc<AuthServer>,
    settings: &AuthHttp,
    login: Login,
    permits: Permits,
) -> Result<Option<BackendStream>, SessionEnd> {
    if is_held(commands, login.credentials.user()) {
        return refuse_held(commands).map(|()| None);
    }
    let Session {
        endpoint,
        shared,
        client,
        log,
    } = &mut commands.session;
    let attempt = Attempt::new(&login, commands.attempts, &commands.identity, client);
    let exchange = Exchange {
        attempt,
        config: &endpoint.server,
        server,
        addresses: &server.addresses(&endpoint.log),
        pools: &shared.auth_pools,
        settings,
    };
    let next_number = || shared.next_number();
    let decision = tokio::select! {
        biased;
        decision = exchange.run(log, &next_number) => decision.map_err(Cause::AuthHttp),
        () = client.left() => Err(Cause::Closed),
    };
    match decision.map_err(|cause| Phase::AuthHttp.end(cause))? {
        Decision::Accepted(grant) => {
            let rewritten = grant.replacement.user.as_deref();
            if rewritten.is_some_and(|user| is_held(commands, user)) {
                return refuse_held(commands).map(|()| None);
            }
            enter(commands).await?;
            let backend = authorized_login(commands, login, grant, permits).await;
            backend.map(Some)
        }
        Decision::Denied(denial) => {
            if !denial.is_temporary() {
                permits.failed();
            }
            deny(commands, denial).await.map(|()| None)
        }
    }
}

/// Sends the auth server's denial to the client, after `Auth-Wait`.
async fn deny(commands: &mut Commands<'_>, denial: Denial) -> Result<(), SessionEnd> {
    let Session { client, log, .. } = &mut commands.session;
    log_refusal(log, Phase::AuthHttp, &denial.text);
    log.refused(SessionResult::LoginFailed, &denial.text);
    if !denial.wait.is_zero() {
        tokio::select! {
            () = sleep(denial.wait) => {}
            () = client.left() => return Err(Phase::AuthHttp.end(Cause::Closed)),
        }
    }
    refuse(commands, &Refusal::Denied(denial))
}

/// Logs a client that the auth server has accepted in at its backend. Any failure ends the session.
async fn authorized_login(
    commands: &mut Commands<'_>,
    login: Login,
    grant: Grant,
    permits: Permits,
) -> Result<BackendStream, SessionEnd> {
    let mut phase = Phase::AuthHttp;
    let (context, left) = context(&mut commands.session, &commands.identity, &mut phase);
    let admitted = authorized_login::log_in(context, login, grant, left).await;
    let cause = match admitted {
        Ok(admitted) => {
            permits.succeeded();
            return admit(commands, phase, admitted).await;
        }
        Err(LoginError::ClientLeft) => Cause::Closed,
        Err(error) => {
            let protocol = commands.session.endpoint.server.protocol();
            // The auth server may leave the password to the backend.
            if error.is_rejection(protocol) {
                permits.failed();
            }
            Cause::AuthorizedLogin {
                passes_on: error
                    .reply()
                    .is_some_and(|own| passes_on(commands, &own.reply)),
                protocol,
                error,
            }
        }
    };
    Err(phase.end(cause))
}

/// Sends a request to the backend that authenticates by itself.
async fn backend(
    commands: &mut Commands<'_>,
    mut request: Request,
    permits: Permits,
    pending: Option<Box<Login>>,
) -> Result<Option<BackendStream>, SessionEnd> {
    if let Request::Login(login) = &mut request
        && let Err(refusal) = certify(commands, &mut login.credentials)
    {
        if matches!(refusal, Refusal::Rejected { .. }) {
            permits.failed();
        }
        return refuse(commands, &refusal).map(|()| None);
    }
    if let Request::Login(login) = &request
        && is_held(commands, login.credentials.user())
    {
        return refuse_held(commands).map(|()| None);
    }
    if let Request::Response(response) = &request
        && let Some(proof) = scram::proof(response.line.reveal())
    {
        commands.session.log.hide(&proof);
    }
    let server = &commands.session.endpoint.server;
    if matches!(request, Request::Challenge(_)) && server.backend_varies_by_login() {
        // The client has not said yet who it is.
        commands.session.log.login(b"");
    }
    let mechanisms = request.mechanisms();
    let mut phase = Phase::Commands;
    let kept = commands.conversation.take().map(|kept| kept.open);
    let (context, left) = context(&mut commands.session, &commands.identity, &mut phase);
    let refusal = match backend_login::request(context, kept, request, left).await {
        Ok(Answer::Admitted(admitted)) => {
            if admitted.accepted != Accepted::Answered {
                permits.succeeded();
            }
            enter(commands).await?;
            return admit(commands, phase, admitted).await.map(Some);
        }
        Ok(Answer::Challenge(challenge, open)) => {
            commands.conversation = Some(open.into());
            commands.session.log.upstream_answered();
            let out = &mut commands.session.client.out;
            commands.dialogue.challenge(challenge, out);
            return Ok(None);
        }
        Ok(Answer::Message(mechanism, text, open)) => {
            commands.conversation = Some(Box::new(KeptConversation {
                open,
                login: pending,
            }));
            commands.session.log.upstream_answered();
            let out = &mut commands.session.client.out;
            commands.dialogue.relay(mechanism, &text, out);
            return Ok(None);
        }
        Ok(Answer::Refused(rejection, reply, open)) => {
            commands.conversation = open.map(Into::into);
            let log = &mut *commands.session.log;
            let result = match rejection.is_temporary() {
                true => {
                    log_temporary(log, phase, shown(&reply));
                    SessionResult::BackendUnavailable
                }
                false => {
                    permits.failed();
                    log_refusal(log, phase, shown(&reply));
                    log.upstream_answered();
                    SessionResult::LoginFailed
                }
            };
            log.refused(result, &reply);
            let reply = passes_on(commands, &reply).then(|| reply.into());
            Refusal::Rejected { rejection, reply }
        }
        Ok(Answer::NotOffered(open)) => {
            let Session { endpoint, log, .. } = &mut commands.session;
            let line = NotOffered {
                server: &endpoint.server,
                mechanisms,
                offer: &open.offer(),
                tls: endpoint.backends.tls.is_some(),
            };
            log.upstream_failed(phase, Some(Level::Error), format_args!("{line}"));
            log.unavailable(&line, None);
            commands.conversation = Some(open.into());
            Refusal::Mechanism
        }
        Err(LoginError::ClientLeft) => return Err(phase.end(Cause::Closed)),
        Err(error) => {
            let protocol = commands.session.endpoint.server.protocol();
            let log = &mut *commands.session.log;
            error.log(log, phase, Level::Error, protocol);
            log.unavailable(&error, error.deciding());
            Refusal::Unavailable
        }
    };
    refuse(commands, &refusal).map(|()| None)
}

/// The parts that a conversation with a backend needs, and a future that ends when the client leaves.
fn context<'a>(
    session: &'a mut Session<'_>,
    identity: &'a Identity,
    phase: &'a mut Phase,
) -> (ClientContext<'a>, impl Future<Output = ()>) {
    let Session {
        endpoint,
        shared,
        client,
        log,
    } = session;
    let own = endpoint.tls.tls().map(|tls| &**tls);
    let header = (identity.source).proxy_header(&endpoint.server, client, own, log);
    let context = ClientContext {
        backends: &endpoint.backends,
        shared,
        log,
        phase,
        client: identity.host(),
        header,
    };
    (context, client.left())
}

/// Replaces the login of EXTERNAL with the one that the client's certificate proves: a backend trusts the gateway's verification.
fn certify(commands: &mut Commands<'_>, credentials: &mut Credentials) -> Result<(), Refusal> {
    let Credentials::External { user } = credentials else {
        return Ok(());
    };
    let Session { client, log, .. } = &mut commands.session;
    let Some(certificate) = client.verified() else {
        log.refused(SessionResult::LoginFailed, NOT_VERIFIED);
        return Err(Refusal::Mechanism);
    };
    let Some(proven) = certificate.login(user) else {
        log_refusal(log, Phase::Commands, FOREIGN);
        log.refused(SessionResult::LoginFailed, FOREIGN);
        return Err(Refusal::Rejected {
            rejection: WRONG_PASSWORD,
            reply: None,
        });
    };
    log.login(&proven);
    *user = proven;
    Ok(())
}

/// Tells the client that its backend has accepted it.
async fn admit(
    commands: &mut Commands<'_>,
    phase: Phase,
    admitted: Admitted,
) -> Result<BackendStream, SessionEnd> {
    let Session { client, log, .. } = &mut commands.session;
    let Admitted {
        accepted,
        reply,
        backend,
    } = admitted;
    match accepted {
        Accepted::LoggedIn => {
            commands.dialogue.accept(&reply, &mut client.out);
            log.event(format_args!("client logged in"));
        }
        Accepted::WithReply => {
            client.out.extend_from_slice(&reply);
            log.event(format_args!("client logged in"));
        }
        Accepted::Answered => {
            client.out.extend_from_slice(&reply);
            log.answered(&reply);
            if matches!(reply::code(&reply), Some(200..=299)) {
                log.event(format_args!("client logged in"));
            } else {
                let text = Escaped(shown(&reply));
                log.event(format_args!("client was refused by upstream: \"{text}\""));
            }
        }
    }
    let sent = client.flush().await;
    sent.map_err(|error| phase.end(Cause::Client(error)))?;
    Ok(backend)
}

/// Whether the client gets the backend's reply: with `proxy_pass_error_message on`, unless the client could take it as an acceptance.
fn passes_on(commands: &Commands<'_>, reply: &[u8]) -> bool {
    commands.proxy().proxy_pass_error_message && !commands.dialogue.advances(reply)
}

/// Tells the client that its login failed.
fn refuse(commands: &mut Commands<'_>, refusal: &Refusal) -> Result<(), SessionEnd> {
    let out = &mut commands.session.client.out;
    let turn = commands.dialogue.refuse(refusal, out);
    commands.refused(turn)
}

fn log_refusal(log: &SessionLog, phase: Phase, text: &[u8]) {
    let text = Escaped(text);
    let line = format_args!("client login failed: \"{text}\"");
    log.line(phase, Level::Info, line);
}

/// Writes that the backend cannot decide about the login now. The words differ from those for a failed login: programs that block
/// the addresses of clients with wrong passwords must not count an outage.
fn log_temporary(log: &SessionLog, phase: Phase, text: &[u8]) {
    let text = Escaped(text);
    let line = format_args!("upstream refused temporarily: \"{text}\"");
    log.upstream_failed(phase, Some(Level::Info), line);
}
