//! What an administrator can do about a session that failed.

use super::line::Record;

/// The next step, in one sentence. `None`: the session needs none.
pub(super) fn advice(session: &Record, messages: &[Record]) -> Option<String> {
    let field = |name| session.get(name);
    let id = field("session").unwrap_or("?");
    let upstream = field("upstream").unwrap_or("the backend");
    let directive = match field("by") {
        None | Some("default") => "the directive's default".to_owned(),
        Some(by) => format!("the directive at {by}"),
    };
    Some(match field("result")? {
        "login" => return delivery(messages, upstream),
        "login-failed" => match field("login") {
            Some(login) => format!("check the password and the account of {login}"),
            None => "check the client's login settings".to_owned(),
        },
        "no-login" => {
            "none here, unless the client should have logged in: check its settings".into()
        }
        "refused" if !messages.is_empty() => return delivery(messages, upstream),
        "refused" if field("by").is_some() => {
            format!("check the client's settings against {directive}")
        }
        "refused" => "check the client's settings against the reason".into(),
        "limited" => format!("if this client is legitimate, raise the limit: {directive}"),
        "timeout" => format!("check the client's network; {directive} sets the time"),
        "backend-unavailable" => {
            format!("check that {upstream} runs and can be reached; error_log has more for {id}")
        }
        "auth-unavailable" => {
            format!("check the server that auth_http names; error_log has more for {id}")
        }
        "tls-failed" => handshake(field("reason").unwrap_or_default()).into(),
        "protocol-error" => "check the client's software, and that it uses the right port".into(),
        "shutdown" => "none: the client can connect again".into(),
        _ => return None,
    })
}

/// The next step after a failed handshake, by OpenSSL's words for the failure.
fn handshake(reason: &str) -> &'static str {
    let has = |words: &str| reason.contains(words);
    if has("wrong version number") || has("http request") {
        "the client sent clear text to a port with TLS: check its port and its encryption setting"
    } else if has("peer closed") || has("alert") {
        "the client gave up, most often because it does not trust the certificate or its name: \
         check both"
    } else {
        "compare the TLS versions and ciphers of the server with the client's"
    }
}

/// The next step after a login: about the first message that was not delivered.
fn delivery(messages: &[Record], upstream: &str) -> Option<String> {
    let code = |message: &Record| message.get("code").map(str::to_owned);
    let mut codes = messages.iter().filter_map(code);
    let failed = codes.find(|code| !code.starts_with('2'))?;
    Some(match &*failed {
        code if code.starts_with('4') => {
            format!("{upstream} refused for now: the client should try again; its log says more")
        }
        code if code.starts_with('5') => {
            format!("{upstream} refused for good, with the reply above; its log says more")
        }
        _ => "the client or its network broke off: it should send the message again".into(),
    })
}
