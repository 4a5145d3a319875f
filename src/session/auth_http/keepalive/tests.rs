//! The decisions in virtual time, one by one and against models of servers.

use std::collections::BTreeMap;

use super::*;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A server and its clients, in steps of 1 ms: the gateway, and a client with one connection per request.
struct Model {
    /// The number of connections that the server serves at once.
    workers: usize,
    /// The time that an answer takes, in ms.
    service: u64,
    /// Whether the gateway keeps connections.
    keep: bool,
}

/// The requests of a run: when each comes, in ms.
#[derive(Debug)]
struct Load {
    gateway: Vec<u64>,
    other: Vec<u64>,
}

/// When each request was answered, in ms, and the connections that the gateway opened.
#[derive(Debug, Default)]
struct Outcome {
    gateway: Vec<u64>,
    other: Vec<u64>,
    connections: usize,
}

/// A connection at the server.
struct Connection {
    id: Option<Id>,
    /// The request in progress: its index, and when its service began.
    request: Option<(usize, Option<u64>)>,
    served: bool,
    open: bool,
}

impl Model {
    fn run(&self, load: &Load) -> Outcome {
        let start = Instant::now();
        let mut policy = Keepalive::default();
        let mut connections: Vec<Connection> = Vec::new();
        let mut outcome = Outcome {
            gateway: vec![0; load.gateway.len()],
            other: vec![0; load.other.len()],
            connections: 0,
        };
        let mut arrivals: BTreeMap<u64, Vec<(bool, usize)>> = BTreeMap::new();
        for (gateway, times) in [(true, &load.gateway), (false, &load.other)] {
            for (index, &at) in times.iter().enumerate() {
                arrivals.entry(at).or_default().push((gateway, index));
            }
        }
        let mut left = load.gateway.len() + load.other.len();
        let mut t = 0;
        loop {
            let now = start + ms(t);
            for (gateway, index) in arrivals.remove(&t).unwrap_or_default() {
                let reused = if gateway { policy.reusable(now) } else { None };
                match connections
                    .iter_mut()
                    .find(|own| own.id.is_some() && own.id == reused)
                {
                    Some(own) => {
                        policy.reuse(own.id.unwrap(), now);
                        own.request = Some((index, None));
                    }
                    None => {
                        let id = gateway.then(|| policy.open(now));
                        outcome.connections += usize::from(gateway);
                        connections.push(Connection::new(id, index));
                    }
                }
            }
            for own in &mut connections {
                let Some((index, Some(began))) = own.request else {
                    continue;
                };
                if began + self.service > t {
                    continue;
                }
                own.request = None;
                left -= 1;
                match own.id {
                    Some(id) => {
                        outcome.gateway[index] = t;
                        own.open = policy.answered(id, now, self.keep);
                    }
                    None => {
                        outcome.other[index] = t;
                        own.open = false;
                    }
                }
            }
            let closed = policy.overdue(now);
            connections.retain(|own| own.open && !own.id.is_some_and(|id| closed.contains(&id)));
            if left == 0 {
                return outcome;
            }
            let mut busy = connections.iter().filter(|own| own.served).count();
            for own in &mut connections {
                if !own.served && busy < self.workers {
                    own.served = true;
                    busy += 1;
                }
                if own.served
                    && let Some((_, began @ None)) = &mut own.request
                {
                    *began = Some(t);
                }
            }
            let answers = connections
                .iter()
                .filter_map(|own| Some(own.request?.1? + self.service));
            let deadline = policy
                .deadline()
                .map(|at| (at - start).as_micros().div_ceil(1000) as u64);
            let arrival = arrivals.keys().next().copied();
            let next = answers.chain(deadline).chain(arrival).min();
            t = next
                .filter(|&next| next > t)
                .unwrap_or_else(|| panic!("no progress at {t}: {policy:?}"));
        }
    }
}

impl Connection {
    fn new(id: Option<Id>, index: usize) -> Self {
        Self {
            id,
            request: Some((index, None)),
            served: false,
            open: true,
        }
    }
}

/// Requests at a distance.
fn every(distance: u64, count: u64) -> Vec<u64> {
    (0..count).map(|n| n * distance).collect()
}

/// Groups of requests at the same time.
fn bursts(size: usize, distance: u64, count: u64) -> Vec<u64> {
    let at = every(distance, count);
    at.iter()
        .flat_map(|&t| std::iter::repeat_n(t, size))
        .collect()
}

/// Requests at times by chance.
fn scattered(mean: u64, count: usize) -> Vec<u64> {
    let (mut seed, mut t) = (1_u64, 0);
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        t += (seed >> 33) % (2 * mean);
        t
    };
    (0..count).map(|_| next()).collect()
}

/// The sum of all waiting times in ms.
fn waited(load: &[u64], answered: &[u64]) -> u64 {
    load.iter().zip(answered).map(|(from, to)| to - from).sum()
}

#[test]
fn never_slower_than_one_connection_per_request() {
    let loads = [
        bursts(4, 1, 1),
        bursts(16, 1, 1),
        bursts(60, 1, 1),
        bursts(8, 700, 20),
        every(1, 50),
        every(30, 100),
        every(250, 40),
        every(2000, 20),
        scattered(10, 200),
        scattered(100, 200),
    ];
    let others = [vec![], every(35, 200)];
    for workers in [1, 2, 4, 5, 8, 16, usize::MAX] {
        for service in [1, 40, 200] {
            for (load, other) in loads
                .iter()
                .flat_map(|load| others.iter().map(move |o| (load, o)))
            {
                let load = Load {
                    gateway: load.clone(),
                    other: other.clone(),
                };
                let run = |keep| {
                    let model = Model {
                        workers,
                        service,
                        keep,
                    };
                    model.run(&load)
                };
                let (on, off) = (run(true), run(false));
                let what = || format!("{workers} workers, {service} ms, {load:?}");
                // The tests cost a few answers, and now and then a connection is idle in vain, for half a second at most. That
                // delays one request, or all of them if the server is overloaded. At its limit, the worker of the one connection
                // that is kept is missing.
                let (last, before) = (on.gateway.iter().max(), off.gateway.iter().max());
                let (last, before) = (last.unwrap(), before.unwrap());
                assert!(
                    last * 20 <= before * 21 + 400,
                    "{last} ms instead of {before}: {}",
                    what()
                );
                for (asked, on, off) in [
                    (&load.gateway, &on.gateway, &off.gateway),
                    (&load.other, &on.other, &off.other),
                ] {
                    let (on, off) = (waited(asked, on), waited(asked, off));
                    let count = asked.len() as u64;
                    let spare = match off / count.max(1) {
                        mean if mean > 10 * service => 600 * count,
                        mean if mean > service + service / 4 => service * count + 5_000,
                        _ => off / 4 + 5_000,
                    };
                    assert!(
                        on <= off * 21 / 20 + 5 * count + spare,
                        "{on} ms of waiting instead of {off}: {}",
                        what()
                    );
                }
            }
        }
    }
}

#[test]
fn connections_to_a_concurrent_server_are_used_again() {
    for (gateway, most) in [
        (every(30, 100), 10),
        (every(1, 50), 10),
        (scattered(10, 200), 100),
        (scattered(100, 200), 150),
        // Too rare to be of use.
        (every(2000, 20), 20),
    ] {
        let model = Model {
            workers: usize::MAX,
            service: 1,
            keep: true,
        };
        let load = Load {
            gateway,
            other: Vec::new(),
        };
        let outcome = model.run(&load);
        assert!(
            outcome.connections <= most,
            "{} connections, {load:?}",
            outcome.connections
        );
    }
}

/// A policy and its clock.
struct Bench {
    policy: Keepalive,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self {
            policy: Keepalive::default(),
            now: Instant::now(),
        }
    }

    /// A server that has passed the test; one connection is idle.
    fn passed() -> Self {
        let mut bench = Self::new();
        let ids: Vec<Id> = (0..ENOUGH).map(|_| bench.open()).collect();
        bench.pass(1);
        for id in ids {
            bench.answer(id);
        }
        assert_eq!(bench.overdue().len(), ENOUGH - 2);
        bench
    }

    fn pass(&mut self, time: u64) {
        self.now += ms(time);
    }

    fn open(&mut self) -> Id {
        assert_eq!(self.policy.reusable(self.now), None);
        self.policy.open(self.now)
    }

    fn reuse(&mut self) -> Id {
        let id = self.policy.reusable(self.now).expect("an idle connection");
        self.policy.reuse(id, self.now);
        id
    }

    fn answer(&mut self, id: Id) -> bool {
        self.policy.answered(id, self.now, true)
    }

    fn overdue(&mut self) -> Vec<Id> {
        self.policy.overdue(self.now)
    }

    fn silence(&self, id: Id) -> Silence {
        self.policy.silence(id, self.now, LIMIT)
    }
}

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn an_idle_connection_closes_when_a_request_is_held_up() {
    let mut bench = Bench::new();
    let (one, two) = (bench.open(), bench.open());
    bench.pass(80);
    assert!(bench.answer(one), "the server is tested");
    bench.pass(19);
    assert!(bench.overdue().is_empty());
    bench.pass(1);
    assert_eq!(bench.policy.deadline(), Some(bench.now));
    assert_eq!(bench.overdue(), [one]);
    bench.pass(80);
    assert!(!bench.answer(two), "the test has failed");
    assert_eq!(bench.policy.deadline(), None);
}

#[test]
fn tests_that_fail_become_rare() {
    let mut bench = Bench::new();
    let mut suspensions = Vec::new();
    for _ in 0..9 {
        let since = bench.now;
        while {
            let id = bench.open();
            bench.pass(1);
            !bench.answer(id)
        } {
            bench.pass(999);
        }
        bench.pass(300);
        assert_eq!(bench.overdue().len(), 1, "nobody has used it");
        suspensions.push((bench.now - since).as_secs());
    }
    assert_eq!(suspensions, [0, 10, 20, 40, 80, 160, 320, 640, 640]);
}

#[test]
fn an_answer_that_closes_its_connection_is_no_test() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        let id = bench.open();
        bench.pass(1);
        assert!(!bench.policy.answered(id, bench.now, false));
    }
    let id = bench.open();
    bench.pass(1);
    assert!(bench.answer(id));
    assert_eq!(bench.reuse(), id);
}

#[test]
fn a_server_that_closes_idle_connections_does_not_pass() {
    let mut bench = Bench::new();
    let one = bench.open();
    bench.pass(1);
    assert!(bench.answer(one));
    bench.policy.closed(one, bench.now);
    let two = bench.open();
    assert!(!bench.answer(two));

    let mut bench = Bench::passed();
    let id = bench.reuse();
    let again = bench.policy.replace_stale(id, bench.now);
    assert!(bench.policy.is_testing());
    bench.pass(1);
    assert!(bench.answer(again));
}

#[test]
fn a_server_that_passed_the_test() {
    let mut bench = Bench::passed();
    let kept = bench.reuse();
    bench.pass(1);
    assert!(bench.answer(kept));
    bench.pass(999);
    assert!(bench.overdue().is_empty());
    bench.pass(1);
    assert_eq!(bench.overdue(), [kept], "idle for a second");
    // It is tested again after a minute.
    let id = bench.open();
    assert!(!bench.policy.is_testing());
    bench.pass(60_000);
    bench.answer(id);
    bench.overdue();
    assert!(bench.policy.is_testing());
}

#[test]
fn a_slow_answer_does_not_end_keepalive() {
    let mut bench = Bench::passed();
    let kept = bench.reuse();
    let slow = bench.open();
    bench.pass(1);
    assert!(bench.answer(kept));
    bench.pass(101);
    assert_eq!(bench.overdue(), [kept], "it may hold up the other one");
    let soon = bench.open();
    bench.pass(1);
    assert!(bench.answer(soon));
    bench.pass(500);
    assert!(bench.overdue().is_empty(), "it did not");
    bench.answer(slow);
    assert_eq!(bench.reuse(), soon);
}

#[test]
fn an_answer_right_after_idle_connections_closed_ends_keepalive() {
    let mut bench = Bench::passed();
    let kept = bench.reuse();
    let held_up = bench.open();
    bench.pass(1);
    assert!(bench.answer(kept));
    bench.pass(101);
    assert_eq!(bench.overdue(), [kept]);
    bench.pass(2);
    assert!(!bench.answer(held_up));
}

#[test]
fn dead_connections() {
    let mut bench = Bench::passed();
    let one = bench.reuse();
    let other = bench.open();
    bench.answer(other);
    let two = bench.reuse();
    assert_eq!(bench.silence(one), Silence::Until(bench.now + ms(2000)));
    bench.pass(1999);
    assert_eq!(bench.silence(one), Silence::Until(bench.now + ms(1)));
    bench.pass(1);
    assert_eq!(bench.silence(one), Silence::Dead);
    let again = bench.policy.replace_dead(one, bench.now, LIMIT);
    assert_eq!(
        bench.silence(two),
        Silence::Wait,
        "one request is sent twice at a time"
    );
    assert_eq!(
        bench.silence(again),
        Silence::Wait,
        "a request is sent twice only"
    );
    bench.pass(1);
    bench.answer(again);
    assert!(!bench.policy.is_checking());
    assert_eq!(bench.silence(two), Silence::Dead);
    let again = bench.policy.replace_dead(two, bench.now, LIMIT);
    bench.answer(again);
    assert!(bench.overdue().is_empty());
}

#[test]
fn a_slow_server_gets_no_second_request_twice() {
    let mut bench = Bench::passed();
    let one = bench.reuse();
    let other = bench.open();
    bench.answer(other);
    let two = bench.reuse();
    bench.pass(2000);
    assert_eq!(bench.silence(one), Silence::Dead);
    let again = bench.policy.replace_dead(one, bench.now, LIMIT);
    bench.pass(3000);
    assert!(!bench.answer(again));
    assert_ne!(bench.silence(two), Silence::Dead);
    bench.answer(two);
    // Nothing is kept from then on.
    bench.pass(3_600_000);
    let id = bench.open();
    assert!(!bench.answer(id));
}

#[test]
fn the_wait_for_a_dead_connection_follows_the_time_limit_and_the_server() {
    let mut bench = Bench::passed();
    let id = bench.reuse();
    let wait = |bench: &Bench, limit| match bench.policy.silence(id, bench.now, limit) {
        Silence::Until(at) => Some((at - bench.now).as_millis()),
        _ => None,
    };
    assert_eq!(wait(&bench, ms(60_000)), Some(2000));
    assert_eq!(wait(&bench, ms(1500)), Some(500));
    let slow = bench.open();
    bench.pass(5000);
    bench.answer(slow);
    assert_eq!(
        wait(&bench, ms(60_000)),
        Some(5000),
        "twice the slowest answer"
    );
    assert_eq!(
        wait(&bench, ms(15_000)),
        None,
        "there would be no time left"
    );
}

#[test]
fn a_client_that_leaves_ends_the_second_request() {
    let mut bench = Bench::passed();
    let one = bench.reuse();
    let other = bench.open();
    bench.answer(other);
    let two = bench.reuse();
    bench.pass(2000);
    let again = bench.policy.replace_dead(one, bench.now, LIMIT);
    bench.policy.ended(again);
    assert_eq!(bench.silence(two), Silence::Dead);
}
