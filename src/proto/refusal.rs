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
