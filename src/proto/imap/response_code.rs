//! The response codes of RFC 5530: the reasons of a failed login, for all three protocols.

/// Each response code with the SMTP code of the same meaning (RFC 4954, RFC 3463) and the gateway's own text.
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

/// Further response codes of temporary refusals: of RFC 5530 (SERVERBUG), of large providers, and those of POP3, which some servers
/// use in both protocols.
const TEMPORARY: [(&str, u16); 5] = [
    ("SERVERBUG", 454),
    ("SYS/TEMP", 454),
    ("IN-USE", 450),
    ("LOGIN-DELAY", 452),
    ("THROTTLED", 452),
];

/// The SMTP code of the same meaning as the text of a backend's `NO`; 500 where it has no known response code.
pub(super) fn reason(text: &[u8]) -> u16 {
    let code = text
        .strip_prefix(b"[")
        .and_then(|rest| Some(&rest[..memchr::memchr2(b']', b' ', rest)?]));
    let all = REASONS.iter().map(|&(name, reason, _)| (name, reason));
    let mut all = all.chain(TEMPORARY);
    let known =
        code.and_then(|code| all.find(|(name, _)| code.eq_ignore_ascii_case(name.as_bytes())));
    known.map_or(500, |(_, reason)| reason)
}

/// The gateway's own refusal for a reason, without tag and line end.
pub(super) fn refusal(code: u16) -> String {
    match REASONS.iter().find(|(_, reason, _)| *reason == code) {
        Some((name, _, text)) => format!("NO [{name}] {text}"),
        None => "NO Authentication failed".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_survives() {
        let through = |text: &str| refusal(reason(text.as_bytes()));
        assert_eq!(
            through("[AUTHENTICATIONFAILED] their words"),
            "NO [AUTHENTICATIONFAILED] Authentication failed"
        );
        assert_eq!(
            through("[unavailable] x"),
            "NO [UNAVAILABLE] Temporary authentication failure"
        );
        assert_eq!(through("[IN-USE] x"), "NO [INUSE] The mailbox is in use");
        assert_eq!(through("[THROTTLED]"), "NO [LIMIT] Too many connections");
        for text in ["[ALERT] x", "[AUTHENTICATIONFAILED", "x", ""] {
            assert_eq!(through(text), "NO Authentication failed", "{text}");
        }
    }
}
