//! Binds the sockets of a configuration, as nginx does: with five attempts, half a second apart.

use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use super::process_log::ProcessLog;
use crate::base::{Errno, Level};
use crate::config;
use crate::net::bound_socket::{BindError, BoundSocket, Port};

const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// Binds all sockets or none; `None` after a logged error. Blocks for up to two seconds.
pub fn all(sockets: &[(&config::Socket, Port)], log: &ProcessLog) -> Option<Vec<BoundSocket>> {
    let mut bound: Vec<Option<BoundSocket>> = sockets.iter().map(|_| None).collect();
    let mut in_use = None;
    for last in (0..ATTEMPTS).map(|n| n + 1 == ATTEMPTS) {
        for ((socket, port), bound) in sockets
            .iter()
            .zip(&mut bound)
            .filter(|(_, bound)| bound.is_none())
        {
            match BoundSocket::bind(socket, *port) {
                Ok(new) => *bound = Some(new),
                Err(error) => {
                    let text = format_args!("{error}{}", Errno(&error.error));
                    log.line(Level::Emerg, text);
                    if !error.in_use() {
                        advise(&error, log);
                        return None;
                    }
                    in_use = Some(error);
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
    let Some(bound) = bound else {
        log.line(Level::Emerg, format_args!("still could not bind()"));
        in_use.iter().for_each(|error| advise(error, log));
        return None;
    };
    for (bound, (socket, _)) in bound.iter().zip(sockets) {
        report_ignored(bound.configure(&socket.options), log);
    }
    Some(bound)
}

/// Says what to do about an error.
fn advise(error: &BindError, log: &ProcessLog) {
    let advice = match error.error.kind() {
        ErrorKind::AddrInUse => {
            "another process has this address: \"ss -ltnp\" shows it. SIGUSR2 replaces a running nginx, see portcullis(8)"
        }
        ErrorKind::PermissionDenied => {
            "ports below 1024 need root, or CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=)"
        }
        ErrorKind::AddrNotAvailable => {
            "no network interface has this address. If it appears later: \"listen *:port\", or After=network-online.target in systemd"
        }
        _ => return,
    };
    log.advise(format_args!("{advice}"));
}

/// Logs errors without consequences.
pub fn report_ignored(errors: Vec<BindError>, log: &ProcessLog) {
    for error in errors {
        let text = format_args!("{error}{}, ignored", Errno(&error.error));
        log.line(Level::Alert, text);
    }
}

/// Tests the sockets for `-t`, with one attempt each. Returns the errors, but not those for addresses in use: a running instance
/// may have them.
pub fn probe(sockets: &[config::Socket]) -> Vec<BindError> {
    let errors = sockets
        .iter()
        .filter_map(|socket| BoundSocket::bind(socket, Port::Own).err());
    errors.filter(|error| !error.in_use()).collect()
}
