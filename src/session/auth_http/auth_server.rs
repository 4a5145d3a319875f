//! The auth server of an `auth_http` directive: its URL and its addresses.
//!
//! The first addresses are those found when the configuration was loaded. Once their validity has passed, the name is looked up
//! again in the background: no login waits for that, and the old addresses stay in use if the look-up fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::base::{Address, Level};
use crate::config::{AuthUrl, StaticAuth};
use crate::log::ErrorLog;
use crate::monitor::AuthServerCounts;
use crate::net::dialer::Dialer;
use crate::net::resolver::Resolver;
use crate::tls::Target;

/// The time after which a failed look-up is repeated.
const AGAIN: Duration = Duration::from_secs(5);
/// The least validity of an answer.
const LEAST: Duration = Duration::from_secs(1);

/// One auth server, shared by all servers that query it in the same way.
#[derive(Debug)]
pub struct AuthServer {
    pub(in crate::session) url: AuthUrl,
    /// The location of the same file that answers in its place.
    pub(in crate::session) answer: Option<Arc<StaticAuth>>,
    resolver: Resolver,
    known: Mutex<Known>,
    /// TLS, if the URL is `https`.
    pub(in crate::session) tls: Option<Target>,
    pub(in crate::session) dialer: Dialer,
    /// What `status` shows of it.
    pub(in crate::session) counts: Option<Arc<AuthServerCounts>>,
}

#[derive(Debug)]
struct Known {
    /// The first address is the one that could be reached last.
    addresses: Arc<[Address]>,
    until: Instant,
    /// A look-up is under way.
    resolving: bool,
}

impl AuthServer {
    /// The auth server at `url`. With `answer`, it is never asked.
    pub fn new(
        url: AuthUrl,
        answer: Option<Arc<StaticAuth>>,
        tls: Option<Target>,
        resolver: Resolver,
        dialer: Dialer,
        counts: Option<Arc<AuthServerCounts>>,
    ) -> Self {
        let known = Known {
            addresses: url.addresses.as_slice().into(),
            until: Instant::now(),
            resolving: false,
        };
        Self {
            url,
            answer,
            tls,
            resolver,
            known: Mutex::new(known),
            dialer,
            counts,
        }
    }

    /// The addresses that are known. Starts a look-up if their validity has passed.
    pub(in crate::session) fn addresses(self: &Arc<Self>, log: &Arc<ErrorLog>) -> Arc<[Address]> {
        let mut known = self.known();
        if let Some((name, port)) = &self.url.name
            && self.answer.is_none()
            && !known.resolving
            && known.until <= Instant::now()
        {
            known.resolving = true;
            let (server, log) = (Arc::clone(self), Arc::clone(log));
            let (name, port) = (name.clone(), *port);
            tokio::spawn(async move { server.look_up(&name, port, &log).await });
        }
        Arc::clone(&known.addresses)
    }

    /// Puts an address first: those before it could not be reached.
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
        known.resolving = false;
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
