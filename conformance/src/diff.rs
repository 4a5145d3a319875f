//! Shows the expected and the received text side by side, for people.

use crate::escape;

/// Both as escaped lines after `prefix`; equal lines at the beginning are shown once.
pub fn bytes(prefix: &str, expected: &[u8], received: &[u8], eof: bool) -> String {
    let expected = escape::encode(expected);
    let mut received = escape::encode(received);
    if eof {
        received.push("(closed)".to_owned());
    }
    lines(prefix, &expected, &received)
}

/// As [`bytes`], for lines of text.
pub fn lines(prefix: &str, expected: &[String], received: &[String]) -> String {
    let same = expected
        .iter()
        .zip(received)
        .take_while(|(one, other)| one == other)
        .count();
    let mut text = String::from("expected (-) and received (+)");
    for line in &expected[..same] {
        text.push_str(&format!("\n      {prefix} {line}"));
    }
    for (sign, rest) in [('-', &expected[same..]), ('+', &received[same..])] {
        for line in rest {
            text.push_str(&format!("\n    {sign} {prefix} {line}"));
        }
        if rest.is_empty() {
            text.push_str(&format!("\n    {sign} (nothing)"));
        }
    }
    text
}
