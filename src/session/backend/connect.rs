//! A connection to a backend, up to the greeting: address, PROXY header, TLS.

use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::candidates::{Candidate, Candidates, now};
use super::connection::BackendConnection;
use super::conversation::converse;
use super::error::{ConnectError, LoginError, log_timeout};
use super::start_tls::secure;
use super::{Backends, ClientContext};
use crate::base::Level;
use crate::config::Deciding;
use crate::config::settings::Proxy;
use crate::net::socket::Socket;
use crate::proto::client::READING;
use crate::proto::dialogues;
use crate::proto::login::Helo;
use crate::proto::proxy_protocol::{OmittedTlv, SentHeader};
use crate::session::log::SessionLog;
use crate::session::phase::Phase;

pub(super) const CONNECTING: Phase = Phase::Backend("connecting to upstream");
const READING_REPLY: Phase = Phase::Backend(READING);
const SENDING_HEADER: Phase = Phase::Backend("sending PROXY protocol header to upstream");

/// The time and the number of attempts that a session may use for several backends.
struct Tries {
    begun: Instant,
    made: usize,
}

impl Tries {
    /// Whether another backend may be tried after this one.
    fn may_go_on(&self, proxy: &Proxy, candidates: &Candidates) -> bool {
        let (most, limit) = (
            proxy.proxy_next_upstream_tries,
            proxy.proxy_next_upstream_timeout,
        );
        proxy.proxy_next_upstream
            && (most == 0 || self.made < most)
            && (limit.is_zero() || self.begun.elapsed() < limit)
            && candidates.has_more()
    }
}

impl ClientContext<'_> {
    /// Connects to the first candidate that takes sessions: sends the PROXY header, upgrades to TLS and, where another one could be
    /// tried, reads the greeting. `helo` is the client's, if there is an SMTP client.
    ///
    /// # Errors
    /// That of the last candidate. Those of the others are in the log.
    pub(super) async fn connect(
        &mut self,
        mut candidates: Candidates,
        helo: Option<&Helo>,
    ) -> Result<BackendConnection, ConnectError> {
        let proxy = Arc::clone(&self.backends.server.proxy);
        if let Some(header) = &self.header {
            log_omitted(self.log, header);
        }
        let mut tries = Tries {
            begun: Instant::now(),
            made: 0,
        };
        while let Some(candidate) = candidates.next() {
            tries.made += 1;
            let may_go_on = tries.may_go_on(&proxy, &candidates);
            let error = match self.attempt(&candidate, helo, may_go_on).await {
                Ok(mut connection) => {
                    if let Some(lease) = candidate.lease {
                        connection.hold(lease.succeed(now()));
                    }
                    return Ok(connection);
                }
                Err(error) => error,
            };
            let fails = candidate.lease.as_ref().map(|lease| lease.fail(now()));
            if !tries.may_go_on(&proxy, &candidates) {
                return Err(error);
            }
            let protocol = self.backends.server.protocol();
            LoginError::Connect(error).log(self.log, *self.phase, Level::Error, protocol);
            if fails == Some(true) {
                let line = format_args!("upstream server temporarily disabled");
                self.log.line(*self.phase, Level::Warn, line);
            }
        }
        Err(match tries.made {
            0 => ConnectError::NoneLive,
            _ => ConnectError::Unreachable(None),
        })
    }

    /// Connects to one candidate.
    async fn attempt(
        &mut self,
        candidate: &Candidate,
        helo: Option<&Helo>,
        reads_greeting: bool,
    ) -> Result<BackendConnection, ConnectError> {
        let (server, log) = (&self.backends.server, &mut *self.log);
        let own_limit = server.proxy.proxy_connect_timeout;
        let (limit, limited_by) = match own_limit <= server.mail.timeout {
            true => (own_limit, Deciding::ProxyConnectTimeout),
            false => (server.mail.timeout, Deciding::Timeout),
        };
        let header = self.header.as_ref().map(|header| &*header.bytes);
        let address = &candidate.address;
        *self.phase = CONNECTING;
        self.shared.next_number();
        log.upstream(address, candidate.name.as_deref());
        let socket = match timeout(limit, self.backends.dialer.connect(address)).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => {
                let (phase, call) = match header {
                    None => (READING_REPLY, "recv"),
                    Some(_) => (SENDING_HEADER, "send"),
                };
                log.unconnected(phase, address, call, &error);
                return Err(ConnectError::Unreachable(None));
            }
            Err(_) => {
                log_timeout(log, CONNECTING);
                return Err(ConnectError::Unreachable(Some(limited_by)));
            }
        };
        log.connected();
        let (backends, phase) = (self.backends, &mut *self.phase);
        let prepared = prepare(socket, backends, header, &candidate.host, helo, phase).await;
        let mut connection = prepared?;
        if reads_greeting {
            let greeting = dialogues::greeting(server);
            let greeted = timeout(
                limit,
                converse(&mut connection, greeting, Vec::new(), phase),
            );
            match greeted.await {
                Ok(Ok(((), reply))) => connection.put_back(&reply),
                Ok(Err(error)) => return Err(ConnectError::Greeting(error)),
                Err(_) => {
                    log_timeout(self.log, READING_REPLY);
                    return Err(ConnectError::Unreachable(Some(limited_by)));
                }
            }
        }
        Ok(connection)
    }
}

/// Writes which extensions a header should have and has not.
fn log_omitted(log: &SessionLog, header: &SentHeader) {
    if !header.omitted.is_empty() {
        let omitted: Vec<_> = header.omitted.iter().map(OmittedTlv::to_string).collect();
        let omitted = omitted.join(", ");
        let line = format_args!("PROXY protocol TLV not sent to upstream: {omitted}");
        log.event_at(Level::Warn, line);
    }
}

/// Sends the PROXY header and upgrades to TLS.
pub(super) async fn prepare(
    socket: Socket,
    backends: &Backends,
    header: Option<&[u8]>,
    host: &[u8],
    helo: Option<&Helo>,
    phase: &mut Phase,
) -> Result<BackendConnection, ConnectError> {
    let mut connection = BackendConnection::new(socket, backends.server.proxy.proxy_buffer);
    if let Some(header) = header {
        *phase = SENDING_HEADER;
        let sent = connection.send(header).await;
        sent.map_err(ConnectError::Header)?;
    }
    let secured = secure(&mut connection, backends, host, helo, phase).await;
    secured.map_err(ConnectError::Upgrade)?;
    Ok(connection)
}
