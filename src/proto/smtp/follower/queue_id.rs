//! Finds the queue id in a server's reply to a message.

/// Words that precede a queue id.
const BEFORE: [&[u8]; 5] = [
    b"queued as ",   // Postfix
    b"OK id=",       // Exim
    b"[InternalId=", // Exchange
    b"Queued (",     // Haraka
    b" qp ",         // qmail
];
/// Words that follow a queue id: Sendmail, OpenSMTPD.
const AFTER: &[u8] = b" Message accepted for delivery";

/// The queue id in a reply's text, if it has one.
pub(super) fn queue_id(text: &[u8]) -> Option<&[u8]> {
    let before = BEFORE.iter().find_map(|words| {
        let at = memchr::memmem::find(text, words)?;
        let rest = &text[at + words.len()..];
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b')' | b']');
        Some(&rest[..rest.iter().position(ends).unwrap_or(rest.len())])
    });
    let found = before.or_else(|| {
        let at = memchr::memmem::find(text, AFTER)?;
        text[..at].rsplit(u8::is_ascii_whitespace).next()
    });
    found.filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_servers_write_it() {
        for (text, want) in [
            ("2.0.0 Ok: queued as 4F1B2C3D4E", Some("4F1B2C3D4E")),
            (
                "2.0.0 Ok: queued as 3zTqFs1Yzlz9rxk",
                Some("3zTqFs1Yzlz9rxk"),
            ),
            ("OK id=1rXYZa-0001ab-2C", Some("1rXYZa-0001ab-2C")),
            (
                "2.0.0 4A1DFxyz012345 Message accepted for delivery",
                Some("4A1DFxyz012345"),
            ),
            (
                "2.6.0 <m@x.test> [InternalId=1700807, Hostname=EX.test] 812 bytes Queued mail for delivery",
                Some("1700807"),
            ),
            ("Message Queued (A1B2-C3.1)", Some("A1B2-C3.1")),
            ("ok 1700000000 qp 12345", Some("12345")),
            ("2.0.0 Ok", None),
            ("Message accepted for delivery", None),
            ("queued as ", None),
            ("", None),
        ] {
            let id = queue_id(text.as_bytes());
            assert_eq!(id, want.map(str::as_bytes), "{text}");
        }
    }
}
