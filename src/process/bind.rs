//! Binds the sockets of a configuration, as nginx does: with five attempts, half a second apart.

use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use super::process_log::ProcessLog;
use super::running;
use crate::base::{Address, Errno, Level};
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
                        advise(&error, &socket.address, log);
                        return None;
                    }
                    in_use = Some((error, &socket.address));
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
        if let Some((error, address)) = &in_use {
            advise(error, address, log);
        }
        return None;
    };
    for (bound, (socket, _)) in bound.iter().zip(sockets) {
        report_ignored(&bound.configure(&socket.options), log);
        report_ignored(bound.no_multipath(), log);
    }
    Some(bound)
}

/// Says what to do about an error, and which process has an address.
fn advise(error: &BindError, address: &Address, log: &ProcessLog) {
    let advice = match error.error.kind() {
        ErrorKind::AddrInUse => {
            let holder = running::listener_on(address);
            let holder = holder.map_or_else(
                || "\"ss -ltnp\" shows it".to_owned(),
                |process| process.to_string(),
            );
            let text = format_args!(
                "another process has this address: {holder}. SIGUSR2 replaces a running nginx, see portcullis(8)"
            );
            // At the level of the error: it names its cause.
            return log.explain(Level::Emerg, text);
        }
        ErrorKind::PermissionDenied => {
            "ports below 1024 need root, or CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=)"
        }
        ErrorKind::AddrNotAvailable => {
            "no network interface has this address. If it appears later: \"listen *:port\", or After=network-online.target in systemd"
        }
        _ => return,
    };
    log.explain(Level::Notice, format_args!("{advice}"));
}

/// Logs errors without consequences.
pub fn report_ignored<'a>(errors: impl IntoIterator<Item = &'a BindError>, log: &ProcessLog) {
    for error in errors {
        let text = format_args!("{error}{}, ignored", Errno(&error.error));
        log.line(Level::Alert, text);
    }
}

/// Tests the sockets for `-t`, with one attempt each. Returns the errors, but not those for addresses in use: a running instance
/// may have them.
pub fn probe<'a>(sockets: impl Iterator<Item = &'a config::Socket>) -> Vec<BindError> {
    let errors = sockets.filter_map(|socket| BoundSocket::probe(socket).err());
    errors.filter(|error| !error.in_use()).collect()
}
