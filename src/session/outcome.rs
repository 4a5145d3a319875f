//! The result of a session in `mail_log`, from the way it ended.
//!
//! Where the client ends the session, its attempts decide: the last refusal is the result. `by` names a directive only where the
//! gateway decided; where a peer did, it is absent.

use super::client::connection::ClientError;
use super::client::handshake::TlsError;
use super::client::source::ProxyHeaderError;
use super::end::{Cause, SessionEnd};
use super::phase::Phase;
use super::shutdown::ShutdownReason;
use super::verdict::{Conclusion, Decided, Verdict};
use crate::base::Errno;
use crate::config::{Deciding, Server};
use crate::log::mail_log::{EndedBy, SessionResult};
use crate::net::stream::HandshakeError;
use crate::net::tunnel::{End, Side};
use crate::proto::smtp::reply;
use crate::proto::{Note, Objection};
use crate::tls;

/// The words of a time-out of the client, as in the error log.
const TIMED_OUT: &str = "client timed out";

impl SessionEnd {
    /// The result of a session of this server that ends before the tunnel.
    pub fn conclusion(&self, server: &Server) -> Conclusion {
        let protocol = server.protocol();
        use SessionResult as Is;
        let gateway = Conclusion::gateway;
        let left = |reason| Conclusion::attempts(reason, EndedBy::Client);
        match &self.cause {
            Cause::Closed => left(match self.phase {
                Phase::AuthHttp | Phase::Backend(_) => {
                    let action = self.phase.action();
                    Some(format!("client closed connection while {action}"))
                }
                _ => None,
            }),
            Cause::Quit | Cause::Dialogue(None) => left(None),
            Cause::Denied => Conclusion::attempts(None, EndedBy::Gateway),
            Cause::Client(ClientError::Receive(error) | ClientError::Send(error)) => {
                left(Some(error.to_string()))
            }
            Cause::ProxyHeader(ProxyHeaderError::Missing) => left(None),
            Cause::ProxyHeader(ProxyHeaderError::Receive(error)) => {
                left(Some(format!("recv() failed{}", Errno(error))))
            }
            Cause::Client(ClientError::Blocked)
            | Cause::Timeout
            | Cause::ProxyHeader(ProxyHeaderError::Timeout)
            | Cause::Tls(TlsError::Timeout) => {
                gateway(Is::Timeout, Verdict::by(Deciding::Timeout, TIMED_OUT))
            }
            Cause::ProxyHeader(ProxyHeaderError::Invalid(fault)) => {
                gateway(Is::ProtocolError, Verdict::because(fault.to_string()))
            }
            Cause::Tls(error) => handshake(error),
            Cause::EarlyTalker(note) => gateway(
                Is::Refused,
                Verdict::by(Deciding::GreetingDelay, note.to_string()),
            ),
            Cause::Dialogue(Some(note)) => noted(note, server),
            Cause::Objection(objection) => match objection {
                Objection::LoginRequired | Objection::TlsRequired => {
                    gateway(Is::Refused, objection.verdict())
                }
                Objection::ForeignProtocol | Objection::Malformed => {
                    gateway(Is::ProtocolError, objection.verdict())
                }
            },
            Cause::Barred(barred) => gateway(barred.result, barred.verdict.clone()),
            Cause::NoConnection { per_worker } => {
                let reason = format!("{per_worker} worker_connections are not enough");
                let verdict = Verdict::by(Deciding::WorkerConnections, reason);
                gateway(Is::Limited, verdict)
            }
            Cause::AuthHttp(error) => {
                let by = error.deciding().map(Into::into);
                let reason = Some(error.to_string().into());
                gateway(Is::AuthUnavailable, Verdict { reason, by })
            }
            Cause::AuthorizedLogin { error, .. } => {
                if let Some(reply) = error.refused_mail() {
                    let result = match reply::code(reply) {
                        Some(..500) => Is::BackendUnavailable,
                        _ => Is::Refused,
                    };
                    return gateway(result, Verdict::because(one_line(reply)));
                }
                let result = match error.is_rejection(protocol) {
                    true => Is::LoginFailed,
                    false => Is::BackendUnavailable,
                };
                let by = error.deciding().map(Into::into);
                let reason = Some(error.to_string().into());
                gateway(result, Verdict { reason, by })
            }
            Cause::Shutdown(reason) => gateway(Is::Shutdown, reason.verdict()),
        }
    }
}

/// A reply as one line.
fn one_line(reply: &[u8]) -> String {
    let code = reply.get(..3).unwrap_or_default();
    let words: Vec<_> = std::iter::once(code).chain(reply::texts(reply)).collect();
    String::from_utf8_lossy(&words.join(&b' ')).into_owned()
}

impl Objection {
    /// The directive that refuses the command, and the reason.
    pub(in crate::session) fn verdict(self) -> Verdict {
        match self {
            Self::LoginRequired => Verdict::by(Deciding::SmtpAuth, "mail without a login"),
            Self::TlsRequired => Verdict::by(Deciding::StartTls, "a command before STARTTLS"),
            Self::ForeignProtocol => Verdict::because("client speaks another protocol"),
            Self::Malformed => Verdict::because("client sent malformed input"),
        }
    }
}

/// The end of a client without TLS.
fn handshake(error: &TlsError) -> Conclusion {
    let (reason, ended_by) = match error {
        TlsError::Timeout => {
            let verdict = Verdict::by(Deciding::Timeout, TIMED_OUT);
            return Conclusion::gateway(SessionResult::Timeout, verdict);
        }
        TlsError::Certificate(refusal) => {
            let reason = match refusal {
                tls::Refusal::Bad(reason) => {
                    let number = reason.number();
                    format!("client SSL certificate verify error: ({number}:{reason})")
                }
                tls::Refusal::Missing => "client sent no required SSL certificate".into(),
            };
            let verdict = Verdict::by(Deciding::VerifyClient, reason);
            return Conclusion::gateway(SessionResult::Refused, verdict);
        }
        TlsError::NotConfigured => ("no TLS is configured".into(), EndedBy::Gateway),
        TlsError::Handshake(HandshakeError { error, hello }) => match tls::failure(error, hello) {
            Some(failure) => (failure.to_string(), EndedBy::Gateway),
            None => {
                let reason = "peer closed connection in SSL handshake".into();
                (reason, EndedBy::Client)
            }
        },
    };
    Conclusion {
        decided: Decided::End(SessionResult::TlsFailed, Verdict::because(reason)),
        ended_by,
    }
}

/// The end of a dialogue with a line in the log.
fn noted(note: &Note, server: &Server) -> Conclusion {
    use SessionResult as Is;
    let (result, by) = match note {
        Note::TooMany => (Is::Limited, Some(Deciding::MaxCommands)),
        Note::TooManyInvalid => (Is::Limited, Some(Deciding::MaxErrors)),
        Note::TooLong(_) => (Is::ProtocolError, Some(server.deciding_buffer())),
        _ => (Is::ProtocolError, None),
    };
    let reason = Some(note.to_string().into());
    let by = by.map(Into::into);
    Conclusion::gateway(result, Verdict { reason, by })
}

/// The side that ended a tunnel, and a directive's decision where there was one. `first` is the side that closed first, `interruption`
/// the reason of an end from outside.
pub(in crate::session) fn tunnel(
    end: &End,
    first: Option<Side>,
    interruption: ShutdownReason,
) -> (Verdict, EndedBy) {
    let (verdict, side) = match end {
        End::Done => (Verdict::default(), first),
        End::Failed(failure) => (Verdict::default(), first.or(Some(failure.side))),
        End::Timeout => (Verdict::by(Deciding::ProxyTimeout, TIMED_OUT), None),
        End::Interrupted => (interruption.verdict(), None),
    };
    let ended_by = match side {
        None => EndedBy::Gateway,
        Some(Side::Client) => EndedBy::Client,
        Some(Side::Backend) => EndedBy::Backend,
    };
    (verdict, ended_by)
}
