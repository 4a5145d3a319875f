//! The strings that IMAP and ManageSieve have in common: quoted strings and literals (RFC 3501, section 4.3; RFC 5804, section 4).

use super::line::crlf;

/// A quoted string. The text has no CR, LF or NUL.
pub fn quoted(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'"');
    quoted
}

/// The side that sends a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A client. Its literals are `{n+}`: nobody requests them.
    Client,
    /// A server. Its literals are `{n}`.
    Server,
}

/// A string of ManageSieve: quoted, or a literal where it cannot be quoted.
pub fn string(text: &[u8], sender: Sender) -> Vec<u8> {
    /// The longest quoted string in bytes (RFC 5804, section 4).
    const QUOTED: usize = 1024;
    if text.len() <= QUOTED && memchr::memchr3(b'\r', b'\n', 0, text).is_none() {
        return quoted(text);
    }
    let plus = match sender {
        Sender::Client => "+",
        Sender::Server => "",
    };
    [format!("{{{}{plus}}}\r\n", text.len()).as_bytes(), text].concat()
}

/// Length of the first response in `bytes`, in bytes: a line, or several joined by literals.
pub fn response(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let end = at + crlf(&bytes[at..])?;
        let literal = literal(&bytes[at..end]);
        at = end + 2;
        match literal {
            None => return Some(at),
            Some(length) => at = at.checked_add(length).filter(|&at| at <= bytes.len())?,
        }
    }
}

/// The length at the end of a line that a literal follows.
pub fn literal(line: &[u8]) -> Option<usize> {
    let inside = line.strip_suffix(b"}")?;
    let inside = inside.strip_suffix(b"+").unwrap_or(inside);
    let at = memchr::memrchr(b'{', inside)? + 1;
    let digits = std::str::from_utf8(&inside[at..]).ok()?;
    digits.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    digits.parse().ok()
}
