//! The reasons why a login does not lead to a backend, and the replies to the client.

use std::time::Duration;

use super::login::Bytes;
use super::sasl::{Bearer, Exchange, Frame};
use super::{Rejection, Step};

/// The reason why a login does not lead to a backend.
#[derive(Debug)]
pub enum Refusal {
    /// The auth server denied it.
    Denied(Denial),
    /// The backend, which authenticates clients itself, rejected it.
    Rejected {
        /// The reason, and whether the backend closes.
        rejection: Rejection,
        /// The backend's own reply in whole lines, with `proxy_pass_error_message on`.
        reply: Option<Box<[u8]>>,
    },
    /// The backend does not offer the mechanism.
    Mechanism,
    /// The backend cannot be reached.
    Unavailable,
    /// A limit is reached.
    Limited(Excess),
    /// The administrator keeps the user out while his mail is moved.
    Held,
}

/// The text of the replies to [`Refusal::Held`].
pub const HELD: &str = "Account is being moved, try again later";

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// `limit_conn`
    Connections,
    /// `limit_session`
    Sessions,
    /// `limit_auth`
    Logins,
}

impl Excess {
    /// The text of replies.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Connections => "Too many connections",
            Self::Sessions => "Too many sessions",
            Self::Logins => "Too many failed logins",
        }
    }

    /// The rejection that it amounts to: as by a backend that cannot take the login now. After failed logins the client may try again.
    pub const fn rejection(self) -> Rejection {
        Rejection {
            code: 454,
            closing: !matches!(self, Self::Logins),
        }
    }
}

/// An auth server's denial.
#[derive(Debug, Default)]
pub struct Denial {
    /// `Auth-Error-Code`, if it was sent.
    pub code: Option<Bytes>,
    /// The text of `Auth-Status`.
    pub text: Bytes,
    /// `Auth-Wait`: the delay of the reply to the client. Zero ends the session with the reply.
    pub wait: Duration,
    /// `Auth-Error-SASL` in base64, for a mechanism with errors of its own.
    pub error: Option<(Bearer, Bytes)>,
}

impl Denial {
    /// Whether the login may be accepted later: by the code (RFC 5321) or the response code (RFC 5530, RFC 3206).
    pub fn is_temporary(&self) -> bool {
        const WORDS: [&[u8]; 2] = [b"[UNAVAILABLE]", b"[SYS/TEMP]"];
        let code = self.code.as_deref().unwrap_or_default();
        code.starts_with(b"4") || WORDS.iter().any(|word| self.text.starts_with(word))
    }

    /// Writes the protocol's error `line`, or the mechanism's own error in `frame`. In the second case the returned exchange
    /// takes the client's next line and answers it with the error line.
    pub fn tell(&self, frame: Frame, line: Vec<u8>, out: &mut Vec<u8>) -> (Step, Option<Exchange>) {
        let closing = self.wait.is_zero();
        match &self.error {
            Some((mechanism, text)) => {
                frame.write(text, out);
                let mechanism = *mechanism;
                let exchange = Exchange::Failed {
                    mechanism,
                    line,
                    closing,
                };
                (Step::Next, Some(exchange))
            }
            None => {
                out.extend_from_slice(&line);
                (if closing { Step::Close } else { Step::Next }, None)
            }
        }
    }
}
