//! The login at the backend of a client that the auth server has accepted.

use std::pin::pin;

use super::connect::Target;
use super::conversation::limited;
use super::error::{ConversationError, LoginError};
use super::{Admitted, Backends, ClientContext};
use crate::base::Address;
use crate::proto::auth_http::{Backend, Grant};
use crate::proto::backend::authorized_login::Outcome;
use crate::proto::dialogues;
use crate::proto::login::Login;
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
    let target = tokio::select! {
        target = target(context.backends, grant.backend) => target?,
        () = &mut client_left => return Err(LoginError::ClientLeft),
    };
    let helo = login.origin.helo().cloned();
    let own = &login.credentials;
    let user = grant.replacement.user.unwrap_or_else(|| own.user().into());
    let pass = (grant.replacement.pass).or_else(|| own.password().cloned());
    context.log.login(&user);
    let (client, smtp_auth) = (context.client, grant.smtp_auth);
    let dialogue = dialogues::authorized_login(server, client, login, user, pass, smtp_auth);
    limited(server.mail.timeout, client_left, async {
        let connected = context.connect(&target, helo.as_ref()).await;
        let mut connection = connected.map_err(LoginError::Connect)?;
        let ended = context.converse(&mut connection, dialogue, Vec::new());
        match ended.await {
            Ok((Outcome::Accepted(accepted), reply)) => Ok(Admitted {
                accepted,
                reply,
                backend: connection.into_stream(),
            }),
            Ok((Outcome::NoPassword, _)) => {
                *context.phase = Phase::Backend(SENDING_AUTH);
                Err(LoginError::NoPassword)
            }
            // As in nginx, this leaves no line in the log.
            Err(ConversationError::Closed) => Err(LoginError::Closed),
            Err(ConversationError::Unexpected(mut unexpected)) => {
                // Nothing else was requested: the bytes that follow belong to the reply.
                let mut rest = connection.into_stream().received;
                unexpected.reply.append(&mut rest);
                Err(ConversationError::Unexpected(unexpected).into())
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// The backend that the auth server named, or that of `proxy_pass`.
async fn target(backends: &Backends, named: Option<Backend>) -> Result<Target, LoginError> {
    let name = named.as_ref().map(ToString::to_string);
    match (named, backends.server.authenticator.upstream()) {
        (Some(Backend::Address(address)), _) => Ok(Target {
            addresses: vec![Address::Inet(address)],
            name,
            host: address.ip().to_string().into_bytes().into(),
        }),
        (Some(Backend::Name(host, port)), _) => {
            match backends.resolver.addresses(&host, port).await {
                Ok((found, _)) => Ok(Target {
                    addresses: found.into_iter().map(Address::Inet).collect(),
                    name,
                    host: host.into_string().into_bytes().into(),
                }),
                Err(fault) => Err(LoginError::Unresolved(host, fault)),
            }
        }
        (None, Some(upstream)) => Ok(upstream.into()),
        (None, None) => Err(LoginError::NoBackend),
    }
}
