//! A session's way to a backend, up to its login: connection, PROXY header, TLS, the opening of the conversation. While nothing of
//! the client's login or mail was sent, another backend may take the place of one that fails.

use std::pin::pin;
use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::candidates::{Candidate, Candidates, now};
use super::connection::{BackendConnection, ReplyLimit};
use super::conversation::{Deadline, converse, until};
use super::error::{ConnectError, Evidence, LoginError, log_timeout};
use super::start_tls::secure;
use super::{Backends, ClientContext};
use crate::base::Level;
use crate::config::settings::Proxy;
use crate::config::{Deciding, ProxySmtpHelo, Server};
use crate::net::socket::Socket;
use crate::proto::client::{Dialogue, READING};
use crate::proto::login::Helo;
use crate::proto::proxy_protocol::{OmittedTlv, SentHeader};
use crate::session::log::SessionLog;
use crate::session::phase::Phase;
use crate::upstream::Lease;

pub(super) const CONNECTING: Phase = Phase::Backend("connecting to upstream");
const READING_REPLY: Phase = Phase::Backend(READING);
const SENDING_HEADER: Phase = Phase::Backend("sending PROXY protocol header to upstream");

/// A connection to a backend that waits for the login.
#[derive(Debug)]
pub(super) struct Opened<O> {
    pub connection: BackendConnection,
    /// The outcome of the opening.
    pub outcome: O,
    /// The last reply.
    pub reply: Vec<u8>,
}

/// The time and the number of attempts that a session may use for several backends.
struct Tries {
    begun: Instant,
    /// When the client's time for its login is over.
    end: Instant,
    made: usize,
    /// The latest decision of a directive.
    decided: Option<Deciding>,
}

impl Tries {
    fn until(end: Instant) -> Self {
        Self {
            begun: Instant::now(),
            end,
            made: 0,
            decided: None,
        }
    }

    /// Whether another backend may be tried after this one.
    fn may_go_on(&self, proxy: &Proxy, candidates: &Candidates) -> bool {
        let (most, limit) = (
            proxy.proxy_next_upstream_tries,
            proxy.proxy_next_upstream_timeout,
        );
        let now = Instant::now();
        proxy.proxy_next_upstream
            && (most == 0 || self.made < most)
            && (limit.is_zero() || now - self.begun < limit)
            && now < self.end
            && candidates.has_more()
    }

    /// The error of the last attempt, with the directive that decided about an earlier one where none decided about the last.
    fn ended(&self, mut error: LoginError) -> LoginError {
        if let LoginError::Connect(ConnectError::Unreachable(by)) = &mut error {
            *by = by.or(self.decided);
        }
        error
    }
}

impl ClientContext<'_> {
    /// Connects to the first candidate that gets as far as the login: sends the PROXY header, upgrades to TLS and runs the opening.
    /// `helo` is the client's, if there is an SMTP client.
    ///
    /// # Errors
    /// That of the last candidate, which also counts for it. Those of the others are in the log.
    pub(super) async fn open<O>(
        &mut self,
        mut candidates: Candidates,
        helo: Option<&Helo>,
        opening: impl Fn() -> Dialogue<O>,
        mut deadline: Deadline<'_>,
    ) -> Result<Opened<O>, LoginError> {
        let server = Arc::clone(&self.backends.server);
        if let Some(header) = &self.header {
            log_omitted(self.log, header);
        }
        let mut tries = Tries::until(deadline.deadline());
        while let Some(candidate) = candidates.next() {
            tries.made += 1;
            let limit = tries.may_go_on(&server.proxy, &candidates);
            let limit = limit.then(|| limit_of(&server));
            let attempt = {
                let attempt = pin!(self.attempt(&candidate, helo, opening(), limit));
                until(deadline.as_mut(), attempt).await
            };
            let error = match attempt.and_then(|ended| ended) {
                Ok(mut opened) => {
                    opened.connection.hold(candidate.lease);
                    return Ok(opened);
                }
                Err(error) => error,
            };
            let is_last = !tries.may_go_on(&server.proxy, &candidates);
            if !is_last {
                error.log(self.log, *self.phase, Level::Error, server.protocol());
            }
            self.count(candidate.lease.as_ref(), &error);
            if is_last {
                return Err(tries.ended(error));
            }
            tries.decided = error.deciding().or(tries.decided);
        }
        Err(LoginError::Connect(match tries.made {
            0 => ConnectError::NoneLive,
            _ => ConnectError::Unreachable(tries.decided),
        }))
    }

    /// Connects to one candidate and runs the opening. `reply_limit` is the time for each reply where another one could be tried.
    async fn attempt<O>(
        &mut self,
        candidate: &Candidate,
        helo: Option<&Helo>,
        opening: Dialogue<O>,
        reply_limit: Option<ReplyLimit>,
    ) -> Result<Opened<O>, LoginError> {
        let connected = self.connect_to(candidate).await;
        let socket = connected.map_err(LoginError::Connect)?;
        self.log.connected();
        let backends = self.backends;
        let header = self.header.as_ref().map(|header| &*header.bytes);
        let phase = &mut *self.phase;
        let mut connection = BackendConnection::new(socket, backends.server.proxy.proxy_buffer);
        connection.limit_replies(reply_limit);
        let prepared = prepare(
            &mut connection,
            backends,
            header,
            &candidate.host,
            helo,
            phase,
        );
        prepared.await.map_err(LoginError::Connect)?;
        let opened = converse(&mut connection, opening, Vec::new(), phase).await;
        *phase = READING_REPLY;
        let (outcome, reply) = opened?;
        connection.limit_replies(None);
        Ok(Opened {
            connection,
            outcome,
            reply,
        })
    }

    /// Connects to one candidate.
    async fn connect_to(&mut self, candidate: &Candidate) -> Result<Socket, ConnectError> {
        let address = &candidate.address;
        let log = &mut *self.log;
        *self.phase = CONNECTING;
        self.shared.next_number();
        log.upstream(address, candidate.name.as_deref());
        let limit = limit_of(&self.backends.server);
        match timeout(limit.time, self.backends.dialer.connect(address)).await {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(error)) => {
                let (phase, call) = match self.header {
                    None => (READING_REPLY, "recv"),
                    Some(_) => (SENDING_HEADER, "send"),
                };
                log.unconnected(phase, address, call, &error);
                Err(ConnectError::Unreachable(None))
            }
            Err(_) => {
                log_timeout(log, CONNECTING);
                Err(ConnectError::Unreachable(Some(limit.by)))
            }
        }
    }

    /// Counts an error for or against the peer.
    pub(super) fn count(&self, lease: Option<&Lease>, error: &LoginError) {
        let Some(lease) = lease else { return };
        let protocol = self.backends.server.protocol();
        match error.evidence(protocol, |step| self.has_introduced_client(step)) {
            Evidence::Works => lease.succeed(now()),
            Evidence::Fails if lease.fail(now()) => {
                let line = format_args!("upstream server temporarily disabled");
                self.log.line(*self.phase, Level::Warn, line);
            }
            Evidence::Fails | Evidence::None => {}
        }
    }

    /// Whether the backend knows the client in this step, even without XCLIENT or ID.
    fn has_introduced_client(&self, step: &str) -> bool {
        let proxy = &self.backends.server.proxy;
        self.header.is_some() || (step != READING && proxy.proxy_smtp_helo == ProxySmtpHelo::Client)
    }
}

/// The time for a connection, and for a reply to the opening.
fn limit_of(server: &Server) -> ReplyLimit {
    let (own, whole) = (server.proxy.proxy_connect_timeout, server.mail.timeout);
    match own <= whole {
        true => ReplyLimit {
            time: own,
            by: Deciding::ProxyConnectTimeout,
        },
        false => ReplyLimit {
            time: whole,
            by: Deciding::Timeout,
        },
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
    connection: &mut BackendConnection,
    backends: &Backends,
    header: Option<&[u8]>,
    host: &[u8],
    helo: Option<&Helo>,
    phase: &mut Phase,
) -> Result<(), ConnectError> {
    if let Some(header) = header {
        *phase = SENDING_HEADER;
        let sent = connection.send(header).await;
        sent.map_err(ConnectError::Header)?;
    }
    let secured = secure(connection, backends, host, helo, phase).await;
    secured.map_err(ConnectError::Upgrade)
}
