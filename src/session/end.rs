//! The end of a session: its cause, the log line for it, and the last reply to the client.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::auth_http::exchange::AuthHttpError;
use super::backend::error::LoginError;
use super::client::connection::{Client, ClientError};
use super::client::handshake::TlsError;
use super::client::source::ProxyHeaderError;
use super::endpoint::Endpoint;
use super::io_failure::IoFailure;
use super::limit_state::Barred;
use super::log::SessionLog;
use super::phase::Phase;
use super::shutdown::ShutdownReason;
use crate::base::{Errno, Level, Protocol};
use crate::config::TlsMode;
use crate::config::settings::Mail;
use crate::net::linger::Lingering;
use crate::net::stream::HandshakeError;
use crate::proto::proxy_protocol::Fault;
use crate::proto::{LastReply, Note, Objection};
use crate::tls::{self, Refusal};

/// How long a client has for its last reply, and to close after it, when the session is ended from outside or in the tunnel.
pub(in crate::session) const CLOSING: Duration = Duration::from_secs(2);

/// How a session ended.
#[derive(Debug)]
pub(in crate::session) struct SessionEnd {
    pub phase: Phase,
    pub cause: Cause,
}

/// Why a session ended.
#[derive(Debug)]
pub(in crate::session) enum Cause {
    /// The client has closed its connection.
    Closed,
    /// The client's connection broke.
    Client(ClientError),
    /// The client has not logged in within `timeout`.
    Timeout,
    /// The client's PROXY header is unusable.
    ProxyHeader(ProxyHeaderError),
    /// TLS with the client was not established.
    Tls(TlsError),
    /// The client sent data before the greeting.
    EarlyTalker(Note),
    /// The client ends the dialogue (QUIT, LOGOUT), which has written its last reply.
    Quit,
    /// The dialogue is over and has written its last reply, with a line for the log if a limit was exceeded.
    Dialogue(Option<Note>),
    /// The reply to a refused login ends the session.
    Denied,
    /// The client's input ends the session with a reply, and without a line in the log.
    Objection(Objection),
    /// A limit or a rule of `deny` refuses the client. Its line is in the log.
    Barred(Box<Barred>),
    /// `worker_connections` leaves no room for a connection to the auth server or the backend.
    NoConnection { per_worker: usize },
    /// The auth server failed.
    AuthHttp(AuthHttpError),
    /// The backend failed to log in a client that the auth server had accepted.
    AuthorizedLogin {
        error: LoginError,
        protocol: Protocol,
        /// The backend's reply is passed on (`proxy_pass_error_message on`): the client cannot take it as an acceptance.
        passes_on: bool,
    },
    /// `worker_shutdown_timeout` or the administrator ends it.
    Shutdown(ShutdownReason),
}

/// The last output to a client before the connection is closed.
enum Farewell<'a> {
    /// None: the client has left, or may expect TLS.
    None,
    /// The pending replies.
    Gathered,
    /// A last reply.
    Reply(LastReply),
    /// The backend's reply.
    Backend(&'a [u8]),
}

impl Phase {
    /// The end in this phase.
    pub fn end(self, cause: Cause) -> SessionEnd {
        SessionEnd { phase: self, cause }
    }
}

impl SessionEnd {
    /// Writes the end to the log and sends the last reply. Returns how long the client is waited for; `None`: the connection is closed
    /// now.
    pub async fn conclude(
        self,
        client: &mut Client,
        endpoint: &Endpoint,
        log: &SessionLog,
    ) -> Option<Lingering> {
        self.log(log);
        match self.farewell() {
            Farewell::None => return None,
            Farewell::Gathered => {}
            Farewell::Reply(_) if expects_tls(client, endpoint) => return None,
            Farewell::Reply(reply) if matches!(self.cause, Cause::Shutdown(_)) => {
                // Replies that are left were being sent: part of them has arrived.
                client.out.clear();
                endpoint.settings.last_reply(reply, &mut client.out);
            }
            Farewell::Reply(reply) => endpoint.settings.last_reply(reply, &mut client.out),
            Farewell::Backend(reply) => client.out.extend_from_slice(reply),
        }
        let sent = match &self.cause {
            // A client that does not read gets no reply.
            Cause::Shutdown(_) => timeout(CLOSING, client.flush()).await.unwrap_or(Ok(())),
            _ => client.flush().await,
        };
        if let Err(error) = sent {
            self.phase.end(Cause::Client(error)).log(log);
            return None;
        }
        let lingering = self.lingering(&endpoint.server.mail);
        if lingering.is_none() {
            client.finish().await;
        }
        lingering
    }

    /// How long the client is waited for after the last reply.
    fn lingering(&self, settings: &Mail) -> Option<Lingering> {
        let lingering = match self.cause {
            // The client expects the end, and sends nothing more.
            Cause::Quit => return None,
            Cause::Shutdown(_) => Lingering::brief(CLOSING),
            _ => Lingering {
                time: settings.lingering_time,
                timeout: settings.lingering_timeout,
            },
        };
        settings.lingering_close.then_some(lingering)
    }

    /// The backend's refusal of the mail of a client without a login, which ends the session.
    pub fn refused_mail(&self) -> Option<&[u8]> {
        match &self.cause {
            Cause::AuthorizedLogin { error, .. } => error.refused_mail(),
            _ => None,
        }
    }

    /// Writes the end to the log.
    pub fn log(&self, log: &SessionLog) {
        let phase = self.phase;
        let line = |level, text: fmt::Arguments<'_>| log.line(phase, level, text);
        match &self.cause {
            Cause::Closed
            | Cause::Quit
            | Cause::Dialogue(None)
            | Cause::Denied
            | Cause::Objection(_)
            | Cause::Barred(_) => {}
            Cause::Client(ClientError::Blocked)
            | Cause::Timeout
            | Cause::ProxyHeader(ProxyHeaderError::Timeout)
            | Cause::Tls(TlsError::Timeout) => log.timed_out(phase),
            Cause::Client(ClientError::Receive(failure) | ClientError::Send(failure)) => {
                log_broken(log, phase, failure);
            }
            Cause::ProxyHeader(ProxyHeaderError::Invalid(fault)) => {
                line(Level::Error, format_args!("{fault}"));
            }
            Cause::ProxyHeader(ProxyHeaderError::Missing) => {
                line(Level::Info, format_args!("{}", Fault::broken(b"")));
            }
            Cause::ProxyHeader(ProxyHeaderError::Receive(error)) => {
                line(Level::Info, format_args!("recv() failed{}", Errno(error)));
            }
            Cause::Tls(TlsError::Handshake(error)) => log_handshake(log, phase, error),
            Cause::Tls(TlsError::Certificate(Refusal::Bad(reason))) => {
                let number = reason.number();
                line(
                    Level::Info,
                    format_args!("client SSL certificate verify error: ({number}:{reason})"),
                );
            }
            Cause::Tls(TlsError::Certificate(Refusal::Missing)) => line(
                Level::Info,
                format_args!("client sent no required SSL certificate"),
            ),
            Cause::Tls(TlsError::NotConfigured) => {
                line(Level::Alert, format_args!("no TLS is configured"));
            }
            Cause::EarlyTalker(note) | Cause::Dialogue(Some(note)) => {
                line(Level::Info, format_args!("{note}"));
            }
            Cause::NoConnection { per_worker } => {
                let text = format_args!("{per_worker} worker_connections are not enough");
                line(Level::Alert, text);
            }
            Cause::AuthHttp(error) => error.log(log),
            Cause::AuthorizedLogin {
                error, protocol, ..
            } => {
                let level = match self.farewell() {
                    Farewell::Backend(_) => Level::Info,
                    _ => Level::Error,
                };
                error.log(log, phase, level, *protocol);
            }
            Cause::Shutdown(reason) => {
                let text = format_args!("{}", reason.text());
                match phase {
                    Phase::Proxying => line(Level::Info, text),
                    _ => log.event(text),
                }
            }
        }
    }

    /// The last output to the client.
    fn farewell(&self) -> Farewell<'_> {
        let reply = match &self.cause {
            Cause::Closed
            | Cause::Client(_)
            | Cause::ProxyHeader(_)
            | Cause::Tls(TlsError::Timeout | TlsError::Handshake(_) | TlsError::NotConfigured) => {
                return Farewell::None;
            }
            Cause::Quit | Cause::Dialogue(_) | Cause::Denied | Cause::Objection(_) => {
                return Farewell::Gathered;
            }
            Cause::AuthorizedLogin {
                error, passes_on, ..
            } => match error.reply().filter(|_| *passes_on) {
                Some(reply) => return Farewell::Backend(&reply.reply),
                None => LastReply::InternalError,
            },
            Cause::Barred(barred) => match barred.reply {
                Some(reply) => reply,
                None => return Farewell::None,
            },
            Cause::NoConnection { .. } | Cause::AuthHttp(_) => LastReply::InternalError,
            Cause::Tls(TlsError::Certificate(Refusal::Bad(_))) => LastReply::InvalidCertificate,
            Cause::Tls(TlsError::Certificate(Refusal::Missing)) => LastReply::MissingCertificate,
            Cause::EarlyTalker(_) => LastReply::EarlyTalker,
            Cause::Timeout => LastReply::Timeout,
            Cause::Shutdown(_) => LastReply::ShuttingDown,
        };
        Farewell::Reply(reply)
    }
}

/// Whether the next bytes have to be those of TLS.
fn expects_tls(client: &Client, endpoint: &Endpoint) -> bool {
    matches!(endpoint.tls, TlsMode::Implicit(_)) && client.tls().is_none()
}

/// Writes that the client's connection broke, where nginx does.
fn log_broken(log: &SessionLog, phase: Phase, failure: &IoFailure) {
    if let Some(level) = failure.level_of_client() {
        log.line(phase, level, format_args!("{failure}"));
    }
}

/// Writes that the handshake failed. The level is info: the client is the cause, whatever the error.
fn log_handshake(log: &SessionLog, phase: Phase, HandshakeError { error, hello }: &HandshakeError) {
    let line = |text: fmt::Arguments<'_>| log.line(phase, Level::Info, text);
    let closed = "peer closed connection in SSL handshake";
    match tls::failure(error, hello) {
        Some(failure) => line(format_args!("SSL_do_handshake() failed (SSL: {failure})")),
        None if error.kind() == io::ErrorKind::UnexpectedEof => line(format_args!("{closed}")),
        None => line(format_args!("{closed}{}", Errno(error))),
    }
}
