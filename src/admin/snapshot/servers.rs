//! The `listen` addresses in the status: Angie's `server_zones`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::admin::in_force::InForce;
use crate::log::mail_log::SessionResult;
use crate::monitor::{Monitor, ServerCounts};

/// The sessions of one `listen` address.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct ServerZone {
    pub protocol: &'static str,
    /// `server_name`; absent for an address that the configuration in force does not have.
    pub server_name: Option<String>,
    pub ssl: Ssl,
    pub connections: ZoneConnections,
    /// Ended sessions by result.
    pub sessions: BTreeMap<&'static str, u64>,
    /// Decided login attempts.
    pub logins: Vec<Login>,
    pub data: Data,
}

/// TLS with clients.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Ssl {
    pub handshaked: u64,
    pub reuses: u64,
    pub timedout: u64,
    pub failed: u64,
    /// Handshakes by version.
    pub versions: BTreeMap<&'static str, u64>,
    /// Failed handshakes by cause.
    pub failures: BTreeMap<&'static str, u64>,
}

/// Clients.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct ZoneConnections {
    pub total: u64,
    pub processing: u64,
    /// Those that a limit of the configuration ended.
    pub discarded: u64,
}

/// Login attempts of one method with one result.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Login {
    pub method: &'static str,
    pub result: &'static str,
    pub count: u64,
}

/// Bytes from clients and to them.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Data {
    pub received: u64,
    pub sent: u64,
}

/// The zones by address.
pub(super) fn zones(monitor: &Monitor, in_force: Option<&InForce>) -> BTreeMap<String, ServerZone> {
    let counts = monitor.servers().into_iter();
    let zones = counts.map(|counts| {
        let servers = in_force.map_or(&[][..], |in_force| &in_force.servers);
        let own = servers.iter().find(|server| server.key == counts.key);
        let name = own.map(|server| server.name.clone());
        (counts.key.address.to_string(), zone(&counts, name))
    });
    zones.collect()
}

fn zone(counts: &ServerCounts, server_name: Option<String>) -> ServerZone {
    let versions: BTreeMap<_, _> = counts.tls.versions().collect();
    let failures = counts.tls.failures();
    let failures: BTreeMap<_, _> = failures
        .map(|(failure, count)| (failure.word(), count))
        .collect();
    let results = counts.results();
    let sessions: BTreeMap<_, _> = results
        .map(|(result, count)| (result.word(), count))
        .collect();
    let logins = counts.logins().map(|(method, result, count)| Login {
        method,
        result: result.word(),
        count,
    });
    ServerZone {
        protocol: counts.key.protocol.word(),
        server_name,
        ssl: Ssl {
            handshaked: versions.values().sum(),
            reuses: counts.tls.resumed.value(),
            timedout: failures.get("timeout").copied().unwrap_or_default(),
            failed: failures.values().sum(),
            versions,
            failures,
        },
        connections: ZoneConnections {
            total: counts.begun.value(),
            processing: counts.open(),
            discarded: sessions
                .get(SessionResult::Limited.word())
                .copied()
                .unwrap_or_default(),
        },
        sessions,
        logins: logins.collect(),
        data: Data {
            received: counts.received.value(),
            sent: counts.sent.value(),
        },
    }
}
