//! `--sessions`: the open sessions as a table or as JSON.

use serde_json::Value;

use super::{Failure, Output, parsed};
use crate::base::Escaped;
use crate::base::subject::{has_host, is_same_login};

/// The columns of the table: their headings, and the members of a session.
const COLUMNS: [(&str, &str); 9] = [
    ("SESSION", "session"),
    ("PROTOCOL", "protocol"),
    ("CLIENT", "client"),
    ("LOGIN", "login"),
    ("BACKEND", "upstream"),
    ("PHASE", "phase"),
    ("SINCE", "since"),
    ("IN", "in"),
    ("OUT", "out"),
];

/// The sessions of a page that a filter lets through, the oldest first.
///
/// # Errors
/// The page is incomplete, or the filter lets none through.
pub(super) fn list(page: &str, filter: Option<&str>, as_json: bool) -> Result<Output, Failure> {
    let Value::Array(mut sessions) = parsed(page)? else {
        return Err(Failure::NotAsked(
            "the gateway's answer is no list".to_owned(),
        ));
    };
    if let Some(filter) = filter {
        sessions.retain(|session| matches(session, filter));
    }
    sessions.sort_by(|one, other| text(one, "since").cmp(text(other, "since")));
    let mut output = Output::of(match as_json {
        true => format!("{}\n", Value::Array(sessions.clone())),
        false if sessions.is_empty() => String::new(),
        false => table(&sessions),
    });
    if sessions.is_empty() {
        match filter {
            Some(filter) => {
                let filter = Escaped(filter.as_bytes());
                output
                    .refused
                    .push(format!("there is no session of \"{filter}\""));
            }
            None if !as_json => output.text.push_str("no open sessions\n"),
            None => {}
        }
    }
    Ok(output)
}

fn text<'s>(session: &'s Value, member: &str) -> &'s str {
    session[member].as_str().unwrap_or_default()
}

/// Whether a session has this login, address, backend or identifier.
fn matches(session: &Value, filter: &str) -> bool {
    let login = session["login"].as_str();
    let is_address = |member| {
        let own = session[member].as_str();
        own.is_some_and(|own| own == filter || has_host(own, filter))
    };
    let backend = text(session, "upstream");
    let host = backend.rsplit_once(':').map_or("", |(host, _)| host);
    login.is_some_and(|login| is_same_login(login, filter))
        || text(session, "session") == filter
        || ["client", "server", "upstream"].into_iter().any(is_address)
        || (!host.is_empty() && host.eq_ignore_ascii_case(filter))
}

fn table(sessions: &[Value]) -> String {
    let mut rows = vec![COLUMNS.map(|(heading, _)| heading.to_owned())];
    rows.extend(
        sessions
            .iter()
            .map(|session| COLUMNS.map(|(_, member)| cell(&session[member]))),
    );
    let widths: Vec<_> = (0..COLUMNS.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        })
        .collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    });
    lines.collect()
}

/// A value in the table, which is one word: logins can contain anything.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => Escaped(text.as_bytes()).to_string().replace(' ', "\\x20"),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page() -> String {
        let session = |id: &str, login: Value, upstream: Value, client: &str, since: &str| {
            json!({
                "session": id, "protocol": "imap", "server": "[::]:143", "client": client, "login": login,
                "upstream": upstream, "phase": "proxying", "since": since, "in": 7, "out": 1234,
            })
        };
        json!([
            session(
                "x-2",
                json!("Joe@example.org"),
                json!("mail.test:143"),
                "[2001:db8::1]:9",
                "2026-11-30T02"
            ),
            session(
                "x-1",
                json!("a\u{1b} b"),
                json!("192.0.2.7:143"),
                "198.51.100.1:9",
                "2026-11-30T01"
            ),
            session(
                "x-3",
                Value::Null,
                Value::Null,
                "198.51.100.2:9",
                "2026-11-30T03"
            ),
        ])
        .to_string()
    }

    #[test]
    fn sessions_are_found_by_what_they_show() {
        for (filter, found) in [
            (None, vec!["x-1", "x-2", "x-3"]),
            (Some("joe"), vec!["x-2"]),
            (Some("joe@EXAMPLE.org"), vec!["x-2"]),
            (Some("joe@example.com"), vec![]),
            (Some("2001:db8:0::1"), vec!["x-2"]),
            (Some("[2001:db8::1]:9"), vec!["x-2"]),
            (Some("198.51.100.2"), vec!["x-3"]),
            (Some("MAIL.test"), vec!["x-2"]),
            (Some("mail.test:143"), vec!["x-2"]),
            (Some("192.0.2.7"), vec!["x-1"]),
            (Some("[::]:143"), vec!["x-1", "x-2", "x-3"]),
            (Some("x-3"), vec!["x-3"]),
            (Some(""), vec![]),
        ] {
            let output = list(&page(), filter, true).unwrap();
            let listed: Value = serde_json::from_str(&output.text).unwrap();
            let ids = listed.as_array().unwrap().iter();
            let ids: Vec<_> = ids.map(|own| text(own, "session")).collect();
            assert_eq!(ids, found, "{filter:?}");
            assert_eq!(output.refused.is_empty(), !found.is_empty(), "{filter:?}");
        }
    }

    #[test]
    fn the_table_has_a_line_for_each() {
        let output = list(&page(), None, false).unwrap();
        let lines: Vec<_> = output.text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>(),
            [
                "x-1",
                "imap",
                "198.51.100.1:9",
                "a\\x1B\\x20b",
                "192.0.2.7:143",
                "proxying",
                "2026-11-30T01",
                "7",
                "1234"
            ]
        );
        let column = lines[0].find("LOGIN").unwrap();
        assert!(lines[2][column..].starts_with("Joe@"));
        assert!(list("[{", None, true).is_err());
        assert_eq!(list("[]", None, false).unwrap().text, "no open sessions\n");
    }
}
