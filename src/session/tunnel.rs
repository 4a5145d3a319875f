//! The phase of the tunnel: bytes go both ways until both sides have closed or the tunnel is idle for too long.

use std::time::Duration;

use super::backend::BackendStream;
use super::client::connection::Client;
use super::end::Cause;
use super::log::SessionLog;
use super::phase::Phase;
use crate::net::stream::Stream;
use crate::net::tunnel::{End, Pipe};

/// A client that is connected to its backend.
#[derive(Debug)]
pub(in crate::session) struct Tunnel {
    pipe: Pipe<Stream, Stream>,
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
            pipe: Pipe::new(client, backend.stream, to_backend, backend.received),
            idle_timeout,
            log,
        }
    }

    /// Copies bytes until the session ends.
    pub async fn run(&mut self) {
        let end = self.pipe.run(self.idle_timeout).await;
        let (up, down) = self.pipe.carried();
        tracing::debug!(connection = self.log.number(), up, down, "tunnel closed");
        let phase = match end {
            End::Done | End::Timeout => Phase::Proxying,
            End::Client(_) => Phase::ProxyingFromClient,
            End::Backend(_) => Phase::ProxyingFromBackend,
        };
        phase.end(Cause::Tunnel(end)).log(&self.log);
    }
}
