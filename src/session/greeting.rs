//! The phase of the greeting: the client's host name and `smtp_greeting_delay` come before it.

use std::pin::pin;

use tokio::time::sleep;

use super::Session;
use super::client::connection::Received;
use super::client::host_name::host_name;
use super::client::identity::Identity;
use super::client::source::Source;
use super::commands::Commands;
use super::end::{Cause, SessionEnd};
use super::phase::Phase;
use crate::config::Resolver;
use crate::proto::note::Early;
use crate::proto::{Note, ServerDialogue};

/// A client that is not greeted yet. It is inside TLS where TLS begins with the first byte.
#[derive(Debug)]
pub(in crate::session) struct Greeting<'s> {
    session: Session<'s>,
    identity: Identity,
    dialogue: Box<dyn ServerDialogue>,
}

impl<'s> Greeting<'s> {
    /// Makes the dialogue. The first client of a server may wait briefly for the backend's capabilities.
    pub async fn new(session: Session<'s>, source: Source) -> Self {
        let endpoint = session.endpoint;
        let capabilities = endpoint.backends.first_capabilities().await;
        let secure = session.client.tls().is_some();
        Self {
            dialogue: endpoint.settings.server(secure, capabilities),
            identity: Identity::new(source, session.log.number()),
            session,
        }
    }

    /// Sends the greeting. The time for the login begins with it.
    pub async fn greet(mut self) -> Result<Commands<'s>, SessionEnd> {
        if self.session.endpoint.settings.is_smtp() {
            self.look_up_name().await?;
            self.delay().await?;
        }
        let Session {
            endpoint,
            shared,
            client,
            ..
        } = &mut self.session;
        let mut challenge = || shared.challenge(&endpoint.server.name);
        self.dialogue.greet(&mut challenge, &mut client.out);
        let deadline = Box::pin(sleep(endpoint.server.mail.timeout));
        let sent = client.flush().await;
        sent.map_err(|error| Phase::Greeting.end(Cause::Client(error)))?;
        Ok(Commands::new(
            self.session,
            self.identity,
            self.dialogue,
            deadline,
        ))
    }

    /// Looks up the client's host name if there is a `resolver`. Input that arrives meanwhile is kept.
    async fn look_up_name(&mut self) -> Result<(), SessionEnd> {
        let endpoint = self.session.endpoint;
        if endpoint.server.mail.resolver == Resolver::Off {
            return Ok(());
        }
        let Some(address) = self.identity.source.peer.ip() else {
            return Ok(());
        };
        let (shown, log) = (&self.identity.address, &*self.session.log);
        // Boxed: most servers have no resolver.
        let look_up = Box::pin(host_name(address, shown, &endpoint.resolver, log));
        let name = tokio::select! {
            name = look_up => name,
            () = self.session.client.left() => return Err(Phase::ClientAddress.end(Cause::Closed)),
        };
        self.identity.named(name);
        Ok(())
    }

    /// Waits for `smtp_greeting_delay`, and ends the session of a client that sends data before it is over.
    async fn delay(&mut self) -> Result<(), SessionEnd> {
        let delay = self.session.endpoint.server.greeting_delay();
        if delay.is_zero() {
            return Ok(());
        }
        let client = &mut *self.session.client;
        let received = if client.input().is_empty() {
            client.receive(pin!(sleep(delay))).await
        } else {
            Ok(Received::More)
        };
        let cause = match received {
            Ok(Received::Timeout) => return Ok(()),
            Ok(Received::More) => Cause::EarlyTalker(Note::Early(Early::new(client.input()))),
            Ok(Received::End) => Cause::Closed,
            Err(error) => Cause::Client(error),
        };
        Err(Phase::GreetingDelay.end(cause))
    }
}
