//! The mail protocols.

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
    /// ManageSieve (RFC 5804)
    Sieve,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Smtp, Self::Imap, Self::Pop3, Self::Sieve];

    /// The protocol that nginx takes a port for.
    #[must_use]
    pub const fn of_port(port: u16) -> Option<Self> {
        match port {
            25 | 465 | 587 => Some(Self::Smtp),
            143 | 993 => Some(Self::Imap),
            110 | 995 => Some(Self::Pop3),
            _ => None,
        }
    }

    /// The protocol of a port that nginx does not know. It counts only where nginx finds no protocol.
    #[must_use]
    pub const fn of_further_port(port: u16) -> Option<Self> {
        match port {
            4190 => Some(Self::Sieve),
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
            Self::Sieve => 4190,
        }
    }

    /// Its name in configurations and in the Auth-Protocol header.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Sieve => "sieve",
        }
    }

    /// Its name in ALPN (RFC 7301), as registered with IANA; SMTP has none there.
    #[must_use]
    pub const fn alpn(self) -> &'static str {
        match self {
            Self::Sieve => "managesieve",
            other => other.word(),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
