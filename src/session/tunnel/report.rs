//! The end of a tunnel in the error log, in nginx's words.

use crate::base::{Errno, Level};
use crate::net::tunnel::{Call, End, Failure, Side};
use crate::session::log::{SessionLog, level_of};
use crate::session::phase::Phase;
use crate::tls;

/// Writes how a tunnel ended. `is_tls` tells whether the connection to a side uses TLS.
pub(super) fn end(log: &SessionLog, end: &End, is_tls: impl Fn(Side) -> bool) {
    match end {
        End::Done => done(log),
        // The caller has a line of its own.
        End::Interrupted => {}
        End::Timeout => log.timed_out(Phase::Proxying),
        End::Failed(failure) => {
            broken(log, failure, is_tls(failure.side));
            // To nginx, a failed read is the end of the data, and a failed write the end of the session.
            if failure.call == Call::Receive {
                done(log);
            }
        }
    }
}

fn done(log: &SessionLog) {
    log.event(format_args!("proxied session done"));
}

fn broken(log: &SessionLog, Failure { side, call, error }: &Failure, is_tls: bool) {
    let phase = match (side, call) {
        (Side::Client, Call::Receive) => Phase::ProxyingFromClient,
        (Side::Client, Call::Send) => Phase::ProxyingToClient,
        (Side::Backend, Call::Receive) => Phase::ProxyingFromBackend,
        (Side::Backend, Call::Send) => Phase::ProxyingToBackend,
    };
    let name = match (call, is_tls) {
        (Call::Receive, false) => "recv",
        (Call::Receive, true) => "SSL_read",
        (Call::Send, false) => "send",
        (Call::Send, true) => "SSL_write",
    };
    let own = match side {
        Side::Client => Level::Info,
        Side::Backend => Level::Error,
    };
    match tls::failure(error, b"").filter(|_| is_tls) {
        Some(failure) => log.line(phase, own, format_args!("{name}() failed (SSL: {failure})")),
        // To OpenSSL, a reset is the end of the data.
        None if is_tls && (*side, *call) == (Side::Client, Call::Receive) => {}
        None => {
            let level = match level_of(error) {
                Level::Error => own,
                _ => Level::Alert,
            };
            log.line(
                phase,
                level,
                format_args!("{name}() failed{}", Errno(error)),
            );
        }
    }
}
