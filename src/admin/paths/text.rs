//! `/text`: the status for people. Programs read `/json`: this text may change.

use std::fmt::{self, Write};

use crate::admin::page::{Answer, Call, whole};
use crate::admin::snapshot::Snapshot;
use crate::base::Escaped;

pub(in crate::admin) fn answer(call: &Call<'_>) -> Answer {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, &Snapshot::of(call.state));
    whole("text/plain; charset=utf-8", text)
}

fn write(out: &mut String, status: &Snapshot) -> fmt::Result {
    let about = &status.portcullis;
    let ready = match about.ready {
        true => "ready",
        false => "not ready",
    };
    writeln!(out, "portcullis {}, {ready}", about.version)?;
    writeln!(out, "counting since {}", about.start_time)?;
    if let Some(time) = &about.load_time {
        let number = about.generation;
        writeln!(out, "configuration {number} in force since {time}")?;
    }
    let all = &status.connections;
    let (active, accepted, dropped) = (all.active, all.accepted, all.dropped);
    writeln!(
        out,
        "sessions: {active} open, {accepted} accepted, {dropped} refused by a limit"
    )?;
    servers(out, status)?;
    upstreams(out, status)?;
    if !status.auth_servers.is_empty() {
        writeln!(out, "\nAuth servers")?;
    }
    for (url, server) in &status.auth_servers {
        let average = server.latency.average.unwrap_or_default() * 1000.0;
        let (requests, failed) = (server.requests, server.failed);
        writeln!(
            out,
            "  {url}: {requests} requests, {failed} failed, {average:.1} ms on average"
        )?;
    }
    limits(out, status)?;
    if !status.certificates.is_empty() {
        writeln!(out, "\nCertificates")?;
    }
    for certificate in &status.certificates {
        let (file, expiry) = (&certificate.file, &certificate.expiry);
        let (names, days) = (certificate.names.join(", "), certificate.days_left);
        writeln!(out, "  {file} ({names}): {days} days left, until {expiry}")?;
    }
    if !status.held_logins.is_empty() {
        writeln!(out, "\nHeld logins")?;
    }
    for login in &status.held_logins {
        writeln!(out, "  {}", Escaped(login.as_bytes()))?;
    }
    reloads(out, status)
}

fn servers(out: &mut String, status: &Snapshot) -> fmt::Result {
    writeln!(out, "\nServers")?;
    for (address, zone) in &status.mail.server_zones {
        let (protocol, name) = (zone.protocol, zone.server_name.as_deref());
        let name = name.unwrap_or("not in the configuration any more");
        let (open, total) = (zone.connections.processing, zone.connections.total);
        let (received, sent) = (zone.data.received, zone.data.sent);
        writeln!(
            out,
            "  {address} {protocol} ({name}): {open} open of {total}, {received} bytes in, {sent} bytes out"
        )?;
        let results = zone.sessions.iter().filter(|(_, count)| **count > 0);
        let results: Vec<_> = results
            .map(|(result, count)| format!("{count} {result}"))
            .collect();
        if !results.is_empty() {
            writeln!(out, "    ended: {}", results.join(", "))?;
        }
        if zone.ssl.handshaked + zone.ssl.failed > 0 {
            let (done, resumed, failed) = (zone.ssl.handshaked, zone.ssl.reuses, zone.ssl.failed);
            writeln!(
                out,
                "    TLS: {done} handshakes, {resumed} resumed, {failed} failed"
            )?;
        }
    }
    Ok(())
}

fn upstreams(out: &mut String, status: &Snapshot) -> fmt::Result {
    if !status.mail.upstreams.is_empty() {
        writeln!(out, "\nBackends")?;
    }
    for (name, upstream) in &status.mail.upstreams {
        writeln!(out, "  {name}")?;
        for (address, peer) in &upstream.peers {
            let (state, current) = (peer.state, peer.selected.current);
            let (total, fails) = (peer.selected.total, peer.health.fails);
            let since = peer.health.downstart.as_ref();
            let since = since.map_or_else(String::new, |since| format!(" since {since}"));
            writeln!(
                out,
                "    {address}: {state}{since}, {current} sessions, {total} tries, {fails} failed"
            )?;
        }
    }
    Ok(())
}

fn limits(out: &mut String, status: &Snapshot) -> fmt::Result {
    if !status.limits.is_empty() {
        writeln!(out, "\nLimits")?;
    }
    for (name, zone) in &status.limits {
        let (kind, key, entries) = (zone.kind, &zone.key, zone.entries);
        let (passed, delayed, limited) = (zone.passed, zone.delayed, zone.limited);
        let part = zone.used * 100 / zone.size.max(1);
        writeln!(
            out,
            "  {name} ({kind}, {key}): {entries} keys, {part}% used, {passed} passed, {delayed} delayed, {limited} limited"
        )?;
    }
    Ok(())
}

fn reloads(out: &mut String, status: &Snapshot) -> fmt::Result {
    writeln!(out, "\nReloads")?;
    for (kind, counts) in &status.reloads.kinds {
        let (succeeded, refused) = (counts.succeeded, counts.refused);
        writeln!(out, "  {kind}: {succeeded} succeeded, {refused} refused")?;
    }
    if let Some(last) = &status.reloads.last {
        let (time, kind) = (&last.time, last.kind);
        match &last.refusal {
            None => writeln!(out, "  last: {kind} at {time}, succeeded")?,
            Some(why) => writeln!(out, "  last: {kind} at {time}, refused: {why}")?,
        }
    }
    writeln!(out, "\nLog lines lost: {}", status.logs.lost_lines)
}
