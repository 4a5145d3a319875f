//! The auth servers in the status.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Histogram;
use crate::monitor::Monitor;

/// An auth server.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct AuthServer {
    pub requests: u64,
    /// Requests without a usable answer.
    pub failed: u64,
    /// The time to the answer, or to the failure.
    pub latency: Histogram,
}

/// The auth servers by URL.
pub(super) fn all(monitor: &Monitor) -> BTreeMap<String, AuthServer> {
    let counts = monitor.auth_servers().into_iter();
    let servers = counts.map(|counts| {
        let latency = Histogram::of(&counts.duration);
        let server = AuthServer {
            requests: latency.count,
            failed: counts.failed.value(),
            latency,
        };
        (counts.url.to_string(), server)
    });
    servers.collect()
}
