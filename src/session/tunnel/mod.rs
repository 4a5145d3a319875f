//! The phase of the tunnel: bytes go both ways until both sides have closed or the tunnel is idle for too long.
//!
//! The tunnel does not look at the bytes, except in an SMTP session whose backend trusts the gateway with XCLIENT or XFORWARD:
//! [`Followed`] keeps a client's own ones from the backend.

mod followed;
mod incident;
mod report;

use std::task::Context;
use std::time::Duration;

use tokio::time::timeout;

use self::followed::Followed;
use self::incident::Incident;
use super::backend::BackendStream;
use super::client::connection::Client;
use super::connections::Connection;
use super::end::Cause;
use super::log::SessionLog;
use super::phase::Phase;
use super::shutdown::{Shutdown, poll_shutdown};
use crate::config::Server;
use crate::net::stream::Stream;
use crate::net::tunnel::{End, Pipe, Side};
use crate::proto::tally::Tally;

/// How long a client may take for the last reply.
const CLOSING: Duration = Duration::from_secs(2);

/// A client that is connected to its backend.
#[derive(Debug)]
pub(in crate::session) struct Tunnel {
    carrier: Carrier,
    shutdown: Option<Box<Shutdown>>,
    /// That to the backend.
    _connection: Option<Connection>,
    log: SessionLog,
}

/// The two streams of a tunnel, and what is known about their bytes.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every tunnel is a plain one, which costs no allocation"
)]
enum Carrier {
    Plain(Pipe<Stream, Stream>),
    Followed(Box<Followed<Stream, Stream, ()>>),
}

impl Tunnel {
    /// A tunnel of a session with this server, which ends when neither side sends for `proxy_timeout`.
    pub fn new(
        client: Client,
        (backend, connection): (BackendStream, Option<Connection>),
        server: &Server,
        shutdown: Option<Box<Shutdown>>,
        log: SessionLog,
    ) -> Self {
        let (client, to_backend) = client.into_parts();
        let BackendStream {
            stream,
            received,
            follower,
        } = backend;
        let (client, backend) = ((client, received), (stream, to_backend));
        let idle_timeout = server.proxy.proxy_timeout;
        let carrier = match follower {
            None => Carrier::Plain(Pipe::new(client, backend, idle_timeout)),
            Some(follower) => {
                let tally = Tally::new(server.mail.max_errors, server.mail.max_commands);
                let followed = Followed::new(client, backend, idle_timeout, follower, tally);
                Carrier::Followed(Box::new(followed))
            }
        };
        Self {
            carrier,
            shutdown,
            _connection: connection,
            log,
        }
    }

    /// Copies bytes until the session ends.
    pub async fn run(&mut self) {
        let interrupt = |cx: &mut Context<'_>| poll_shutdown(&mut self.shutdown, cx);
        let end = match &mut self.carrier {
            Carrier::Plain(pipe) => pipe.run(interrupt).await,
            Carrier::Followed(followed) => {
                let log = &self.log;
                let report = |incident: Incident| incident.log(log);
                Box::pin(followed.run(interrupt, &report)).await
            }
        };
        // Boxed: few sessions do not end at once.
        match end {
            End::Interrupted => Box::pin(self.shut_down()).await,
            end => Box::pin(self.conclude(end)).await,
        }
    }

    /// Writes the end to the log. A client that its backend has left gets the backend's last bytes.
    async fn conclude(&mut self, end: End) {
        let ((client, backend), (up, down)) = match &self.carrier {
            Carrier::Plain(pipe) => (pipe.streams(), pipe.carried()),
            Carrier::Followed(followed) => (followed.streams(), followed.carried()),
        };
        tracing::debug!(connection = self.log.number(), up, down, "tunnel closed");
        let lingers = matches!(&end, End::Failed(failure) if failure.side == Side::Backend);
        report::end(&self.log, end, |side| match side {
            Side::Client => client.is_tls(),
            Side::Backend => backend.is_tls(),
        });
        if lingers {
            match &mut self.carrier {
                Carrier::Plain(pipe) => pipe.linger().await,
                Carrier::Followed(followed) => followed.linger().await,
            }
        }
    }

    /// Ends the session by `worker_shutdown_timeout`, with a last reply where the protocol has one.
    async fn shut_down(&mut self) {
        Phase::Proxying.end(Cause::Shutdown).log(&self.log);
        let reply = self.shutdown.take().map(|shutdown| shutdown.reply);
        let reply = reply.unwrap_or_default();
        let closing = async {
            match &mut self.carrier {
                Carrier::Plain(pipe) => pipe.close(&reply).await,
                Carrier::Followed(followed) => followed.close(&reply).await,
            }
        };
        // A client that does not read gets no reply.
        let _ = timeout(CLOSING, closing).await;
    }
}
