//! The protocol between the gateway and its auth server: the request, the answer, and its meaning.

mod answer;
mod request;

pub use answer::{Answer, Backend, Fault, Grant, Need, Outcome, Parsed, parse};
pub use request::{AuthRequest, Certificate, Tls};
