//! A backend's reply: one line, or several with `-` after the code.

use crate::proto::line::crlf;

/// The shortest reply that is parsed, in bytes.
const SHORTEST: usize = 4;

/// Length of the first whole reply in `bytes`, in bytes, with its last line end.
pub fn whole(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = crlf(&bytes[at..])?;
        let more = line > 3 && bytes[at + 3] == b'-';
        at += line + 2;
        if !more && at >= SHORTEST {
            return Some(at);
        }
    }
}

/// The code of a reply; `None` if a line has none, or another one than the first (RFC 5321, section 4.2.1).
pub fn code(reply: &[u8]) -> Option<u16> {
    let mut codes = lines(reply).map(line_code);
    let first = codes.next()??;
    codes.all(|code| code == Some(first)).then_some(first)
}

/// The three digits at the start of a line.
fn line_code(line: &[u8]) -> Option<u16> {
    let digits = line.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |code, digit| code * 10 + u16::from(digit - b'0')),
    )
}

/// Whether a client could take bytes of a backend as an acceptance, or as a request to go on.
pub fn advances(bytes: &[u8]) -> bool {
    lines(bytes).any(|line| matches!(line_code(line), Some(100..=399)))
}

/// The texts of a reply's lines, without codes.
pub fn texts(reply: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(reply).filter_map(|line| line.get(4..))
}

fn lines(reply: &[u8]) -> impl Iterator<Item = &[u8]> {
    let reply = reply.strip_suffix(b"\n").unwrap_or(reply);
    let mut rest = Some(reply);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = memchr::memchr(b'\n', bytes);
        rest = end.map(|end| &bytes[end + 1..]);
        let line = end.map_or(bytes, |end| &bytes[..end]);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends() {
        for (bytes, want) in [
            ("220 hi\r\n", Some(8)),
            ("220 hi\r\nmore", Some(8)),
            ("220-a\r\n220 b\r\n", Some(14)),
            ("220-a\r\n220-b\r\n", None),
            ("220 hi\n", None),
            ("22", None),
            ("x\r\n", None),
            ("\r\n\r\n", Some(4)),
            ("garbage\r\n", Some(9)),
        ] {
            assert_eq!(whole(bytes.as_bytes()), want, "{bytes:?}");
        }
        assert_eq!(code(b"250 ok"), Some(250));
        assert_eq!(code(b"25x"), None);
        assert_eq!(code(b""), None);
        assert_eq!(code(b"250-a\r\n250\r\n"), Some(250));
        assert_eq!(code(b"235-a\r\n535 b\r\n"), None);
        let lines: Vec<_> = texts(b"250-a b\r\n250 c\r\n").collect();
        assert_eq!(lines, [&b"a b"[..], b"c"]);
    }

    #[test]
    fn what_a_client_could_take_as_an_acceptance() {
        for (bytes, want) in [
            ("535 no\r\n", false),
            ("454-a\r\n454 b\r\n", false),
            ("garbage\r\n", false),
            ("a OK\r\n", false),
            ("535 no\r\n235 yes\r\n", true),
            ("535-no\r\n235 yes\r\n", true),
            ("235 yes\r\n", true),
            ("220 hi\r\n", true),
            ("334 go\r\n", true),
        ] {
            assert_eq!(advances(bytes.as_bytes()), want, "{bytes:?}");
        }
    }
}
