//! Waiting for conditions, free ports, and the size of slow suites.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a test waits for an event before it fails. Tests do not check how fast an event comes.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Whether slow suites run all of their cases (`script/test --all`) instead of a sample.
pub fn all_cases() -> bool {
    std::env::var_os("TEST_ALL_CASES").is_some()
}

/// Polls `ready` until it returns true.
///
/// # Panics
/// After [`TIMEOUT`].
pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < TIMEOUT, "timed out waiting for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A port of 127.0.0.1 that is free now.
///
/// It lies below the range from which the system assigns ports, because a server may take long to bind it. Each process starts
/// counting at a random port.
pub fn free_port() -> u16 {
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| {
        let random = RandomState::new().build_hasher().finish();
        AtomicU32::new(random as u32)
    });
    loop {
        let port = 10_000 + (NEXT.fetch_add(1, Ordering::Relaxed) % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// An address of the loopback network that no other test uses, for servers on ports of their own choice.
pub fn free_address() -> String {
    let [high, low] = free_port().to_be_bytes();
    format!("127.1.{high}.{low}")
}
