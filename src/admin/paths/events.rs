//! `/events`: the status each second, as server-sent events.
//!
//! - `access`, first: `{"writable":bool}`, whether this client may close sessions.
//! - `status`: the document of `/json`, but only some of the held logins, and the certificates that expire first.
//! - `errors`, when there are new ones: the recent lines of the error log, the oldest first.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::admin::body::AnswerBody;
use crate::admin::page::{Answer, Call, of, plain};
use crate::admin::snapshot::Snapshot;
use crate::admin::state::{State, Viewer};
use crate::admin::time::iso;
use crate::log::recent_errors;

/// The time between two events.
const INTERVAL: Duration = Duration::from_secs(1);
/// The most certificates and held logins in an event.
const MOST: usize = 100;

pub(in crate::admin) fn answer(call: &Call<'_>) -> Answer {
    let Some(viewer) = call.state.viewer() else {
        let text = "too many clients read /events\n";
        return plain(StatusCode::SERVICE_UNAVAILABLE, text);
    };
    let mut events = Events {
        state: Arc::clone(call.state),
        _viewer: viewer,
        access: Some(Access {
            writable: call.writable,
        }),
        errors: 0,
    };
    let body = AnswerBody::repeated(INTERVAL, Box::new(move || Some(events.next())));
    of("text/event-stream", body)
}

/// What this client may do.
#[derive(Debug, Serialize)]
struct Access {
    writable: bool,
}

/// The events of one client.
struct Events {
    state: Arc<State>,
    /// Holds a place among the clients that may follow events.
    _viewer: Viewer,
    /// Taken by the first event.
    access: Option<Access>,
    /// The number of errors that were recorded when they were last sent.
    errors: u64,
}

impl Events {
    /// The text of the next events.
    fn next(&mut self) -> String {
        let mut text = String::new();
        if let Some(access) = self.access.take() {
            push(&mut text, "access", &json!(access));
            // The page shows that there are none.
            push(&mut text, "errors", &self.errors());
        } else if recent_errors().recorded() != self.errors {
            push(&mut text, "errors", &self.errors());
        }
        push(&mut text, "status", &self.status());
        text
    }

    fn status(&self) -> Value {
        let mut snapshot = Snapshot::of(&self.state);
        snapshot.certificates.sort_by_key(|one| one.days_left);
        snapshot.certificates.truncate(MOST);
        snapshot.held_logins.truncate(MOST);
        serde_json::to_value(snapshot).unwrap_or_default()
    }

    fn errors(&mut self) -> Value {
        let (lines, recorded) = recent_errors().lines();
        self.errors = recorded;
        let lines = lines.iter().map(
            |line| json!({"time": iso(line.time), "level": line.level.word(), "text": line.text}),
        );
        lines.collect()
    }
}

/// Appends one event. JSON has no line feeds in it.
fn push(text: &mut String, name: &str, data: &Value) {
    // Writing to a string does not fail.
    let _ = write!(text, "event: {name}\ndata: {data}\n\n");
}
