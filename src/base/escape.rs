//! Text from a peer, made safe for one line of a log.

use std::fmt;

/// Displays a value of a peer, which stands between quotes in a log line: quotes, control bytes and bytes that are not UTF-8 as
/// `\x22`, and so a comma that would begin another field of the line (`, client: `). All else stays as it is. nginx writes these
/// bytes raw. Not meant to be read back.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a [u8]);

/// Displays a whole message with its control bytes as `\x0A`, so that it is one line. Quotes stay as they are.
#[derive(Clone, Copy, Debug)]
pub struct OneLine<'a>(pub &'a [u8]);

/// The longest name of a field in a log line, in bytes.
const FIELD: usize = 12;

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, out, |c, rest| match c {
            '"' => true,
            ',' => begins_field(rest),
            _ => c.is_control(),
        })
    }
}

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, out, |c, _| c.is_control())
    }
}

/// Writes `bytes`; the characters that `is_unsafe` names are escaped. It gets the character and the text that begins with it.
fn escape(
    bytes: &[u8],
    out: &mut fmt::Formatter<'_>,
    is_unsafe: impl Fn(char, &str) -> bool,
) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        let mut written = 0;
        for (at, c) in valid.char_indices() {
            if is_unsafe(c, &valid[at..]) {
                out.write_str(&valid[written..at])?;
                written = at + c.len_utf8();
                hex(&valid.as_bytes()[at..written], out)?;
            }
        }
        out.write_str(&valid[written..])?;
        hex(chunk.invalid(), out)?;
    }
    Ok(())
}

fn hex(bytes: &[u8], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes
        .iter()
        .try_for_each(|byte| write!(out, "\\x{byte:02X}"))
}

/// Whether the text begins as a field of a log line does: `, client: `.
fn begins_field(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(", ") else {
        return false;
    };
    let name = rest.bytes().take_while(u8::is_ascii_lowercase).count();
    (1..=FIELD).contains(&name) && rest[name..].starts_with(": ")
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
            ("\u{9b}1m".as_bytes(), "\\xC2\\x9B1m"),
            (b"j\xfcrgen", "j\\xFCrgen"),
            (b"", ""),
        ] {
            assert_eq!(Escaped(bytes).to_string(), shown);
            assert_eq!(OneLine(bytes).to_string(), shown);
        }
    }

    #[test]
    fn a_value_cannot_forge_a_field() {
        for (text, shown) in [
            ("a\"b", "a\\x22b"),
            ("x\", client: 192.0.2.1", "x\\x22\\x2C client: 192.0.2.1"),
            (
                "x, client: 192.0.2.1, server: y",
                "x\\x2C client: 192.0.2.1\\x2C server: y",
            ),
            ("Sorry, try again", "Sorry, try again"),
            ("Sorry, note: again", "Sorry\\x2C note: again"),
            ("a,b", "a,b"),
            ("Doe, J.: x", "Doe, J.: x"),
        ] {
            assert_eq!(Escaped(text.as_bytes()).to_string(), shown);
            assert_eq!(OneLine(text.as_bytes()).to_string(), text);
        }
    }
}
