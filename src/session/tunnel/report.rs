//! The end of a tunnel in the error log, in nginx's words.

use crate::net::tunnel::{Call, End, Failure, Side};
use crate::session::io_failure::IoFailure;
use crate::session::log::SessionLog;
use crate::session::phase::Phase;

/// Writes how a tunnel ended. `is_tls` tells whether the connection to a side uses TLS.
pub(super) fn end(log: &SessionLog, end: End, is_tls: impl Fn(Side) -> bool) {
    match end {
        End::Done => done(log),
        // The caller has a line of its own.
        End::Interrupted => {}
        End::Timeout => log.timed_out(Phase::Proxying),
        End::Failed(failure) => {
            let (side, call) = (failure.side, failure.call);
            broken(log, failure, is_tls(side));
            // To nginx, a failed read is the end of the data, and a failed write the end of the session.
            if call == Call::Receive {
                done(log);
            }
        }
    }
}

fn done(log: &SessionLog) {
    log.event(format_args!("proxied session done"));
}

fn broken(log: &SessionLog, Failure { side, call, error }: Failure, is_tls: bool) {
    let phase = match (side, call) {
        (Side::Client, Call::Receive) => Phase::ProxyingFromClient,
        (Side::Client, Call::Send) => Phase::ProxyingToClient,
        (Side::Backend, Call::Receive) => Phase::ProxyingFromBackend,
        (Side::Backend, Call::Send) => Phase::ProxyingToBackend,
    };
    let failure = IoFailure::of(call, is_tls, error);
    let text = format_args!("{failure}");
    match side {
        Side::Client => {
            if let Some(level) = failure.level_of_client() {
                log.line(phase, level, text);
            }
        }
        Side::Backend => log.upstream_cut_off(phase, failure.level_of_backend(), text),
    }
}
