//! Collects the facts of one session for `mail_log`, and writes its line when the session is over, however it ends.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::limit_state::LimitState;
use super::verdict::{By, Conclusion, Decided, Verdict};
use crate::base::SessionId;
use crate::config::{ProtocolSettings, Server, VariableSource};
use crate::log::mail_log::{
    EndedBy, Event, HeaderRecord, MailLogs, MessageRecord, RecordAddress, SessionOutcome,
    SessionRecord, SessionResult, TlsRecord,
};
use crate::monitor::{CloseRequest, ServerMonitor, SessionFacts, SessionMonitor, TlsFailure};
use crate::net::socket::{Peer, Socket};
use crate::proto::Envelope;
use crate::proto::login::{self, Login};

/// The record of one session. Dropping it writes the session's line.
#[derive(Debug)]
pub(in crate::session) struct Recorder {
    logs: Arc<MailLogs>,
    server: Arc<Server>,
    record: SessionRecord,
    begun: Instant,
    /// When the connection to the backend began.
    connecting: Option<Instant>,
    /// The result of the attempts so far, if one was refused.
    refusal: Option<(SessionResult, Verdict)>,
    /// The mail of a client without a login, and the backend's reply to its last command.
    opening: Option<Box<Opening>>,
    /// What the limits of the server know about the session. It ends with the record.
    pub limits: LimitState,
    /// The session's part in the monitor, where `status` shows it.
    monitor: Option<Box<SessionMonitor>>,
}

/// Where a session is recorded.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Recorded<'a> {
    pub logs: &'a Arc<MailLogs>,
    pub monitor: Option<&'a ServerMonitor>,
    pub server: &'a Arc<Server>,
    /// The `listen` address.
    pub listen: &'a str,
}

/// The commands that the gateway has sent itself.
#[derive(Debug)]
pub(in crate::session) struct Opening {
    pub envelope: Envelope,
    pub begun: Instant,
    pub answered: Option<Answered>,
}

/// The last reply of the backend to these commands.
#[derive(Debug)]
pub(in crate::session) enum Answered {
    /// To MAIL; RCPT was not sent, or not yet.
    Mail(Box<[u8]>),
    /// To RCPT, after a positive one to MAIL.
    Rcpt(Box<[u8]>),
}

impl Recorder {
    /// The record of connection `number`. `None`: no log and no monitor has it, and neither the backend nor a limit depends on the
    /// session.
    pub fn new(
        of: Recorded<'_>,
        number: u64,
        (peer, socket): (&Peer, &Socket),
    ) -> Option<Box<Self>> {
        let Recorded {
            logs,
            server,
            listen,
            monitor,
        } = of;
        let depends_on_session = server.backend_varies();
        let is_recorded = !logs.is_empty() || monitor.is_some();
        if !is_recorded && server.limits.is_none() && !depends_on_session {
            return None;
        }
        let local = socket.local_address();
        let record = SessionRecord {
            id: SessionId::of_connection(number),
            connection: number,
            protocol: server.protocol(),
            server_name: Arc::from(&*server.name),
            server: local.map_or_else(
                || RecordAddress::Unix(listen.trim_start_matches("unix:").into()),
                |local| RecordAddress::Inet(canonical(local)),
            ),
            client: address(peer),
            proxy_protocol: None,
            tls: None,
            helo: None,
            smtp_from: None,
            smtp_to: None,
            method: None,
            login: None,
            auth_headers: Vec::new(),
            // What holds if the session is dropped.
            outcome: SessionOutcome {
                result: SessionResult::Shutdown,
                reason: None,
                by: None,
            },
            upstream: None,
            upstream_tls: None,
            connect: None,
            login_time: None,
            total: Duration::ZERO,
            received: 0,
            sent: 0,
            ended_by: EndedBy::Gateway,
        };
        let monitor = monitor.map(|server| {
            let facts = SessionFacts {
                id: record.id,
                connection: number,
                client: peer.to_string().into(),
            };
            Box::new(SessionMonitor::new(server, facts))
        });
        Some(Box::new(Self {
            monitor,
            logs: Arc::clone(logs),
            server: Arc::clone(server),
            record,
            begun: Instant::now(),
            connecting: None,
            refusal: None,
            opening: None,
            limits: LimitState::default(),
        }))
    }

    /// The administrator's request to close the session, which needs `status`.
    pub fn close_request(&self) -> Option<CloseRequest> {
        let monitor = self.monitor.as_ref()?;
        Some(CloseRequest::new(Arc::clone(monitor.open())))
    }

    /// Whether the session's messages have lines.
    pub fn has_messages(&self) -> bool {
        matches!(self.server.settings, ProtocolSettings::Smtp(_)) && self.logs.has_messages()
    }

    /// Whether a line can show headers of the auth server's answers, or something else depends on them.
    pub fn has_auth_headers(&self) -> bool {
        self.server.uses_auth_headers()
    }

    /// Sets the headers of the auth server's answer.
    pub fn auth_headers(&mut self, headers: Vec<(Box<str>, Box<[u8]>)>) {
        self.record.auth_headers = headers;
    }

    /// Sets the client, where it is not the socket's peer, and its PROXY header.
    pub fn client(&mut self, peer: &Peer, header: Option<HeaderRecord>) {
        self.record.client = address(peer);
        self.record.proxy_protocol = header.map(Box::new);
        if let Some(monitor) = &self.monitor {
            monitor.client(peer.to_string().into());
        }
    }

    /// Sets the facts of TLS with the client.
    pub fn tls(&mut self, tls: TlsRecord) {
        if let Some(monitor) = &self.monitor {
            monitor.tls(tls.version, tls.resumed);
        }
        self.record.tls = Some(Box::new(tls));
    }

    /// Begins a login attempt.
    pub fn attempt(&mut self, login: &Login) {
        let has_messages = self.has_messages();
        let record = &mut self.record;
        let method = login.credentials.method();
        record.method = Some(method);
        if let Some(monitor) = &mut self.monitor {
            monitor.attempt(method);
        }
        if let Some(helo) = login.origin.helo() {
            record.helo.clone_from(&helo.name);
        }
        self.opening = None;
        if let Some(envelope) = login.origin.envelope() {
            if has_messages {
                self.opening = Some(Box::new(Opening {
                    envelope: envelope.clone(),
                    begun: Instant::now(),
                    answered: None,
                }));
            }
            record.smtp_from = Some(argument(&envelope.mail));
            record.smtp_to = envelope.rcpt.as_deref().map(argument);
        }
        self.login(login.credentials.user());
    }

    /// Sets the login, which is empty where there is none. It may be a whole message with the password: only the part that logs show is
    /// kept.
    pub fn login(&mut self, user: &[u8]) {
        let user = login::shown(user);
        self.record.login = (!user.is_empty()).then(|| user.into());
        if let Some(monitor) = &self.monitor {
            monitor.login(self.record.login.as_deref());
        }
    }

    /// Sets the backend that a connection is attempted to. The last one stays in the record.
    pub fn upstream(&mut self, name: &str) {
        self.record.upstream = Some(name.into());
        if let Some(monitor) = &self.monitor {
            monitor.upstream(name);
        }
        self.connecting = Some(Instant::now());
        (self.record.upstream_tls, self.record.connect) = (None, None);
    }

    /// The backend is connected.
    pub fn connected(&mut self) {
        self.record.connect = self.connecting.take().map(|begun| begun.elapsed());
        if let (Some(monitor), Some(connect)) = (&self.monitor, self.record.connect) {
            monitor.connected(connect);
        }
    }

    /// TLS with the backend is established.
    pub fn upstream_tls(&mut self, version: Option<&'static str>) {
        self.record.upstream_tls = version;
    }

    /// The login is complete.
    pub fn logged_in(&mut self) {
        let login_time = self.begun.elapsed();
        self.record.login_time = Some(login_time);
        if let Some(monitor) = &mut self.monitor {
            monitor.logged_in(login_time);
        }
        self.outcome(SessionResult::Login, Verdict::default());
    }

    /// Sets the result that holds if nothing else happens.
    pub fn outcome(&mut self, result: SessionResult, verdict: Verdict) {
        let by = verdict.by.map(|by| match by {
            By::Line(origin) => origin.to_string().into(),
            By::Directive(directive) => match self.server.origins.get(directive) {
                Some(origin) => origin.to_string().into(),
                None => "default".into(),
            },
        });
        self.record.outcome = SessionOutcome {
            result,
            reason: verdict.reason,
            by,
        };
    }

    /// An attempt failed. A later one replaces the result.
    pub fn refused(&mut self, result: SessionResult, verdict: Verdict) {
        self.refusal = Some((result, verdict));
        if let Some(monitor) = &mut self.monitor {
            monitor.refused(result);
        }
    }

    /// A command before any attempt was refused. That is the result if the client leaves.
    pub fn objected(&mut self, verdict: Verdict) {
        if self.refusal.is_none() {
            self.refusal = Some((SessionResult::Refused, verdict));
        }
    }

    /// The client does what was required.
    pub fn objections_over(&mut self) {
        let is_objection =
            |(result, _): &(SessionResult, Verdict)| *result == SessionResult::Refused;
        if self.refusal.as_ref().is_some_and(is_objection) {
            self.refusal = None;
        }
    }

    /// The backend's reply to the last command of the mail of a client without a login.
    pub fn answered(&mut self, reply: &[u8]) {
        if let Some(opening) = &mut self.opening {
            opening.answered = Some(match opening.envelope.rcpt {
                Some(_) => Answered::Rcpt(reply.into()),
                None => Answered::Mail(reply.into()),
            });
        }
    }

    /// The backend's refusal of MAIL, before it was sent RCPT.
    pub fn mail_refused(&mut self, reply: &[u8]) {
        if let Some(opening) = &mut self.opening {
            opening.answered = Some(Answered::Mail(reply.into()));
        }
    }

    /// Takes the mail that the gateway has sent itself.
    pub fn take_opening(&mut self) -> Option<Box<Opening>> {
        self.opening.take()
    }

    /// Sets the result of a session that has not reached the tunnel. A login that failed before stays in the reason: blocking tools
    /// count it, whatever ended the session.
    pub fn conclude(&mut self, conclusion: Conclusion) {
        self.record.ended_by = conclusion.ended_by;
        let (result, mut verdict) = match (conclusion.decided, self.refusal.take()) {
            (Decided::Attempts(_), Some((result, verdict))) => (result, verdict),
            (Decided::Attempts(reason), None) => {
                let verdict = Verdict { reason, by: None };
                return self.outcome(SessionResult::NoLogin, verdict);
            }
            (Decided::End(result, verdict), None) => (result, verdict),
            (Decided::End(result, mut verdict), Some((SessionResult::LoginFailed, before))) => {
                let end = verdict.reason.take().unwrap_or_default();
                let login = before.reason.unwrap_or_default();
                verdict.reason = Some(format!("{end}; login failed: {login}").into());
                (result, verdict)
            }
            (Decided::End(result, verdict), Some(_)) => (result, verdict),
        };
        verdict.reason = verdict.reason.filter(|reason| !reason.is_empty());
        self.outcome(result, verdict);
    }

    /// Sets how the tunnel ended. The result stays that of the login.
    pub fn tunnel_ended(&mut self, verdict: Verdict, ended_by: EndedBy) {
        self.record.ended_by = ended_by;
        if verdict.reason.is_some() {
            self.outcome(SessionResult::Login, verdict);
        }
    }

    /// Adds bytes from and to the client.
    pub fn carried(&mut self, received: u64, sent: u64) {
        self.record.received += received;
        self.record.sent += sent;
        self.carrying(0, 0);
    }

    /// Shows bytes from and to the client that are not added yet.
    pub fn carrying(&self, received: u64, sent: u64) {
        if let Some(monitor) = &self.monitor {
            let record = &self.record;
            monitor.carried(record.received + received, record.sent + sent);
        }
    }

    /// TLS with the client was not established.
    pub fn tls_failed(&self, failure: TlsFailure) {
        if let Some(monitor) = &self.monitor {
            monitor.tls_failed(failure);
        }
    }

    /// The session's variables as they are now.
    pub fn variables(&self) -> impl VariableSource {
        Event {
            session: &self.record,
            message: None,
            time: SystemTime::now(),
        }
    }

    /// Writes the line of a message.
    pub fn message(&self, message: &MessageRecord) {
        self.logs.write(&Event {
            session: &self.record,
            message: Some(message),
            time: SystemTime::now(),
        });
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.record.total = self.begun.elapsed();
        if let Some(monitor) = &mut self.monitor {
            monitor.ended(self.record.outcome.result, self.record.total);
        }
        self.logs.write(&Event {
            session: &self.record,
            message: None,
            time: SystemTime::now(),
        });
    }
}

fn address(peer: &Peer) -> RecordAddress {
    match peer {
        Peer::Inet(address) => RecordAddress::Inet(canonical(*address)),
        Peer::Unix => RecordAddress::Unix("".into()),
    }
}

/// An IPv4 address inside IPv6 as IPv4.
fn canonical(address: std::net::SocketAddr) -> std::net::SocketAddr {
    (address.ip().to_canonical(), address.port()).into()
}

/// The argument of a MAIL or RCPT command: the bytes after `FROM:` or `TO:`.
fn argument(command: &[u8]) -> Box<[u8]> {
    let colon = command.iter().position(|byte| *byte == b':');
    let argument = colon.map_or(command, |at| &command[at + 1..]);
    argument.trim_ascii().into()
}
