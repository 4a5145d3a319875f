//! The three mail protocols.

use std::fmt;

/// A mail protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// SMTP, submission included.
    Smtp,
    /// IMAP
    Imap,
    /// POP3
    Pop3,
}

impl Protocol {
    /// The protocol that a port is known for.
    #[must_use]
    pub const fn of_port(port: u16) -> Option<Self> {
        match port {
            25 | 465 | 587 => Some(Self::Smtp),
            143 | 993 => Some(Self::Imap),
            110 | 995 => Some(Self::Pop3),
            _ => None,
        }
    }

    /// The port of a backend when none is written.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Smtp => 25,
            Self::Imap => 143,
            Self::Pop3 => 110,
        }
    }

    /// Its name in configurations, in the Auth-Protocol header and in ALPN.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
