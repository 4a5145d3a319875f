//! Auth servers and backends.

use std::collections::BTreeMap;
use std::fmt::Result;

use super::families::{Families, Labels};
use crate::admin::snapshot::{AuthServer, Peer, Upstream};
use crate::upstream::PeerState;

/// The auth servers.
pub(super) fn auth_servers(
    families: &mut Families<'_>,
    servers: &BTreeMap<String, AuthServer>,
) -> Result {
    let labels = |url| vec![("auth_server", url)];
    families.histograms(
        "portcullis_auth_request_duration_seconds",
        "Time from a request to an auth server to its answer, or to the failure",
        servers
            .iter()
            .map(|(url, server)| (labels(&**url), &server.latency)),
    )?;
    families.counters(
        "portcullis_auth_request_failures",
        "Requests to an auth server without a usable answer",
        servers
            .iter()
            .map(|(url, server)| (labels(&**url), server.failed)),
    )
}

/// The peers of all groups.
pub(super) fn upstreams(
    families: &mut Families<'_>,
    upstreams: &BTreeMap<String, Upstream>,
) -> Result {
    let all = || {
        upstreams.iter().flat_map(|(name, upstream)| {
            let peers = upstream.peers.iter();
            peers.map(move |(address, peer)| {
                let labels: Labels<'_> = vec![("upstream", name), ("peer", address)];
                (labels, peer)
            })
        })
    };
    families.gauges(
        "portcullis_upstream_peer_up",
        "Whether a backend gets sessions",
        all().map(|(labels, peer)| (labels, f64::from(u8::from(peer.is_up())))),
    )?;
    families.gauges(
        "portcullis_upstream_peer_state",
        "The state of a backend: 1 for that of the label, 0 for the others",
        all().flat_map(|(labels, peer)| {
            PeerState::ALL.into_iter().map(move |state| {
                let mut labels = labels.clone();
                labels.push(("state", state.word()));
                (labels, f64::from(u8::from(state.word() == peer.state)))
            })
        }),
    )?;
    families.gauges(
        "portcullis_upstream_peer_sessions",
        "Sessions that use a backend",
        all().map(|(labels, peer)| (labels, f64::from(peer.selected.current))),
    )?;
    let mut counters = |name, help, value: fn(&Peer) -> u64| {
        families.counters(
            name,
            help,
            all().map(|(labels, peer)| (labels, value(peer))),
        )
    };
    counters(
        "portcullis_upstream_peer_tries",
        "Attempts to connect a session to a backend",
        |peer| peer.selected.total,
    )?;
    counters(
        "portcullis_upstream_peer_failures",
        "Attempts to connect a session to a backend that failed",
        |peer| peer.health.fails,
    )?;
    counters(
        "portcullis_upstream_peer_unavailable",
        "How often a backend became unavailable or unhealthy",
        |peer| peer.health.unavailable,
    )?;
    families.counters(
        "portcullis_upstream_peer_downtime_seconds",
        "How long a backend was unavailable or unhealthy",
        all().map(|(labels, peer)| (labels, peer.health.downtime as f64 / 1000.0)),
    )
}
