//! A backend's replies: untagged responses before the one that decides, and literals in them (RFC 3501, section 2.2.2).

use crate::proto::line::crlf;
use crate::proto::strings::response;

/// The shortest line that is parsed, in bytes.
const SHORTEST: usize = 4;

/// Length of the first line in `bytes`, in bytes, with its end.
pub fn line(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += crlf(&bytes[at..])? + 2;
        if at >= SHORTEST {
            return Some(at);
        }
    }
}

/// Whether a response has no tag. BYE is the last response, so it counts as the answer to any command.
fn is_untagged(response: &[u8]) -> bool {
    response.starts_with(b"* ") && !is_bye(response)
}

/// Whether a response is BYE.
pub fn is_bye(response: &[u8]) -> bool {
    response
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"* BYE"))
}

/// Length of the untagged responses at the start of `bytes` and of the one after them, in bytes, if all are whole.
pub fn group(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let end = at + response(&bytes[at..])?;
        if !is_untagged(&bytes[at..end]) {
            return Some(end);
        }
        at = end;
    }
}

/// The untagged responses of a group.
pub fn untagged(group: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = group;
    std::iter::from_fn(move || {
        let (first, behind) = rest.split_at(response(rest)?);
        rest = behind;
        is_untagged(first).then_some(first)
    })
}

/// The response of a group that decides.
pub fn last(group: &[u8]) -> &[u8] {
    let before: usize = untagged(group).map(<[u8]>::len).sum();
    &group[before..]
}

/// The text after the tag of a response to our command.
pub fn tagged<'a>(response: &'a [u8], tag: &[u8]) -> Option<&'a [u8]> {
    response.strip_prefix(tag)?.strip_prefix(b" ")
}

/// Whether a client could take bytes of a backend as an acceptance, or as a request to go on. An `OK` with another tag than its own
/// counts as one: the client may have sent more commands.
pub fn advances(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (first, behind) = rest.split_at(response(rest).unwrap_or(rest.len()));
        let tag_end = memchr::memchr(b' ', first).unwrap_or(first.len());
        let (tag, text) = first.split_at(tag_end);
        let text = text.trim_ascii_start();
        let advances = match tag {
            b"*" => is_word(text, b"PREAUTH"),
            _ => tag.starts_with(b"+") || is_word(text, b"OK"),
        };
        if advances {
            return true;
        }
        rest = behind;
    }
    false
}

/// Whether a text begins with a word, in any case of letters.
pub fn is_word(text: &[u8], word: &[u8]) -> bool {
    text.split_at_checked(word.len())
        .is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(word) && matches!(rest, [] | [b' ' | b'\r', ..])
        })
}

/// Whether a response is the `OK` to our command. As in nginx, case matters.
pub fn is_ok(response: &[u8], tag: &[u8]) -> bool {
    tagged(response, tag).is_some_and(|text| text.starts_with(b"OK"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing() {
        for (bytes, want) in [
            ("a OK\r\n", Some(6)),
            ("a OK\r\nmore", Some(6)),
            ("a OK", None),
            ("* CAPABILITY X\r\n", None),
            ("* CAPABILITY X\r\na OK\r\n", Some(22)),
            ("* X {6}\r\na OK\r\n\r\na OK\r\n", Some(23)),
            ("* X {6}\r\na OK\r\n y {0}\r\n\r\na OK\r\n", Some(31)),
            ("* X {6}\r\na O", None),
            ("* X {99999999999999999999}\r\na OK\r\n", Some(34)),
            ("* X {18446744073709551615}\r\na OK\r\n", None),
            ("* BYE\r\n", Some(7)),
            ("* bye now\r\na NO\r\n", Some(11)),
            ("+ \r\n", Some(4)),
        ] {
            assert_eq!(group(bytes.as_bytes()), want, "{bytes:?}");
        }
        assert_eq!(line(b"x\r\n* OK\r\n"), Some(9));
        assert_eq!(line(b"* OK x\r\n* y\r\n"), Some(8));
        assert_eq!(last(b"* X {2}\r\nab\r\n* Y\r\na OK\r\n"), b"a OK\r\n");
        assert_eq!(last(b"a OK\r\n"), b"a OK\r\n");
        assert_eq!(tagged(b"a OK\r\n", b"a"), Some(&b"OK\r\n"[..]));
        assert_eq!(tagged(b"ab OK\r\n", b"a"), None);
    }

    #[test]
    fn what_a_client_could_take_as_an_acceptance() {
        for (bytes, want) in [
            ("a NO no\r\n", false),
            ("a bad\r\n", false),
            ("* BYE busy\r\n", false),
            ("* OK one\r\n* OK two\r\n", false),
            ("* X {6}\r\na OK\r\n\r\na NO no\r\n", false),
            ("garbage\r\n", false),
            ("235 in\r\n", false),
            ("a OK in\r\n", true),
            ("a ok\r\n", true),
            ("b OK in\r\n", true),
            ("* OK one\r\na OK in\r\n", true),
            ("a NO no\r\na OK in\r\n", true),
            ("* PREAUTH hi\r\n", true),
            ("* preauth\r\na NO\r\n", true),
            ("+ go\r\n", true),
        ] {
            assert_eq!(advances(bytes.as_bytes()), want, "{bytes:?}");
        }
    }
}
