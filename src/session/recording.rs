//! The session's record for `mail_log`, fed by the handle that all phases have. Without a `mail_log` each call is one comparison.

use super::backend::BackendStream;
use super::client::connection::Client;
use super::log::SessionLog;
use super::recorder::Recorder;
use super::verdict::{Conclusion, Verdict};
use crate::base::Escaped;
use crate::config::{Deciding, RouteStep, Template};
use crate::log::mail_log::{HeaderRecord, SessionResult, TlsRecord};
use crate::net::socket::Peer;
use crate::proto::{Objection, Step, Turn, shown};
use crate::tls;

impl SessionLog {
    /// Begins the record, where a log asks for one.
    pub fn record(&mut self, record: Option<Box<Recorder>>) {
        self.record = record;
    }

    /// Records the client's address in place of the socket's peer, and its PROXY header.
    pub(super) fn record_client(&mut self, peer: &Peer, header: Option<HeaderRecord>) {
        if let Some(record) = &mut self.record {
            record.client(peer, header);
        }
    }

    /// The value of a text with variables for the session, and how it was found.
    pub fn trace(&self, text: &Template) -> (Vec<u8>, Vec<RouteStep>) {
        match &self.record {
            Some(record) => text.trace(&record.variables()),
            None => Default::default(),
        }
    }

    /// The value of a text with variables for the session. Where nothing depends on variables, they are empty.
    pub fn value(&self, text: &Template) -> Vec<u8> {
        match &self.record {
            Some(record) => text.evaluate(&record.variables()),
            None => text.literal().unwrap_or_default(),
        }
    }

    /// Whether the messages of the session have lines.
    pub fn follows_messages(&self) -> bool {
        let record = self.record.as_ref();
        record.is_some_and(|record| record.has_messages())
    }

    /// Records TLS with the client.
    pub fn secured(&mut self, client: &Client) {
        if let Some(record) = &mut self.record
            && let Some(tls) = tls_record(client)
        {
            record.tls(tls);
        }
    }

    /// Records that the backend is connected.
    pub fn connected(&mut self) {
        if let Some(record) = &mut self.record {
            record.connected();
        }
    }

    /// Records what a turn says about the session's result.
    pub fn turn(&mut self, turn: &Turn) {
        let Some(record) = &mut self.record else {
            return;
        };
        match (turn.objection, &turn.step) {
            (Some(objection @ (Objection::LoginRequired | Objection::TlsRequired)), _) => {
                record.objected(objection.verdict());
            }
            (_, Step::StartTls) => record.objections_over(),
            _ => {}
        }
    }

    /// Records that an attempt failed, by this text of a peer.
    pub fn refused(&mut self, result: SessionResult, text: &[u8]) {
        if self.record.is_none() {
            return;
        }
        let quoted = format!("\"{}\"", Escaped(shown(text)));
        let masked = self.masked(quoted);
        let reason = masked.trim_matches('"');
        if let Some(record) = &mut self.record {
            record.refused(result, Verdict::because(reason));
        }
    }

    /// Records that a limit has kept the client from logging in.
    pub fn limited(&mut self, verdict: Verdict) {
        if let Some(record) = &mut self.record {
            record.refused(SessionResult::Limited, verdict);
        }
    }

    /// Records that the backend has not decided about an attempt, for this reason in the gateway's words. A quoted part may repeat what
    /// a peer sent. `by` is the directive that decides.
    pub fn unavailable(&mut self, reason: &dyn std::fmt::Display, by: Option<Deciding>) {
        if self.record.is_none() {
            return;
        }
        let reason = Some(self.masked(reason.to_string()).into());
        let by = by.map(Into::into);
        if let Some(record) = &mut self.record {
            record.refused(SessionResult::BackendUnavailable, Verdict { reason, by });
        }
    }

    /// Whether a log shows headers of the auth server's answers.
    pub fn has_auth_headers(&self) -> bool {
        let record = self.record.as_ref();
        record.is_some_and(|record| record.has_auth_headers())
    }

    /// Records the headers of an answer, which may repeat the password.
    pub fn auth_headers(&mut self, mut headers: Vec<(Box<str>, Box<[u8]>)>) {
        for (_, value) in &mut headers {
            if let Some(masked) = self.masked_text(value) {
                *value = masked;
            }
        }
        if let Some(record) = &mut self.record {
            record.auth_headers(headers);
        }
    }

    /// Records the backend's reply to MAIL or RCPT that a client without a login gets.
    pub fn answered(&mut self, reply: &[u8]) {
        if let Some(record) = &mut self.record {
            record.answered(reply);
        }
    }

    /// Records the state at the beginning of the tunnel.
    pub fn tunnelled(&mut self, client: &Client, backend: &BackendStream) {
        if let Some(record) = &mut self.record {
            let (received, sent) = client.carried();
            // The tunnel counts what it gets of the client's input.
            record.carried(received - client.input().len() as u64, sent);
            record.upstream_tls(backend.stream.tls_version());
        }
    }

    /// Records the end of a session that has not reached the tunnel.
    pub fn concluded(&mut self, mut conclusion: Conclusion) {
        if self.record.is_none() {
            return;
        }
        if let Some(reason) = conclusion.reason() {
            *reason = self.masked(String::from(std::mem::take(reason))).into();
        }
        if let Some(record) = &mut self.record {
            record.conclude(conclusion);
        }
    }

    /// Records bytes from and to the client.
    pub fn carried(&mut self, received: u64, sent: u64) {
        if let Some(record) = &mut self.record {
            record.carried(received, sent);
        }
    }
}

/// The facts of the client's TLS.
fn tls_record(client: &Client) -> Option<TlsRecord> {
    let connection = client.tls()?;
    let (version, cipher) = tls::negotiated(connection)?;
    let details = client
        .certificate
        .as_deref()
        .map(tls::ClientCertificate::details);
    let text = |part: fn(&tls::Details) -> &[u8]| -> Option<Box<str>> {
        let part = part(details.as_ref()?);
        (!part.is_empty()).then(|| String::from_utf8_lossy(part).into())
    };
    Some(TlsRecord {
        version,
        cipher,
        curve: tls::curve(connection),
        resumed: connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
        sni: connection.server_name().map(Into::into),
        verify: text(|own| &own.verify),
        subject: text(|own| &own.subject),
        fingerprint: text(|own| &own.fingerprint),
    })
}
