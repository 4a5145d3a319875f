//! The configuration of HAProxy in tcp mode: each server forwards bytes to the backend, which gets the client's login itself.

use std::fmt::Write as _;
use std::path::Path;

use super::Plan;
use crate::server::Server;

/// The configuration; `folder` has the certificates.
#[must_use]
pub fn text(folder: &Path, plan: &Plan) -> String {
    let mut text = format!(
        "global
 nbthread {threads}
 maxconn {connections}
defaults
 mode tcp
 timeout connect 60s
 timeout client 600s
 timeout server 600s
",
        threads = plan.threads,
        connections = plan.sessions + 1000,
    );
    for server in Server::ALL {
        let tls = server.certificate().map_or_else(String::new, |name| {
            format!(
                " ssl crt {}/{name}.both ssl-min-ver TLSv1.2",
                folder.display()
            )
        });
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "listen {name}\n bind {address}{tls}\n server backend {backend}\n",
            name = server.name(),
            address = plan.addresses.of(server),
            backend = plan.sinks.backend(server.protocol()),
        );
    }
    text
}
