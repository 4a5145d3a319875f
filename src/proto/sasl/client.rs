//! The other side of SASL: mechanisms by their names, and what the gateway says when it logs in with a client's credentials.

use super::{Bearer, encode};
use crate::base::Secret;
use crate::config::{Method, Methods};
use crate::proto::Credentials;
use crate::proto::login::Bytes;

/// SASL's names of the mechanisms, in the order in which they are announced.
const NAMES: [(Method, &str); 6] = [
    (Method::Plain, "PLAIN"),
    (Method::Login, "LOGIN"),
    (Method::CramMd5, "CRAM-MD5"),
    (Method::External, "EXTERNAL"),
    (Method::Xoauth2, "XOAUTH2"),
    (Method::OauthBearer, "OAUTHBEARER"),
];

/// The names of those in the set.
pub fn names(methods: Methods) -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .filter(move |(method, _)| methods.has(*method))
        .map(|(_, name)| *name)
}

/// The mechanisms that a backend announces by these words. Unknown ones are no use to the gateway.
pub fn announced<'a>(words: impl Iterator<Item = &'a [u8]>) -> Methods {
    let mut methods = Methods::default();
    for word in words {
        let named = NAMES
            .iter()
            .find(|(_, name)| word.eq_ignore_ascii_case(name.as_bytes()));
        if let Some((method, _)) = named {
            methods.insert(*method);
        }
    }
    methods
}

/// A mechanism of one message, and the message.
#[derive(Debug)]
pub struct Initial {
    /// Which.
    pub method: Method,
    /// Its name.
    pub name: &'static str,
    /// The message in base64; `=` stands for an empty one (RFC 4954, 4).
    pub message: Secret<String>,
    /// What answers a second challenge, by which the backend says why it refuses: in base64.
    pub acknowledgement: &'static [u8],
}

/// The way to log in with these credentials in one message. `None` where there is none: challenge and answer belong together.
pub fn initial(credentials: &Credentials) -> Option<Initial> {
    let (method, message) = match credentials {
        Credentials::Plain { user, pass } => {
            let message = [b"\0", &**user, b"\0", &**pass.reveal()].concat();
            (Method::Plain, message)
        }
        Credentials::External { user } => (Method::External, user.to_vec()),
        Credentials::Bearer {
            user,
            token,
            mechanism,
        } => {
            let method = match mechanism {
                Bearer::Xoauth2 => Method::Xoauth2,
                Bearer::OauthBearer => Method::OauthBearer,
            };
            (method, mechanism.message(user, token.reveal()))
        }
        _ => return None,
    };
    let message = match encode(&message) {
        empty if empty.is_empty() => "=".into(),
        text => text,
    };
    Some(Initial {
        method,
        name: names(Methods::of(&[method])).next()?,
        message: Secret::new(message),
        acknowledgement: match credentials {
            Credentials::Bearer { mechanism, .. } => mechanism.acknowledgement(),
            _ => b"*",
        },
    })
}

/// The answer to a challenge of CRAM-MD5 (RFC 2195), in base64.
pub fn cram_md5(user: &[u8], digest: &Secret<Bytes>) -> String {
    encode(&[user, b" ", &**digest.reveal()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::sasl::decode;

    #[test]
    fn what_is_written_is_read() {
        let secret = || Secret::new(b"pass".as_slice().into());
        let user = || b"us,=er".as_slice().into();
        for credentials in [
            Credentials::Plain {
                user: user(),
                pass: secret(),
            },
            Credentials::Bearer {
                user: user(),
                token: secret(),
                mechanism: Bearer::Xoauth2,
            },
            Credentials::Bearer {
                user: user(),
                token: secret(),
                mechanism: Bearer::OauthBearer,
            },
            Credentials::External { user: user() },
        ] {
            let initial = initial(&credentials).expect("a message");
            let begun = super::super::begin(
                initial.name.as_bytes(),
                [initial.message.reveal().as_bytes()].into_iter(),
                Methods::of(&[initial.method]),
            );
            let Ok(super::super::Move::Done(read)) = begun else {
                panic!("{begun:?}");
            };
            assert_eq!(read, credentials);
        }
    }

    #[test]
    fn names_come_and_go() {
        let methods = announced([&b"login"[..], b"NTLM", b"XOAUTH2"].into_iter());
        assert_eq!(names(methods).collect::<Vec<_>>(), ["LOGIN", "XOAUTH2"]);
        let empty = Credentials::External {
            user: Box::default(),
        };
        let initial = initial(&empty).expect("a message");
        assert_eq!(initial.message.reveal(), "=");
        assert_eq!(decode(b"=", "EXTERNAL").as_deref(), Ok(&b""[..]));
    }
}
