//! The addresses of servers with `resolve`, which follow DNS.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Backends;
use super::candidates::now;
use crate::base::{Address, Escaped, Level};
use crate::config::ResolvedName;
use crate::net::resolver::ResolveError;
use crate::upstream::Balancer;

/// The shortest and the longest time between two look-ups.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));
/// The time from a look-up that failed to the next one.
const RETRY: Duration = Duration::from_secs(5);

/// A server whose name is looked up again.
#[derive(Debug)]
pub(super) struct NamedServer {
    /// The server that decides about the resolver, and whose log has the changes.
    pub backends: Arc<Backends>,
    pub balancer: Arc<Balancer>,
    pub name: ResolvedName,
    /// As written, with which the group knows it.
    pub server: Box<[u8]>,
}

impl NamedServer {
    /// Looks the name up when its time to live ends, and changes the peers of the group.
    pub async fn follow(self) {
        loop {
            let ResolvedName { host, port } = &self.name;
            let resolver = &self.backends.resolver;
            let looked_up = match resolver.each_address(host, *port).await {
                // The addresses of one family are better than none.
                Err(_) if !self.has_peers() => resolver.addresses(host, *port).await,
                looked_up => looked_up,
            };
            let pause = match looked_up {
                Ok((addresses, valid)) => {
                    if let Some(failed_for) = self.balancer.resolved(&self.server, now()) {
                        let seconds = failed_for.as_secs();
                        let line = format_args!("is resolved again after {seconds} s");
                        self.line(Level::Error, line);
                    }
                    self.use_addresses(addresses.into_iter().map(Address::Inet).collect());
                    valid.clamp(PAUSES.0, PAUSES.1)
                }
                Err(error) => {
                    if self.balancer.unresolved(&self.server, now()) {
                        self.failed(error);
                    }
                    RETRY
                }
            };
            sleep(pause).await;
        }
    }

    fn has_peers(&self) -> bool {
        let peers = self.balancer.peers();
        peers.iter().any(|peer| peer.server.name == self.server)
    }

    fn use_addresses(&self, mut addresses: Vec<Address>) {
        // Name servers change the order.
        addresses.sort_by_cached_key(ToString::to_string);
        addresses.dedup();
        if self.balancer.set_addresses(&self.server, &addresses) {
            let shown: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            let line = format_args!("has the addresses {}", shown.join(", "));
            self.line(Level::Notice, line);
        }
    }

    fn failed(&self, error: ResolveError) {
        let line = format_args!("could not be resolved ({error}), its addresses stay in use");
        self.line(Level::Error, line);
    }

    fn line(&self, level: Level, text: std::fmt::Arguments<'_>) {
        let host = Escaped(self.name.host.as_bytes());
        let log = &self.backends.log;
        log.line(level, None, format_args!("upstream {host} {text}"));
    }
}
