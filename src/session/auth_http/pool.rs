//! Connections to an auth server that are kept for the next request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::base::address::Address;
use crate::net::stream::Stream;

/// The number of idle connections that are kept.
const KEPT: usize = 32;
/// The longest time that a connection is idle.
const AGE: Duration = Duration::from_secs(55);

/// Idle connections.
#[derive(Debug, Default)]
pub(in crate::session) struct Pool(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The most recently used connection is the last one.
    idle: Vec<Idle>,
    /// The task that closes old connections runs.
    swept: bool,
}

#[derive(Debug)]
struct Idle {
    address: Address,
    since: Instant,
    stream: Stream,
}

impl Pool {
    /// Takes a connection to `address` that is still open, the most recently used one first.
    pub fn take(&self, address: &Address) -> Option<Stream> {
        let idle = &mut self.state().idle;
        while let Some(at) = idle.iter().rposition(|idle| idle.address == *address) {
            let mut kept = idle.remove(at);
            if kept.since.elapsed() < AGE && kept.stream.is_quiet() {
                return Some(kept.stream);
            }
        }
        None
    }

    /// Keeps a connection for the next request.
    pub fn put(self: &Arc<Self>, address: &Address, stream: Stream) {
        let mut state = self.state();
        if !state.swept {
            state.swept = true;
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
        if state.idle.len() >= KEPT {
            state.idle.remove(0);
        }
        state.idle.push(Idle {
            address: address.clone(),
            since: Instant::now(),
            stream,
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes old connections until none is left.
async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(AGE).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut state = pool.state();
        state.idle.retain(|idle| idle.since.elapsed() < AGE);
        if state.idle.is_empty() {
            state.swept = false;
            return;
        }
    }
}
