//! The end of a session before the tunnel: the last reply, the session's line, and then a wait for the client to close.
//!
//! A client that is still sending could lose its last reply: unread input makes the system reset the connection. So the gateway reads on for
//! a while. Such a connection does nothing else, and gives its place to the next client that has none.

use std::mem::take;

use super::Session;
use super::end::{Cause, SessionEnd};
use super::shutdown::{Shutdown, over};
use super::tunnel;

/// Ends a session. The log lines do not wait for the client.
pub(in crate::session) async fn close(
    session: Session<'_>,
    end: SessionEnd,
    shutdown: &mut Option<Box<Shutdown>>,
) {
    let Session {
        endpoint,
        shared,
        client,
        log,
    } = session;
    if let Some(reply) = end.refused_mail() {
        tunnel::record_refused(log, reply);
    }
    log.tls_failed(&end.cause);
    log.concluded(end.conclusion(&endpoint.server));
    if matches!(end.cause, Cause::Shutdown(_)) {
        // Its time has passed.
        *shutdown = None;
    }
    let lingering = end.conclude(client, endpoint, log).await;
    let (received, sent) = client.carried();
    log.carried(received, sent);
    let Some(lingering) = lingering else {
        return;
    };
    // The zones count the connection up to its end.
    let record = log.record.take();
    let _leases = record.map(|mut record| take(&mut record.limits.leases));
    let mut place = shared.connections.offer();
    tokio::select! {
        biased;
        () = client.linger(lingering) => {}
        () = place.wanted() => {}
        _ = over(shutdown) => {}
    }
}
