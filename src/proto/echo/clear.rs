//! Finds a password in a text in which any of its bytes may be escaped.

use super::super::redact::HIDDEN;
use super::PART;

/// The shortest password that is looked for inside of words, in bytes.
const LONG: usize = 6;

/// The text without a password. Its bytes may stand as they are or escaped: as `%20` in URLs and `Auth-Pass`, `+20` in xtext
/// (RFC 3461), `=20` in quoted-printable, `\x20` in the gateway's logs, `\"`, `\t` and `\u0020` in JSON and IMAP. A short password must be
/// a word; at the end of the text a long one may be cut off. `None`: it is not there.
pub(super) fn without(text: &str, password: &[u8]) -> Option<String> {
    let mut masked = Vec::new();
    let (mut at, mut shown) = (0, 0);
    while at < text.len() {
        match end(text, shown, at, password) {
            Some(end) => {
                masked.extend_from_slice(&text.as_bytes()[shown..at]);
                masked.extend_from_slice(HIDDEN);
                (at, shown) = (end, end);
            }
            None => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    masked.extend_from_slice(&text.as_bytes()[shown..]);
    (shown > 0).then(|| String::from_utf8_lossy(&masked).into_owned())
}

/// The end of the password that begins at `at`. The text up to `shown` is masked.
fn end(text: &str, shown: usize, at: usize, password: &[u8]) -> Option<usize> {
    let end = at + occurrence(&text.as_bytes()[at..], password)?;
    let after = text.get(end..)?;
    let in_word = text[shown..at].ends_with(char::is_alphanumeric)
        || after.starts_with(char::is_alphanumeric);
    (password.len() >= LONG || !in_word).then_some(end)
}

/// The length of the password that `text` begins with.
fn occurrence(text: &[u8], password: &[u8]) -> Option<usize> {
    // An escape may be part of the password, too: several ends are possible.
    let mut ends = vec![0];
    let mut found = 0;
    for chunk in password.utf8_chunks() {
        let valid = chunk.valid();
        let chars = valid.char_indices().map(|(at, c)| {
            let bytes = &valid.as_bytes()[at..at + c.len_utf8()];
            (Some(c), bytes)
        });
        let invalid = chunk.invalid().chunks(1).map(|byte| (None, byte));
        for (c, bytes) in chars.chain(invalid) {
            if found >= PART && ends.contains(&text.len()) {
                return Some(text.len());
            }
            let mut next = ends.clone();
            for byte in bytes {
                let widths = |at: usize| widths(&text[at..], *byte).map(move |width| at + width);
                next = next.into_iter().flat_map(widths).collect();
            }
            if let Some(c) = c {
                let unicode = unicode(c);
                let is_there = |at: &usize| starts_with(&text[*at..], unicode.as_bytes());
                let after = |at: usize| at + unicode.len();
                next.extend(ends.iter().copied().filter(is_there).map(after));
            }
            next.sort_unstable();
            next.dedup();
            if next.is_empty() {
                return None;
            }
            ends = next;
            found += bytes.len();
        }
    }
    ends.pop()
}

/// The most backslashes of one escape: JSON in JSON in JSON.
const BACKSLASHES: usize = 8;

/// The lengths of the forms of a byte that `text` begins with.
fn widths(text: &[u8], byte: u8) -> impl Iterator<Item = usize> {
    let hex = |at: usize| {
        let digits = text
            .get(at..at + 2)
            .and_then(|two| str::from_utf8(two).ok());
        digits.is_some_and(|digits| u8::from_str_radix(digits, 16) == Ok(byte))
    };
    let run = text.iter().take(BACKSLASHES);
    let run = run.take_while(|byte| **byte == b'\\').count();
    // What has been escaped more than once has several backslashes.
    let width = match (text.get(run), byte) {
        (Some(b'%' | b'+' | b'='), _) if run == 0 && hex(1) => Some(3),
        (Some(b'x'), _) if run > 0 && hex(run + 1) => Some(run + 3),
        (Some(b'"'), b'"') | (Some(b'/'), b'/') | (Some(b't'), b'\t') if run > 0 => Some(run + 1),
        _ => None,
    };
    let is_run = move |width: &usize| byte == b'\\' && *width <= run;
    let runs = [2, 4, BACKSLASHES].into_iter().filter(is_run);
    let itself = (text.first() == Some(&byte)).then_some(1);
    itself.into_iter().chain(width).chain(runs)
}

/// A character as JSON may write it: `\u20ac`.
fn unicode(c: char) -> String {
    let units = c.encode_utf16(&mut [0; 2]).to_vec();
    units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn starts_with(text: &[u8], start: &[u8]) -> bool {
    let own = text.get(..start.len());
    own.is_some_and(|own| own.eq_ignore_ascii_case(start))
}
