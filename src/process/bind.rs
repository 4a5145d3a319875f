//! Binds the sockets of a configuration, as nginx does: with five attempts, half a second apart.

use std::thread;
use std::time::Duration;

use super::process_log::ProcessLog;
use crate::base::{Errno, Level};
use crate::config;
use crate::net::bound_socket::{BindError, BoundSocket};

const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// Binds all sockets or none; `None` after a logged error. Blocks for up to two seconds.
pub fn all(sockets: &[&config::Socket], log: &ProcessLog) -> Option<Vec<BoundSocket>> {
    let mut bound: Vec<Option<BoundSocket>> = sockets.iter().map(|_| None).collect();
    for last in (0..ATTEMPTS).map(|n| n + 1 == ATTEMPTS) {
        for (socket, bound) in sockets
            .iter()
            .zip(&mut bound)
            .filter(|(_, bound)| bound.is_none())
        {
            match BoundSocket::bind(socket) {
                Ok(new) => *bound = Some(new),
                Err(error) => {
                    let text = format_args!("{error}{}", Errno(&error.error));
                    log.line(Level::Emerg, text);
                    if !error.in_use() {
                        return None;
                    }
                }
            }
        }
        if bound.iter().all(Option::is_some) {
            break;
        }
        if !last {
            let text = format_args!("try again to bind() after 500ms");
            log.line(Level::Notice, text);
            thread::sleep(PAUSE);
        }
    }
    let bound: Option<Vec<BoundSocket>> = bound.into_iter().collect();
    match &bound {
        Some(bound) => configure(bound, sockets, log),
        None => log.line(Level::Emerg, format_args!("still could not bind()")),
    }
    bound
}

/// Tests the sockets for `-t`, with one attempt each. Returns the errors, but not those for addresses in use: a running instance
/// may have them.
pub fn probe(sockets: &[config::Socket]) -> Vec<BindError> {
    let errors = sockets
        .iter()
        .filter_map(|socket| BoundSocket::bind(socket).err());
    errors.filter(|error| !error.in_use()).collect()
}

fn configure(bound: &[BoundSocket], sockets: &[&config::Socket], log: &ProcessLog) {
    for (bound, socket) in bound.iter().zip(sockets) {
        for error in bound.configure(&socket.options) {
            let text = format_args!("{error}{}, ignored", Errno(&error.error));
            log.line(Level::Alert, text);
        }
    }
}
