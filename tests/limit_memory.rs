//! A zone needs at most the memory that its size names, whatever clients do, measured as resident memory of the process.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use portcullis::config::Rate;
use portcullis::limit::{
    Attempt, AuthLimit, AuthVerdict, AuthZone, ConnZone, SessionCheck, SessionZone, check_sessions,
};

const SIZE: usize = 16 << 20;
/// What the process needs besides, and the pages that the allocator keeps.
const SLACK: usize = 2 << 20;
/// More keys than any of the zones has room for.
const KEYS: u32 = 600_000;

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("the state of the process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    number.expect("its memory") * 1024
}

/// Fills a zone, and checks that it has a good part of its memory in use and not more.
fn fill(name: &str, fill: impl FnOnce() -> usize) {
    let before = resident();
    let keys = fill();
    let grown = resident().saturating_sub(before);
    assert!(
        grown <= SIZE + SLACK,
        "{name}: {grown} bytes for {keys} keys"
    );
    assert!(grown >= SIZE / 2, "{name}: {grown} bytes for {keys} keys");
}

#[test]
fn zones_have_their_size() {
    let now = Instant::now();
    let text = |n: u32| format!("a-login-of-usual-length-{n}@example.org");
    let conn = Arc::new(ConnZone::new(SIZE));
    fill("connections", || {
        let mut open = Vec::new();
        for n in 0..KEYS {
            // Those that are kept would need memory of their own.
            open.push(conn.check(text(n).as_bytes(), 1));
            if open.len() > 1000 {
                open.drain(..).flatten().for_each(std::mem::forget);
            }
        }
        conn.len()
    });
    let sessions = SessionZone::new(SIZE, now);
    fill("sessions", || {
        for n in 0..KEYS {
            let key = text(n);
            let check = SessionCheck {
                zone: &sessions,
                key: key.as_bytes(),
                rate: 1,
                burst: 0,
                delay: 0,
            };
            check_sessions(&[check], now);
        }
        sessions.len()
    });
    // Few passwords for many keys, and many for fewer.
    for passwords in [1, 20] {
        let auth = Arc::new(AuthZone::new(SIZE, now));
        let limit = AuthLimit {
            rate: Rate {
                number: 1,
                time: 60,
            },
            burst: 100,
        };
        fill("logins", || {
            for n in 0..KEYS {
                let key = text(n / passwords);
                let attempt = Attempt {
                    key: key.as_bytes(),
                    login: key.as_bytes(),
                    address: b"192.0.2.1",
                    password: Some(&n.to_be_bytes()),
                };
                if let AuthVerdict::Passed(permit) = auth.check(&attempt, limit, now) {
                    permit.failed(now);
                }
            }
            auth.len()
        });
        std::mem::forget(auth);
    }
}
