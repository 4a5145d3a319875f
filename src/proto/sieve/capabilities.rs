//! The capabilities in a backend's list (RFC 5804, section 1.7): those that the gateway uses, and those that it announces to
//! clients.

use super::reply;
use crate::proto::backend::wire::Capabilities;

/// Capabilities that the gateway announces itself, or that it cannot pass on: UNAUTHENTICATE would let a client log in again without
/// the auth server, LANGUAGE is about the texts of replies, OWNER about a client that is logged in, XCLIENT is between the gateway
/// and the backend.
const KEPT_BACK: [&str; 6] = [
    "SASL",
    "STARTTLS",
    "UNAUTHENTICATE",
    "LANGUAGE",
    "OWNER",
    "XCLIENT",
];

/// Reads the capabilities before a response.
pub fn read(group: &[u8]) -> Capabilities {
    let mut found = Capabilities {
        initial_response: Some(usize::MAX),
        ..Capabilities::default()
    };
    for line in reply::strings(group) {
        let Some((name, rest)) = reply::string(line) else {
            continue;
        };
        if name.eq_ignore_ascii_case(b"STARTTLS") {
            found.starttls = true;
        } else if name.eq_ignore_ascii_case(b"SASL")
            && let Some((names, _)) = reply::string(rest.trim_ascii_start())
        {
            found.announce(names.split(|&byte| byte == b' '));
        }
    }
    found
}

/// The lines that are announced to clients, without their line ends.
pub fn passed_on(group: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = reply::strings(group).map(|line| line.strip_suffix(b"\r\n").unwrap_or(line));
    lines.filter(|line| reply::string(line).is_some_and(|(name, _)| is_passed_on(name)))
}

fn is_passed_on(name: &[u8]) -> bool {
    name.iter().all(u8::is_ascii_graphic)
        && !name.is_empty()
        && !KEPT_BACK
            .iter()
            .any(|kept| name.eq_ignore_ascii_case(kept.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::sasl::client;

    const LIST: &[u8] = b"\"IMPLEMENTATION\" \"x {9}\"\r\n\"Sieve\" {8}\r\nfileinto\r\n\"sasl\" \"plain CRAM-MD5 X\"\r\n\
        \"STARTTLS\"\r\n\"unauthenticate\"\r\n\"\" \"x\"\r\n\"VERSION\" \"1.0\"\r\nOK\r\n";

    #[test]
    fn the_gateway_reads_the_list() {
        let found = read(LIST);
        let names: Vec<_> = client::names(found.mechanisms).collect();
        assert!(found.starttls && !found.password_command);
        assert_eq!(names, ["PLAIN", "CRAM-MD5"]);
        assert_eq!(found.announced, b"plain CRAM-MD5 X");
        let none = read(b"\"SASL\" \"\"\r\n\"X\" \"STARTTLS\"\r\nOK\r\n\"STARTTLS\"\r\n");
        assert!(!none.starttls && none.mechanisms.is_empty());
    }

    #[test]
    fn clients_are_told_of_the_rest() {
        let lines: Vec<_> = passed_on(LIST).map(String::from_utf8_lossy).collect();
        let want = [
            "\"IMPLEMENTATION\" \"x {9}\"",
            "\"Sieve\" {8}\r\nfileinto",
            "\"VERSION\" \"1.0\"",
        ];
        assert_eq!(lines, want);
    }
}
