//! The sessions of all servers.

use std::fmt::Result;

use super::families::{Families, Labels};
use crate::admin::snapshot::{Mail, ServerZone};

/// The labels of one `listen` address.
fn own<'v>((address, zone): (&'v String, &ServerZone)) -> Labels<'v> {
    vec![("protocol", zone.protocol), ("server", address)]
}

/// The same with further labels.
fn with<'v>(zone: (&'v String, &ServerZone), more: &[(&'static str, &'v str)]) -> Labels<'v> {
    let mut labels = own(zone);
    labels.extend(more);
    labels
}

/// Sessions, logins and bytes.
pub(super) fn sessions(families: &mut Families<'_>, mail: &Mail) -> Result {
    let zones = &mail.server_zones;
    families.gauges(
        "portcullis_sessions_open",
        "Open sessions",
        zones
            .iter()
            .map(|zone| (own(zone), zone.1.connections.processing as f64)),
    )?;
    families.counters(
        "portcullis_sessions_accepted",
        "Sessions that have begun",
        zones
            .iter()
            .map(|zone| (own(zone), zone.1.connections.total)),
    )?;
    families.counters(
        "portcullis_sessions",
        "Ended sessions by result; \"limited\" are those that a limit ended",
        zones.iter().flat_map(|zone| {
            let results = zone.1.sessions.iter();
            results.map(move |(result, count)| (with(zone, &[("result", *result)]), *count))
        }),
    )?;
    families.counters(
        "portcullis_logins",
        "Decided login attempts by method and result",
        zones.iter().flat_map(|zone| {
            let logins = zone.1.logins.iter();
            logins.map(move |login| {
                let labels = [("method", login.method), ("result", login.result)];
                (with(zone, &labels), login.count)
            })
        }),
    )?;
    families.counters(
        "portcullis_received_bytes",
        "Bytes from clients, without TLS",
        zones.iter().map(|zone| (own(zone), zone.1.data.received)),
    )?;
    families.counters(
        "portcullis_sent_bytes",
        "Bytes to clients, without TLS",
        zones.iter().map(|zone| (own(zone), zone.1.data.sent)),
    )
}

/// TLS with clients.
pub(super) fn tls(families: &mut Families<'_>, mail: &Mail) -> Result {
    let zones = &mail.server_zones;
    families.counters(
        "portcullis_tls_handshakes",
        "TLS handshakes with clients by version",
        zones.iter().flat_map(|zone| {
            let versions = zone.1.ssl.versions.iter();
            versions.map(move |(version, count)| (with(zone, &[("version", *version)]), *count))
        }),
    )?;
    families.counters(
        "portcullis_tls_resumptions",
        "TLS handshakes with clients that resumed a session",
        zones.iter().map(|zone| (own(zone), zone.1.ssl.reuses)),
    )?;
    families.counters(
        "portcullis_tls_handshake_failures",
        "Failed TLS handshakes with clients by cause",
        zones.iter().flat_map(|zone| {
            let failures = zone.1.ssl.failures.iter();
            failures.map(move |(cause, count)| (with(zone, &[("cause", *cause)]), *count))
        }),
    )
}

/// How long the parts of sessions take.
pub(super) fn durations(families: &mut Families<'_>, mail: &Mail) -> Result {
    let all = || {
        let durations = mail.durations.iter();
        durations.map(|(protocol, durations)| (vec![("protocol", *protocol)], durations))
    };
    families.histograms(
        "portcullis_login_duration_seconds",
        "Time from accept to the end of a successful login",
        all().map(|(labels, durations)| (labels, &durations.login)),
    )?;
    families.histograms(
        "portcullis_backend_connect_duration_seconds",
        "Time to connect to a backend",
        all().map(|(labels, durations)| (labels, &durations.connect)),
    )?;
    families.histograms(
        "portcullis_session_duration_seconds",
        "Time from accept to the end of a session",
        all().map(|(labels, durations)| (labels, &durations.session)),
    )
}
