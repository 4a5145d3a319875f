//! What was expected beside what came, for people.

use crate::escape;

/// Both sides, line by line; equal lines at the head are shown once.
pub fn show(letters: &str, expected: &[u8], got: &[u8], ended: bool) -> String {
    let wanted = escape::encode(expected);
    let mut came = escape::encode(got);
    if ended {
        came.push("(closed)".to_owned());
    }
    lines(letters, &wanted, &came)
}

/// The same for lines that are text already.
pub fn lines(letters: &str, wanted: &[String], came: &[String]) -> String {
    let same = wanted
        .iter()
        .zip(came)
        .take_while(|(one, other)| one == other)
        .count();
    let mut text = String::from("expected (-) and got (+)");
    for line in &wanted[..same] {
        text.push_str(&format!("\n      {letters} {line}"));
    }
    for (sign, rest) in [('-', &wanted[same..]), ('+', &came[same..])] {
        for line in rest {
            text.push_str(&format!("\n    {sign} {letters} {line}"));
        }
        if rest.is_empty() {
            text.push_str(&format!("\n    {sign} (nothing)"));
        }
    }
    text
}
