//! What an SMTP client hears.

pub(super) const OK: &[u8] = b"250 2.0.0 OK\r\n";
pub(super) const BYE: &[u8] = b"221 2.0.0 Bye\r\n";
pub(super) const START_TLS: &[u8] = b"220 2.0.0 Start TLS\r\n";
/// Before a challenge.
pub(super) const CHALLENGE: &[u8] = b"334 ";
pub(super) const INVALID_COMMAND: &[u8] = b"500 5.5.1 Invalid command\r\n";
pub(super) const INVALID_ARGUMENT: &[u8] = b"501 5.5.4 Invalid argument\r\n";
pub(super) const BAD_SEQUENCE: &[u8] = b"503 5.5.1 Bad sequence of commands\r\n";
pub(super) const AUTH_REQUIRED: &[u8] = b"530 5.7.1 Authentication required\r\n";
pub(super) const TLS_REQUIRED: &[u8] = b"530 5.7.0 Must issue a STARTTLS command first\r\n";
pub(super) const EARLY: &[u8] = b"503 5.5.0 Improper use of SMTP command pipelining\r\n";
pub(super) const UNKNOWN_MECHANISM: &[u8] = b"504 5.5.4 Unrecognized authentication type\r\n";
pub(super) const UNAVAILABLE: &[u8] =
    b"451 4.4.1 Mail server temporarily unavailable, try again later\r\n";
pub(super) const INTERNAL_ERROR: &[u8] = b"451 4.3.2 Internal server error\r\n";
pub(super) const LOGGED_IN: &[u8] = b"235 2.0.0 OK\r\n";

/// A refusal in our own words, where the backend's are not to be shown.
pub(super) fn judgement(code: u16) -> String {
    match code {
        535 => "535 5.7.8 Authentication failed\r\n".into(),
        400..=499 => format!("{code} 4.7.0 Temporary authentication failure\r\n"),
        _ => format!("{code} 5.7.0 Authentication failed\r\n"),
    }
}
