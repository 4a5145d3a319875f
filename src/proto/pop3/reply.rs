//! A backend's reply: one line, or after CAPA a list that ends with a dot.

use crate::proto::line::crlf;

/// Length of the first line in `bytes`, in bytes, with its end.
pub fn line(bytes: &[u8]) -> Option<usize> {
    crlf(bytes).map(|at| at + 2)
}

/// Length of the first list in `bytes`, in bytes: `+OK`, lines, a dot. A reply that is not `+OK` is one line.
pub fn list(bytes: &[u8]) -> Option<usize> {
    let first = line(bytes)?;
    if !is_ok(bytes) {
        return Some(first);
    }
    // The list may be empty: its dot then follows the first line's end.
    let from = first - 2;
    memchr::memmem::find(&bytes[from..], b"\r\n.\r\n").map(|at| from + at + 5)
}

/// Whether a reply is positive. As in nginx, the rest of it is ignored.
pub fn is_ok(reply: &[u8]) -> bool {
    reply.starts_with(b"+OK")
}

/// Whether a reply is negative.
pub fn is_refusal(reply: &[u8]) -> bool {
    reply.starts_with(b"-ERR")
}

/// Whether a client could take bytes of a backend as an acceptance, or as a request to go on.
pub fn advances(bytes: &[u8]) -> bool {
    bytes
        .split(|&b| b == b'\n')
        .any(|line| line.starts_with(b"+"))
}

/// The challenge in `+ challenge`, in base64.
pub fn challenge(reply: &[u8]) -> Option<&[u8]> {
    Some(reply.strip_prefix(b"+")?.trim_ascii())
}

/// A response code, the reason of a backend's refusal (RFC 2449, RFC 3206).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `[AUTH]`: the login or its password is wrong.
    Auth,
    /// `[IN-USE]`: another session has the mailbox.
    InUse,
    /// `[LOGIN-DELAY]`: too soon after the last login.
    LoginDelay,
    /// `[SYS/TEMP]`: a later attempt may succeed.
    Temporary,
    /// `[SYS/PERM]`: an administrator has to repair something.
    Permanent,
}

/// Response codes and the SMTP reply codes with the same meaning.
const CODES: [(&[u8], Code, u16); 8] = [
    (b"AUTH", Code::Auth, 535),
    (b"IN-USE", Code::InUse, 450),
    (b"LOGIN-DELAY", Code::LoginDelay, 452),
    (b"SYS/TEMP", Code::Temporary, 454),
    (b"SYS/PERM", Code::Permanent, 554),
    // Codes of IMAP (RFC 5530), which some servers use in both protocols.
    (b"INUSE", Code::InUse, 450),
    (b"LIMIT", Code::LoginDelay, 452),
    (b"UNAVAILABLE", Code::Temporary, 454),
];

/// The SMTP code for a refusal without a response code.
const REFUSED: u16 = 500;

/// The SMTP code with the same meaning as `-ERR` and its response code, which may have details after a slash.
pub fn smtp_code(reply: &[u8]) -> u16 {
    let code = reply.strip_prefix(b"-ERR [").and_then(|rest| {
        let end = memchr::memchr(b']', rest)?;
        Some(rest[..end].to_ascii_uppercase())
    });
    code.and_then(|code| {
        let known = CODES.iter().find(|(word, ..)| {
            let rest = code.strip_prefix(*word);
            rest.is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
        });
        known.map(|&(.., smtp)| smtp)
    })
    .unwrap_or(REFUSED)
}

/// The response code with the same meaning as an SMTP code.
pub fn of_smtp_code(smtp: u16) -> Option<Code> {
    CODES
        .iter()
        .find(|known| known.2 == smtp)
        .map(|known| known.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends() {
        for (bytes, one, many) in [
            ("+OK hi\r\n", Some(8), None),
            ("+OK hi\r\n.\r\nmore", Some(8), Some(11)),
            ("+OK\r\nUSER\r\n.\r\n", Some(5), Some(14)),
            ("+OK\r\n.X\r\n", Some(5), None),
            ("-ERR no\r\nmore", Some(9), Some(9)),
            ("+\r\n", Some(3), Some(3)),
            ("+ \r\n", Some(4), Some(4)),
            ("\r\n\r\n", Some(2), Some(2)),
            ("+OK hi\n", None, None),
            ("", None, None),
        ] {
            let bytes = bytes.as_bytes();
            assert_eq!((line(bytes), list(bytes)), (one, many), "{bytes:?}");
        }
    }

    #[test]
    fn what_a_client_could_take_as_an_acceptance() {
        for (bytes, want) in [
            ("-ERR no\r\n", false),
            ("-ERR one\r\ntwo\r\n", false),
            ("garbage\r\n", false),
            ("-ERR no\r\n+OK\r\n", true),
            ("+OK\r\n", true),
            ("+ok\r\n", true),
            ("+ \r\n", true),
        ] {
            assert_eq!(advances(bytes.as_bytes()), want, "{bytes:?}");
        }
    }

    #[test]
    fn response_codes() {
        for (reply, smtp, code) in [
            ("-ERR [AUTH] no\r\n", 535, Some(Code::Auth)),
            ("-ERR [auth] no\r\n", 535, Some(Code::Auth)),
            ("-ERR [SYS/TEMP/DISK] no\r\n", 454, Some(Code::Temporary)),
            ("-ERR [SYS/TEMPX] no\r\n", 500, None),
            ("-ERR [IN-USE] no\r\n", 450, Some(Code::InUse)),
            ("-ERR no [AUTH]\r\n", 500, None),
            ("-ERR [AUTH\r\n", 500, None),
            ("-ERR\r\n", 500, None),
        ] {
            assert_eq!(smtp_code(reply.as_bytes()), smtp, "{reply:?}");
            assert_eq!(of_smtp_code(smtp), code, "{reply:?}");
        }
    }
}
