//! Converts between bytes and the text of a case file.
//!
//! One wire line is one text line. It ends in CR LF unless the text ends in `\c`. The escapes are `\r` `\n` `\t` `\\` `\xHH`, and
//! `\{text*N}` for N repetitions of a text.

/// Decodes one text line; the line end is included.
///
/// # Errors
/// An unknown or incomplete escape.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() + 2);
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let kind = rest
            .chars()
            .next()
            .ok_or("a lone \\ at the end of the line")?;
        let after = &rest[kind.len_utf8()..];
        rest = match kind {
            'r' => push(&mut out, b'\r', after),
            'n' => push(&mut out, b'\n', after),
            't' => push(&mut out, b'\t', after),
            '\\' => push(&mut out, b'\\', after),
            'x' => {
                let byte = after
                    .get(..2)
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                let byte = byte.ok_or("\\x needs two hex digits")?;
                push(&mut out, byte, &after[2..])
            }
            '{' => {
                let (inside, after) = after.split_once('}').ok_or("\\{ without }")?;
                let (unit, times) = inside.rsplit_once('*').ok_or("\\{text*N} without *")?;
                let times: usize = times.parse().map_err(|_| "\\{text*N} without a number")?;
                out.extend(unit.as_bytes().repeat(times));
                after
            }
            'c' if after.is_empty() => return Ok(out),
            other => return Err(format!("unknown escape \\{other}")),
        };
    }
    out.extend_from_slice(rest.as_bytes());
    out.extend_from_slice(b"\r\n");
    Ok(out)
}

fn push<'a>(out: &mut Vec<u8>, byte: u8, after: &'a str) -> &'a str {
    out.push(byte);
    after
}

/// Encodes bytes as text lines, the reverse of [`decode`].
pub fn encode(bytes: &[u8]) -> Vec<String> {
    bytes
        .split_inclusive(|&byte| byte == b'\n')
        .map(encode_line)
        .collect()
}

fn encode_line(line: &[u8]) -> String {
    let (body, end) = match line.strip_suffix(b"\r\n") {
        Some(body) => (body, ""),
        None => (line, "\\c"),
    };
    let mut text = String::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        let byte = body[at];
        let run = body[at..]
            .iter()
            .take_while(|&&other| other == byte)
            .count();
        if run >= 60 && byte.is_ascii_alphanumeric() {
            text.push_str(&format!("\\{{{}*{run}}}", char::from(byte)));
            at += run;
            continue;
        }
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            // Editors strip trailing spaces.
            b' ' if at + 1 == body.len() && end.is_empty() => text.push_str("\\x20"),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
        at += 1;
    }
    text + end
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn encoded_lines_decode_to_the_same_bytes() {
        for bytes in [
            &b"220 ready\r\n"[..],
            b"334 \r\n",
            b"\r\n",
            b"no end",
            b"bare\n",
            b"a\rb\\\0\xff\r\n",
            &[b'A'; 5000],
        ] {
            let lines = encode(bytes);
            let back: Vec<u8> = lines
                .iter()
                .flat_map(|line| decode(line).unwrap())
                .collect();
            assert_eq!(back, bytes, "{lines:?}");
        }
    }

    #[test]
    fn invalid_escapes_are_errors() {
        assert!(decode("a\\q").is_err());
        assert!(decode("a\\").is_err());
        assert!(decode("\\{a}").is_err());
    }
}
