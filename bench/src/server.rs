//! The servers that every measured program has, one per address.

use std::net::{SocketAddr, TcpListener};

use crate::failure::{Context as _, Failure};
use crate::protocol::{Line, Protocol};

/// A server of the measured program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// SMTP in clear text; clients must log in.
    Smtp,
    /// SMTP in clear text without a login (`smtp_auth none`).
    SmtpNone,
    /// SMTP over implicit TLS with an ECDSA certificate on P-256.
    SmtpsP256,
    /// SMTP over implicit TLS with an RSA certificate of 2048 bits.
    SmtpsRsa,
    /// IMAP in clear text.
    Imap,
    /// POP3 in clear text.
    Pop3,
}

impl Server {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Smtp,
        Self::SmtpNone,
        Self::SmtpsP256,
        Self::SmtpsRsa,
        Self::Imap,
        Self::Pop3,
    ];

    /// Its protocol.
    #[must_use]
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Smtp | Self::SmtpNone | Self::SmtpsP256 | Self::SmtpsRsa => Protocol::Smtp,
            Self::Imap => Protocol::Imap,
            Self::Pop3 => Protocol::Pop3,
        }
    }

    /// Its name in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::SmtpNone => "smtp-none",
            Self::SmtpsP256 => "smtps-p256",
            Self::SmtpsRsa => "smtps-rsa",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }

    /// The name of its certificate's and key's files, if it speaks TLS.
    #[must_use]
    pub fn certificate(self) -> Option<&'static str> {
        match self {
            Self::SmtpsP256 => Some("p256"),
            Self::SmtpsRsa => Some("rsa"),
            Self::Smtp | Self::SmtpNone | Self::Imap | Self::Pop3 => None,
        }
    }

    /// What a client sends before its first command to the backend.
    #[must_use]
    pub fn login(self) -> &'static [Line] {
        match self {
            Self::SmtpNone => &[("EHLO bench.localhost", "250")],
            _ => self.protocol().login(),
        }
    }
}

/// The addresses of the servers.
#[derive(Debug, Clone, Copy)]
pub struct Addresses([SocketAddr; Server::ALL.len()]);

impl Addresses {
    /// Free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When the system has none.
    pub fn free() -> Result<Self, Failure> {
        let context = || "find a free port".to_owned();
        // All are bound at the same time, so that they differ.
        let mut bound = Vec::new();
        let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); Server::ALL.len()];
        for address in &mut addresses {
            let listener = TcpListener::bind(*address).context(context)?;
            *address = listener.local_addr().context(context)?;
            bound.push(listener);
        }
        Ok(Self(addresses))
    }

    /// The address of one server.
    #[must_use]
    pub fn of(&self, server: Server) -> SocketAddr {
        self.0[server as usize]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn addresses_follow_the_order_of_the_servers() {
        let addresses = Addresses::free().unwrap();
        for (at, server) in Server::ALL.into_iter().enumerate() {
            assert_eq!(addresses.of(server), addresses.0[at]);
            assert!(!addresses.0[..at].contains(&addresses.0[at]));
        }
    }
}
