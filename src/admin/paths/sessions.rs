//! `/sessions`: the open sessions, as a JSON array. It is made in parts while the client reads: a hundred thousand sessions need no
//! memory for their text.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;

use crate::admin::body::AnswerBody;
use crate::admin::page::{Answer, Call, done, of, plain};
use crate::admin::state::State;
use crate::admin::time::iso;
use crate::base::SessionId;
use crate::monitor::{Monitor, OpenSession};

/// One session.
#[derive(Debug, Serialize)]
struct Session {
    /// Its identifier in every log.
    session: String,
    /// The number of its connection in the error log.
    connection: u64,
    protocol: &'static str,
    server: String,
    client: String,
    login: Option<String>,
    upstream: Option<String>,
    tls: Option<&'static str>,
    phase: &'static str,
    since: String,
    r#in: u64,
    out: u64,
}

pub(in crate::admin) fn answer(call: &Call<'_>) -> Answer {
    let mut parts = Parts {
        monitor: Arc::clone(&call.state.monitor),
        next: Some(0),
        is_first: true,
    };
    let parts = AnswerBody::Parts(Box::new(move || parts.next()));
    of("application/json", parts)
}

/// Asks the session with this identifier to end. Its client gets the reply of a server that shuts down.
pub(in crate::admin) fn close(state: &State, id: &[u8]) -> Answer {
    let id = std::str::from_utf8(id).ok().and_then(SessionId::of_text);
    match id.and_then(|id| state.monitor.open.find(id)) {
        Some(session) => {
            session.close();
            done()
        }
        None => plain(StatusCode::NOT_FOUND, "there is no such session\n"),
    }
}

/// The text that is still to come.
struct Parts {
    monitor: Arc<Monitor>,
    /// The place in the table; `None` after the end of the text.
    next: Option<usize>,
    is_first: bool,
}

impl Parts {
    fn next(&mut self) -> Option<String> {
        let (sessions, next) = self.monitor.open.from(self.next?);
        self.next = next;
        let mut text = String::new();
        for session in &sessions {
            text.push(if self.is_first { '[' } else { ',' });
            text.push('\n');
            self.is_first = false;
            text.push_str(&serde_json::to_string(&Session::of(session)).unwrap_or_default());
        }
        if next.is_none() {
            text.push_str(if self.is_first { "[]\n" } else { "\n]\n" });
        }
        Some(text)
    }
}

impl Session {
    fn of(session: &OpenSession) -> Self {
        let view = session.view();
        let (received, sent) = session.carried();
        let login = view.login.as_deref();
        Self {
            session: session.id.to_string(),
            connection: session.connection,
            protocol: session.server.protocol.word(),
            server: session.server.address.to_string(),
            client: view.client.to_string(),
            login: login.map(|login| String::from_utf8_lossy(login).into_owned()),
            upstream: view.upstream.as_deref().map(str::to_owned),
            tls: view.tls,
            phase: session.phase().word(),
            since: iso(session.since),
            r#in: received,
            out: sent,
        }
    }
}
