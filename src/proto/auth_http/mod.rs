//! The protocol between the gateway and its auth server: what is asked, what is answered, what follows from it.

mod answer;
mod request;

pub use answer::{Answer, Backend, Fault, Grant, Need, Parsed, Verdict, parse};
pub use request::{Certificate, Inquiry, Tls, request};
