//! One session's part in the monitor.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::ServerMonitor;
use super::counts::METHODS;
use super::open::{OpenSession, SessionPhase, SessionView, Slot};
use super::tls::TlsFailure;
use crate::base::SessionId;
use crate::log::mail_log::SessionResult;

/// What is known when a client is accepted.
#[derive(Debug)]
pub struct SessionFacts {
    /// Its identifier in every log.
    pub id: SessionId,
    /// The number of the connection in the error log.
    pub connection: u64,
    /// The client's address.
    pub client: Arc<str>,
}

/// Counts one session and shows it in the table. The session calls it and nobody else, so nothing waits.
#[derive(Debug)]
pub struct SessionMonitor {
    server: ServerMonitor,
    session: Arc<OpenSession>,
    /// `None`: the table is full.
    slot: Option<Slot>,
    /// The method of an attempt that is not decided, as an index of [`METHODS`].
    attempt: Option<usize>,
}

impl SessionMonitor {
    /// Counts a client that was accepted.
    pub fn new(server: &ServerMonitor, facts: SessionFacts) -> Self {
        let view = SessionView {
            client: facts.client,
            ..SessionView::default()
        };
        let key = server.counts.key.clone();
        let since = SystemTime::now();
        let session = OpenSession::new(facts.id, facts.connection, key, since, view);
        let session = Arc::new(session);
        server.counts.begun.increment();
        Self {
            slot: server.monitor.open.add(&session),
            server: server.clone(),
            session,
            attempt: None,
        }
    }

    /// What the table shows of it.
    pub fn open(&self) -> &Arc<OpenSession> {
        &self.session
    }

    /// The client is another one than the socket's peer.
    pub fn client(&self, client: Arc<str>) {
        self.session.change(|view| view.client = client);
    }

    /// TLS with the client is established.
    pub fn tls(&self, version: &'static str, resumed: bool) {
        self.server.counts.tls.note(version, resumed);
        self.session.change(|view| view.tls = Some(version));
    }

    /// TLS with the client was not established.
    pub fn tls_failed(&self, failure: TlsFailure) {
        self.server.counts.tls.note_failure(failure);
    }

    /// A login attempt begins.
    pub fn attempt(&mut self, method: &str) {
        let known = METHODS.iter().position(|own| *own == method);
        self.attempt = Some(known.unwrap_or(METHODS.len() - 1));
        self.session.enter(SessionPhase::Authenticating);
    }

    /// The login of the attempt.
    pub fn login(&self, login: Option<&[u8]>) {
        if self.session.view().login.as_deref() != login {
            self.session
                .change(|view| view.login = login.map(Into::into));
        }
    }

    /// A connection to a backend is attempted.
    pub fn upstream(&self, name: &str) {
        self.session
            .change(|view| view.upstream = Some(name.into()));
        self.session.enter(SessionPhase::Connecting);
    }

    /// The backend is connected.
    pub fn connected(&self, duration: Duration) {
        let protocol = self.server.counts.key.protocol;
        if let Some(durations) = self.server.monitor.durations_of(protocol) {
            durations.connect.note(duration);
        }
        self.session.enter(SessionPhase::Authenticating);
    }

    /// The attempt is refused, or nobody could decide about it.
    pub fn refused(&mut self, result: SessionResult) {
        self.decided(result);
        self.session.enter(SessionPhase::Commands);
    }

    /// The login is complete.
    pub fn logged_in(&mut self, duration: Duration) {
        self.decided(SessionResult::Login);
        let protocol = self.server.counts.key.protocol;
        if let Some(durations) = self.server.monitor.durations_of(protocol) {
            durations.login.note(duration);
        }
        self.session.enter(SessionPhase::Proxying);
    }

    /// The bytes from the client and to it so far.
    pub fn carried(&self, received: u64, sent: u64) {
        let (received, sent) = self.session.carry(received, sent);
        if received > 0 {
            self.server.counts.received.add(received);
        }
        if sent > 0 {
            self.server.counts.sent.add(sent);
        }
    }

    /// Counts the end of the session, which is dropped next.
    pub fn ended(&mut self, result: SessionResult, duration: Duration) {
        self.decided(result);
        let protocol = self.server.counts.key.protocol;
        if let Some(durations) = self.server.monitor.durations_of(protocol) {
            durations.session.note(duration);
        }
        self.server.counts.note_end(result);
    }

    /// Counts the result of the attempt, if one is not decided.
    fn decided(&mut self, result: SessionResult) {
        if let Some(method) = self.attempt.take() {
            self.server.counts.note_login(method, result);
        }
    }
}

impl Drop for SessionMonitor {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.server.monitor.open.remove(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Monitor, ServerKey};
    use super::*;
    use crate::base::Protocol;

    #[test]
    fn a_session_is_counted_and_shown() {
        let monitor = Arc::new(Monitor::default());
        let server = monitor.server(ServerKey {
            address: "127.0.0.1:143".into(),
            protocol: Protocol::Imap,
        });
        let mut session = SessionMonitor::new(
            &server,
            SessionFacts {
                id: SessionId::of_connection(7),
                connection: 7,
                client: "192.0.2.1:4711".into(),
            },
        );
        let shown = monitor.open.all().next().unwrap();
        assert_eq!((server.counts.open(), shown.connection), (1, 7));
        session.attempt("plain");
        session.refused(SessionResult::LoginFailed);
        session.attempt("plain");
        session.login(Some(b"joe"));
        session.upstream("10.0.0.1:143");
        session.connected(Duration::from_millis(3));
        session.logged_in(Duration::from_millis(30));
        session.carried(10, 20);
        session.carried(15, 20);
        let view = shown.view();
        assert_eq!(view.login.as_deref(), Some(&b"joe"[..]));
        assert_eq!(shown.phase(), SessionPhase::Proxying);
        assert_eq!(
            (server.counts.received.value(), shown.carried()),
            (15, (15, 20))
        );
        session.ended(SessionResult::Login, Duration::from_secs(5));
        drop(session);
        assert_eq!((monitor.open.all().count(), server.counts.open()), (0, 0));
        let logins: Vec<_> = server.counts.logins().collect();
        let expected = [
            ("plain", SessionResult::Login, 1),
            ("plain", SessionResult::LoginFailed, 1),
        ];
        assert_eq!(logins, expected);
        let durations = monitor.durations_of(Protocol::Imap).unwrap();
        assert_eq!(durations.session.values().count, 1);
    }
}
