//! A gateway with one SMTP server, and a login of one client.

use super::{Gateway, Smtp, free_port, plain};

/// What a client hears when something on the gateway's side is broken.
pub const INTERNAL: &str = "451 4.3.2 Internal server error\r\n";

/// The block for one server at this port; `more` is the rest of it.
pub fn mail(port: u16, more: &str) -> String {
    format!(
        "mail {{ server_name gate.test; server {{ listen 127.0.0.1:{port}; protocol smtp; {more} }} }}"
    )
}

/// A gateway with that server.
pub fn gateway(more: &str) -> (Gateway, u16) {
    let port = free_port();
    (Gateway::start(&mail(port, more)), port)
}

/// One login of a client of its own, and what it hears.
pub fn log_in(port: u16) -> String {
    let mut client = Smtp::connect(port);
    client.expect("220");
    client.say(&format!("AUTH PLAIN {}", plain("joe", "secret")));
    client.hear()
}
