//! What clients can change, by POST to `/NOUN/NAME/VERB`. The name is percent-encoded; requests have no body.

use std::sync::Arc;

use hyper::header::ALLOW;
use hyper::{Method, Request, StatusCode};

use super::access::Access;
use super::page::{Answer, plain, refuse, with};
use super::paths::{logins, sessions, upstreams};
use super::percent::decoded;
use super::state::State;

/// A change to what the path names.
struct Action {
    noun: &'static str,
    verb: &'static str,
    run: fn(&State, &[u8]) -> Answer,
}

const fn action(
    noun: &'static str,
    verb: &'static str,
    run: fn(&State, &[u8]) -> Answer,
) -> Action {
    Action { noun, verb, run }
}

/// All of them.
const ACTIONS: &[Action] = &[
    action("sessions", "close", sessions::close),
    action("upstreams", "drain", upstreams::drain),
    action("upstreams", "undrain", upstreams::undrain),
    action("logins", "hold", logins::hold),
    action("logins", "release", logins::release),
];

/// An action, and what it is to change.
pub(super) struct Target<'p> {
    action: &'static Action,
    /// As it is in the path.
    name: &'p str,
}

impl<'p> Target<'p> {
    /// The action of a path. `None`: it is that of a page.
    pub fn of(path: &'p str) -> Option<Self> {
        ACTIONS.iter().find_map(|action| {
            let below = path.strip_prefix('/')?.strip_prefix(action.noun)?;
            let name = below.strip_prefix('/')?.strip_suffix(action.verb)?;
            let name = name.strip_suffix('/')?;
            Some(Self { action, name })
        })
    }

    /// Changes it, if the client may.
    pub fn answer<B>(&self, state: &Arc<State>, access: &Access, request: &Request<B>) -> Answer {
        let is_post = *request.method() == Method::POST;
        let checked = match is_post {
            true => access.check_change(request.headers()),
            false => access.check(request.headers()),
        };
        if let Err(refused) = checked {
            return refuse(refused);
        }
        if !is_post {
            let text = "this is done by POST\n";
            return with(plain(StatusCode::METHOD_NOT_ALLOWED, text), ALLOW, "POST");
        }
        match decoded(self.name) {
            Some(name) if !name.is_empty() => (self.action.run)(state, &name),
            _ => plain(
                StatusCode::BAD_REQUEST,
                "the name in the path is malformed\n",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::monitor::Monitor;

    fn status(method: &Method, path: &str, access: &Access, header: (&str, &str)) -> u16 {
        let state = Arc::new(State::new(Arc::new(Monitor::default())));
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header.0, header.1).body(()).unwrap();
        let answer = super::super::router::answer(&state, access, &request);
        answer.status().as_u16()
    }

    #[test]
    fn changes_need_a_socket_or_a_token_in_the_header() {
        let token = Access::Token(Secret::new((*b"t").into()));
        let (none, right) = (("x-none", ""), ("authorization", "Bearer t"));
        let (own, foreign) = (
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "cross-site"),
        );
        let close = "/sessions/1-1/close";
        for (method, path, access, header, code) in [
            (Method::POST, close, &Access::Socket, none, 404),
            (Method::POST, close, &Access::Socket, own, 404),
            (Method::POST, close, &Access::Socket, foreign, 403),
            (Method::POST, close, &Access::Loopback, none, 403),
            (Method::POST, close, &token, none, 401),
            (Method::POST, close, &token, ("cookie", "token=t"), 401),
            (Method::POST, close, &token, right, 404),
            (
                Method::POST,
                "/upstreams/b/127.0.0.1:25/drain",
                &token,
                right,
                404,
            ),
            (
                Method::POST,
                "/upstreams/b%2Fx/undrain",
                &Access::Loopback,
                none,
                403,
            ),
            (Method::POST, "/logins/joe/hold", &token, none, 401),
            (Method::POST, "/logins/joe/hold", &token, right, 200),
            (Method::POST, "/logins/joe/release", &token, right, 404),
            (Method::GET, close, &token, right, 405),
            (Method::GET, close, &token, none, 401),
            (Method::DELETE, close, &Access::Loopback, none, 405),
            (Method::POST, "/sessions", &Access::Socket, none, 405),
            (Method::POST, "/sessions/close", &Access::Socket, none, 405),
            (Method::POST, "/sessions//close", &Access::Socket, none, 400),
            (Method::POST, "/sessions/%zz/close", &token, right, 400),
            (Method::POST, "/sessionsx/1/close", &token, right, 405),
            (Method::GET, "/sessions/1-1/open", &token, right, 404),
        ] {
            let got = status(&method, path, access, header);
            assert_eq!(got, code, "{method} {path} {access:?} {header:?}");
        }
    }
}
