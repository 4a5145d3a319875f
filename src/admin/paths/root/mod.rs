//! `/`: the page for people, one document without outside resources. It has no figures of its own: its script reads them from `/events`
//! and `/sessions`, with the token where one is needed.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};

use crate::admin::body::AnswerBody;
use crate::admin::page::{Answer, Call, of, with};

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The document, and what a browser may do with it.
struct Document {
    html: Bytes,
    policy: HeaderValue,
}

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document {
    html: HTML
        .replace("/* page.css */", STYLE)
        .replace("/* page.js */", SCRIPT)
        .into(),
    // Base64 and the words here are visible ASCII.
    policy: HeaderValue::try_from(policy())
        .unwrap_or(HeaderValue::from_static("default-src 'none'")),
});

/// Nothing is loaded from elsewhere, and no other script or style runs than these (Content Security Policy, level 2).
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

pub(in crate::admin) fn answer(_: &Call<'_>) -> Answer {
    let html = AnswerBody::Whole(Some(DOCUMENT.html.clone()));
    let mut answer = of("text/html; charset=utf-8", html);
    let policy = DOCUMENT.policy.clone();
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    with(answer, REFERRER_POLICY, "no-referrer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_whole_and_loads_nothing() {
        let html = std::str::from_utf8(&DOCUMENT.html).unwrap();
        assert!(html.contains(STYLE) && html.contains(SCRIPT));
        assert!(!html.contains("/* page."), "a part was not filled in");
        for outside in [
            " src=",
            "https://",
            "@import",
            "url(",
            " onclick=",
            " style=",
        ] {
            assert!(!html.contains(outside), "{outside}");
        }
        // A text of the gateway becomes a text node, never markup.
        for markup in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!SCRIPT.contains(markup), "{markup}");
        }
    }

    #[test]
    fn the_policy_names_the_style_and_the_script() {
        let policy = DOCUMENT.policy.to_str().unwrap();
        assert_eq!(policy.matches("'sha256-").count(), 2, "{policy}");
    }
}
