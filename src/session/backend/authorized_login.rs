//! A client that the auth server let in: the backend is connected and told who the client is.

use std::pin::pin;

use tokio::time::timeout;

use super::connect::{ConnectError, Target, log_timeout};
use super::conversation::{ConversationError, UnexpectedReply, converse};
use super::{Admitted, ClientContext};
use crate::base::{Address, Level};
use crate::config::client_tls::host;
use crate::net::resolver::Fault;
use crate::proto::auth_http::{Backend, Grant};
use crate::proto::backend::authorized_login::Outcome;
use crate::proto::client::READING;
use crate::proto::dialogues;
use crate::proto::login::Login;
use crate::session::Endpoint;
use crate::session::log::SessionLog;

/// Why the client does not reach its backend.
#[derive(Debug)]
pub(in crate::session) enum AuthorizedLoginError {
    /// The client closed its connection.
    ClientLeft,
    /// Neither the auth server nor `proxy_pass` names a backend.
    NoBackend,
    /// The auth server named the backend, and this name has no address.
    Unresolved(Box<str>, Fault),
    /// There is no connection to the backend.
    Connect(ConnectError),
    /// The backend took longer than `timeout`.
    TimedOut,
    /// The backend wants a password, and there is none.
    NoPassword,
    /// The conversation failed.
    Conversation(ConversationError),
}

/// Connects to the backend and logs the client in. From here on, the session's log names the login that the auth server chose.
///
/// # Errors
/// The session cannot go on, whatever the error.
pub(in crate::session) async fn log_in(
    context: ClientContext<'_>,
    login: Login,
    grant: Grant,
    client_left: impl Future<Output = ()>,
) -> Result<Admitted, AuthorizedLoginError> {
    let ClientContext {
        endpoint,
        shared,
        log,
        client,
        header,
    } = context;
    let server = &endpoint.server;
    let mut client_left = pin!(client_left);
    let addresses = tokio::select! {
        addresses = addresses(endpoint, &grant) => addresses?,
        () = &mut client_left => return Err(AuthorizedLoginError::ClientLeft),
    };
    let host = backend_host(endpoint, &grant);
    let name = grant.backend.map(|backend| backend.to_string());
    let helo = login.origin.helo().cloned();
    let own = &login.credentials;
    let user = grant.user.unwrap_or_else(|| own.user().into());
    let pass = grant.pass.or_else(|| own.password().cloned());
    log.login(&user);
    let dialogue = dialogues::authorized_login(server, client, login, user, pass, grant.smtp_auth);
    let target = Target {
        addresses: &addresses,
        name: name.as_deref(),
        host: &host,
        helo: helo.as_ref(),
        header: header.as_deref(),
    };
    let conversation = async {
        let connected = target.connect(endpoint, shared, log).await;
        let mut connection = connected.map_err(AuthorizedLoginError::Connect)?;
        let ended = converse(&mut connection, dialogue, Vec::new(), |what| {
            log.doing(what)
        })
        .await;
        log.doing(READING);
        match ended {
            Ok((Outcome::Accepted(accepted), reply)) => Ok(Admitted {
                accepted,
                reply,
                bridge: connection.into_bridge(),
            }),
            Ok((Outcome::NoPassword, _)) => Err(AuthorizedLoginError::NoPassword),
            Err(mut error) => {
                if let ConversationError::Unexpected(unexpected) = &mut error {
                    // Nobody asked for more: the bytes that follow belong to the reply.
                    let mut rest = connection.into_bridge().read_too_far;
                    unexpected.reply.append(&mut rest);
                }
                Err(AuthorizedLoginError::Conversation(error))
            }
        }
    };
    tokio::select! {
        ended = timeout(server.mail.timeout, conversation) => {
            ended.unwrap_or(Err(AuthorizedLoginError::TimedOut))
        }
        () = &mut client_left => Err(AuthorizedLoginError::ClientLeft),
    }
}

/// The backend's addresses.
async fn addresses(
    endpoint: &Endpoint,
    grant: &Grant,
) -> Result<Vec<Address>, AuthorizedLoginError> {
    match (&grant.backend, &endpoint.server.proxy.proxy_pass) {
        (Some(Backend::Address(address)), _) => Ok(vec![Address::Inet(*address)]),
        (Some(Backend::Name(name, port)), _) => {
            match endpoint.resolver.addresses(name, *port).await {
                Ok((found, _)) => Ok(found.into_iter().map(Address::Inet).collect()),
                Err(fault) => Err(AuthorizedLoginError::Unresolved(name.clone(), fault)),
            }
        }
        (None, Some(upstream)) => Ok(upstream.addresses.clone()),
        (None, None) => Err(AuthorizedLoginError::NoBackend),
    }
}

/// The backend's host: its name in TLS.
fn backend_host(endpoint: &Endpoint, grant: &Grant) -> Box<[u8]> {
    match (&grant.backend, &endpoint.server.proxy.proxy_pass) {
        (Some(Backend::Address(address)), _) => address.ip().to_string().into_bytes().into(),
        (Some(Backend::Name(name, _)), _) => name.as_bytes().into(),
        (None, Some(upstream)) => host(&upstream.host).into(),
        (None, None) => Box::default(),
    }
}

impl AuthorizedLoginError {
    /// Writes the error to the log. The backend's reply, where there is one, gets the level `reply`.
    pub fn log(&self, log: &mut SessionLog, reply: Level) {
        match self {
            // As in nginx, a backend that just closes leaves no line.
            Self::ClientLeft | Self::NoBackend | Self::Conversation(ConversationError::Closed) => {}
            Self::Unresolved(name, fault) => log.line(
                Level::Error,
                format_args!("\"{name}\" could not be resolved ({fault})"),
            ),
            Self::Connect(error) => error.log(log, reply),
            Self::TimedOut => log_timeout(log),
            Self::NoPassword => {
                log.doing("sending AUTH to upstream");
                log.line(Level::Error, format_args!("no password available"));
            }
            Self::Conversation(error) => error.log(log, reply),
        }
    }

    /// The backend's reply that stands for the error; `proxy_pass_error_message` passes it on to the client.
    pub fn reply(&self) -> Option<&UnexpectedReply> {
        match self {
            Self::Connect(error) => error.greeting(),
            Self::Conversation(ConversationError::Unexpected(reply)) => Some(reply),
            _ => None,
        }
    }
}
