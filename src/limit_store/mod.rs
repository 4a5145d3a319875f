//! `limit_store`: counts that several gateways share through Valkey or Redis.
//!
//! A worker has one connection, on which the calls of all sessions are pipelined. Each check is one script: [`LimitStore::check_sessions`],
//! and [`LimitStore::check_login`] with the result of the login later. A call without an answer in time marks the store as lost; from then
//! on no session waits until [`keeper`] has a connection again. The caller's zones count as well, and decide where a call returns
//! `None`.

mod auth;
mod connection;
mod failure;
mod hash;
mod keeper;
mod script;
mod session;

use std::fmt;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;

pub use auth::{LoginCheck, Standing, StorePermit};
pub use session::SessionAnswer;

use self::connection::Live;
use self::failure::Failure;
use self::hash::Hasher;
use self::script::{Arguments, Script};
use crate::base::Registry;
use crate::config;
use crate::log::ErrorLog;
use crate::net::dialer::Dialer;
use crate::net::resolver::Resolver;
use crate::tls::Target;

/// The stores in use. A store with its connection outlives a reload that does not change it.
pub type LimitStores = Registry<config::LimitStore, LimitStore>;

/// A store of counts.
pub struct LimitStore {
    peer: Arc<Peer>,
    hasher: Hasher,
    /// Distinguishes this process from others in the store.
    process: u64,
    running: OnceLock<Running>,
}

/// The server, and what connections to it need.
struct Peer {
    config: config::LimitStore,
    tls: Option<Target>,
    resolver: Resolver,
    dialer: Dialer,
    /// The connection, while there is one.
    live: ArcSwapOption<Live>,
    /// The main log of the generation in force.
    log: ArcSwapOption<ErrorLog>,
}

/// The task that keeps the connection, and where it runs.
struct Running {
    runtime: Handle,
    keeper: AbortHandle,
}

impl LimitStore {
    /// A store that is not connected yet.
    pub fn new(
        config: config::LimitStore,
        tls: Option<Target>,
        resolver: Resolver,
        dialer: Dialer,
    ) -> Self {
        Self {
            hasher: Hasher::new(config.secret.as_ref()),
            process: fastrand::u64(..),
            running: OnceLock::new(),
            peer: Arc::new(Peer {
                config,
                tls,
                resolver,
                dialer,
                live: ArcSwapOption::empty(),
                log: ArcSwapOption::empty(),
            }),
        }
    }

    /// Connects, if that has not begun yet, and writes to this log from now on. Must be called inside the runtime.
    pub fn start(&self, log: &Arc<ErrorLog>) {
        self.peer.log.store(Some(Arc::clone(log)));
        self.running.get_or_init(|| {
            let keeper = tokio::spawn(keeper::keep(Arc::clone(&self.peer)));
            Running {
                runtime: Handle::current(),
                keeper: keeper.abort_handle(),
            }
        });
    }

    /// Whether the counts of a zone are here.
    pub fn shares(&self, zone: &config::LimitZone) -> bool {
        zone.is_shared_by(&self.peer.config)
    }

    /// The key of an entry.
    fn entry(&self, zone: &config::LimitZone, key: &[u8]) -> Vec<u8> {
        self.hasher.entry(&self.peer.config.prefix, &zone.name, key)
    }

    /// Calls a script, and leaves its answer alone.
    fn tell(&self, script: &'static Script, with: Arguments) {
        if let Some(running) = self.running.get() {
            let peer = Arc::clone(&self.peer);
            running
                .runtime
                .spawn(async move { peer.call(script, &with).await });
        }
    }
}

impl Peer {
    /// Calls a script. `None`: the store is lost, or is lost with this call.
    async fn call(&self, script: &Script, with: &Arguments) -> Option<Vec<i64>> {
        let live = self.live.load_full().filter(|live| live.is_usable())?;
        let limit = self.config.timeout;
        let called = timeout(limit, script.call(live.connection.clone(), with)).await;
        let failure = match called {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => Failure::from(error),
            Err(_) => Failure::Silent(limit),
        };
        live.fail(failure);
        None
    }
}

impl Drop for LimitStore {
    fn drop(&mut self) {
        if let Some(running) = self.running.get() {
            running.keeper.abort();
        }
    }
}

impl fmt::Debug for LimitStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "LimitStore({})", self.peer.config.shown)
    }
}
