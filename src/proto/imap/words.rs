//! What an IMAP client hears besides its tag.

pub(super) const GREETING: &[u8] = b"* OK IMAP4 ready\r\n";
pub(super) const OK: &[u8] = b"OK completed\r\n";
pub(super) const BYE: &[u8] = b"* BYE\r\n";
pub(super) const NEXT: &[u8] = b"+ OK\r\n";
/// Stands before a challenge.
pub(super) const CHALLENGE: &[u8] = b"+ ";
pub(super) const INVALID_COMMAND: &[u8] = b"BAD invalid command\r\n";
pub(super) const INTERNAL_ERROR: &[u8] = b"* BAD internal server error\r\n";
pub(super) const TIMEOUT: &[u8] = b"* BYE timeout\r\n";
pub(super) const UNKNOWN_MECHANISM: &[u8] = b"NO Unsupported authentication mechanism\r\n";
pub(super) const UNAVAILABLE: &[u8] =
    b"NO [UNAVAILABLE] Mail server temporarily unavailable, try again later\r\n";

/// The response codes of RFC 5530 that say why a login failed, with the SMTP code that says the same (RFC 4954, RFC 3463)
/// and a text of our own.
const REASONS: [(&str, u16, &str); 8] = [
    ("AUTHENTICATIONFAILED", 535, "Authentication failed"),
    ("UNAVAILABLE", 454, "Temporary authentication failure"),
    ("AUTHORIZATIONFAILED", 550, "Authorization failed"),
    ("EXPIRED", 534, "The password has expired"),
    ("PRIVACYREQUIRED", 538, "Encryption required"),
    ("CONTACTADMIN", 554, "Contact the administrator"),
    ("INUSE", 450, "The mailbox is in use"),
    ("LIMIT", 452, "Too many connections"),
];

/// What a backend's `NO` means, by its response code.
pub(super) fn reason(text: &[u8]) -> u16 {
    let code = text
        .strip_prefix(b"[")
        .and_then(|rest| Some(&rest[..memchr::memchr2(b']', b' ', rest)?]));
    let known = code.and_then(|code| {
        REASONS
            .iter()
            .find(|(name, ..)| code.eq_ignore_ascii_case(name.as_bytes()))
    });
    known.map_or(500, |(_, reason, _)| *reason)
}

/// A refusal in our own words, where the backend's are not to be shown.
pub(super) fn judgement(code: u16) -> String {
    match REASONS.iter().find(|(_, reason, _)| *reason == code) {
        Some((name, _, text)) => format!("NO [{name}] {text}\r\n"),
        None => "NO Authentication failed\r\n".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_survives() {
        let through = |text: &str| judgement(reason(text.as_bytes()));
        assert_eq!(
            through("[AUTHENTICATIONFAILED] their words"),
            "NO [AUTHENTICATIONFAILED] Authentication failed\r\n"
        );
        assert_eq!(
            through("[unavailable] x"),
            "NO [UNAVAILABLE] Temporary authentication failure\r\n"
        );
        for text in ["[ALERT] x", "[AUTHENTICATIONFAILED", "x", ""] {
            assert_eq!(through(text), "NO Authentication failed\r\n", "{text}");
        }
    }
}
