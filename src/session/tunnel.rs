//! The phase of the tunnel: bytes go both ways until both sides are done or silent.

use std::time::Duration;

use super::backend::BackendStream;
use super::client::connection::Client;
use super::end::Cause;
use super::log::SessionLog;
use super::phase::Phase;
use crate::net::stream::Stream;
use crate::net::tunnel::{self, End};

/// A client that is connected to its backend.
#[derive(Debug)]
pub(in crate::session) struct Tunnel {
    client: Stream,
    /// Input of the client that the backend has not got yet.
    to_backend: Vec<u8>,
    backend: BackendStream,
    idle_timeout: Duration,
    log: SessionLog,
}

impl Tunnel {
    /// A tunnel that ends when neither side sends for `idle_timeout`.
    pub fn new(
        client: Client,
        backend: BackendStream,
        idle_timeout: Duration,
        log: SessionLog,
    ) -> Self {
        let (client, to_backend) = client.into_parts();
        Self {
            client,
            to_backend,
            backend,
            idle_timeout,
            log,
        }
    }

    /// Carries bytes to the end of the session.
    pub async fn run(mut self) {
        let (end, carried) = tunnel::run(
            &mut self.client,
            &mut self.backend.stream,
            self.to_backend,
            self.backend.received,
            self.idle_timeout,
        )
        .await;
        tracing::debug!(
            connection = self.log.number(),
            up = carried.up,
            down = carried.down,
            "tunnel closed"
        );
        let phase = match end {
            End::Done | End::Timeout => Phase::Proxying,
            End::Client(_) => Phase::ProxyingFromClient,
            End::Backend(_) => Phase::ProxyingFromBackend,
        };
        phase.end(Cause::Tunnel(end)).log(&self.log);
    }
}
