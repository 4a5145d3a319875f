//! What a page gets and gives.

use std::sync::Arc;

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};

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

/// Adds a line to the header.
pub(super) fn with(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    let value = HeaderValue::from_static(value);
    answer.headers_mut().insert(name, value);
    answer
}
