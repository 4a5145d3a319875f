//! The connections to auth servers that are kept for the next request. [`Keepalive`] decides which; this is the sockets' side.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

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
    /// Connections to close once the lock is released: that takes longer than all else here.
    closed: Vec<Stream>,
}

#[derive(Debug)]
struct Idle {
    id: Id,
    stream: Stream,
    tls: Option<Target>,
    /// The thread whose runtime the socket belongs to.
    thread: ThreadId,
}

/// A request at an auth server, from its connection to its answer. Dropped without an answer, it has failed.
#[derive(Debug)]
pub(in crate::session) struct PoolRequest {
    pool: Arc<Pool>,
    id: Id,
    /// The thread of its connection, if that was kept before.
    kept: Option<ThreadId>,
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
            let (id, kept, stream) = match kept {
                Some(idle) => (idle.id, Some(idle.thread), Some(idle.stream)),
                None => (state.keepalive.open(now), None, None),
            };
            let request = PoolRequest {
                pool: Arc::clone(self),
                id,
                kept,
            };
            (request, stream)
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
            state.close(|idle| overdue.contains(&idle.id));
        }
        if let (Some(wakes), Some(deadline)) = (state.wakes, state.keepalive.deadline())
            && deadline < wakes
        {
            state.wakes = Some(deadline);
            self.earlier.notify_one();
        }
        let checked = checking && !state.keepalive.is_checking();
        let closed = std::mem::take(&mut state.closed);
        drop(state);
        drop(closed);
        if checked {
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
            let Some(mut at) = wakes else { return };
            // An earlier time stays, although its request is answered by then: else each request would wake up this task.
            while timeout_at(at, self.earlier.notified()).await.is_ok() {
                at = self.state().wakes.unwrap_or(at);
            }
        }
    }
}

impl State {
    /// Takes the idle connection for the next request, one of the same thread if there is one.
    fn take(&mut self, tls: Option<&Target>, now: Instant) -> Option<Idle> {
        let here = thread::current().id();
        while let Some(last) = self.keepalive.reusable(now) {
            let mut idle = self.idle.iter();
            let at = idle.rposition(|idle| idle.thread == here);
            let at = at.or_else(|| self.idle.iter().position(|idle| idle.id == last))?;
            let id = self.idle[at].id;
            if !self.idle[at].stream.is_quiet() {
                let idle = self.idle.remove(at);
                self.closed.push(idle.stream);
                self.keepalive.closed(id, now);
                continue;
            }
            if !is_same(self.idle[at].tls.as_ref(), tls) {
                return None;
            }
            let mut idle = self.idle.remove(at);
            // The socket of a TLS connection cannot be moved: each of its events wakes up both threads.
            if idle.thread != here
                && let Stream::Plain(socket) = idle.stream
            {
                let Ok(socket) = socket.into_current_runtime() else {
                    self.keepalive.closed(id, now);
                    continue;
                };
                (idle.stream, idle.thread) = (Stream::Plain(socket), here);
            }
            self.keepalive.reuse(id, now);
            return Some(idle);
        }
        None
    }

    /// Forgets idle connections that the server has closed.
    fn prune(&mut self, now: Instant) {
        for id in self.close(|idle| !idle.stream.is_quiet()) {
            self.keepalive.closed(id, now);
        }
    }

    /// Closes these connections. Returns which ones.
    fn close(&mut self, which: impl FnMut(&mut Idle) -> bool) -> Vec<Id> {
        let closed = self.idle.extract_if(.., which);
        let closed = closed.map(|idle| {
            self.closed.push(idle.stream);
            idle.id
        });
        closed.collect()
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
            let Some(stream) = stream else {
                return false;
            };
            if !keep {
                state.closed.push(stream);
                return false;
            }
            if self.kept.is_none() && !limit_silence(&stream) {
                state.keepalive.closed(self.id, now);
                state.closed.push(stream);
                return false;
            }
            let (id, tls) = (self.id, tls.cloned());
            state.idle.push(Idle {
                id,
                stream,
                tls,
                thread: self.kept.unwrap_or_else(|| thread::current().id()),
            });
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
        self.kept = None;
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
                    self.kept = None;
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

/// Sets how long a connection that is kept may be without the acknowledgement of a request. Returns whether that succeeded.
fn limit_silence(stream: &Stream) -> bool {
    let limited = stream
        .socket()
        .map(|socket| socket.set_user_timeout(UNACKNOWLEDGED));
    matches!(limited, Some(Ok(())))
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::net::socket::Socket;

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// The thread that has made the connection drives no events any more when another one uses it.
    #[test]
    fn a_kept_connection_moves_to_the_thread_of_its_next_request() {
        let pool = Arc::new(Pool::default());
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Inet(server.local_addr().unwrap());
        let first = thread::scope(|scope| {
            let first = scope.spawn(|| {
                let first = runtime();
                first.block_on(async {
                    let (request, kept) = pool.begin(None, true);
                    assert!(kept.is_none());
                    let socket = Socket::connect(&address).await.unwrap();
                    request.answered(Some(Stream::Plain(socket)), None);
                });
                first
            });
            first.join().unwrap()
        });
        let (mut served, _) = server.accept().unwrap();
        runtime().block_on(async {
            let (_request, kept) = pool.begin(None, true);
            let mut stream = kept.expect("the kept connection");
            first.shutdown_background();
            stream.write_all(b"request").await.unwrap();
            let mut bytes = [0; 7];
            served.read_exact(&mut bytes).unwrap();
            assert_eq!(&bytes, b"request");
            let answer = async {
                // The wait for it has begun: only the current runtime can end it.
                tokio::task::yield_now().await;
                served.write_all(b"answer").unwrap();
            };
            let (read, ()) = tokio::join!(stream.read_exact(&mut bytes[..6]), answer);
            assert_eq!((read.unwrap(), &bytes[..6]), (6, b"answer".as_slice()));
        });
    }
}
