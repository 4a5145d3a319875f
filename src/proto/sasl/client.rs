//! The client side of SASL, once for all protocols: mechanisms by their names, and what the gateway sends to log in with a
//! client's credentials. `backend::steps` and each protocol's `wire` frame the messages.

use super::{Bearer, encode};
use crate::base::Secret;
use crate::config::{Method, Methods};
use crate::proto::login::{Bytes, Credentials};

/// SASL's names of the mechanisms, in the order in which they are announced.
const NAMES: [(Method, &str); 8] = [
    (Method::Plain, "PLAIN"),
    (Method::Login, "LOGIN"),
    (Method::CramMd5, "CRAM-MD5"),
    (Method::External, "EXTERNAL"),
    (Method::Xoauth2, "XOAUTH2"),
    (Method::OauthBearer, "OAUTHBEARER"),
    (Method::ScramSha1, "SCRAM-SHA-1"),
    (Method::ScramSha256, "SCRAM-SHA-256"),
];

/// The names of the mechanisms in the set.
pub fn names(methods: Methods) -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .filter(move |(method, _)| methods.has(*method))
        .map(|(_, name)| *name)
}

/// The mechanisms that a server announces by these words. Unknown ones are left out.
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

/// One exchange, as the client side sends it. All texts are in base64.
#[derive(Debug)]
pub struct Exchange {
    /// The mechanism's name.
    pub mechanism: &'static str,
    /// The message that may go along with the command as an initial response; it may be empty.
    pub initial: Option<Secret<String>>,
    /// The answers to the server's challenges.
    pub answers: Vec<Secret<String>>,
    /// The answer to a further challenge, with which the server gives the reason of its refusal (RFC 7628, section 3.2.3).
    pub acknowledgement: Option<&'static str>,
}

impl Exchange {
    /// PLAIN (RFC 4616).
    pub fn plain(user: &[u8], pass: &Secret<Bytes>) -> Self {
        let message = [b"\0", user, b"\0", &**pass.reveal()].concat();
        Self::one_message("PLAIN", &message, "*")
    }

    /// LOGIN.
    pub fn login(user: &[u8], pass: &Secret<Bytes>) -> Self {
        let answers = [user, &**pass.reveal()].map(|text| Secret::new(encode(text)));
        Exchange {
            mechanism: "LOGIN",
            initial: None,
            answers: answers.into(),
            acknowledgement: None,
        }
    }

    fn one_message(mechanism: &'static str, message: &[u8], acknowledgement: &'static str) -> Self {
        Exchange {
            mechanism,
            initial: Some(Secret::new(encode(message))),
            answers: Vec::new(),
            acknowledgement: Some(acknowledgement),
        }
    }

    /// The exchange for these credentials in a mechanism of one message, if the server offers that. CRAM-MD5, APOP and SCRAM
    /// have none: challenge and answer belong together.
    pub fn in_one_message(credentials: &Credentials, offered: Methods) -> Option<Self> {
        match credentials {
            Credentials::Plain { user, pass } => {
                (offered.has(Method::Plain)).then(|| Self::plain(user, pass))
            }
            Credentials::External { user } => {
                (offered.has(Method::External)).then(|| Self::one_message("EXTERNAL", user, "*"))
            }
            Credentials::Bearer {
                user,
                token,
                mechanism,
            } => {
                let method = match mechanism {
                    Bearer::Xoauth2 => Method::Xoauth2,
                    Bearer::OauthBearer => Method::OauthBearer,
                };
                let message = mechanism.message(user, token.reveal());
                (offered.has(method)).then(|| {
                    Self::one_message(mechanism.name(), &message, mechanism.acknowledgement())
                })
            }
            Credentials::CramMd5 { .. }
            | Credentials::Apop { .. }
            | Credentials::Scram { .. }
            | Credentials::None => None,
        }
    }
}

/// The answer to a challenge of CRAM-MD5 (RFC 2195), in base64.
pub fn cram_md5(user: &[u8], digest: &Secret<Bytes>) -> String {
    encode(&[user, b" ", &**digest.reveal()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::sasl::{Outcome, begin, decode};

    const ONE_MESSAGE: Methods = Methods::of(&[
        Method::Plain,
        Method::External,
        Method::Xoauth2,
        Method::OauthBearer,
    ]);

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
            let exchange =
                Exchange::in_one_message(&credentials, ONE_MESSAGE).expect("a mechanism");
            let message = exchange.initial.expect("a message");
            let begun = begin(
                exchange.mechanism.as_bytes(),
                [message.reveal().as_bytes()].into_iter(),
                ONE_MESSAGE,
            );
            let Ok(Outcome::Done(read)) = begun else {
                panic!("{begun:?}");
            };
            assert_eq!(read, credentials);
            assert!(
                Exchange::in_one_message(&credentials, Methods::of(&[Method::Login])).is_none()
            );
        }
    }

    #[test]
    fn names_come_and_go() {
        let methods = announced([&b"login"[..], b"NTLM", b"XOAUTH2"].into_iter());
        assert_eq!(names(methods).collect::<Vec<_>>(), ["LOGIN", "XOAUTH2"]);
        assert_eq!(decode(b"=", "EXTERNAL").as_deref(), Ok(&b""[..]));
    }
}
