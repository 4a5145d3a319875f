//! Response codes (RFC 5804, section 1.3): the reasons of a failed login.

/// Each response code with the SMTP code of the same meaning (RFC 4954) and the gateway's own text.
const REASONS: [(&str, u16, &str); 3] = [
    ("TRYLATER", 454, "Temporary authentication failure"),
    ("AUTH-TOO-WEAK", 534, "Authentication mechanism is too weak"),
    ("ENCRYPT-NEEDED", 538, "Encryption required"),
];

/// The code of a refusal that names another server. The client cannot go there, so the login may only succeed later.
pub(super) const REFERRAL: &str = "REFERRAL";

/// The SMTP code of the same meaning; 500 where the response has no known code.
pub(super) fn reason(code: &[u8]) -> u16 {
    if code.eq_ignore_ascii_case(REFERRAL.as_bytes()) {
        return 454;
    }
    let known = REASONS
        .iter()
        .find(|(name, ..)| code.eq_ignore_ascii_case(name.as_bytes()));
    known.map_or(500, |(_, reason, _)| *reason)
}

/// The gateway's own refusal for a reason, after NO or BYE.
pub(super) fn refusal(code: u16) -> String {
    match REASONS.iter().find(|(_, reason, _)| *reason == code) {
        Some((name, _, text)) => format!("({name}) \"{text}\""),
        None => "\"Authentication failed\"".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_survives() {
        for (code, want) in [
            (
                "trylater",
                "(TRYLATER) \"Temporary authentication failure\"",
            ),
            (
                "REFERRAL",
                "(TRYLATER) \"Temporary authentication failure\"",
            ),
            (
                "AUTH-TOO-WEAK",
                "(AUTH-TOO-WEAK) \"Authentication mechanism is too weak\"",
            ),
            ("QUOTA", "\"Authentication failed\""),
            ("", "\"Authentication failed\""),
        ] {
            assert_eq!(refusal(reason(code.as_bytes())), want, "{code}");
        }
    }
}
