//! The client's host name: the name of its address, if that name has the address.

use std::net::IpAddr;

use super::identity::{TEMPUNAVAIL, UNAVAILABLE};
use crate::base::{Escaped, Level};
use crate::net::resolver::{ResolveError, Resolver};
use crate::session::log::SessionLog;
use crate::session::phase::Phase;

/// Looks the name up. Without a verified one the result is `[UNAVAILABLE]`, or `[TEMPUNAVAIL]` after an error. `shown` is the
/// address as the log shows it.
pub(in crate::session) async fn host_name(
    address: IpAddr,
    shown: &str,
    resolver: &Resolver,
    log: &SessionLog,
) -> Box<str> {
    let phase = Phase::ClientAddress;
    let name = match resolver.name_of(address).await {
        Ok(name) => name,
        Err(fault) => return unresolved(log, phase, shown, fault),
    };
    let Some(text) = name.text() else {
        let name = name.bytes();
        let name = Escaped(&name);
        log.line(
            phase,
            Level::Error,
            format_args!("{shown} resolved to invalid host name \"{name}\""),
        );
        return TEMPUNAVAIL.into();
    };
    match resolver.addresses_of(&name).await {
        Ok(addresses) if addresses.iter().any(|ip| ip.to_canonical() == address) => text.into(),
        Ok(_) => UNAVAILABLE.into(),
        Err(fault) => unresolved(log, Phase::ClientHostName, &format!("\"{text}\""), fault),
    }
}

fn unresolved(log: &SessionLog, phase: Phase, shown: &str, fault: ResolveError) -> Box<str> {
    log.line(
        phase,
        Level::Error,
        format_args!("{shown} could not be resolved ({fault})"),
    );
    if fault == ResolveError::NOT_FOUND {
        UNAVAILABLE.into()
    } else {
        TEMPUNAVAIL.into()
    }
}
