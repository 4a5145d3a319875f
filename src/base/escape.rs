//! Bytes from a peer, made safe for one line of a log.

use std::fmt;

/// Displays bytes with control bytes as `\x0D` (a departure from nginx, which lets CR LF split its lines) and bytes that are
/// not UTF-8 as `\xFF`; all else stays as it is. Not meant to be read back.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            let mut rest = chunk.valid();
            while let Some(at) = rest.find(|c: char| c.is_ascii_control()) {
                write!(out, "{}\\x{:02X}", &rest[..at], rest.as_bytes()[at])?;
                rest = &rest[at + 1..];
            }
            out.write_str(rest)?;
            for byte in chunk.invalid() {
                write!(out, "\\x{byte:02X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_bytes_and_broken_utf8_are_escaped() {
        for (bytes, shown) in [
            (&b"user@example.com"[..], "user@example.com"),
            (b"a\r\nb", "a\\x0D\\x0Ab"),
            (b"\0\x7f", "\\x00\\x7F"),
            ("jürgen".as_bytes(), "jürgen"),
            (b"j\xfcrgen", "j\\xFCrgen"),
            (b"", ""),
        ] {
            assert_eq!(Escaped(bytes).to_string(), shown);
        }
    }
}
