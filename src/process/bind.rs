//! Binding what a configuration wants, with nginx's patience: five tries, half a second apart.

use std::thread;
use std::time::Duration;

use super::voice::Voice;
use crate::base::{Errno, Level};
use crate::config::sockets;
use crate::net::bound::{BindFault, Bound};

const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// Binds all of them, or none. What went wrong has been said. Blocks for up to two seconds.
pub fn all(sockets: &[&sockets::Socket], voice: &Voice) -> Option<Vec<Bound>> {
    let mut bound: Vec<Option<Bound>> = sockets.iter().map(|_| None).collect();
    for last in (0..TRIES).map(|n| n + 1 == TRIES) {
        for (socket, bound) in sockets
            .iter()
            .zip(&mut bound)
            .filter(|(_, bound)| bound.is_none())
        {
            match Bound::bind(socket) {
                Ok(new) => *bound = Some(new),
                Err(fault) => {
                    voice.say(Level::Emerg, format_args!("{fault}{}", Errno(&fault.error)));
                    if !fault.in_use() {
                        return None;
                    }
                }
            }
        }
        if bound.iter().all(Option::is_some) {
            break;
        }
        if !last {
            voice.say(
                Level::Notice,
                format_args!("try again to bind() after 500ms"),
            );
            thread::sleep(PAUSE);
        }
    }
    let bound: Option<Vec<Bound>> = bound.into_iter().collect();
    match &bound {
        Some(bound) => configure(bound, sockets, voice),
        None => voice.say(Level::Emerg, format_args!("still could not bind()")),
    }
    bound
}

/// What `-t` does: one try each; an address in use is fine, for the running gateway has it. What went wrong.
pub fn probe(sockets: &[sockets::Socket]) -> Vec<BindFault> {
    let faults = sockets
        .iter()
        .filter_map(|socket| Bound::bind(socket).err());
    faults.filter(|fault| !fault.in_use()).collect()
}

fn configure(bound: &[Bound], sockets: &[&sockets::Socket], voice: &Voice) {
    for (bound, socket) in bound.iter().zip(sockets) {
        for fault in bound.configure(&socket.options) {
            voice.say(
                Level::Alert,
                format_args!("{fault}{}, ignored", Errno(&fault.error)),
            );
        }
    }
}
