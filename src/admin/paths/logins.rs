//! `POST /logins/LOGIN/hold` and `/release`: keeps a user out while his mail is moved.

use hyper::StatusCode;
use serde::Serialize;

use crate::admin::page::{Answer, json, plain};
use crate::admin::state::State;
use crate::monitor::{HoldError, LONGEST_HELD, MOST_HOLDS};

/// The most sessions that an answer names.
const MOST_SESSIONS: usize = 1000;

/// What a change leads to.
#[derive(Debug, Serialize)]
struct Held {
    login: String,
    held: bool,
    /// The identifiers of the open sessions of the login, which go on.
    sessions: Vec<String>,
}

/// Refuses new sessions of a login from now on.
pub(in crate::admin) fn hold(state: &State, login: &[u8]) -> Answer {
    match state.monitor.holds.hold(login) {
        Ok(()) => held(state, login, true),
        Err(HoldError::TooLong) => {
            let text = format!("a login of more than {LONGEST_HELD} bytes cannot be held\n");
            plain(StatusCode::BAD_REQUEST, &text)
        }
        Err(HoldError::Full) => {
            let text = format!("{MOST_HOLDS} logins are held, which is the most\n");
            plain(StatusCode::CONFLICT, &text)
        }
    }
}

/// Refuses them no longer.
pub(in crate::admin) fn release(state: &State, login: &[u8]) -> Answer {
    match state.monitor.holds.release(login) {
        true => held(state, login, false),
        false => plain(StatusCode::NOT_FOUND, "the login is not held\n"),
    }
}

fn held(state: &State, login: &[u8], held: bool) -> Answer {
    let own = state.monitor.open.all().filter(|session| {
        let view = session.view();
        let of_session = view.login.as_deref();
        of_session.is_some_and(|of_session| of_session.eq_ignore_ascii_case(login))
    });
    json(&Held {
        login: String::from_utf8_lossy(login).into_owned(),
        held,
        sessions: own
            .take(MOST_SESSIONS)
            .map(|session| session.id.to_string())
            .collect(),
    })
}
