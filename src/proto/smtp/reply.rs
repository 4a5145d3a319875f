//! A backend's reply: one line, or several with `-` after the code.

/// The shortest reply that is parsed, in bytes.
const SHORTEST: usize = 4;

/// Length of the first whole reply in `bytes`, in bytes, with its last line end.
pub fn whole(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = memchr::memmem::find(&bytes[at..], b"\r\n")?;
        let more = line > 3 && bytes[at + 3] == b'-';
        at += line + 2;
        if !more && at >= SHORTEST {
            return Some(at);
        }
    }
}

/// The code of a reply; `None` when it does not begin with three digits.
pub fn code(reply: &[u8]) -> Option<u16> {
    let digits = reply.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |code, digit| code * 10 + u16::from(digit - b'0')),
    )
}

/// The texts of a reply's lines, without codes.
pub fn texts(reply: &[u8]) -> impl Iterator<Item = &[u8]> {
    reply.split(|&b| b == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.get(4..)
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
        let lines: Vec<_> = texts(b"250-a b\r\n250 c\r\n").collect();
        assert_eq!(lines, [&b"a b"[..], b"c"]);
    }
}
