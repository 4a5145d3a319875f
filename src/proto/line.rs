//! A client's line in SMTP and POP3.

/// A malformed line: an unknown word, too many arguments, a CR without LF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

/// The position of the first CR LF. Replies have short lines: a general search would take longer to prepare than to run.
pub fn crlf(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let end = at + memchr::memchr(b'\n', &bytes[at..])?;
        match end.checked_sub(1) {
            Some(before) if bytes[before] == b'\r' => return Some(before),
            _ => at = end + 1,
        }
    }
}

/// The line without its end, which is LF or CR LF.
///
/// # Errors
/// A CR elsewhere.
pub fn content(line: &[u8]) -> Result<&[u8], Invalid> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if memchr::memchr(b'\r', line).is_some() {
        Err(Invalid)
    } else {
        Ok(line)
    }
}

/// The words between spaces.
pub fn words(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&b| b == b' ').filter(|word| !word.is_empty())
}

/// The answer to a SASL challenge: the line up to the first space. `most` is the number of words that a line may have.
///
/// # Errors
/// [`Invalid`] as for a command.
pub fn answer(line: &[u8], most: usize) -> Result<&[u8], Invalid> {
    let line = content(line)?;
    let end = memchr::memchr(b' ', line).unwrap_or(line.len());
    if words(&line[end..]).count() >= most {
        return Err(Invalid);
    }
    Ok(&line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends() {
        for (bytes, want) in [
            ("a\r\nb\r\n", Some(1)),
            ("\r\n", Some(0)),
            ("\na\nb\r\r\n", Some(5)),
            ("a\n", None),
            ("a\r", None),
            ("\n", None),
            ("", None),
        ] {
            assert_eq!(crlf(bytes.as_bytes()), want, "{bytes:?}");
        }
    }

    #[test]
    fn sasl_answers() {
        let answer = |line| answer(line, 11);
        assert_eq!(answer(b"abc def\r\n"), Ok(&b"abc"[..]));
        assert_eq!(answer(b" abc\r\n"), Ok(&b""[..]));
        assert_eq!(answer(b"\n"), Ok(&b""[..]));
        assert_eq!(answer(b"a\rb\n"), Err(Invalid));
        assert_eq!(answer(b"0 1 2 3 4 5 6 7 8 9 10\n"), Ok(&b"0"[..]));
        assert_eq!(answer(b"0 1 2 3 4 5 6 7 8 9 10 11\n"), Err(Invalid));
    }
}
