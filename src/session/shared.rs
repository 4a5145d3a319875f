//! State that all sessions of the process share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::auth_http::pool::Pools;
use super::connections::Connections;

/// Numbers and counts connections, and keeps those to auth servers. It outlives every reload.
#[derive(Debug, Default)]
pub struct Shared {
    numbers: AtomicU64,
    /// The open connections, for `worker_connections`.
    pub connections: Arc<Connections>,
    /// The connections to auth servers.
    pub(in crate::session) auth_pools: Pools,
}

impl Shared {
    /// The state of a new process.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of the next connection in the log; the first is 1. Connections to auth servers and backends have numbers too.
    pub fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A unique challenge for APOP and CRAM-MD5: `<random.time@server_name>`.
    pub(in crate::session) fn challenge(&self, server_name: &[u8]) -> Box<[u8]> {
        let random = getrandom::u64().unwrap_or_else(|_| self.next_number());
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        [format!("<{random}.{now}@").as_bytes(), server_name, b">"]
            .concat()
            .into()
    }
}
