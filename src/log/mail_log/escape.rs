//! Escaping of values in log lines.

use std::io::Write;

/// Appends a value as nginx's `escape=default` does: `"`, `\`, control bytes and bytes above 126 as `\xNN`.
pub(super) fn default(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        match byte {
            b'"' | b'\\' | 0..0x20 | 0x7f.. => hexadecimal(*byte, out),
            byte => out.push(*byte),
        }
    }
}

/// Appends a value as part of a JSON string (RFC 8259, section 7). Bytes that are not UTF-8 become U+FFFD.
pub(super) fn json(value: &[u8], out: &mut Vec<u8>) {
    for chunk in value.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                8 => out.extend_from_slice(b"\\b"),
                12 => out.extend_from_slice(b"\\f"),
                0..0x20 => {
                    let _ = write!(out, "\\u{byte:04x}");
                }
                byte => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Appends the value of a `name=value` pair. It is quoted if it is empty or has a space, `"`, `=` or `\`; `"`, `\` and control
/// bytes are `\xNN`, as are bytes that are not UTF-8.
pub(super) fn key_value(value: &[u8], out: &mut Vec<u8>) {
    // Without a branch the compiler uses vector instructions.
    let needs_quotes = |found: bool, byte: &u8| {
        let special = (*byte == b'"') | (*byte == b'=') | (*byte == b'\\');
        found | special | (*byte <= b' ') | (*byte >= 0x7f)
    };
    if !value.is_empty() && !value.iter().fold(false, needs_quotes) {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'"');
    for chunk in value.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' | b'\\' | 0..0x20 | 0x7f => hexadecimal(byte, out),
                byte => out.push(byte),
            }
        }
        for byte in chunk.invalid() {
            hexadecimal(*byte, out);
        }
    }
    out.push(b'"');
}

fn hexadecimal(byte: u8, out: &mut Vec<u8>) {
    let _ = write!(out, "\\x{byte:02X}");
}

#[cfg(test)]
mod tests {
    fn escaped(escape: fn(&[u8], &mut Vec<u8>), value: &[u8]) -> String {
        let mut out = Vec::new();
        escape(value, &mut out);
        String::from_utf8(out).expect("is UTF-8")
    }

    #[test]
    fn no_value_ends_its_line_or_its_quotes() {
        let value = "a \"b\\\r\n\u{e4}".as_bytes();
        assert_eq!(
            escaped(super::default, value),
            r"a \x22b\x5C\x0D\x0A\xC3\xA4"
        );
        assert_eq!(escaped(super::json, value), "a \\\"b\\\\\\r\\n\u{e4}");
        assert_eq!(
            escaped(super::key_value, value),
            "\"a \\x22b\\x5C\\x0D\\x0A\u{e4}\""
        );
    }

    #[test]
    fn broken_utf8_stays_printable() {
        assert_eq!(escaped(super::json, b"j\xfc\x01"), "j\u{fffd}\\u0001");
        assert_eq!(escaped(super::key_value, b"j\xfc"), r#""j\xFC""#);
    }

    #[test]
    fn only_odd_values_are_quoted() {
        for (value, shown) in [
            (&b"alice@example.com"[..], "alice@example.com"),
            (b"", "\"\""),
            (b"a=b", "\"a=b\""),
            (b"[::1]:25", "[::1]:25"),
        ] {
            assert_eq!(escaped(super::key_value, value), shown);
        }
    }
}
