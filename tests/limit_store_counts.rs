//! The scripts of `limit_store` count as the zones of a gateway do: random logins and sessions, decided by both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis::base::{Address, Level, Secret};
use portcullis::config::{self, LimitZone, Rate, Template, ZoneKey, ZoneKind};
use portcullis::limit::{
    Attempt, AuthLimit, AuthPermit, AuthVerdict, AuthZone, SessionCheck, SessionVerdict,
    SessionZone, check_sessions,
};
use portcullis::limit_store::{LimitStore, LoginCheck, SessionAnswer, Standing, StorePermit};
use portcullis::log::ErrorLog;
use portcullis::net::dialer::Dialer;
use portcullis::net::resolver::{Resolver, SystemNames};
use support::redis::Redis;
use tokio::task::yield_now;
use tokio::time::sleep;

/// Slow enough that the time of a test has no effect.
const RATE: Rate = Rate {
    number: 5,
    time: 3600,
};
const ZONE: usize = 1 << 20;

async fn connected(redis: &Redis) -> Arc<LimitStore> {
    let config = config::LimitStore {
        shown: "redis".into(),
        addresses: vec![Address::Inet(([127, 0, 0, 1], redis.port).into())],
        name: None,
        tls: None,
        login: None,
        database: 0,
        prefix: b"p:".as_slice().into(),
        timeout: Duration::from_secs(5),
        secret: Some(Secret::new(b"a secret of random bytes".as_slice().into())),
    };
    let resolver = Resolver::system(SystemNames::default());
    let store = Arc::new(LimitStore::new(config, None, resolver, Dialer::System));
    store.start(&Arc::new(ErrorLog::stderr(Level::Emerg)));
    while store.check_sessions(&[]).await.is_none() {
        sleep(Duration::from_millis(5)).await;
    }
    store
}

fn zone(name: &str, kind: ZoneKind) -> LimitZone {
    LimitZone {
        kind,
        name: name.as_bytes().into(),
        key: ZoneKey::new(b"key", Template::default()),
        size: ZONE,
    }
}

/// One attempt in a zone of the gateway and in the store.
struct Pending(AuthPermit, StorePermit);

impl Pending {
    async fn decide(self, result: u8) {
        let Self(own, shared) = self;
        match result {
            0..3 => {
                own.failed(Instant::now());
                shared.failed();
            }
            3 => {
                own.succeeded();
                shared.succeeded();
            }
            _ => drop((own, shared)),
        }
        // The store is told by a task.
        yield_now().await;
    }
}

#[tokio::test]
async fn logins() {
    let redis = Redis::start(&[]);
    let store = connected(&redis).await;
    for (distinct, burst, passwords) in [(false, 4, 1), (true, 4, 8), (true, 150, 400)] {
        let name = format!("{distinct}{burst}");
        let kind = ZoneKind::Auth {
            rate: RATE,
            distinct,
        };
        let (shared, own) = (
            zone(&name, kind),
            Arc::new(AuthZone::new(ZONE, Instant::now())),
        );
        let mut random = fastrand::Rng::with_seed(7);
        let mut pending: Vec<Pending> = Vec::new();
        let mut met = [0; 3];
        for n in 0..2400 {
            if random.u8(..4) == 0 && !pending.is_empty() || pending.len() > 6 {
                let one = pending.swap_remove(random.usize(..pending.len()));
                one.decide(random.u8(..5)).await;
                continue;
            }
            let password = random.u32(..passwords).to_be_bytes();
            // After some time none passes: then come other keys.
            let key = (n / 80 * 2 + random.u32(..2)).to_be_bytes();
            let attempt = Attempt {
                key: &key,
                login: [b"joe", b"ann"][random.usize(..2)],
                address: [b"a", b"b"][random.usize(..2)],
                password: distinct.then_some(&password),
            };
            let limit = AuthLimit { rate: RATE, burst };
            let check = LoginCheck {
                zone: &shared,
                attempt,
                limit,
            };
            let answer = store.check_login(&[check], false).await;
            let (standings, permit) = answer.expect("an answer");
            let standing = match own.check(&attempt, limit, Instant::now()) {
                AuthVerdict::Passed(own) => {
                    pending.push(Pending(own, permit));
                    met[0] += 1;
                    matches!(standings[..], [Standing::Passed])
                }
                AuthVerdict::Busy => {
                    met[1] += 1;
                    matches!(standings[..], [Standing::Busy])
                }
                AuthVerdict::Over(_) => {
                    met[2] += 1;
                    matches!(standings[..], [Standing::Over(_)])
                }
            };
            assert!(standing, "{name}, {n}: {standings:?}, {met:?}");
        }
        assert!(met[0] > 100, "{name}: {met:?}");
        assert!(burst > 4 || met[1] > 10 && met[2] > 10, "{name}: {met:?}");
    }
}

/// An attempt that one zone stops counts in no zone.
#[tokio::test]
async fn logins_in_two_zones() {
    let redis = Redis::start(&[]);
    let store = connected(&redis).await;
    let kind = ZoneKind::Auth {
        rate: RATE,
        distinct: false,
    };
    let zones = ["one", "two"].map(|name| zone(name, kind));
    let checks = |bursts: [u64; 2]| {
        [0, 1].map(|index| LoginCheck {
            zone: &zones[index],
            attempt: Attempt {
                key: b"key",
                login: b"joe",
                address: b"a",
                password: None,
            },
            limit: AuthLimit {
                rate: RATE,
                burst: bursts[index],
            },
        })
    };
    let check = async |bursts, is_dry| {
        let answer = store.check_login(&checks(bursts), is_dry).await;
        answer.expect("an answer")
    };
    let first = check([9, 0], false).await;
    assert_eq!(first.0, [Standing::Passed; 2]);
    for _ in 0..20 {
        let (standings, _) = check([9, 0], false).await;
        assert_eq!(standings, [Standing::Passed, Standing::Busy]);
    }
    first.1.failed();
    yield_now().await;
    let (standings, permit) = check([1, 0], true).await;
    assert!(
        matches!(standings[..], [Standing::Passed, Standing::Over(wait)] if wait > Duration::from_secs(700)),
        "{standings:?}"
    );
    // In a dry run it is tried, and counts in both.
    permit.failed();
    yield_now().await;
    let (standings, _) = check([1, 9], false).await;
    assert!(
        matches!(standings[..], [Standing::Over(_), Standing::Passed]),
        "{standings:?}"
    );
    let (standings, permit) = check([9, 1], true).await;
    assert!(matches!(standings[..], [_, Standing::Over(_)]));
    permit.succeeded();
    yield_now().await;
    assert_eq!(check([0, 0], false).await.0, [Standing::Passed; 2]);
}

#[tokio::test]
async fn sessions() {
    let redis = Redis::start(&[]);
    let store = connected(&redis).await;
    let zones = ["one", "two"].map(|name| zone(name, ZoneKind::Session(RATE)));
    let own = [(); 2].map(|()| SessionZone::new(ZONE, Instant::now()));
    let mut random = fastrand::Rng::with_seed(7);
    let (mut refused, mut counted) = (0, 0);
    for n in 0..400 {
        let keys = [(); 2].map(|()| [random.u8(..8)]);
        let checks = [0, 1].map(|index| SessionCheck {
            zone: &own[index],
            key: &keys[index],
            rate: 1,
            burst: [5000, 8000][index],
            delay: 0,
        });
        let shared: Vec<_> = zones.iter().zip(checks).collect();
        let answer = store.check_sessions(&shared).await;
        let answer = answer.expect("an answer");
        let verdict = check_sessions(&checks, Instant::now());
        let agrees = match (&answer, verdict) {
            (
                SessionAnswer::Refused { index, excess },
                SessionVerdict::Refused {
                    index: other,
                    excess: own,
                },
            ) => {
                refused += 1;
                *index == other && excess.abs_diff(own) < 100
            }
            (SessionAnswer::Counted(excesses), SessionVerdict::Passed) => {
                counted += 1;
                excesses[..] == [0, 0]
            }
            (SessionAnswer::Counted(excesses), SessionVerdict::Delayed { index, excess, .. }) => {
                counted += 1;
                excesses[index].abs_diff(excess) < 100
            }
            _ => false,
        };
        assert!(agrees, "{n}: {answer:?}, {verdict:?}");
    }
    assert!(refused > 30 && counted > 30, "{refused} {counted}");
}
