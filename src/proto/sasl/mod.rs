//! SASL (RFC 4422) for the three protocols: what a client says in AUTH or AUTHENTICATE and in its answers, step by step
//! until its credentials are complete. Which bytes stand before a challenge is the front's to know.

mod bearer;
pub mod client;
mod cram_md5;
mod plain;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub use super::login::Bearer;
use super::login::Bytes;
use super::note::Mechanism;
use super::{Credentials, Note};
use crate::config::{Method, Methods};

/// `Username:` and `Password:` in base64.
const USERNAME: &str = "VXNlcm5hbWU6";
const PASSWORD: &str = "UGFzc3dvcmQ6";

/// An exchange that waits for the client's next line.
#[derive(Debug)]
pub enum Exchange {
    /// PLAIN asked for its message.
    Plain,
    /// LOGIN asked for the user name.
    LoginUser,
    /// LOGIN asked for the password.
    LoginPass {
        /// The user name.
        user: Bytes,
    },
    /// CRAM-MD5 sent its challenge.
    CramMd5 {
        /// It, with its angle brackets.
        salt: Bytes,
    },
    /// EXTERNAL asked for the user name.
    External,
    /// XOAUTH2 or OAUTHBEARER asked for its message.
    Bearer(Bearer),
    /// The auth server said no in the mechanism's own words; the client has to take note before it hears the rest.
    Failed {
        /// The mechanism.
        mechanism: Bearer,
        /// The protocol's error line.
        line: Vec<u8>,
        /// The session ends with it.
        closing: bool,
    },
}

/// What a message came to.
#[derive(Debug)]
pub enum Move {
    /// Send this challenge, which is in base64, and give the next line to the exchange.
    Challenge(&'static str, Exchange),
    /// The client wants a challenge for CRAM-MD5.
    Salt,
    /// The client said all.
    Done(Credentials),
    /// Send this error line; the session ends with it, or goes on.
    Fail {
        /// The protocol's error line.
        line: Vec<u8>,
        /// The session ends with it.
        closing: bool,
    },
}

/// A message that is refused: the client hears "invalid command".
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The line for the log.
    pub note: Option<Note>,
    /// The login, if the message told one: the log shows it from now on.
    pub login: Option<Bytes>,
    /// The session ends all the same.
    pub closing: bool,
}

impl From<Note> for Fault {
    fn from(note: Note) -> Self {
        Fault {
            note: Some(note),
            ..Fault::default()
        }
    }
}

impl Note {
    /// This line, about a message that told a login.
    fn of(self, login: &[u8]) -> Fault {
        Fault {
            login: Some(login.into()),
            ..self.into()
        }
    }
}

/// Takes AUTH's or AUTHENTICATE's arguments. `methods` are those that the server offers; PLAIN and LOGIN always work.
///
/// # Errors
/// The mechanism is unknown or not offered, has a third argument, or its initial response is not what it must be.
pub fn begin<'a>(
    mechanism: &[u8],
    mut arguments: impl Iterator<Item = &'a [u8]>,
    methods: Methods,
) -> Result<Move, Fault> {
    let (initial, more) = (arguments.next(), arguments.next().is_some());
    let enabled = |method| methods.has(method);
    let (challenge, exchange) = match &*mechanism.to_ascii_uppercase() {
        _ if more => return Err(Fault::default()),
        b"PLAIN" => ("", Exchange::Plain),
        b"LOGIN" => (USERNAME, Exchange::LoginUser),
        b"CRAM-MD5" if enabled(Method::CramMd5) && initial.is_none() => return Ok(Move::Salt),
        b"EXTERNAL" if enabled(Method::External) => (USERNAME, Exchange::External),
        b"XOAUTH2" if enabled(Method::Xoauth2) => ("", Exchange::Bearer(Bearer::Xoauth2)),
        b"OAUTHBEARER" if enabled(Method::OauthBearer) => {
            ("", Exchange::Bearer(Bearer::OauthBearer))
        }
        _ => return Err(Fault::default()),
    };
    match initial {
        Some(message) => exchange.answer(message),
        None => Ok(Move::Challenge(challenge, exchange)),
    }
}

impl Exchange {
    /// Takes the client's answer: a line without its end.
    ///
    /// # Errors
    /// It is not what it must be.
    pub fn answer(self, text: &[u8]) -> Result<Move, Fault> {
        let credentials = match self {
            Exchange::Plain => plain::plain(text)?,
            Exchange::LoginUser => {
                let user = plain::user(text, "LOGIN")?;
                return Ok(Move::Challenge(PASSWORD, Exchange::LoginPass { user }));
            }
            Exchange::LoginPass { user } => plain::password(user, text)?,
            Exchange::CramMd5 { salt } => cram_md5::cram_md5(text, &salt)?,
            Exchange::External => Credentials::External {
                user: plain::user(text, "EXTERNAL")?,
            },
            Exchange::Bearer(mechanism) => mechanism.credentials(text)?,
            Exchange::Failed {
                mechanism,
                line,
                closing,
            } => {
                if text == mechanism.acknowledgement().as_bytes() {
                    return Ok(Move::Fail { line, closing });
                }
                return Err(Fault {
                    closing,
                    ..Fault::default()
                });
            }
        };
        Ok(Move::Done(credentials))
    }

    /// The login told so far.
    pub fn login(&self) -> Option<&Bytes> {
        match self {
            Exchange::LoginPass { user } => Some(user),
            _ => None,
        }
    }
}

/// Padding may be missing, and the last character may carry stray bits: clients do both.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes one argument. What follows the first `=` is not looked at.
fn decode(text: &[u8], mechanism: Mechanism) -> Result<Vec<u8>, Note> {
    let end = memchr::memchr(b'=', text).unwrap_or(text.len());
    LENIENT
        .decode(&text[..end])
        .map_err(|_| Note::Encoding(mechanism))
}

/// Encodes a challenge or an answer.
pub fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A challenge that a backend sent; `None` when it is not base64.
pub fn challenge(text: &[u8]) -> Option<Box<[u8]>> {
    decode(text.trim_ascii_end(), "").ok().map(Into::into)
}

/// CR, LF and NUL have no place in a login or a password: a backend would take them for the end of one.
pub(super) fn forbidden(bytes: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, bytes).is_some()
}

#[cfg(test)]
mod tests;
