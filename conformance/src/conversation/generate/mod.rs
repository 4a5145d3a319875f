//! Generates scripts.

mod auth_server;
mod imap;
mod mailbox;
mod packets;
mod pop3;
mod sasl;
mod server;
mod sieve;
mod smtp;

use std::collections::BTreeMap;

use portcullis::base::Protocol;

use super::script::{Reply, Script};
use crate::rng::Rng;
use packets::Packets;

/// The script with this number of a seed.
pub fn script(protocol: Protocol, seed: u64, number: u64) -> Script {
    let mut rng = Rng::new(seed, number);
    match protocol {
        Protocol::Smtp => smtp::script(&mut rng),
        Protocol::Imap => imap::IMAP.script(&mut rng),
        Protocol::Pop3 => pop3::POP3.script(&mut rng),
        Protocol::Sieve => sieve::SIEVE.script(&mut rng),
    }
}

/// Completes a script: adds the auth server and the backend, whose unusual replies come from `reply`.
fn complete(
    rng: &mut Rng,
    protocol: Protocol,
    server: Vec<String>,
    packets: Packets,
    reply: impl Fn(&mut Rng) -> Reply,
) -> Script {
    let responses = (0..4)
        .map(|_| auth_server::response(rng, protocol))
        .collect();
    Script {
        protocol,
        server,
        client: packets.end(rng),
        responses,
        replies: replies(rng, reply),
        backend_closes_first: rng.percent(50),
    }
}

/// At most two unusual replies of the backend; mostly none.
fn replies(rng: &mut Rng, reply: impl Fn(&mut Rng) -> Reply) -> BTreeMap<usize, Reply> {
    let mut replies = BTreeMap::new();
    for _ in 0..2 {
        if rng.percent(22) {
            let at = rng.up_to(5);
            replies.insert(at, reply(rng));
        }
    }
    replies
}
