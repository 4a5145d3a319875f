//! The names of warnings. nginx's own warnings have none; a warning of the gateway that an administrator may have reasons to live with
//! begins with its name in brackets, and `--allow NAME` silences it.

use std::fmt;

/// A warning that `--allow` silences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lint {
    /// A certificate has expired.
    Expired,
    /// A certificate expires within 14 days.
    Expiring,
    /// A certificate is not valid yet.
    NotYetValid,
    /// A certificate does not cover `server_name`.
    CertificateName,
    /// A file with a private key can be read by all users.
    ReadableKey,
    /// A server may relay mail for the whole internet.
    Relay,
    /// Messages of clients without a login pass unread.
    BareNewline,
    /// A zone that `limit_store` does not share.
    NotShared,
    /// A block that the gateway does not serve.
    NotServed,
    /// A setting that the TLS library does not support.
    Unsupported,
    /// A setting has no effect beside the others.
    NoEffect,
    /// A list of capabilities has words that the gateway adds itself.
    Capabilities,
    /// The name of a directive begins a line and is an argument.
    MissingSemicolon,
    /// An argument has a typographic quote.
    TypographicQuote,
}

impl Lint {
    /// Every name.
    pub const ALL: [(&'static str, Self); 14] = [
        ("expired", Self::Expired),
        ("expiring", Self::Expiring),
        ("not-yet-valid", Self::NotYetValid),
        ("certificate-name", Self::CertificateName),
        ("readable-key", Self::ReadableKey),
        ("relay", Self::Relay),
        ("bare-newline", Self::BareNewline),
        ("not-shared", Self::NotShared),
        ("not-served", Self::NotServed),
        ("unsupported", Self::Unsupported),
        ("no-effect", Self::NoEffect),
        ("capabilities", Self::Capabilities),
        ("missing-semicolon", Self::MissingSemicolon),
        ("typographic-quote", Self::TypographicQuote),
    ];

    /// Its name, without brackets.
    pub fn name(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|(_, lint)| *lint == self);
        found.map_or("", |(name, _)| name)
    }

    /// The warning of this name.
    pub fn named(wanted: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|(name, _)| name.as_bytes() == wanted);
        found.map(|(_, lint)| lint)
    }
}

/// The name, without brackets.
impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Lint;

    #[test]
    fn every_warning_has_a_name() {
        for (name, lint) in Lint::ALL {
            assert_eq!(Lint::named(name.as_bytes()), Some(lint));
            assert_eq!(lint.to_string(), name);
        }
        assert_eq!(Lint::named(b"Relay"), None);
    }
}
