//! The lower limit of CPU time per session: one thread with epoll that moves the same bytes in the same packets as a mail
//! gateway, over as many connections, and does nothing else.
//!
//! It speaks a fixed dialogue, looks at nothing but line ends, accepts every login, and has no TLS, timeouts, limits or logs. It makes each system
//! call that the packets need, and no other. It is for small sessions: nobody should use it as a gateway.

mod dialogue;
mod outbox;
mod relay;
mod session;

use std::net::SocketAddr;

use crate::failure::{Context as _, Failure};
use crate::server::Server;

/// The option of this program that runs the relay; the address of the auth server and `SERVER=LISTEN=BACKEND` for each server follow.
pub const RUN: &str = "--floor-relay";

/// Where a server of the relay listens, and its backend.
#[derive(Debug, Clone, Copy)]
struct Route {
    server: Server,
    listen: SocketAddr,
    backend: SocketAddr,
}

/// Runs the relay until the process is ended.
///
/// # Errors
/// When the arguments are not as [`RUN`] says, or a socket cannot be opened.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let wrong = || Failure::new(format!("{RUN} is for the benchmark itself"));
    let (auth, routes) = arguments.split_first().ok_or_else(wrong)?;
    let auth = auth.parse().map_err(|_| wrong())?;
    let routes = routes
        .iter()
        .map(|text| route(text).ok_or_else(wrong))
        .collect::<Result<Vec<_>, _>>()?;
    relay::Relay::new(auth, &routes)
        .and_then(|mut relay| relay.run())
        .context(|| "run the relay".to_owned())
}

fn route(text: &str) -> Option<Route> {
    let mut parts = text.split('=');
    let name = parts.next()?;
    Some(Route {
        server: Server::ALL.into_iter().find(|s| s.name() == name)?,
        listen: parts.next()?.parse().ok()?,
        backend: parts.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn routes_are_parsed() {
        let route = route("imap=127.0.0.1:1=127.0.0.1:2").unwrap();
        assert_eq!(
            (route.server, route.listen.port(), route.backend.port()),
            (Server::Imap, 1, 2)
        );
        assert!(super::route("imap=127.0.0.1:1").is_none());
        assert!(run(&["x".to_owned()]).is_err());
    }
}
