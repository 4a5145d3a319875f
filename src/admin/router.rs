//! From a request to its answer.

use std::sync::Arc;

use hyper::header::{ACCEPT, ALLOW};
use hyper::{Method, Request, StatusCode};

use super::access::Access;
use super::actions::Target;
use super::page::{Answer, Call, plain, refuse, with};
use super::paths::{events, health, json, metrics, root, sessions, text};
use super::state::State;

/// A page.
struct Page {
    path: &'static str,
    /// Whether it has parts with paths of their own.
    has_parts: bool,
    /// Whether it needs no token.
    is_public: bool,
    answer: fn(&Call<'_>) -> Answer,
}

const fn page(path: &'static str, answer: fn(&Call<'_>) -> Answer) -> Page {
    Page {
        path,
        has_parts: false,
        is_public: false,
        answer,
    }
}

/// All pages.
const PAGES: &[Page] = &[
    Page {
        is_public: true,
        ..page("/", root::answer)
    },
    page("/events", events::answer),
    page("/text", text::answer),
    Page {
        has_parts: true,
        ..page("/json", json::answer)
    },
    page("/metrics", metrics::answer),
    page("/sessions", sessions::answer),
    Page {
        is_public: true,
        ..page("/healthz", health::live)
    },
    Page {
        is_public: true,
        ..page("/readyz", health::ready)
    },
];

impl Page {
    /// The rest of a path of this page. `None`: it is of another one.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.path)?;
        match rest.strip_prefix('/') {
            None => rest.is_empty().then_some(rest),
            Some(below) => (self.has_parts || below.is_empty()).then_some(below),
        }
    }
}

/// The answer to a request, whose body is not read.
pub(super) fn answer<B>(state: &Arc<State>, access: &Access, request: &Request<B>) -> Answer {
    let path = request.uri().path();
    if let Some(target) = Target::of(path) {
        return target.answer(state, access, request);
    }
    let found = PAGES
        .iter()
        .find_map(|page| Some((page, page.below(path)?)));
    let is_public = found.is_some_and(|(page, _)| page.is_public);
    if !is_public && let Err(refused) = access.check(request.headers()) {
        return refuse(refused);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let answer = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "the pages can only be read\n",
        );
        return with(answer, ALLOW, "GET, HEAD");
    }
    let Some((page, below)) = found else {
        let paths: Vec<_> = PAGES.iter().map(|page| page.path).collect();
        let text = format!("there is no such page, only {}\n", paths.join(", "));
        return plain(StatusCode::NOT_FOUND, &text);
    };
    let accept = request.headers().get(ACCEPT);
    (page.answer)(&Call {
        state,
        below,
        writable: access.is_writable(),
        accept: accept.and_then(|value| value.to_str().ok()).unwrap_or(""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::monitor::Monitor;

    fn status(method: Method, path: &str, access: &Access) -> u16 {
        let state = Arc::new(State::new(Arc::new(Monitor::default())));
        let request = Request::builder().method(method).uri(path).body(());
        answer(&state, access, &request.unwrap()).status().as_u16()
    }

    #[tokio::test]
    async fn pages_are_found_and_guarded() {
        let token = Access::Token(Secret::new((*b"t").into()));
        let get = |path, access| status(Method::GET, path, access);
        for (path, open, guarded) in [
            ("/", 200, 200),
            ("/events", 200, 401),
            ("/text", 200, 401),
            ("/text/", 200, 401),
            ("/text/x", 404, 401),
            ("/json", 200, 401),
            ("/json/mail/upstreams/", 200, 401),
            ("/json/nosuch", 404, 401),
            ("/metrics", 200, 401),
            ("/sessions", 200, 401),
            ("/healthz", 200, 200),
            ("/readyz", 503, 503),
            ("/textual", 404, 401),
            ("/../text", 404, 401),
        ] {
            assert_eq!(get(path, &Access::Socket), open, "{path}");
            assert_eq!(get(path, &token), guarded, "{path} with a token");
        }
        assert_eq!(status(Method::POST, "/text", &Access::Socket), 405);
        assert_eq!(status(Method::HEAD, "/text", &Access::Socket), 200);
        assert_eq!(status(Method::DELETE, "/healthz", &token), 405);
    }
}
