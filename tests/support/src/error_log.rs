//! Reads lines of an `error_log`.

/// What precedes the identifier of a session.
const SESSION: &str = ", session: ";

/// Splits the identifier of a session off the end of a line.
pub fn session(line: &str) -> (&str, Option<&str>) {
    match line.rsplit_once(SESSION) {
        Some((line, id)) if is_id(id) => (line, Some(id)),
        _ => (line, None),
    }
}

/// The log without the identifiers of sessions, which nginx's lines do not have and which differ from run to run.
pub fn without_sessions(log: &str) -> String {
    let lines = log.split('\n').map(|line| session(line).0);
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether the text is like `7qk2m9xa-1f`.
fn is_id(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(is_digit);
    text.split_once('-').is_some_and(|(process, connection)| {
        process.len() == 8 && digits(process) && digits(connection)
    })
}
