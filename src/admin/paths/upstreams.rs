//! `POST /upstreams/PEER/drain` and `/undrain`: keeps new sessions from a backend, and lets them come again. PEER is an address, in every
//! group, or `group/address`.

use std::net::SocketAddr;
use std::time::Instant;

use hyper::StatusCode;
use serde::Serialize;

use crate::admin::page::{Answer, json, plain};
use crate::admin::state::State;
use crate::base::Address;
use crate::upstream::Balancer;

/// A peer after the change.
#[derive(Debug, Serialize)]
struct Changed {
    upstream: String,
    peer: String,
    state: &'static str,
    /// The sessions that use it.
    sessions: u32,
}

/// Has a peer get no new sessions.
pub(in crate::admin) fn drain(state: &State, peer: &[u8]) -> Answer {
    change(state, peer, true)
}

/// Has it get new sessions again, unless the configuration says otherwise.
pub(in crate::admin) fn undrain(state: &State, peer: &[u8]) -> Answer {
    change(state, peer, false)
}

fn change(state: &State, name: &[u8], drained: bool) -> Answer {
    let name = normal(&String::from_utf8_lossy(name));
    let in_force = state.in_force();
    let groups = in_force.iter().flat_map(|in_force| &in_force.groups);
    let changed: Vec<_> = groups
        .flat_map(|group| change_in(group, &name, drained))
        .collect();
    match changed.is_empty() {
        true => plain(
            StatusCode::NOT_FOUND,
            "no group of the configuration has this backend\n",
        ),
        false => json(&changed),
    }
}

/// Changes the peers of a group that have this name.
fn change_in(group: &Balancer, name: &str, drained: bool) -> Vec<Changed> {
    let upstream = &group.group.name;
    let is_named = |address: &Address| {
        let address = address.to_string();
        address == name || format!("{upstream}/{address}") == name
    };
    for peer in group.peers() {
        if is_named(&peer.address) {
            peer.set_drained(drained);
        }
    }
    let figures = group.figures(Instant::now()).into_iter();
    let own = figures.filter(|figures| is_named(&figures.address));
    let changed = own.map(|figures| Changed {
        upstream: upstream.to_string(),
        peer: figures.address.to_string(),
        state: figures.state.word(),
        sessions: figures.sessions,
    });
    changed.collect()
}

/// A name with its address as the status shows it.
fn normal(name: &str) -> String {
    let (group, address) = match name.rsplit_once('/') {
        Some((group, address)) => (Some(group), address),
        None => (None, name),
    };
    match (group, address.parse::<SocketAddr>()) {
        (_, Err(_)) => name.to_owned(),
        (None, Ok(address)) => Address::Inet(address).to_string(),
        (Some(group), Ok(address)) => format!("{group}/{}", Address::Inet(address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_known_in_any_spelling() {
        for (name, shown) in [
            ("192.0.2.1:25", "192.0.2.1:25"),
            ("[2001:DB8:0::1]:25", "[2001:db8::1]:25"),
            ("b/[2001:DB8::1]:25", "b/[2001:db8::1]:25"),
            ("unix:/run/x", "unix:/run/x"),
            ("b/unix:/run/x", "b/unix:/run/x"),
        ] {
            assert_eq!(normal(name), shown);
        }
    }
}
