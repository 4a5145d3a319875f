//! The lines of a session of each protocol, and how the replies begin.

/// A protocol that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// SMTP
    Smtp,
    /// IMAP
    Imap,
    /// POP3
    Pop3,
}

/// A line without its end, and how the reply begins.
pub type Line = (&'static str, &'static str);

/// The user of every login.
pub const USER: &str = "bench";
/// The password of every login.
pub const PASSWORD: &str = "secret";

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Smtp, Self::Imap, Self::Pop3];

    /// The name in configurations and in `Auth-Protocol`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }

    /// How the greeting begins.
    #[must_use]
    pub fn greeting(self) -> &'static str {
        match self {
            Self::Smtp => "220",
            Self::Imap => "* OK",
            Self::Pop3 => "+OK",
        }
    }

    /// The login of [`USER`].
    #[must_use]
    pub fn login(self) -> &'static [Line] {
        match self {
            // `\0bench\0secret`
            Self::Smtp => &[
                ("EHLO bench.localhost", "250"),
                ("AUTH PLAIN AGJlbmNoAHNlY3JldA==", "235"),
            ],
            Self::Imap => &[("a LOGIN bench secret", "a OK")],
            Self::Pop3 => &[("USER bench", "+OK"), ("PASS secret", "+OK")],
        }
    }

    /// A command that the backend replies to.
    #[must_use]
    pub fn noop(self) -> Line {
        match self {
            Self::Smtp => ("NOOP", "250"),
            Self::Imap => ("b NOOP", "b OK"),
            Self::Pop3 => ("NOOP", "+OK"),
        }
    }

    /// The end of the session.
    #[must_use]
    pub fn quit(self) -> Line {
        match self {
            Self::Smtp => ("QUIT", "221"),
            Self::Imap => ("c LOGOUT", "c OK"),
            Self::Pop3 => ("QUIT", "+OK"),
        }
    }
}
