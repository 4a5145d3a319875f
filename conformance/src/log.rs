//! The lines of the error log about the sessions of a dialogue, without the parts that differ from run to run.

use support::error_log::session;

use crate::template::Values;

/// The number of characters of a message that are compared. nginx cuts a line, with date and numbers, at 2048 bytes.
const COMPARED: usize = 1900;

/// The lines that belong to a connection: `[info] client logged in, client: …`. Date, process and connection numbers, identifiers
/// of sessions (nginx has none) and OpenSSL's own text are removed, ports are replaced by placeholders, and a line end inside a
/// message by `\n`.
pub fn lines(log: &str, values: &Values) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut in_message = false;
    for line in log.lines() {
        let (line, _) = session(line);
        match after_date(line) {
            Some(rest) => {
                let message = of_connection(rest);
                in_message = message.is_some();
                found.extend(message);
            }
            None if in_message => {
                if let Some(last) = found.last_mut() {
                    last.push_str("\\n");
                    last.push_str(line);
                }
            }
            None => {}
        }
    }
    found
        .iter()
        .map(|text| with_placeholders(text, values))
        .collect()
}

/// Returns `[level] pid#tid: …` of `2026/01/01 00:00:00 [level] pid#tid: …`.
fn after_date(line: &str) -> Option<&str> {
    let (date, rest) = line.split_at_checked(20)?;
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'/',
        10 | 19 => byte == b' ',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    (date.bytes().enumerate().all(shape) && rest.starts_with('[')).then_some(rest)
}

/// The message without process and connection numbers, if it has a connection number.
fn of_connection(rest: &str) -> Option<String> {
    let (level, rest) = rest.split_once("] ")?;
    let (_, text) = rest.split_once(": *")?;
    let (number, text) = text.split_once(' ')?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("{level}] {text}"))
}

fn with_placeholders(message: &str, values: &Values) -> String {
    let message = match message.char_indices().nth(COMPARED) {
        Some((end, _)) => &message[..end],
        None => message,
    };
    let listen = format!("{}:{}", values.listen_addr, values.listen_port);
    let mut text = message.replace(&listen, "@LISTEN_ADDR@:@LISTEN_PORT@");
    if !values.root.is_empty() {
        text = text.replace(&values.root, "@ROOT@");
    }
    for (port, name) in [
        (values.auth_port, "@AUTH_PORT@"),
        (values.backend_port, "@BACKEND_PORT@"),
        (values.client_port, "@CLIENT_PORT@"),
    ] {
        for host in ["127.0.0.1", "::1", "[::1]"] {
            text = text.replace(&format!("{host}:{port}"), &format!("{host}:{name}"));
        }
    }
    // An earlier client of the same dialogue has another port.
    if let Some((port, rest)) = text
        .strip_prefix("[info] client 127.0.0.1:")
        .and_then(|rest| rest.split_once(" connected to "))
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        text = format!("[info] client 127.0.0.1:@CLIENT_PORT@ connected to {rest}");
    }
    match (text.split_once(" (SSL: "), text.find(" while ")) {
        (Some((head, _)), Some(tail)) => format!("{head}{}", &text[tail..]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::lines;
    use crate::template::Values;

    #[test]
    fn only_lines_of_connections_remain() {
        let log = "2026/11/24 08:00:06 [notice] 1#1: start\n\
            2026/11/24 08:00:07 [info] 1#2: *3 client sent too long command \"a\nb\" while x, server: 127.9.9.9:25\n\
            2026/11/24 08:00:08 [info] 1#2: *4 client 127.0.0.1:77 connected to 127.9.9.9:25, session: 7qk2m9xa-4\n";
        let values = Values {
            listen_addr: "127.9.9.9".to_owned(),
            listen_port: 25,
            ..Values::default()
        };
        let expected = [
            "[info] client sent too long command \"a\\nb\" while x, server: @LISTEN_ADDR@:@LISTEN_PORT@",
            "[info] client 127.0.0.1:@CLIENT_PORT@ connected to @LISTEN_ADDR@:@LISTEN_PORT@",
        ];
        assert_eq!(lines(log, &values), expected);
    }
}
