//! Finds parts of a password in base64.

use super::super::redact::HIDDEN;
use super::super::sasl;
use super::PART;

/// The shortest base64 that is decoded, in characters.
const TOKEN: usize = 6;

/// The text without base64, in either alphabet of RFC 4648, that has a part of the password. `None`: there is none.
pub(super) fn without(text: &str, password: &[u8]) -> Option<String> {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_base64) {
        let length = rest[start..].find(|c| !is_base64(c));
        let end = length.map_or(rest.len(), |length| start + length);
        let token = &rest[start..end];
        masked.push_str(&rest[..start]);
        if token.len() >= TOKEN && reveals(token, password) {
            masked.push_str(&String::from_utf8_lossy(HIDDEN));
            rest = rest[end..].trim_start_matches('=');
        } else {
            masked.push_str(token);
            rest = &rest[end..];
        }
    }
    masked.push_str(rest);
    (masked != text).then_some(masked)
}

/// Whether base64 has a part of the password. The token may be cut off, or begin in the middle of a message.
fn reveals(token: &str, password: &[u8]) -> bool {
    let part = password.len().min(PART);
    let token = token.replace('-', "+").replace('_', "/");
    (0..4).any(|skipped| {
        let token = token.as_bytes().get(skipped..).unwrap_or_default();
        let whole = token.len() - usize::from(token.len() % 4 == 1);
        let decoded = sasl::challenge(&token[..whole]).unwrap_or_default();
        let windows = decoded.windows(part);
        windows
            .into_iter()
            .any(|window| password.windows(part).any(|own| own == window))
    })
}
