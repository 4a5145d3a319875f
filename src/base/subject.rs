//! Compares what an administrator types with what logs and the status show.

use std::net::IpAddr;

/// Whether two logins are the same but for case. Where only one of them has a domain, the other parts decide.
#[must_use]
pub fn is_same_login(own: &str, wanted: &str) -> bool {
    let parts = |login| match str::rsplit_once(login, '@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (login, None),
    };
    let ((own, own_domain), (wanted, wanted_domain)) = (parts(own), parts(wanted));
    let is_same_domain = match (own_domain, wanted_domain) {
        (Some(own), Some(wanted)) => own.eq_ignore_ascii_case(wanted),
        _ => true,
    };
    is_same_domain && own.eq_ignore_ascii_case(wanted)
}

/// Whether `address`, with a port, has this host. IPv6 addresses are compared in any spelling.
#[must_use]
pub fn has_host(address: &str, host: &str) -> bool {
    let Some((own, _)) = address.rsplit_once(':') else {
        return false;
    };
    let own = own.trim_start_matches('[').trim_end_matches(']');
    let wanted = host.trim_start_matches('[').trim_end_matches(']');
    match (own.parse::<IpAddr>(), wanted.parse::<IpAddr>()) {
        (Ok(own), Ok(wanted)) => own.to_canonical() == wanted.to_canonical(),
        _ => false,
    }
}
