//! Words of other programs, of older guides and of other contexts, and what has their place here.

use super::characters::plain;
use super::text::Text;
use crate::config::schema::{Arity, Block, similar};

/// Names that are used for a directive and differ from its name by more than letters.
const DIRECTIVES: [(&str, &str); 37] = [
    ("http_auth", "auth_http"),
    ("auth_url", "auth_http"),
    ("auth_uri", "auth_http"),
    ("auth_server", "auth_http"),
    ("auth_http_url", "auth_http"),
    ("auth_http_server", "auth_http"),
    ("auth_request", "auth_http"),
    ("auth_header", "auth_http_header"),
    ("start_tls", "starttls"),
    ("stls", "starttls"),
    ("smtp_starttls", "starttls"),
    ("imap_starttls", "starttls"),
    ("pop3_starttls", "starttls"),
    ("ssl_cert", "ssl_certificate"),
    ("ssl_crt", "ssl_certificate"),
    ("tls_cert", "ssl_certificate"),
    ("tls_certificate", "ssl_certificate"),
    ("ssl_certificate_file", "ssl_certificate"),
    ("ssl_key", "ssl_certificate_key"),
    ("ssl_cert_key", "ssl_certificate_key"),
    ("ssl_certificate_key_file", "ssl_certificate_key"),
    ("tls_key", "ssl_certificate_key"),
    ("tls_certificate_key", "ssl_certificate_key"),
    ("tls_protocols", "ssl_protocols"),
    ("tls_ciphers", "ssl_ciphers"),
    ("proxy_ctimeout", "proxy_connect_timeout"),
    ("proxy_read_timeout", "proxy_timeout"),
    ("proxy_send_timeout", "proxy_timeout"),
    ("proxy_issue_xclient", "xclient"),
    ("login_timeout", "timeout"),
    ("client_timeout", "timeout"),
    ("hostname", "server_name"),
    ("helo_name", "server_name"),
    ("port", "listen"),
    ("backend", "proxy_pass"),
    ("upstream", "proxy_pass"),
    ("access_log", "error_log"),
];

/// Words that are used for a value: the directive, the word, and the hint.
const VALUES: [(&str, &str, &str); 33] = [
    ("listen", "tls", "did you mean \"ssl\"?"),
    ("listen", "smtps", "did you mean \"ssl\"?"),
    ("listen", "imaps", "did you mean \"ssl\"?"),
    ("listen", "pop3s", "did you mean \"ssl\"?"),
    (
        "listen",
        "starttls",
        "STARTTLS is a directive of its own: `starttls on;`",
    ),
    (
        "listen",
        "stls",
        "STLS is a directive of its own: `starttls on;`",
    ),
    ("listen", "default_server", OF_HTTP),
    ("listen", "default", OF_HTTP),
    ("listen", "http2", OF_HTTP),
    ("listen", "quic", OF_HTTP),
    ("listen", "udp", "mail protocols use TCP"),
    (
        "listen",
        "reuseport",
        "portcullis has one process, which needs no \"reuseport\"",
    ),
    (
        "listen",
        "deferred",
        "mail servers speak first, so \"deferred\" would delay every client",
    ),
    (
        "protocol",
        "smtps",
        "write `protocol smtp;` and `listen ... ssl;`",
    ),
    (
        "protocol",
        "imaps",
        "write `protocol imap;` and `listen ... ssl;`",
    ),
    (
        "protocol",
        "pop3s",
        "write `protocol pop3;` and `listen ... ssl;`",
    ),
    ("protocol", "imap4", "did you mean \"imap\"?"),
    ("protocol", "pop", "did you mean \"pop3\"?"),
    ("protocol", "esmtp", "did you mean \"smtp\"?"),
    ("protocol", "managesieve", "did you mean \"sieve\"?"),
    (
        "protocol",
        "lmtp",
        "a backend that speaks LMTP needs an SMTP server before it",
    ),
    (
        "protocol",
        "submission",
        "write `protocol smtp;` with `listen 587;`",
    ),
    ("starttls", "required", "did you mean \"only\"?"),
    ("starttls", "require", "did you mean \"only\"?"),
    ("starttls", "force", "did you mean \"only\"?"),
    ("starttls", "optional", "did you mean \"on\"?"),
    ("ssl_verify_client", "required", "did you mean \"on\"?"),
    ("ssl_verify_client", "require", "did you mean \"on\"?"),
    ("error_log", "warning", "did you mean \"warn\"?"),
    ("error_log", "err", "did you mean \"error\"?"),
    ("error_log", "critical", "did you mean \"crit\"?"),
    ("error_log", "emergency", "did you mean \"emerg\"?"),
    ("error_log", "trace", "did you mean \"debug\"?"),
];
const OF_HTTP: &str =
    "this is a parameter of \"listen\" in `http {}`; mail servers have none like it";

/// The directive of `block` that an unknown or misplaced name probably stands for.
pub fn directive(name: &str, block: Block) -> Option<&'static str> {
    let folded = folded(name);
    let is_it = |known: &&str| known.replace('_', "") == folded;
    let moved = || {
        let mut all = DIRECTIVES.into_iter();
        let found = all.find(|(moved, _)| moved.replace('_', "") == folded);
        found.map(|(_, meant)| meant)
    };
    let is_here = |meant: &&str| block.knows(meant);
    let same = block.names().find(is_it).filter(|meant| *meant != name);
    same.or_else(|| moved().filter(is_here))
        .or_else(|| similar(&plain(name), block.names()))
}

/// Lower case, without the marks between words.
fn folded(name: &str) -> String {
    let plain = plain(name).to_lowercase();
    plain.replace(['_', '-', '.'], "")
}

/// The hint about a word that a directive refuses.
pub fn value(directive: &str, word: &str) -> Option<String> {
    let mut all = VALUES.into_iter();
    let word = plain(word).to_lowercase();
    let found = all.find(|(name, moved, _)| *name == directive && *moved == word);
    if let Some((_, _, hint)) = found {
        return Some(hint.to_owned());
    }
    match directive {
        "protocol" if matches!(word.as_str(), "smtp" | "imap" | "pop3" | "sieve") => {
            Some(format!("the value is case-sensitive: write `protocol {word};`"))
        }
        "proxy_pass" if word.starts_with("http://") || word.starts_with("https://") => Some(
            "the backend is `host[:port]`, without `http://`; the URL of an authentication server belongs to \"auth_http\"".to_owned(),
        ),
        "proxy_pass" if word.contains("://") => {
            Some("the backend is `host[:port]`, without a scheme".to_owned())
        }
        "auth_http" if word.contains("://") && !word.starts_with("http") => {
            Some("the authentication server speaks HTTP; a backend belongs to \"proxy_pass\"".to_owned())
        }
        _ => None,
    }
}

/// A number and its unit in two words: `30 s`.
pub fn detached_unit(text: Text<'_>, arity: Option<Arity>) -> Option<String> {
    const UNITS: [&str; 19] = [
        "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minutes", "h", "hour",
        "hours", "d", "days", "w", "k", "kb", "mb",
    ];
    if arity.is_none_or(|arity| arity.admits(text.words.len() - 1)) {
        return None;
    }
    text.arguments().find_map(|(index, word)| {
        let unit = std::str::from_utf8(word).ok()?;
        let number = std::str::from_utf8(text.word(index - 1)).ok()?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let short = match unit.to_ascii_lowercase() {
            unit if !UNITS.contains(&unit.as_str()) => return None,
            unit if unit == "ms" => "ms".to_owned(),
            unit => unit[..1].to_owned(),
        };
        is_number.then(|| format!("the unit follows the number without a space: `{number}{short}`"))
    })
}
