//! A complete login: a value of these types exists only once the client has sent all of it.

use std::net::SocketAddr;

use crate::base::{Secret, SessionId};

/// Bytes of a login, as decoded.
pub type Bytes = Box<[u8]>;

/// A SASL mechanism whose password is an OAuth 2.0 bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// XOAUTH2
    Xoauth2,
    /// OAUTHBEARER (RFC 7628)
    OauthBearer,
}

/// A SASL mechanism in which the client and the backend itself prove that they know the password (RFC 5802).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scram {
    /// SCRAM-SHA-1
    Sha1,
    /// SCRAM-SHA-256
    Sha256,
}

/// A client's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// SASL PLAIN and LOGIN.
    Plain {
        /// The login.
        user: Bytes,
        /// The password.
        pass: Secret<Bytes>,
    },
    /// SASL CRAM-MD5 (RFC 2195).
    CramMd5 {
        /// The login.
        user: Bytes,
        /// The challenge, with its angle brackets.
        salt: Bytes,
        /// The digest as the client sent it: 32 bytes, hex.
        digest: Secret<Bytes>,
    },
    /// APOP (RFC 1939).
    Apop {
        /// The login.
        user: Bytes,
        /// The challenge of the greeting, with its angle brackets.
        salt: Bytes,
        /// The digest as the client sent it: hex of any length.
        digest: Secret<Bytes>,
    },
    /// SASL EXTERNAL: the client's certificate proves the login.
    External {
        /// The login that the client asked for.
        user: Bytes,
    },
    /// SASL XOAUTH2 and OAUTHBEARER (RFC 7628).
    Bearer {
        /// The login.
        user: Bytes,
        /// The token.
        token: Secret<Bytes>,
        /// Which of the two.
        mechanism: Bearer,
    },
    /// SASL SCRAM (RFC 5802), as far as the client's first message.
    Scram {
        /// The login.
        user: Bytes,
        /// The message, in base64 as the client sent it.
        message: Bytes,
        /// Which of the mechanisms.
        mechanism: Scram,
    },
    /// No login: `smtp_auth none`.
    None,
}

impl Credentials {
    /// The login; empty where there is none.
    pub fn user(&self) -> &[u8] {
        match self {
            Credentials::Plain { user, .. }
            | Credentials::CramMd5 { user, .. }
            | Credentials::Apop { user, .. }
            | Credentials::External { user }
            | Credentials::Bearer { user, .. }
            | Credentials::Scram { user, .. } => user,
            Credentials::None => b"",
        }
    }

    /// The value of `Auth-Method`.
    pub fn method(&self) -> &'static str {
        match self {
            Credentials::Plain { .. } => "plain",
            Credentials::CramMd5 { .. } => "cram-md5",
            Credentials::Apop { .. } => "apop",
            Credentials::External { .. } => "external",
            Credentials::Bearer { mechanism, .. } => match mechanism {
                Bearer::Xoauth2 => "xoauth2",
                Bearer::OauthBearer => "oauthbearer",
            },
            Credentials::Scram { mechanism, .. } => match mechanism {
                Scram::Sha1 => "scram-sha-1",
                Scram::Sha256 => "scram-sha-256",
            },
            Credentials::None => "none",
        }
    }

    /// The password, where the client sent it. A token counts as one: backends without bearer mechanisms take it as a password.
    pub fn password(&self) -> Option<&Secret<Bytes>> {
        match self {
            Credentials::Plain { pass, .. } | Credentials::Bearer { token: pass, .. } => Some(pass),
            _ => None,
        }
    }

    /// The mechanism, if its errors have a format of their own.
    pub fn bearer(&self) -> Option<Bearer> {
        match self {
            Credentials::Bearer { mechanism, .. } => Some(*mechanism),
            _ => None,
        }
    }
}

/// The part of a login that the log shows. A login may be a whole message that the client sent in its place: that of PLAIN or
/// XOAUTH2, or a command line with the password.
#[must_use]
pub fn shown(user: &[u8]) -> &[u8] {
    const MARKS: [&[u8]; 3] = [b"\0", b"\x01AUTH=", b" PASS "];
    let is_mark = |at: usize| {
        let rest = &user[at..];
        MARKS.iter().any(|mark| {
            let start = rest.get(..mark.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(mark))
        })
    };
    let end = (0..user.len()).find(|&at| is_mark(at));
    &user[..end.unwrap_or(user.len())]
}

/// A client's host, as XCLIENT sends it.
#[derive(Clone, Copy, Debug)]
pub struct ClientHost<'a> {
    /// The address, in XCLIENT's form (`IPV6:` before IPv6).
    pub address: &'a str,
    /// The host name, or `[UNAVAILABLE]`, or `[TEMPUNAVAIL]`.
    pub name: &'a str,
    /// The port; `None` on a Unix socket.
    pub port: Option<u16>,
    /// The address that the client has connected to, where backends get it.
    pub connected: Option<SocketAddr>,
    /// The identifier in the logs.
    pub session: SessionId,
    /// The argument of ID (IMAP, with `imap_id on`) or XCLIENT (POP3, with `pop3_xclient on`) to a backend.
    pub identification: Option<&'a [u8]>,
}

/// How an SMTP client introduced itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Helo {
    /// The name it gave, if it gave one since the last STARTTLS.
    pub name: Option<Bytes>,
    /// It has used EHLO at least once, also before STARTTLS.
    pub extended: bool,
}

/// The mail that an SMTP client without a login wants to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The MAIL command as typed, without its line end.
    pub mail: Bytes,
    /// The RCPT command as typed; `None` where the backend already decides about MAIL.
    pub rcpt: Option<Bytes>,
}

/// The dialogue that a login comes from, with what the auth server and the backend need to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// SMTP
    Smtp {
        /// How the client introduced itself.
        helo: Helo,
        /// The mail that a client without a login wants to send.
        envelope: Option<Envelope>,
    },
    /// IMAP
    Imap {
        /// The tag of the client's command, which is also sent to the backend.
        tag: Bytes,
    },
    /// POP3
    Pop3,
    /// ManageSieve
    Sieve,
}

impl Origin {
    /// How a client of SMTP introduced itself.
    #[must_use]
    pub fn helo(&self) -> Option<&Helo> {
        match self {
            Origin::Smtp { helo, .. } => Some(helo),
            _ => None,
        }
    }

    /// The mail that an SMTP client without a login wants to send.
    #[must_use]
    pub fn envelope(&self) -> Option<&Envelope> {
        match self {
            Origin::Smtp { envelope, .. } => envelope.as_ref(),
            _ => None,
        }
    }

    /// The tag of an IMAP client's command.
    #[must_use]
    pub fn tag(&self) -> Option<&Bytes> {
        match self {
            Origin::Imap { tag } => Some(tag),
            _ => None,
        }
    }
}

/// A client's response to a message of the backend, in an exchange that the gateway relays.
#[derive(Clone, Debug)]
pub struct Response {
    /// The line as the client sent it, without its end: base64, or `*`.
    pub line: Secret<Bytes>,
    /// The dialogue that it comes from.
    pub origin: Origin,
}

/// The request that the auth server or the backend decides about.
#[derive(Clone, Debug)]
pub struct Login {
    /// The client's credentials.
    pub credentials: Credentials,
    /// The dialogue that it comes from.
    pub origin: Origin,
}

impl Login {
    /// The login, if it is the beginning of an exchange that is relayed.
    #[must_use]
    pub fn scram(&self) -> Option<&Self> {
        matches!(self.credentials, Credentials::Scram { .. }).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_shown_without_a_password() {
        for (user, want) in [
            (&b"joe"[..], &b"joe"[..]),
            (b"joe doe\x01x", b"joe doe\x01x"),
            (b"\0joe\0secret", b""),
            (b"joe\0secret", b"joe"),
            (b"user=joe\x01auth=Bearer t\x01\x01", b"user=joe"),
            (b"joe pass secret", b"joe"),
            (b"joe passat", b"joe passat"),
        ] {
            assert_eq!(shown(user), want);
        }
    }
}
