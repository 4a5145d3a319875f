//! A gateway with one SMTP server, and one login at it.

use crate::{Gateway, LineClient, auth_plain, free_port};

/// The reply when something fails on the gateway's side.
pub const INTERNAL_ERROR: &str = "451 4.3.2 Internal server error\r\n";

/// A `mail {}` block with one SMTP server on this port; `more` are further lines of the server.
pub fn mail_block(port: u16, more: &str) -> String {
    format!(
        "mail {{ server_name gate.test; server {{ listen 127.0.0.1:{port}; protocol smtp; {more} }} }}"
    )
}

/// Starts a gateway with that block; returns it and its port.
pub fn gateway(more: &str) -> (Gateway, u16) {
    let port = free_port();
    (Gateway::start(&mail_block(port, more)), port)
}

/// Logs a new client in with AUTH PLAIN and returns the reply.
pub fn log_in(port: u16) -> String {
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")))
}
