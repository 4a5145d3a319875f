//! Arrivals and what becomes of them, as data.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::config::Rate;

fn after(begun: Instant, milliseconds: u64) -> Instant {
    begun + Duration::from_millis(milliseconds)
}

#[test]
fn connections_up_to_the_limit() {
    let zone = Arc::new(ConnZone::new(32 << 10));
    let first = zone.check(b"a", 2);
    let second = zone.check(b"a", 2);
    assert!(first.is_some() && second.is_some());
    assert!(zone.check(b"a", 2).is_none());
    assert!(zone.check(b"b", 2).is_some());
    // Another server may allow more.
    let third = zone.check(b"a", 3);
    assert!(third.is_some() && zone.check(b"a", 3).is_none());
    drop((first, third));
    assert!(zone.check(b"a", 2).is_some());
    drop(second);
    assert!(zone.is_empty(), "{zone:?}");
}

/// A connection whose entry had to leave does not take one away from a later entry.
#[test]
fn connections_that_are_forgotten() {
    let zone = Arc::new(ConnZone::new(2048));
    let forgotten = zone.check(b"key", 1);
    let others: Vec<_> = (0..1000)
        .map(|n: u32| zone.check(&n.to_be_bytes(), 1))
        .collect();
    let again = zone.check(b"key", 1);
    assert!(forgotten.is_some() && again.is_some());
    drop((forgotten, others));
    assert!(zone.check(b"key", 1).is_none());
    assert_eq!(zone.len(), 1);
}

/// The excess that ngx_http_limit_req_module logs, in thousandths, for each arrival; and its delay in milliseconds.
const PASSED: (u64, Option<u64>) = (0, Some(0));

const fn delayed(excess: u64, wait: u64) -> (u64, Option<u64>) {
    (excess, Some(wait))
}

const fn refused(excess: u64) -> (u64, Option<u64>) {
    (excess, None)
}

/// The figures of ngx_http_limit_req_module, whose integers these are: `limit_req_zone … rate=`, `limit_req … burst= delay=`.
#[test]
fn sessions_as_requests_in_nginx() {
    type Arrivals = &'static [(u64, (u64, Option<u64>))];
    const CASES: &[(&str, Rate, u64, u64, Arrivals)] = &[
        (
            "2r/s",
            Rate { number: 2, time: 1 },
            0,
            0,
            &[
                (0, PASSED),
                (0, refused(1000)),
                (100, refused(800)),
                (499, refused(2)),
                (500, PASSED),
                (501, refused(998)),
                (5000, PASSED),
            ],
        ),
        (
            "10r/s burst=3",
            Rate {
                number: 10,
                time: 1,
            },
            3000,
            0,
            &[
                (0, PASSED),
                (0, delayed(1000, 100)),
                (0, delayed(2000, 200)),
                (0, delayed(3000, 300)),
                (0, refused(4000)),
                (50, refused(3500)),
                (100, delayed(3000, 300)),
                (400, delayed(1000, 100)),
            ],
        ),
        (
            "10r/s burst=3 nodelay",
            Rate {
                number: 10,
                time: 1,
            },
            3000,
            u64::MAX,
            &[
                (0, PASSED),
                (0, PASSED),
                (0, PASSED),
                (0, PASSED),
                (0, refused(4000)),
            ],
        ),
        (
            "10r/s burst=4 delay=2",
            Rate {
                number: 10,
                time: 1,
            },
            4000,
            2000,
            &[
                (0, PASSED),
                (0, PASSED),
                (0, PASSED),
                (0, delayed(3000, 100)),
                (0, delayed(4000, 200)),
                (0, refused(5000)),
            ],
        ),
        // 5000 / 60 is 83.
        (
            "5r/m burst=1",
            Rate {
                number: 5,
                time: 60,
            },
            1000,
            0,
            &[
                (0, PASSED),
                (0, delayed(1000, 12048)),
                (6000, refused(1502)),
                (12000, refused(1004)),
                (12012, refused(1004)),
                (12049, delayed(1000, 12048)),
                (12049, refused(2000)),
            ],
        ),
    ];
    for (name, rate, burst, delay, arrivals) in CASES {
        let begun = Instant::now();
        let zone = SessionZone::new(32 << 10, begun);
        let check = SessionCheck {
            zone: &zone,
            key: b"key",
            rate: rate.thousandths(),
            burst: *burst,
            delay: *delay,
        };
        for (n, (at, expected)) in arrivals.iter().enumerate() {
            let verdict = check_sessions(&[check], after(begun, *at));
            let got = match verdict {
                SessionVerdict::Passed => PASSED,
                SessionVerdict::Delayed { excess, wait, .. } => {
                    delayed(excess, wait.as_millis() as u64)
                }
                SessionVerdict::Refused { excess, .. } => refused(excess),
            };
            assert_eq!(got, *expected, "{name}, arrival {n}");
        }
    }
}

/// A session that one zone refuses counts in no zone; the longest delay of all zones holds.
#[test]
fn sessions_in_two_zones() {
    let begun = Instant::now();
    let [one, two] = [0, 1].map(|_| SessionZone::new(32 << 10, begun));
    let checks = |key| {
        [(&one, 5000), (&two, 1000)].map(|(zone, burst)| SessionCheck {
            zone,
            key,
            rate: 1000,
            burst,
            delay: 0,
        })
    };
    let check = |key| check_sessions(&checks(key), begun);
    assert_eq!(check(b"a"), SessionVerdict::Passed);
    let wait = Duration::from_secs(1);
    let (index, excess) = (1, 1000);
    let second = SessionVerdict::Delayed {
        index,
        excess,
        wait,
    };
    assert_eq!(check(b"a"), second);
    let third = SessionVerdict::Refused {
        index: 1,
        excess: 2000,
    };
    assert_eq!([check(b"a"), check(b"a")], [third, third]);
    // The first zone has counted two.
    let alone = check_sessions(&checks(b"a")[..1], begun);
    let wait = Duration::from_secs(2);
    let (index, excess) = (0, 2000);
    assert_eq!(
        alone,
        SessionVerdict::Delayed {
            index,
            excess,
            wait
        }
    );
    assert_eq!(check(b"b"), SessionVerdict::Passed);
    assert_eq!(check_sessions(&[], begun), SessionVerdict::Passed);
}

/// A zone for logins with `rate=5r/m`, of which five may fail at once.
struct Logins {
    zone: Arc<AuthZone>,
    begun: Instant,
    distinct: bool,
    now: u64,
}

const FIVE_A_MINUTE: AuthLimit = AuthLimit {
    rate: Rate {
        number: 5,
        time: 60,
    },
    burst: 4,
};

impl Logins {
    fn new(distinct: bool) -> Self {
        let begun = Instant::now();
        Self {
            zone: Arc::new(AuthZone::new(1 << 20, begun)),
            begun,
            distinct,
            now: 0,
        }
    }

    fn now(&self) -> Instant {
        after(self.begun, self.now)
    }

    fn check(&self, key: &str, login: &str, address: &str, password: &str) -> AuthVerdict {
        let attempt = Attempt {
            key: key.as_bytes(),
            login: login.as_bytes(),
            address: address.as_bytes(),
            password: self.distinct.then_some(password.as_bytes()),
        };
        self.zone.check(&attempt, FIVE_A_MINUTE, self.now())
    }

    /// Whether the attempt is made. It succeeds with the password `right`.
    fn attempt(&self, key: &str, login: &str, address: &str, password: &str) -> bool {
        match self.check(key, login, address, password) {
            AuthVerdict::Passed(permit) => {
                match password == "right" {
                    true => permit.succeeded(),
                    false => permit.failed(self.now()),
                }
                true
            }
            AuthVerdict::Busy => panic!("nothing is being decided"),
            AuthVerdict::Over(_) => false,
        }
    }
}

#[test]
fn five_logins_may_fail_at_once() {
    let mut logins = Logins::new(false);
    for n in 0..10 {
        assert_eq!(logins.attempt("k", "joe", "a", "same"), n < 5, "{n}");
    }
    assert!(logins.attempt("other", "joe", "a", "same"));
    let AuthVerdict::Over(wait) = logins.check("k", "joe", "a", "same") else {
        panic!("too many have failed");
    };
    assert_eq!(wait, Duration::from_secs(12));
    logins.now = 11_999;
    assert!(!logins.attempt("k", "joe", "a", "same"));
    logins.now = 12_000;
    assert!(logins.attempt("k", "joe", "a", "same"));
    assert!(!logins.attempt("k", "joe", "a", "same"));
    // Many looks do not lose parts of a thousandth.
    for now in 12_000..24_000 {
        logins.now = now;
        assert!(!logins.attempt("k", "joe", "a", "same"), "{now}");
    }
    logins.now = 24_000;
    assert!(logins.attempt("k", "joe", "a", "same"));
}

#[test]
fn a_success_clears_its_own_failures_only() {
    let logins = Logins::new(false);
    // By address: one login that is known does not make up for others.
    for n in 0..2 {
        assert!(logins.attempt("a", "joe", "a", "wrong"), "{n}");
        assert!(logins.attempt("a", "ann", "a", "wrong"), "{n}");
    }
    assert!(logins.attempt("a", "joe", "a", "right"));
    for n in 0..4 {
        assert_eq!(logins.attempt("a", "bob", "a", "wrong"), n < 3, "{n}");
    }
    // By login: the user's own address does not make up for others.
    for n in 0..2 {
        assert!(logins.attempt("joe", "joe", "home", "wrong"), "{n}");
        assert!(logins.attempt("joe", "joe", "away", "wrong"), "{n}");
    }
    assert!(logins.attempt("joe", "joe", "home", "right"));
    for n in 0..4 {
        assert_eq!(logins.attempt("joe", "joe", "away", "wrong"), n < 3, "{n}");
    }
    // Nothing is left of one that only succeeds.
    let logins = Logins::new(false);
    assert!(logins.attempt("a", "joe", "a", "right"));
    assert!(logins.zone.is_empty());
}

#[test]
fn attempts_that_are_being_decided() {
    for distinct in [false, true] {
        let logins = Logins::new(distinct);
        let mut pending = Vec::new();
        for n in 0..5 {
            match logins.check("k", "joe", "a", &n.to_string()) {
                AuthVerdict::Passed(permit) => pending.push(permit),
                other => panic!("{n}: {other:?}"),
            }
        }
        let busy = |logins: &Logins| logins.check("k", "joe", "a", "another");
        assert!(matches!(busy(&logins), AuthVerdict::Busy));
        // One is given up, and one fails.
        drop(pending.pop());
        pending.remove(0).failed(logins.now());
        let next = busy(&logins);
        assert!(matches!(next, AuthVerdict::Passed(_)), "{next:?}");
        assert!(matches!(busy(&logins), AuthVerdict::Busy));
        drop(next);
        for permit in pending {
            permit.failed(logins.now());
        }
        assert!(matches!(busy(&logins), AuthVerdict::Passed(_)));
        assert!(logins.attempt("k", "joe", "a", "last"));
        assert!(matches!(busy(&logins), AuthVerdict::Over(_)));
    }
}

#[test]
fn distinct_passwords_count() {
    let mut logins = Logins::new(true);
    for n in 0..100 {
        assert!(logins.attempt("nat", "phone", "nat", "stale"), "{n}");
    }
    for n in 0..10 {
        let made = logins.attempt("nat", "joe", "nat", &n.to_string());
        assert_eq!(made, n < 4, "{n}");
    }
    // The same password of another login is another guess, and from another address it is the same one.
    logins.now = 12_000;
    assert!(logins.attempt("nat", "joe", "other", "0"));
    assert!(logins.attempt("nat", "ann", "nat", "0"));
    assert!(!logins.attempt("nat", "bob", "nat", "0"));
}

#[test]
fn a_password_that_was_right_is_never_refused() {
    let logins = Logins::new(true);
    assert!(logins.attempt("joe", "joe", "home", "right"));
    for n in 0..10 {
        let made = logins.attempt("joe", "joe", "away", &n.to_string());
        assert_eq!(made, n < 5, "{n}");
    }
    assert!(logins.attempt("joe", "joe", "home", "right"));
    assert!(!logins.attempt("joe", "joe", "away", "more"));
    // It was changed: now it is a password that fails.
    let AuthVerdict::Passed(permit) = logins.check("joe", "joe", "home", "right") else {
        panic!("is known");
    };
    permit.failed(logins.now());
    let AuthVerdict::Over(_) = logins.check("joe", "joe", "home", "right") else {
        panic!("has failed");
    };
}

/// However many passwords fail, an entry stays small and counts all of them.
#[test]
fn the_memory_of_a_key_has_a_bound() {
    let logins = Logins::new(true);
    let limit = AuthLimit {
        burst: 999,
        ..FIVE_A_MINUTE
    };
    let mut made = 0;
    for n in 0..1100 {
        let attempt = Attempt {
            key: b"k",
            login: b"joe",
            address: b"a",
            password: Some(&u32::to_be_bytes(n)),
        };
        if let AuthVerdict::Passed(permit) = logins.zone.check(&attempt, limit, logins.now()) {
            permit.failed(logins.now());
            made += 1;
        }
    }
    assert_eq!(made, 1000);
}
