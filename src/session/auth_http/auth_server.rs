//! The auth server behind an `auth_http`: where it is, and the connections to it that wait for the next question.
//!
//! The addresses found when the configuration was loaded are the start. A name is looked up again when what is known of it
//! has grown old, in the background: no login waits for that, and what was known stays when nobody answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::pool::Pool;
use crate::base::{Address, Level};
use crate::config::AuthUrl;
use crate::log::ErrorLog;
use crate::net::dialer::Dialer;
use crate::net::resolver::Resolver;
use crate::tls::Towards;

/// When to look a name up again that could not be looked up.
const AGAIN: Duration = Duration::from_secs(5);
/// The least that an answer holds.
const LEAST: Duration = Duration::from_secs(1);

/// One auth server, shared by all servers that ask it in the same way.
#[derive(Debug)]
pub struct AuthServer {
    pub(in crate::session) url: AuthUrl,
    resolver: Resolver,
    known: Mutex<Known>,
    /// TLS, where its URL is `https://`.
    pub(in crate::session) tls: Option<Towards>,
    pub(in crate::session) pool: Arc<Pool>,
    pub(in crate::session) dialer: Dialer,
}

#[derive(Debug)]
struct Known {
    /// Never empty. The first is the one that answered last.
    addresses: Arc<[Address]>,
    until: Instant,
    asking: bool,
}

impl AuthServer {
    /// An auth server where the configuration says it is.
    pub fn new(url: AuthUrl, tls: Option<Towards>, resolver: Resolver, dialer: Dialer) -> Self {
        let known = Known {
            addresses: url.addresses.as_slice().into(),
            until: Instant::now(),
            asking: false,
        };
        Self {
            url,
            tls,
            resolver,
            known: Mutex::new(known),
            pool: Arc::default(),
            dialer,
        }
    }

    /// Where it is, as far as is known.
    pub(in crate::session) fn addresses(self: &Arc<Self>, log: &Arc<ErrorLog>) -> Arc<[Address]> {
        let mut known = self.known();
        if let Some((name, port)) = &self.url.name
            && !known.asking
            && known.until <= Instant::now()
        {
            known.asking = true;
            let (server, log) = (Arc::clone(self), Arc::clone(log));
            let (name, port) = (name.clone(), *port);
            tokio::spawn(async move { server.look_up(&name, port, &log).await });
        }
        Arc::clone(&known.addresses)
    }

    /// The one to begin with next time: those before it could not be reached.
    pub(in crate::session) fn prefer(&self, address: &Address) {
        let mut known = self.known();
        if let Some(at) = known.addresses.iter().position(|own| own == address)
            && at > 0
        {
            let mut addresses = known.addresses.to_vec();
            addresses.rotate_left(at);
            known.addresses = addresses.into();
        }
    }

    async fn look_up(&self, name: &str, port: u16, log: &ErrorLog) {
        let found = self.resolver.addresses(name, port).await;
        let mut known = self.known();
        known.asking = false;
        match found {
            Ok((found, valid)) => {
                known.until = Instant::now() + valid.max(LEAST);
                let same = found.len() == known.addresses.len()
                    && found
                        .iter()
                        .all(|&address| known.addresses.contains(&Address::Inet(address)));
                if !same {
                    known.addresses = found.into_iter().map(Address::Inet).collect();
                }
            }
            Err(fault) => {
                known.until = Instant::now() + AGAIN;
                drop(known);
                let text = format_args!("\"{name}\" could not be resolved ({fault})");
                log.line(Level::Error, None, text);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
