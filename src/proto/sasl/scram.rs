//! SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677). The client and the backend prove to each other that they know the password;
//! the gateway only reads the login in the client's first message and relays all messages unchanged.
//!
//! The mechanisms with channel binding are never offered: a client is bound to the gateway's TLS, not to the backend's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Fault;
use super::bearer::saslname;
use crate::base::Secret;
use crate::config::Method;
pub use crate::proto::login::Scram;
use crate::proto::login::{Bytes, Credentials};
use crate::proto::note::{Mechanism, Note};

/// The client's response that cancels an exchange (RFC 4954, section 4).
pub const CANCEL: &[u8] = b"*";

impl Scram {
    /// The mechanism's name, for backends, clients and the log.
    pub fn name(self) -> Mechanism {
        match self {
            Scram::Sha1 => "SCRAM-SHA-1",
            Scram::Sha256 => "SCRAM-SHA-256",
        }
    }

    /// The method that allows it.
    pub fn method(self) -> Method {
        match self {
            Scram::Sha1 => Method::ScramSha1,
            Scram::Sha256 => Method::ScramSha256,
        }
    }

    /// Reads the client's first message, which is in base64.
    pub(super) fn credentials(self, text: &[u8]) -> Result<Credentials, Fault> {
        // Strict, because the backend decodes the same text: both must find the same login.
        let message = STANDARD.decode(text);
        let message = message.map_err(|_| Note::Encoding(self.name()))?;
        if message.starts_with(b"p=") {
            return Err(Note::ChannelBinding(self.name()).into());
        }
        if message.iter().any(u8::is_ascii_control) {
            return Err(Note::Login(self.name()).into());
        }
        let user = login(&message).ok_or(Note::Login(self.name()))?;
        Ok(Credentials::Scram {
            user: user.into(),
            message: text.into(),
            mechanism: self,
        })
    }
}

/// The login in `client-first-message` (RFC 5802, section 7): `n` or `y`, `,` [`a=` authzid] `,n=` login `,r=` nonce [`,` extensions].
/// The authzid is the backend's business.
fn login(message: &[u8]) -> Option<Vec<u8>> {
    let (b"n," | b"y,", rest) = message.split_at_checked(2)? else {
        return None;
    };
    let (authzid, rest) = attribute(rest);
    if !authzid.is_empty() {
        name(authzid.strip_prefix(b"a=")?)?;
    }
    let (user, rest) = attribute(rest?);
    let user = name(user.strip_prefix(b"n=")?)?;
    let (nonce, _) = attribute(rest?);
    let is_nonce = nonce.strip_prefix(b"r=").is_some_and(|own| !own.is_empty());
    is_nonce.then_some(user)
}

/// The text up to the first comma, and the text after it if there is one.
fn attribute(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b',', text) {
        Some(end) => (&text[..end], Some(&text[end + 1..])),
        None => (text, None),
    }
}

fn name(text: &[u8]) -> Option<Vec<u8>> {
    saslname(text).filter(|name| !name.is_empty())
}

/// Whether a message can be relayed: base64, which ends no line.
pub fn is_message(text: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    text.iter().all(is_base64)
}

/// The part of the client's last message that the log must not show: passwords can be guessed from it.
pub fn proof(text: &[u8]) -> Option<Secret<Bytes>> {
    let message = STANDARD.decode(text).ok()?;
    let at = memchr::memmem::rfind(&message, b",p=")?;
    Some(Secret::new(message[at + 3..].into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::sasl::encode;

    #[test]
    fn the_login_is_in_the_first_message() {
        let login = "login in AUTH SCRAM-SHA-256 command";
        for (message, want) in [
            (&b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"[..], Ok("user")),
            (b"y,,n=user,r=x", Ok("user")),
            (b"n,a=admin,n=user,r=x,ext=1", Ok("user")),
            (b"n,a==2C,n=a=2Cb=3Dc,r=x", Ok("a,b=c")),
            (b"n,,n=\xc3\xbc,r=x", Ok("\u{fc}")),
            (
                b"p=tls-exporter,,n=user,r=x",
                Err("channel binding in AUTH SCRAM-SHA-256 command"),
            ),
            (b"", Err(login)),
            (b"n", Err(login)),
            (b"n,", Err(login)),
            (b"x,,n=user,r=x", Err(login)),
            (b"n=user,r=x", Err(login)),
            (b"n,admin,n=user,r=x", Err(login)),
            (b"n,a=,n=user,r=x", Err(login)),
            (b"n,a==2D,n=user,r=x", Err(login)),
            (b"n,,m=ext,n=user,r=x", Err(login)),
            (b"n,,n=,r=x", Err(login)),
            (b"n,,n=a=2cb,r=x", Err(login)),
            (b"n,,n=a=,r=x", Err(login)),
            (b"n,,n=user", Err(login)),
            (b"n,,n=user,r=", Err(login)),
            (b"n,,n=us\rer,r=x", Err(login)),
            (b"n,,n=us\0er,r=x", Err(login)),
            (b"n,,n=user,r=x\n", Err(login)),
            (b"n,,n=us\x7fer,r=x", Err(login)),
        ] {
            let read = Scram::Sha256.credentials(encode(message).as_bytes());
            let read = match &read {
                Ok(credentials) => Ok(String::from_utf8_lossy(credentials.user())),
                Err(fault) => Err(fault.note.as_ref().map(Note::to_string).unwrap_or_default()),
            };
            let want = want.map(Into::into);
            let want = want.map_err(|text| format!("client sent invalid {text}"));
            assert_eq!(read, want, "{:?}", message.escape_ascii());
        }
    }

    #[test]
    fn the_first_message_has_one_reading() {
        // The same message with missing padding, with text after the padding, and with bits that a lenient decoder ignores.
        let text = encode(b"n,,n=user,r=abcd");
        for text in [
            text.trim_end_matches('=').to_owned(),
            format!("{text}AAAA"),
            text.replace("ZA==", "ZB=="),
            "*".to_owned(),
            "=".to_owned(),
        ] {
            let read = Scram::Sha1.credentials(text.as_bytes());
            let note = read.expect_err(&text).note;
            assert_eq!(note, Some(Note::Encoding("SCRAM-SHA-1")), "{text}");
        }
    }

    #[test]
    fn the_proof_is_found() {
        let last = encode(b"c=biws,r=abc,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
        let proof = proof(last.as_bytes()).map(|proof| proof.reveal().to_vec());
        assert_eq!(proof.as_deref(), Some(&b"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="[..]));
        assert!(super::proof(b"*").is_none() && super::proof(b"").is_none());
    }
}
