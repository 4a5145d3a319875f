//! What sessions publish for the status pages: counters, durations, and a table of the open sessions.
//!
//! Plain atomics and swapped values: a session takes no lock here that anybody else holds, and never waits for a reader. The readers are in `admin`. None of this
//! exists without the directive `status`.

mod auth_server;
mod close;
mod close_request;
mod counter;
mod counts;
mod histogram;
mod holds;
mod open;
mod reloads;
mod session;
mod tls;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::SystemTime;

pub use self::auth_server::AuthServerCounts;
pub use self::close_request::CloseRequest;
pub use self::counter::Counter;
pub use self::counts::{METHODS, ServerCounts, ServerKey};
pub use self::histogram::{Histogram, HistogramValues};
pub use self::holds::{HoldError, Holds, LONGEST_HELD, MOST_HOLDS};
pub use self::open::{OpenSession, OpenSessions, SessionPhase, SessionView};
pub use self::reloads::{LastReload, ReloadKind, Reloads};
pub use self::session::{SessionFacts, SessionMonitor};
pub use self::tls::{TlsCounts, TlsFailure, VERSIONS};
use crate::base::{Protocol, Registry};

/// Everything that is counted in a process. It outlives reloads.
#[derive(Debug)]
pub struct Monitor {
    /// When counting began.
    pub started: SystemTime,
    /// The open sessions.
    pub open: OpenSessions,
    /// The logins whose new sessions are refused.
    pub holds: Holds,
    /// The reloads since then.
    pub reloads: Reloads,
    /// The durations of each protocol's sessions.
    durations: [(Protocol, Durations); Protocol::ALL.len()],
    servers: Registry<ServerKey, ServerCounts>,
    auth_servers: Registry<String, AuthServerCounts>,
}

/// How long the parts of sessions take.
#[derive(Debug)]
pub struct Durations {
    /// From accept to the end of a successful login.
    pub login: Histogram,
    /// The connection to a backend.
    pub connect: Histogram,
    /// From accept to the end.
    pub session: Histogram,
}

/// The counters of the sessions of one `listen` address.
#[derive(Clone, Debug)]
pub struct ServerMonitor {
    /// The counters of all sessions.
    pub monitor: Arc<Monitor>,
    /// Those of this address.
    pub counts: Arc<ServerCounts>,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            login: Histogram::of_steps(),
            connect: Histogram::of_steps(),
            session: Histogram::of_sessions(),
        }
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self {
            started: SystemTime::now(),
            open: OpenSessions::default(),
            holds: Holds::default(),
            reloads: Reloads::default(),
            durations: Protocol::ALL.map(|protocol| (protocol, Durations::default())),
            servers: Registry::default(),
            auth_servers: Registry::default(),
        }
    }
}

impl Monitor {
    /// The counters of one address, which are kept while a configuration has it or a session uses them.
    pub fn server(self: &Arc<Self>, key: ServerKey) -> ServerMonitor {
        let make = |key: &ServerKey| Ok::<_, Infallible>(ServerCounts::new(key.clone()));
        let Ok(counts) = self.servers.get_or_make(key, make);
        ServerMonitor {
            monitor: Arc::clone(self),
            counts,
        }
    }

    /// The counters of an auth server, by its URL.
    pub fn auth_server(&self, url: &str) -> Arc<AuthServerCounts> {
        let make = |url: &String| Ok::<_, Infallible>(AuthServerCounts::new(url));
        let Ok(counts) = self.auth_servers.get_or_make(url.to_owned(), make);
        counts
    }

    /// The counters of all addresses, in the order of their names.
    pub fn servers(&self) -> Vec<Arc<ServerCounts>> {
        let mut servers = self.servers.values();
        let key = |one: &Arc<ServerCounts>| (Arc::clone(&one.key.address), one.key.protocol.word());
        servers.sort_by_key(key);
        servers
    }

    /// The counters of all auth servers, in the order of their URLs.
    pub fn auth_servers(&self) -> Vec<Arc<AuthServerCounts>> {
        let mut servers = self.auth_servers.values();
        servers.sort_by(|one, other| one.url.cmp(&other.url));
        servers
    }

    /// The durations by protocol.
    pub fn durations(&self) -> impl Iterator<Item = (Protocol, &Durations)> {
        let durations = self.durations.iter();
        durations.map(|(protocol, durations)| (*protocol, durations))
    }

    /// The durations of a protocol's sessions.
    fn durations_of(&self, protocol: Protocol) -> Option<&Durations> {
        let mut all = self.durations();
        all.find(|(own, _)| *own == protocol).map(|(_, own)| own)
    }
}
