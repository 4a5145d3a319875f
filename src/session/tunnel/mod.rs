//! The phase of the tunnel: bytes go both ways until both sides have closed or the tunnel is idle for too long.
//!
//! The tunnel does not look at the bytes, except in an SMTP session whose backend trusts the gateway with XCLIENT or XFORWARD:
//! [`Followed`] keeps a client's own ones from the backend.

mod carrier;
mod followed;
mod incident;
mod message_recorder;
mod report;

use std::task::Context;

use tokio::time::timeout;

use self::carrier::Carrier;
use self::followed::Followed;
use self::message_recorder::MessageRecorder;
pub(in crate::session) use self::message_recorder::record_refused;
use super::backend::BackendStream;
use super::client::connection::Client;
use super::connections::Connection;
use super::end::{CLOSING, Cause};
use super::log::SessionLog;
use super::outcome;
use super::phase::Phase;
use super::shutdown::{Shutdown, poll_shutdown, reason};
use super::verdict::Verdict;
use crate::config::Server;
use crate::log::mail_log::EndedBy;
use crate::net::linger::Lingering;
use crate::net::rate::Rate;
use crate::net::tunnel::{End, Pipe, Side};
use crate::proto::tally::Tally;
use crate::upstream::PeerSession;

/// The reason of a session that ends with its process.
const EXITING: &str = "worker process exits";

/// A client that is connected to its backend.
#[derive(Debug)]
pub(in crate::session) struct Tunnel {
    carrier: Carrier,
    shutdown: Option<Box<Shutdown>>,
    /// `lingering_close`
    lingers: bool,
    /// That to the backend.
    _connection: Option<Connection>,
    /// The count of the backend's sessions.
    _peer: Option<PeerSession>,
    log: SessionLog,
}

impl Tunnel {
    /// A tunnel of a session with this server, which ends when neither side sends for `proxy_timeout`.
    pub fn new(
        client: Client,
        (backend, connection): (BackendStream, Option<Connection>),
        server: &Server,
        shutdown: Option<Box<Shutdown>>,
        mut log: SessionLog,
    ) -> Self {
        let (client, to_backend) = client.into_parts();
        let BackendStream {
            stream,
            received,
            follower,
            peer,
        } = backend;
        let rate = Rate::new(server.mail.limit_rate, server.mail.limit_rate_after);
        let client = match rate {
            Some(rate) => client.limited(rate),
            None => client,
        };
        let (client, backend) = ((client, received), (stream, to_backend));
        let idle_timeout = server.proxy.proxy_timeout;
        let carrier = match follower {
            None => {
                let mut pipe = Pipe::new(client, backend, idle_timeout);
                if shutdown.as_ref().is_some_and(|own| own.expects_reply()) {
                    pipe.expect_close();
                }
                if rate.is_some() {
                    pipe.expect_limited_client();
                }
                Carrier::Plain(Box::new(pipe))
            }
            Some(follower) => {
                let tally = Tally::new(server.mail.max_errors, server.mail.max_commands);
                match log.record.take_if(|record| record.has_messages()) {
                    None => Carrier::Followed(Box::new(Followed::new(
                        client,
                        backend,
                        idle_timeout,
                        follower,
                        tally,
                    ))),
                    Some(record) => Carrier::Recorded(Box::new(Followed::observed(
                        client,
                        backend,
                        idle_timeout,
                        follower,
                        tally,
                        MessageRecorder::new(record),
                    ))),
                }
            }
        };
        Self {
            carrier,
            shutdown,
            lingers: server.mail.lingering_close,
            _connection: connection,
            _peer: peer,
            log,
        }
    }

    /// Copies bytes until the session ends.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn would hold the tunnel twice: as its argument and as its variable"
    )]
    pub fn run(mut self) -> impl Future<Output = ()> + Send {
        async move {
            let interrupt = |cx: &mut Context<'_>| poll_shutdown(&mut self.shutdown, cx);
            let end = self.carrier.run(interrupt, &self.log).await;
            // Boxed: few sessions do not end at once.
            Box::pin(self.end(end)).await;
        }
    }

    async fn end(&mut self, end: End) {
        self.carrier.finish(self.lingering()).await;
        match end {
            End::Interrupted => self.shut_down().await,
            end => self.conclude(end).await,
        }
    }

    /// Writes the end to the log. A client that its backend has left gets the backend's last bytes.
    async fn conclude(&mut self, end: End) {
        self.record(&end);
        let ((client, backend), (up, down)) = (self.carrier.streams(), self.carrier.carried());
        tracing::debug!(connection = self.log.number(), up, down, "tunnel closed");
        let lingering = match &end {
            End::Failed(failure) if failure.side == Side::Backend => self.lingering(),
            _ => None,
        };
        report::end(&self.log, end, |side| match side {
            Side::Client => client.is_tls(),
            Side::Backend => backend.is_tls(),
        });
        if let Some(lingering) = lingering {
            self.carrier.linger(lingering).await;
        }
    }

    /// How long the client is waited for after its last bytes.
    fn lingering(&self) -> Option<Lingering> {
        self.lingers.then(|| Lingering::brief(CLOSING))
    }

    /// Ends the session from outside, with a last reply where the protocol has one.
    async fn shut_down(&mut self) {
        self.record(&End::Interrupted);
        let reason = reason(self.shutdown.as_deref());
        Phase::Proxying.end(Cause::Shutdown(reason)).log(&self.log);
        let reply = self.shutdown.take().map(|shutdown| shutdown.reply);
        let reply = reply.unwrap_or_default();
        // A client that does not read gets no reply.
        let _ = timeout(CLOSING, self.carrier.close(&reply)).await;
    }

    /// Writes the session's line for an end of the tunnel.
    fn record(&mut self, end: &End) {
        let (verdict, ended_by) = match self.carrier.closing() {
            Some(incident) => (incident.verdict(), EndedBy::Gateway),
            None => {
                let interruption = reason(self.shutdown.as_deref());
                outcome::tunnel(end, self.carrier.first_end(), interruption)
            }
        };
        self.finish_record(verdict, ended_by);
    }

    /// Writes the session's line, unless it is written.
    fn finish_record(&mut self, verdict: Verdict, ended_by: EndedBy) {
        let followed = self.carrier.take_record();
        if let Some(mut record) = followed.or_else(|| self.log.record.take()) {
            let (up, down) = self.carrier.carried();
            record.carried(up, down);
            record.tunnel_ended(verdict, ended_by);
        }
    }
}

impl Drop for Tunnel {
    /// Writes the lines of a session whose process exits.
    fn drop(&mut self) {
        self.carrier.abandon();
        self.finish_record(Verdict::because(EXITING), EndedBy::Gateway);
    }
}
