//! What a page gets and gives.

use std::sync::Arc;

use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::access::Refused;
use super::body::AnswerBody;
use super::state::State;

/// The answer to a request.
pub(super) type Answer = Response<AnswerBody>;

/// A request for a page.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub state: &'a Arc<State>,
    /// The path below that of the page, without the first slash.
    pub below: &'a str,
    /// Whether this client may change something.
    pub writable: bool,
    /// The value of `Accept`.
    pub accept: &'a str,
}

/// A plain text.
pub(super) fn plain(status: StatusCode, text: &str) -> Answer {
    let mut answer = whole("text/plain; charset=utf-8", text.to_owned());
    *answer.status_mut() = status;
    answer
}

/// A text of this type.
pub(super) fn whole(content_type: &'static str, text: String) -> Answer {
    of(content_type, text.into())
}

/// A body of this type.
pub(super) fn of(content_type: &'static str, body: AnswerBody) -> Answer {
    let answer = with(Response::new(body), CONTENT_TYPE, content_type);
    // The figures are of this moment, and logins among them are for nobody's disk.
    let answer = with(answer, CACHE_CONTROL, "no-store");
    with(answer, X_CONTENT_TYPE_OPTIONS, "nosniff")
}

/// A value as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Answer {
    // A value of the pages is always JSON.
    let text = serde_json::to_string(value).unwrap_or_default();
    whole("application/json", text + "\n")
}

/// What was asked for is done.
pub(super) fn done() -> Answer {
    let mut answer = Response::new(AnswerBody::Whole(None));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    with(answer, CACHE_CONTROL, "no-store")
}

/// Adds a line to the header.
pub(super) fn with(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    let value = HeaderValue::from_static(value);
    answer.headers_mut().insert(name, value);
    answer
}

/// The answer to a client that may not do this.
pub(super) fn refuse(refused: Refused) -> Answer {
    match refused {
        Refused::Token => {
            let text = "a token is needed: Authorization: Bearer TOKEN\n";
            let answer = plain(StatusCode::UNAUTHORIZED, text);
            with(answer, WWW_AUTHENTICATE, "Bearer")
        }
        Refused::Host => plain(
            StatusCode::FORBIDDEN,
            "the host of the request is not an address of this machine\n",
        ),
        Refused::ReadOnly => plain(
            StatusCode::FORBIDDEN,
            "changes need a Unix socket, or an address with a token: \"status ADDRESS token=FILE;\"\n",
        ),
        Refused::OtherSite => plain(
            StatusCode::FORBIDDEN,
            "the request comes from a page of another site\n",
        ),
    }
}
