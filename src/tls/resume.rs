//! Session resumption: by tickets, or not at all. The server keeps nothing per client.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::NoServerSessionStorage;

use crate::config::TlsFault;

/// Tickets (RFC 5077, RFC 8446 section 2.2) as `ssl_session_tickets` says; their keys rotate and die with this configuration.
pub(super) fn configure(config: &mut ServerConfig, tickets: bool) -> Result<(), TlsFault> {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    if tickets {
        config.ticketer = Ticketer::new()
            .map_err(|error| TlsFault::Other(format!("no keys for session tickets: {error}")))?;
    } else {
        config.send_tls13_tickets = 0;
    }
    Ok(())
}
