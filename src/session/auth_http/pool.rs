//! The connections to auth servers that are kept for the next request. [`Keepalive`] decides which; this is the sockets' side.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::keepalive::{Id, Keepalive, Silence};
use crate::base::Address;
use crate::net::stream::Stream;
use crate::tls::Target;

/// The number of addresses above which those without connections are forgotten.
const ADDRESSES: usize = 64;
/// The time after which a kept connection is broken if the server's host does not acknowledge a request.
const UNACKNOWLEDGED: Duration = Duration::from_secs(1);

/// The pools of all addresses. One per process: servers of the configuration that use the same auth server, and the generations
/// of the configuration, share what is known of it.
#[derive(Debug, Default)]
pub(in crate::session) struct Pools(Mutex<HashMap<Address, Arc<Pool>>>);

impl Pools {
    /// The pool of an address.
    pub fn of(&self, address: &Address) -> Arc<Pool> {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(address) {
            return Arc::clone(pool);
        }
        if pools.len() >= ADDRESSES {
            pools.retain(|_, pool| Arc::strong_count(pool) > 1 || !pool.state().idle.is_empty());
        }
        Arc::clone(pools.entry(address.clone()).or_default())
    }
}

/// The connections to one address.
#[derive(Debug, Default)]
pub(in crate::session) struct Pool {
    state: Mutex<State>,
    /// The task that closes connections has to do so earlier.
    earlier: Notify,
    /// A request that was sent again was answered or has failed.
    checked: Notify,
}

#[derive(Debug, Default)]
struct State {
    keepalive: Keepalive,
    idle: Vec<Idle>,
    /// The time at which the task that closes connections wakes up; `None` if there is none.
    wakes: Option<Instant>,
}

#[derive(Debug)]
struct Idle {
    id: Id,
    stream: Stream,
    tls: Option<Target>,
}

/// A request at an auth server, from its connection to its answer. Dropped without an answer, it has failed.
#[derive(Debug)]
pub(in crate::session) struct PoolRequest {
    pool: Arc<Pool>,
    id: Id,
}

impl Pool {
    /// Registers a request. Returns the connection for it if there is one with the same TLS and `keep` is set; without, the
    /// request needs a new one.
    pub fn begin(
        self: &Arc<Self>,
        tls: Option<&Target>,
        keep: bool,
    ) -> (PoolRequest, Option<Stream>) {
        self.update(|state, now| {
            let kept = keep.then(|| state.take(tls, now)).flatten();
            let (id, stream) = match kept {
                Some(idle) => (idle.id, Some(idle.stream)),
                None => (state.keepalive.open(now), None),
            };
            let pool = Arc::clone(self);
            (PoolRequest { pool, id }, stream)
        })
    }

    /// Changes the state, then closes the connections that are overdue.
    fn update<T>(&self, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        let now = Instant::now();
        let mut state = self.state();
        let checking = state.keepalive.is_checking();
        let result = change(&mut state, now);
        let overdue = state.keepalive.overdue(now);
        if !overdue.is_empty() {
            state.idle.retain(|idle| !overdue.contains(&idle.id));
        }
        if let (Some(wakes), Some(deadline)) = (state.wakes, state.keepalive.deadline())
            && deadline < wakes
        {
            state.wakes = Some(deadline);
            self.earlier.notify_one();
        }
        if checking && !state.keepalive.is_checking() {
            self.checked.notify_waiters();
        }
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes connections when they are overdue, until none is left.
    async fn close_overdue(self: Arc<Self>) {
        loop {
            self.update(|_, _| ());
            let wakes = {
                let mut state = self.state();
                state.wakes = state.keepalive.deadline();
                state.wakes
            };
            let Some(at) = wakes else { return };
            tokio::select! {
                () = sleep_until(at) => {}
                () = self.earlier.notified() => {}
            }
        }
    }
}

impl State {
    /// Takes the idle connection for the next request.
    fn take(&mut self, tls: Option<&Target>, now: Instant) -> Option<Idle> {
        while let Some(id) = self.keepalive.reusable(now) {
            let at = self.idle.iter().position(|idle| idle.id == id)?;
            if !self.idle[at].stream.is_quiet() {
                self.idle.remove(at);
                self.keepalive.closed(id, now);
                continue;
            }
            if !is_same(self.idle[at].tls.as_ref(), tls) {
                return None;
            }
            let idle = self.idle.remove(at);
            let limited = idle
                .stream
                .socket()
                .map(|socket| socket.set_user_timeout(UNACKNOWLEDGED));
            if !matches!(limited, Some(Ok(()))) {
                self.keepalive.closed(id, now);
                continue;
            }
            self.keepalive.reuse(id, now);
            return Some(idle);
        }
        None
    }

    /// Forgets idle connections that the server has closed.
    fn prune(&mut self, now: Instant) {
        let closed = self.idle.extract_if(.., |idle| !idle.stream.is_quiet());
        let closed: Vec<Id> = closed.map(|idle| idle.id).collect();
        for id in closed {
            self.keepalive.closed(id, now);
        }
    }
}

impl PoolRequest {
    /// The request is answered. The connection is kept or closed; `None`: the answer has closed it.
    pub fn answered(self, stream: Option<Stream>, tls: Option<&Target>) {
        let needs_task = self.pool.update(|state, now| {
            if state.keepalive.is_testing() {
                state.prune(now);
            }
            let keep = state.keepalive.answered(self.id, now, stream.is_some());
            let Some(stream) = stream.filter(|_| keep) else {
                return false;
            };
            let (id, tls) = (self.id, tls.cloned());
            state.idle.push(Idle { id, stream, tls });
            let needs_task = state.wakes.is_none();
            state.wakes = state.wakes.or(Some(now));
            needs_task
        });
        if needs_task {
            tokio::spawn(Arc::clone(&self.pool).close_overdue());
        }
    }

    /// The server had closed the kept connection: the request gets a new one.
    pub fn replace_stale(&mut self) {
        let id = self.id;
        self.id = (self.pool).update(|state, now| state.keepalive.replace_stale(id, now));
    }

    /// Ends when the kept connection is to be given up because there is no answer on it; the request gets a new one. `limit` is
    /// `auth_http_timeout`.
    pub async fn silence(&mut self, limit: Duration) {
        let id = self.id;
        loop {
            let checked = self.pool.checked.notified();
            let silence = self.pool.update(|state, now| {
                let silence = state.keepalive.silence(id, now, limit);
                let replacement = (silence == Silence::Dead)
                    .then(|| state.keepalive.replace_dead(id, now, limit));
                (silence, replacement)
            });
            match silence {
                (_, Some(replacement)) => {
                    self.id = replacement;
                    return;
                }
                (Silence::Until(at), None) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = checked => {}
                },
                (_, None) => checked.await,
            }
        }
    }
}

impl Drop for PoolRequest {
    fn drop(&mut self) {
        self.pool.update(|state, _| state.keepalive.ended(self.id));
    }
}

/// Whether a connection with the TLS of `one` can serve a request for `other`.
fn is_same(one: Option<&Target>, other: Option<&Target>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            Arc::ptr_eq(&one.config, &other.config) && one.name == other.name
        }
        _ => false,
    }
}
