//! SASL (RFC 4422), the server's side: a client's messages in AUTH or AUTHENTICATE and in its answers to challenges, until its
//! credentials are complete. The protocols differ only in the form of a challenge ([`Frame`]).

mod bearer;
pub mod client;
mod cram_md5;
mod frame;
mod plain;
pub mod scram;

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub use super::login::Bearer;
use super::login::{Bytes, Response};
use super::note::Mechanism;
use super::{Credentials, Login, Note, Objection, Origin, Step, Turn, redact};
use crate::base::Secret;
use crate::config::{Method, Methods};
pub use frame::Frame;
use scram::Scram;

/// `Username:` and `Password:` in base64.
const USERNAME: &str = "VXNlcm5hbWU6";
const PASSWORD: &str = "UGFzc3dvcmQ6";

/// An exchange that takes the client's next line.
#[derive(Debug)]
pub enum Exchange {
    /// PLAIN sent its empty challenge.
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
        /// The challenge, with its angle brackets.
        salt: Bytes,
    },
    /// EXTERNAL asked for the user name.
    External,
    /// XOAUTH2 or OAUTHBEARER sent its empty challenge.
    Bearer(Bearer),
    /// SCRAM sent its empty challenge.
    Scram(Scram),
    /// The client was sent a message of the backend.
    Relayed(Scram),
    /// The auth server refused the login with the mechanism's own error; the client acknowledges it and then gets the
    /// protocol's error line.
    Failed {
        /// The mechanism.
        mechanism: Bearer,
        /// The protocol's error line.
        line: Vec<u8>,
        /// The session ends with it.
        closing: bool,
    },
}

/// The next step after a client's message.
#[derive(Debug)]
pub enum Outcome {
    /// Send this challenge, which is in base64, and give the next line to the exchange.
    Challenge(Cow<'static, str>, Exchange),
    /// The client asked for a CRAM-MD5 challenge.
    CramMd5,
    /// The credentials are complete.
    Done(Credentials),
    /// The backend gets this response to its message.
    Respond(Secret<Bytes>),
    /// Send this error line; the session ends with it, or goes on.
    Fail {
        /// The protocol's error line.
        line: Vec<u8>,
        /// The session ends with it.
        closing: bool,
    },
}

impl Outcome {
    /// Writes the reply to the client, with a challenge in `frame`. Returns the step of the session and the exchange that
    /// takes the client's next line. `origin` is called once the credentials are complete.
    pub fn apply(
        self,
        frame: Frame,
        origin: impl FnOnce() -> Origin,
        out: &mut Vec<u8>,
    ) -> (Turn, Option<Exchange>) {
        let step = match self {
            Outcome::Challenge(text, exchange) => {
                frame.write(text.as_bytes(), out);
                let login = match &exchange {
                    Exchange::LoginPass { user } => Some(user.clone()),
                    _ => None,
                };
                let turn = Turn {
                    login,
                    ..Step::Next.into()
                };
                return (turn, Some(exchange));
            }
            Outcome::CramMd5 => Step::Challenge(origin()),
            Outcome::Done(credentials) => Step::Authenticate(Box::new(Login {
                credentials,
                origin: origin(),
            })),
            Outcome::Respond(line) => Step::Respond(Box::new(Response {
                line,
                origin: origin(),
            })),
            Outcome::Fail { line, closing } => {
                out.extend_from_slice(&line);
                if closing { Step::Close } else { Step::Next }
            }
        };
        (step.into(), None)
    }
}

/// An invalid message. The client gets "invalid command".
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The line for the log.
    pub note: Option<Note>,
    /// The login, if the message has one. Later log lines show it.
    pub login: Option<Bytes>,
    /// The session ends with the reply.
    pub closing: bool,
    /// Why the command was refused.
    pub objection: Option<Objection>,
}

impl From<Objection> for Fault {
    fn from(objection: Objection) -> Self {
        Fault {
            objection: Some(objection),
            ..Fault::default()
        }
    }
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
    /// A fault with this line for the log, in a message that has a login.
    fn of(self, login: &[u8]) -> Fault {
        Fault {
            login: Some(login.into()),
            ..self.into()
        }
    }
}

/// Takes the arguments of AUTH or AUTHENTICATE. `methods` are the mechanisms that the server offers; PLAIN and LOGIN always
/// work.
///
/// # Errors
/// The mechanism is unknown or not offered, there is a third argument, or the initial response is invalid.
pub fn begin<'a>(
    mechanism: &[u8],
    mut arguments: impl Iterator<Item = &'a [u8]>,
    methods: Methods,
) -> Result<Outcome, Fault> {
    let (initial, more) = (arguments.next(), arguments.next().is_some());
    let enabled = |method| methods.has(method);
    let (challenge, exchange) = match &*mechanism.to_ascii_uppercase() {
        _ if more => return Err(Fault::default()),
        b"PLAIN" => ("", Exchange::Plain),
        b"LOGIN" => (USERNAME, Exchange::LoginUser),
        b"CRAM-MD5" if enabled(Method::CramMd5) && initial.is_none() => {
            return Ok(Outcome::CramMd5);
        }
        b"EXTERNAL" if enabled(Method::External) => (USERNAME, Exchange::External),
        b"XOAUTH2" if enabled(Method::Xoauth2) => ("", Exchange::Bearer(Bearer::Xoauth2)),
        b"OAUTHBEARER" if enabled(Method::OauthBearer) => {
            ("", Exchange::Bearer(Bearer::OauthBearer))
        }
        b"SCRAM-SHA-1" if enabled(Method::ScramSha1) => ("", Exchange::Scram(Scram::Sha1)),
        b"SCRAM-SHA-256" if enabled(Method::ScramSha256) => ("", Exchange::Scram(Scram::Sha256)),
        _ => return Err(Fault::default()),
    };
    match initial {
        Some(message) => exchange.answer(message),
        None => Ok(Outcome::Challenge(challenge.into(), exchange)),
    }
}

impl Exchange {
    /// Takes the client's answer, a line without its end.
    ///
    /// # Errors
    /// The answer is invalid.
    pub fn answer(self, text: &[u8]) -> Result<Outcome, Fault> {
        let credentials = match self {
            Exchange::Plain => plain::plain(text)?,
            Exchange::LoginUser => {
                let user = plain::user(text, "LOGIN")?;
                let exchange = Exchange::LoginPass { user };
                return Ok(Outcome::Challenge(PASSWORD.into(), exchange));
            }
            Exchange::LoginPass { user } => plain::password(user, text)?,
            Exchange::CramMd5 { salt } => cram_md5::cram_md5(text, &salt)?,
            Exchange::External => Credentials::External {
                user: plain::user(text, "EXTERNAL")?,
            },
            Exchange::Bearer(mechanism) => mechanism.credentials(text)?,
            Exchange::Scram(mechanism) => mechanism.credentials(text)?,
            Exchange::Relayed(mechanism) => {
                if text != scram::CANCEL && !scram::is_message(text) {
                    return Err(Note::Encoding(mechanism.name()).into());
                }
                return Ok(Outcome::Respond(Secret::new(text.into())));
            }
            Exchange::Failed {
                mechanism,
                line,
                closing,
            } => {
                if text == mechanism.acknowledgement().as_bytes() {
                    return Ok(Outcome::Fail { line, closing });
                }
                return Err(Fault {
                    closing,
                    ..Fault::default()
                });
            }
        };
        Ok(Outcome::Done(credentials))
    }

    /// The part of a client's line that the log may show: nothing of an answer to a challenge.
    pub fn shown(exchange: Option<&Self>, line: &[u8]) -> Bytes {
        match exchange {
            Some(_) => redact::HIDDEN.into(),
            None => redact::command(line).into(),
        }
    }

    /// A message of the backend, which is in base64, and the exchange that takes the response.
    pub fn relayed(mechanism: Scram, text: &[u8]) -> Outcome {
        let text = String::from_utf8_lossy(text).into_owned();
        Outcome::Challenge(text.into(), Exchange::Relayed(mechanism))
    }

    /// The challenge of CRAM-MD5 and the exchange that takes its answer.
    pub fn cram_md5(salt: Bytes) -> Outcome {
        Outcome::Challenge(encode(&salt).into(), Exchange::CramMd5 { salt })
    }
}

/// Base64 with padding optional and trailing bits of the last character ignored: some clients need both.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes one argument up to the first `=`.
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

/// Whether a login or a password contains CR, LF or NUL, which would end it at a backend.
pub(super) fn forbidden(bytes: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, bytes).is_some()
}

#[cfg(test)]
mod tests;
