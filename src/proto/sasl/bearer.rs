//! Bearer tokens of OAuth 2.0: XOAUTH2, as Google and Microsoft define it, and OAUTHBEARER (RFC 7628).

use super::{Fault, decode, forbidden};
use crate::base::Secret;
use crate::proto::login::{Bearer, Credentials};
use crate::proto::note::{Mechanism, Note};

/// Ends a field of a message; two of them end the message.
const SEPARATOR: u8 = 1;
const TOKEN: &[u8] = b"auth=Bearer ";

impl Bearer {
    /// The mechanism's name, for clients and the log.
    pub fn name(self) -> Mechanism {
        match self {
            Bearer::Xoauth2 => "XOAUTH2",
            Bearer::OauthBearer => "OAUTHBEARER",
        }
    }

    /// The client's answer to an error, in base64: empty in XOAUTH2, one ^A in OAUTHBEARER (RFC 7628, section 3.2.3).
    pub(super) fn acknowledgement(self) -> &'static str {
        match self {
            Bearer::Xoauth2 => "",
            Bearer::OauthBearer => "AQ==",
        }
    }

    /// Writes a message.
    pub(super) fn message(self, user: &[u8], token: &[u8]) -> Vec<u8> {
        match self {
            Bearer::Xoauth2 => [b"user=", user, b"\x01auth=Bearer ", token, b"\x01\x01"].concat(),
            Bearer::OauthBearer => {
                let mut message = b"n,a=".to_vec();
                for &byte in user {
                    match byte {
                        b',' => message.extend_from_slice(b"=2C"),
                        b'=' => message.extend_from_slice(b"=3D"),
                        byte => message.push(byte),
                    }
                }
                message.extend_from_slice(b",\x01auth=Bearer ");
                message.extend_from_slice(token);
                message.extend_from_slice(b"\x01\x01");
                message
            }
        }
    }

    /// Parses a message.
    pub(super) fn credentials(self, text: &[u8]) -> Result<Credentials, Fault> {
        let message = decode(text, self.name())?;
        let split = match self {
            Bearer::Xoauth2 => xoauth2(&message),
            Bearer::OauthBearer => oauthbearer(&message),
        };
        let (user, fields) = split.ok_or(Note::Login(self.name()))?;
        if forbidden(&user) {
            return Err(Note::Login(self.name()).of(&user));
        }
        match fields.and_then(token).filter(|token| !forbidden(token)) {
            Some(token) => Ok(Credentials::Bearer {
                user: user.into(),
                token: Secret::new(token.into()),
                mechanism: self,
            }),
            None => Err(Note::Token(self.name()).of(&user)),
        }
    }
}

/// The login, and the field with the token if the message has one.
type Split<'a> = Option<(Vec<u8>, Option<&'a [u8]>)>;

/// `user=` login `^A` `auth=Bearer ` token `^A^A`
fn xoauth2(message: &[u8]) -> Split<'_> {
    let rest = after(message, b"user=")?;
    let end = memchr::memchr(SEPARATOR, rest)?;
    Some((rest[..end].into(), after(&rest[end + 1..], TOKEN)))
}

/// `n,a=` login `,^A` fields, each followed by `^A`, `auth=Bearer ` token `^A^A`
fn oauthbearer(message: &[u8]) -> Split<'_> {
    let rest = after(message, b"n,a=")?;
    let end = memchr::memchr(b',', rest)?;
    let user = saslname(&rest[..end])?;
    let mut fields = rest[end + 1..].strip_prefix(&[SEPARATOR])?;
    loop {
        if let Some(field) = after(fields, TOKEN) {
            return Some((user, Some(field)));
        }
        match memchr::memchr(SEPARATOR, fields) {
            Some(end) => fields = &fields[end + 1..],
            None => return Some((user, None)),
        }
    }
}

/// A login in which `=2C` stands for a comma and `=3D` for `=` (RFC 5801, section 4).
pub(super) fn saslname(text: &[u8]) -> Option<Vec<u8>> {
    let mut pieces = text.split(|&byte| byte == b'=');
    let mut name = pieces.next()?.to_vec();
    for piece in pieces {
        let (byte, rest) = match piece {
            [b'2', b'C', rest @ ..] => (b',', rest),
            [b'3', b'D', rest @ ..] => (b'=', rest),
            _ => return None,
        };
        name.push(byte);
        name.extend_from_slice(rest);
    }
    Some(name)
}

/// The token, if the end of the message follows it.
fn token(field: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(SEPARATOR, field)?;
    (field[end..] == [SEPARATOR; 2]).then(|| &field[..end])
}

/// The text after a prefix, which is compared without case.
fn after<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
