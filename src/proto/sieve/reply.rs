//! A backend's replies (RFC 5804, section 4): lines that begin with a string, which are capabilities or a challenge, and the
//! response that ends them.

use super::response_code::REFERRAL;
use crate::proto::strings::{literal, response};

/// The word of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Ok,
    No,
    /// The backend closes the connection.
    Bye,
}

/// Length of the first line in `bytes` with its literals, in bytes.
pub fn line(bytes: &[u8]) -> Option<usize> {
    response(bytes)
}

/// Length of the lines that begin with a string, and of the response after them, in bytes.
pub fn group(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let end = at + line(&bytes[at..])?;
        if !is_string(&bytes[at..end]) {
            return Some(end);
        }
        at = end;
    }
}

/// The lines of a group that begin with a string.
pub fn strings(group: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = group;
    std::iter::from_fn(move || {
        let (first, behind) = rest.split_at(line(rest)?);
        rest = behind;
        is_string(first).then_some(first)
    })
}

/// The response that ends a group.
pub fn last(group: &[u8]) -> &[u8] {
    let before: usize = strings(group).map(<[u8]>::len).sum();
    &group[before..]
}

fn is_string(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'"' | b'{'))
}

/// The word of a response, and its text.
pub fn word(response: &[u8]) -> Option<(Word, &[u8])> {
    let end = response.iter().position(|b| !b.is_ascii_alphabetic());
    let (word, rest) = response.split_at(end.unwrap_or(response.len()));
    if !matches!(rest, [] | [b' ' | b'\r' | b'\n', ..]) {
        return None;
    }
    let word = match &*word.to_ascii_uppercase() {
        b"OK" => Word::Ok,
        b"NO" => Word::No,
        b"BYE" => Word::Bye,
        _ => return None,
    };
    Some((word, rest.trim_ascii_start()))
}

/// The response code of a text; empty if it has none.
pub fn code(text: &[u8]) -> &[u8] {
    let code = text.strip_prefix(b"(").unwrap_or_default();
    let end = memchr::memchr2(b' ', b')', code).unwrap_or(0);
    &code[..end]
}

/// The first string of a line as it is written, without its quotes, and the bytes after it.
pub fn string(line: &[u8]) -> Option<(&[u8], &[u8])> {
    match line.first()? {
        b'"' => {
            let mut at = 1;
            loop {
                at += memchr::memchr2(b'"', b'\\', &line[at..])?;
                if line[at] == b'"' {
                    return Some((&line[1..at], &line[at + 1..]));
                }
                at = (at + 2 < line.len()).then_some(at + 2)?;
            }
        }
        b'{' => {
            let start = memchr::memmem::find(line, b"\r\n")?;
            let length = literal(&line[..start])?;
            line[start + 2..].split_at_checked(length)
        }
        _ => None,
    }
}

/// Whether a client could take bytes of a backend as an acceptance, or as a request to go on, or would go to another server for
/// them. Every line counts: the client may divide them in another way.
pub fn advances(bytes: &[u8]) -> bool {
    bytes.split(|&b| b == b'\n').any(|line| {
        let line = line.trim_ascii_start();
        let is_response = match word(line) {
            Some((Word::Ok, _)) => true,
            Some((_, text)) => code(text).eq_ignore_ascii_case(REFERRAL.as_bytes()),
            None => false,
        };
        is_response || is_string(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing() {
        for (bytes, one, all) in [
            ("OK\r\n", Some(4), Some(4)),
            ("OK \"x\"\r\nmore", Some(8), Some(8)),
            ("OK {3}\r\na\r\n\r\n", Some(13), Some(13)),
            ("NO (QUOTA) {3}\r\nab", None, None),
            ("\"SASL\" \"\"\r\n", Some(11), None),
            ("\"SASL\" \"\"\r\nOK\r\n", Some(11), Some(15)),
            ("\"SIEVE\" {2}\r\nOK\r\nNO\r\n", Some(17), Some(21)),
            ("{5}\r\nSIEVE \"\"\r\nBYE\r\n", Some(15), Some(20)),
            ("OK\n", None, None),
            ("", None, None),
        ] {
            let bytes = bytes.as_bytes();
            assert_eq!((line(bytes), group(bytes)), (one, all), "{bytes:?}");
        }
        assert_eq!(last(b"\"A\"\r\n\"B\"\r\nOK x\r\n"), b"OK x\r\n");
        assert_eq!(last(b"NO\r\n"), b"NO\r\n");
    }

    #[test]
    fn words_codes_and_strings() {
        assert_eq!(word(b"OK\r\n"), Some((Word::Ok, &b""[..])));
        assert_eq!(word(b"no \"x\"\r\n"), Some((Word::No, &b"\"x\"\r\n"[..])));
        for none in ["OKAY\r\n", "\"OK\"\r\n", "OK(X)\r\n", "", "+ OK\r\n"] {
            assert_eq!(word(none.as_bytes()), None, "{none}");
        }
        for (text, want) in [
            ("(TRYLATER) \"x\"", "TRYLATER"),
            ("(REFERRAL \"sieve://x\")", "REFERRAL"),
            ("(TRYLATER", ""),
            ("\"(TRYLATER)\"", ""),
            ("", ""),
        ] {
            assert_eq!(code(text.as_bytes()), want.as_bytes(), "{text}");
        }
        for (line, want) in [
            ("\"a b\" \"c\"\r\n", Some(("a b", " \"c\"\r\n"))),
            ("\"a\\\"b\"\r\n", Some(("a\\\"b", "\r\n"))),
            ("{3}\r\na b \"c\"\r\n", Some(("a b", " \"c\"\r\n"))),
            ("\"\"\r\n", Some(("", "\r\n"))),
            ("\"a\r\n", None),
            ("\"a\\", None),
            ("{9}\r\na\r\n", None),
            ("x", None),
        ] {
            let want = want.map(|(text, rest)| (text.as_bytes(), rest.as_bytes()));
            assert_eq!(string(line.as_bytes()), want, "{line:?}");
        }
    }

    #[test]
    fn what_a_client_could_take_as_an_acceptance() {
        for (bytes, want) in [
            ("NO \"no\"\r\n", false),
            ("BYE (TRYLATER) \"busy\"\r\n", false),
            ("NO {5}\r\na\r\nb \r\n", false),
            ("garbage\r\n", false),
            ("OK \"in\"\r\n", true),
            ("ok\r\n", true),
            ("NO \"a\"\r\nOK\r\n", true),
            ("NO \"a\nOK \"\r\n", true),
            ("NO {4}\r\nOK \r\n\r\n", true),
            ("\"dQ==\"\r\n", true),
            ("{4}\r\ndQ==\r\n", true),
            ("BYE (REFERRAL \"sieve://other\") \"go\"\r\n", true),
            ("NO (referral \"sieve://other\")\r\n", true),
        ] {
            assert_eq!(advances(bytes.as_bytes()), want, "{bytes:?}");
        }
    }
}
