//! The phase of the tunnel: bytes go both ways until both sides have closed or the tunnel is idle for too long.

use std::task::Context;
use std::time::Duration;

use tokio::time::timeout;

use super::backend::BackendStream;
use super::client::connection::Client;
use super::end::Cause;
use super::log::SessionLog;
use super::phase::Phase;
use super::shutdown::{Shutdown, poll_shutdown};
use crate::net::stream::Stream;
use crate::net::tunnel::{End, Pipe};

/// How long a client may take for the last reply.
const CLOSING: Duration = Duration::from_secs(2);

/// A client that is connected to its backend.
#[derive(Debug)]
pub(in crate::session) struct Tunnel {
    pipe: Pipe<Stream, Stream>,
    shutdown: Option<Box<Shutdown>>,
    log: SessionLog,
}

impl Tunnel {
    /// A tunnel that ends when neither side sends for `idle_timeout`.
    pub fn new(
        client: Client,
        backend: BackendStream,
        idle_timeout: Duration,
        shutdown: Option<Box<Shutdown>>,
        log: SessionLog,
    ) -> Self {
        let (client, to_backend) = client.into_parts();
        Self {
            pipe: Pipe::new(
                (client, backend.received),
                (backend.stream, to_backend),
                idle_timeout,
            ),
            shutdown,
            log,
        }
    }

    /// Copies bytes until the session ends.
    pub async fn run(&mut self) {
        let interrupt = |cx: &mut Context<'_>| poll_shutdown(&mut self.shutdown, cx);
        let end = self.pipe.run(interrupt).await;
        if let End::Interrupted = end {
            // Boxed: few sessions end like this.
            return Box::pin(self.shut_down()).await;
        }
        let (up, down) = self.pipe.carried();
        tracing::debug!(connection = self.log.number(), up, down, "tunnel closed");
        let phase = match end {
            End::Done | End::Timeout | End::Interrupted => Phase::Proxying,
            End::Client(_) => Phase::ProxyingFromClient,
            End::Backend(_) => Phase::ProxyingFromBackend,
        };
        phase.end(Cause::Tunnel(end)).log(&self.log);
    }

    /// Ends the session by `worker_shutdown_timeout`, with a last reply where the protocol has one.
    async fn shut_down(&mut self) {
        Phase::Proxying.end(Cause::Shutdown).log(&self.log);
        let reply = self.shutdown.take().map(|shutdown| shutdown.reply);
        let reply = reply.unwrap_or_default();
        let closing = self.pipe.close(&reply);
        // A client that does not read gets no reply.
        let _ = timeout(CLOSING, closing).await;
    }
}
