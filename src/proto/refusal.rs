//! Why a login did not lead to a backend, and how much of it the client hears.

use std::time::Duration;

use super::login::Bytes;
use super::sasl::{Bearer, Exchange};
use super::{Rejection, Step};

/// Why a login did not lead to a backend.
#[derive(Debug)]
pub enum Refusal {
    /// The auth server said no.
    Denied(Denial),
    /// The backend, as the judge, said no.
    Rejected {
        /// How.
        rejection: Rejection,
        /// The backend's own reply, where `proxy_pass_error_message` is on: whole lines.
        reply: Option<Box<[u8]>>,
    },
    /// The backend does not know this way to log in.
    Mechanism,
    /// There is no backend to be had just now.
    Unavailable,
}

/// An auth server's no.
#[derive(Debug, Default)]
pub struct Denial {
    /// `Auth-Error-Code`, where it sent one.
    pub code: Option<Bytes>,
    /// The text of `Auth-Status`.
    pub text: Bytes,
    /// `Auth-Wait`: how long the client waits for its answer. Zero ends the session with the answer.
    pub wait: Duration,
    /// `Auth-Error-SASL`, for a mechanism that has errors of its own: base64.
    pub error: Option<(Bearer, Bytes)>,
}

impl Denial {
    /// Tells the client: the protocol's error `line` at once, or first the mechanism's own error behind `prefix`. Then
    /// the exchange takes the client's next line, and has the error line.
    pub fn tell(
        &self,
        prefix: &[u8],
        line: Vec<u8>,
        out: &mut Vec<u8>,
    ) -> (Step, Option<Exchange>) {
        let closing = self.wait.is_zero();
        match &self.error {
            Some((mechanism, text)) => {
                for piece in [prefix, text, b"\r\n"] {
                    out.extend_from_slice(piece);
                }
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
