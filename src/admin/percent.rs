//! Percent-encoding in paths (RFC 3986).

/// A part of a path without percent-encoding. `None`: it is malformed.
pub(super) fn decoded(part: &str) -> Option<Vec<u8>> {
    let mut parts = part.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        // from_str_radix accepts a sign.
        if !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_can_be_encoded() {
        for (part, bytes) in [
            ("", Some(&b""[..])),
            ("a@b", Some(b"a@b")),
            ("%2Fx%00%ff", Some(b"/x\0\xff")),
            ("%", None),
            ("%2", None),
            ("%+2", None),
            ("%zz", None),
            ("%é", None),
        ] {
            assert_eq!(decoded(part).as_deref(), bytes, "{part}");
        }
    }
}
