//! The client's host name: what its address is called, if that name leads back to the address.

use super::commands::Session;
use super::identity::{TEMPUNAVAIL, UNAVAILABLE};
use crate::base::Escaped;
use crate::base::Level;
use crate::config::Resolver;
use crate::net::resolver::Fault;
use crate::session::Over;

impl Session {
    /// Finds the client's name, where there is a `resolver`. What the client says meanwhile is kept; if it leaves, the
    /// session is over.
    pub async fn learn_name(&mut self) -> Result<(), Over> {
        if self.endpoint.server.mail.resolver == Resolver::Off {
            return Ok(());
        }
        let Some(address) = self.identity.source.peer.ip() else {
            return Ok(());
        };
        self.log.doing("in resolving client address");
        let resolver = self.endpoint.resolver.clone();
        let shown = self.identity.address.clone();
        let name = tokio::select! {
            name = resolver.name_of(address) => name,
            () = self.client.leaves() => return Err(Over),
        };
        let name = match name {
            Ok(name) => name,
            Err(fault) => return self.unresolved(format_args!("{shown}"), fault),
        };
        let Some(text) = name.text() else {
            let bytes = name.bytes();
            self.log.line(
                Level::Error,
                format_args!(
                    "{shown} resolved to invalid host name \"{}\"",
                    Escaped(&bytes)
                ),
            );
            self.identity.host = TEMPUNAVAIL.into();
            return Ok(());
        };
        self.log.doing("in resolving client hostname");
        let found = tokio::select! {
            found = resolver.addresses_of(&name) => found,
            () = self.client.leaves() => return Err(Over),
        };
        match found {
            Ok(found) => {
                let own = found.iter().any(|ip| ip.to_canonical() == address);
                self.identity.host = if own { text.into() } else { UNAVAILABLE.into() };
                Ok(())
            }
            Err(fault) => self.unresolved(format_args!("\"{text}\""), fault),
        }
    }

    fn unresolved(&mut self, what: std::fmt::Arguments<'_>, fault: Fault) -> Result<(), Over> {
        self.log.line(
            Level::Error,
            format_args!("{what} could not be resolved ({fault})"),
        );
        let host = if fault == Fault::NOT_FOUND {
            UNAVAILABLE
        } else {
            TEMPUNAVAIL
        };
        self.identity.host = host.into();
        Ok(())
    }
}
