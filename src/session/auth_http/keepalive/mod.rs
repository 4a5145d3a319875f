//! Decides which connections to an auth server stay open for the next request. Pure: no socket, no clock.
//!
//! An open connection can occupy a worker of the server, or a server of one thread entirely, so that requests on other
//! connections wait. Therefore a server is tested first: requests use new connections although others are idle. If an answer is
//! late then, all idle connections are closed, and for a while each request has a connection of its own, as without keepalive.
//! If the server serves several connections at once, a small part of them is kept. Requests of other clients of the server,
//! which are not seen here, wait for 0.3 s twice at most in the first test and once in a later one. Afterwards one worker in
//! four is held at most.
//!
//! Per request: [`Keepalive::reusable`] and [`Keepalive::reuse`], or [`Keepalive::open`]; then [`Keepalive::answered`] or
//! [`Keepalive::ended`]. After each call [`Keepalive::overdue`] names the idle connections to close, and
//! [`Keepalive::deadline`] the time at which to ask again.

mod silence;

use std::time::Duration;

use tokio::time::Instant;

pub(super) use silence::Silence;

/// The number of connections that a server must serve at once before one of them is kept for long.
const ENOUGH: usize = 4;
/// The number of connections that a server serves at once for each one that is kept idle, but one is kept at least.
const SHARE: usize = 8;
/// The first test ends when the server has served [`SHARE`] connections at once. The next test after one that ended so takes
/// twice as many. This is the limit on these doublings: to 128.
const LARGEST_TEST: u32 = 4;
/// The longest idle time of a connection to a server that passed the test.
const IDLE: Duration = Duration::from_secs(1);
/// The same while the server is tested.
const IDLE_IN_TEST: Duration = Duration::from_millis(300);
/// The time after which a server that passed the test is tested again.
const TEST_VALIDITY: Duration = Duration::from_secs(60);
/// The time without keepalive after a first failed test. It doubles with each further one.
const SUSPENSION: Duration = Duration::from_secs(10);
/// The limit on these doublings: to 640 s.
const DOUBLINGS: u32 = 6;
/// A test without other requests in progress delays a request by about one answer. Slower servers are not tested so.
const QUICK: Duration = Duration::from_millis(50);
/// The part of the usual time of an answer by which an answer may be late in a test, and its bounds.
const LATE_PART: u32 = 8;
const LATE_LEAST: Duration = Duration::from_millis(10);
const LATE_MOST: Duration = Duration::from_millis(50);
/// An answer of a server that passed the test may take this time beyond twice the usual time.
const LENIENCE: Duration = Duration::from_millis(100);

/// A connection, from its first request to its end. Numbers are not used twice.
pub(super) type Id = u64;

/// The state of all connections to one address of an auth server.
#[derive(Debug, Default)]
pub(super) struct Keepalive {
    state: State,
    /// Tests that failed in succession.
    failures: u32,
    /// Tests in succession that ended because the server served enough connections at once.
    passes: u32,
    /// A connection was kept before.
    tried: bool,
    /// The time of a usual answer on a new connection: falls at once, rises slowly.
    usual: Duration,
    /// The time of the slowest answer.
    slowest: Duration,
    /// The number of connections so far.
    count: Id,
    waiting: Vec<Waiting>,
    /// In the order of their last answers.
    idle: Vec<Idle>,
    check: silence::Check,
}

/// The state of the server, as far as it is known.
#[derive(Debug, Default)]
enum State {
    /// The server is being tested, and connections are kept for a short time.
    #[default]
    Untested,
    /// It has served `at_once` connections at the same time. The state expires at `until`.
    Passed { at_once: usize, until: Instant },
    /// An idle connection kept another one from being served, or was not reused. No connection is kept until the given time.
    Suspended(Instant),
    /// Its answers take so long that a dead connection cannot be distinguished from a slow answer. No connection is kept.
    Slow,
}

/// A connection with a request that is not answered yet.
#[derive(Debug)]
struct Waiting {
    id: Id,
    since: Instant,
    /// It had an earlier request, so the server serves it.
    reused: bool,
    /// When idle connections were closed in favour of it.
    relieved: Option<Instant>,
    /// It replaces a silent connection, and an answer within this time shows that that one was dead.
    check: Option<Duration>,
}

/// A connection without a request.
#[derive(Debug)]
struct Idle {
    id: Id,
    since: Instant,
    reused: bool,
}

impl Keepalive {
    /// The idle connection that the next request should use. `None`: it should use a new one.
    pub fn reusable(&mut self, now: Instant) -> Option<Id> {
        self.age(now);
        let last = self.idle.last()?;
        let test = self.is_testing() && self.usual <= QUICK && (self.tried || last.reused);
        (!test).then_some(last.id)
    }

    /// Takes an idle connection for a request.
    pub fn reuse(&mut self, id: Id, now: Instant) {
        self.idle.retain(|idle| idle.id != id);
        self.tried = true;
        self.wait(id, now, true, None);
    }

    /// Registers a new connection with a request.
    pub fn open(&mut self, now: Instant) -> Id {
        self.open_with(now, None)
    }

    fn open_with(&mut self, now: Instant, check: Option<Duration>) -> Id {
        self.age(now);
        self.count += 1;
        self.wait(self.count, now, false, check);
        self.count
    }

    fn wait(&mut self, id: Id, since: Instant, reused: bool, check: Option<Duration>) {
        self.waiting.push(Waiting {
            id,
            since,
            reused,
            relieved: None,
            check,
        });
    }

    /// Takes note of an answer. `reusable`: the answer leaves the connection open. Returns whether the connection is kept.
    pub fn answered(&mut self, id: Id, now: Instant, reusable: bool) -> bool {
        let Some(request) = self.take(id) else {
            return false;
        };
        let time = now - request.since;
        self.slowest = self.slowest.max(time);
        let usual = self.usual + late(self.usual);
        if request.relieved.is_some_and(|at| now <= at + usual) {
            self.suspend(now);
        }
        self.checked(&request, time, now);
        if !request.reused {
            self.usual = match self.usual {
                Duration::ZERO => time,
                usual if time < usual => time,
                usual => usual + (time - usual) / 8,
            };
            self.served(now);
        }
        let keep = reusable && self.keeps(&request);
        if keep {
            let (id, since, reused) = (request.id, now, request.reused);
            self.idle.push(Idle { id, since, reused });
        }
        keep
    }

    /// Takes note of a request that ends without an answer: its connection failed, or its client left.
    pub fn ended(&mut self, id: Id) {
        if let Some(request) = self.take(id) {
            self.check.end(&request);
        }
    }

    /// Takes note of an idle connection that the server has closed.
    pub fn closed(&mut self, id: Id, now: Instant) {
        self.idle.retain(|idle| idle.id != id);
        self.distrust(now);
    }

    /// Replaces a kept connection that the server closed before it received the request.
    pub fn replace_stale(&mut self, id: Id, now: Instant) -> Id {
        self.ended(id);
        self.distrust(now);
        self.open(now)
    }

    /// Whether the server is tested: idle connections that it has closed must be reported before an answer.
    pub fn is_testing(&self) -> bool {
        matches!(self.state, State::Untested)
    }

    /// Whether a request that was sent again is to show whether kept connections are dead.
    pub fn is_checking(&self) -> bool {
        self.check.is_running()
    }

    /// The idle connections to close now.
    pub fn overdue(&mut self, now: Instant) -> Vec<Id> {
        self.age(now);
        if self.held_up().is_some_and(|at| at <= now) {
            if self.is_testing() {
                self.suspend(now);
            }
            for request in &mut self.waiting {
                request.relieved.get_or_insert(now);
            }
            return self.idle.drain(..).map(|idle| idle.id).collect();
        }
        let mut old = self.old(now);
        if old > 0 && self.is_testing() {
            // Requests are too rare for a test.
            self.suspend(now);
            old = self.old(now);
        }
        let surplus = self.idle.len().saturating_sub(self.most_idle(0));
        let closed = self.idle.drain(..old.max(surplus));
        closed.map(|idle| idle.id).collect()
    }

    /// The time at which [`Keepalive::overdue`] has connections to close.
    pub fn deadline(&self) -> Option<Instant> {
        let oldest = self.idle.first()?;
        let old = oldest.since + self.idle_limit();
        Some(self.held_up().map_or(old, |held_up| held_up.min(old)))
    }

    /// The number of connections that have been idle for too long.
    fn old(&self, now: Instant) -> usize {
        let limit = self.idle_limit();
        self.idle.partition_point(|idle| idle.since + limit <= now)
    }

    fn take(&mut self, id: Id) -> Option<Waiting> {
        let at = self.waiting.iter().position(|request| request.id == id)?;
        Some(self.waiting.swap_remove(at))
    }

    /// Ends a state that holds for a time only.
    fn age(&mut self, now: Instant) {
        match self.state {
            State::Passed { until, .. } | State::Suspended(until) if until <= now => {
                self.state = State::Untested;
            }
            _ => {}
        }
    }

    /// Counts the connections that the server serves, after an answer on a new one.
    fn served(&mut self, now: Instant) {
        let count = self.idle.len() + 1;
        let is_enough = count >= self.test_size();
        let new = self.new_requests();
        let busy = self.waiting.len() - new;
        match &mut self.state {
            // The test goes on while there is more to learn. A reused connection may be closed by now, and does not count.
            State::Untested if count >= ENOUGH && (new < count || is_enough) => {
                self.failures = 0;
                self.passes += u32::from(is_enough);
                self.state = State::Passed {
                    at_once: count,
                    until: now + TEST_VALIDITY,
                };
            }
            State::Passed { at_once, .. } => *at_once = (*at_once).max(count + busy),
            _ => {}
        }
    }

    /// Whether the connection of an answered request is kept.
    fn keeps(&self, request: &Waiting) -> bool {
        let first = !self.tried && !request.reused;
        let useful = !self.is_testing()
            || self.new_requests() > 0
            || ((first || self.usual <= QUICK) && self.idle.len() < ENOUGH - 1);
        useful && self.idle.len() < self.most_idle(1)
    }

    /// The number of requests on new connections.
    fn new_requests(&self) -> usize {
        self.waiting.iter().filter(|own| !own.reused).count()
    }

    /// The number of idle connections that are kept, with `more` connections open than idle and waiting ones.
    fn most_idle(&self, more: usize) -> usize {
        match self.state {
            State::Untested => self.test_size() - 1,
            State::Passed { at_once, .. } => {
                let open = self.idle.len() + self.waiting.len() + more;
                if self.new_requests() > 0 && open > at_once {
                    return 0;
                }
                (at_once / SHARE).max(1)
            }
            State::Suspended(_) | State::Slow => 0,
        }
    }

    /// The number of connections served at once at which the test ends.
    fn test_size(&self) -> usize {
        SHARE << self.passes.min(LARGEST_TEST)
    }

    /// The time at which a request on a new connection counts as held up by idle connections.
    fn held_up(&self) -> Option<Instant> {
        let newest = self.idle.last()?.since;
        let waiting = self.waiting.iter();
        let new = waiting.filter(|request| !request.reused && request.relieved.is_none());
        let since = new.map(|request| request.since).min()?;
        Some(if self.is_testing() {
            (since + self.usual).max(newest) + late(self.usual)
        } else {
            since + 2 * self.usual + LENIENCE
        })
    }

    fn idle_limit(&self) -> Duration {
        match self.state {
            State::Untested => IDLE_IN_TEST,
            State::Passed { .. } => IDLE,
            State::Suspended(_) | State::Slow => Duration::ZERO,
        }
    }

    /// Keeps no connection for a while.
    fn suspend(&mut self, now: Instant) {
        if !matches!(self.state, State::Suspended(_) | State::Slow) {
            self.tried = true;
            self.passes = 0;
            self.state = State::Suspended(now + SUSPENSION * (1 << self.failures.min(DOUBLINGS)));
            self.failures += 1;
        }
    }

    /// The server closes connections early: a test in progress is abandoned, and a test that was passed is repeated.
    fn distrust(&mut self, now: Instant) {
        match self.state {
            State::Untested => self.suspend(now),
            State::Passed { .. } => self.state = State::Untested,
            State::Suspended(_) | State::Slow => {}
        }
    }
}

/// The time by which an answer may be late in a test.
fn late(usual: Duration) -> Duration {
    LATE_LEAST + (usual / LATE_PART).min(LATE_MOST)
}

#[cfg(test)]
mod tests;
