//! What the shell asks of the client that a backend talks to when the backend itself decides (`proxy_pass` alone).

use std::fmt::Debug;

use super::login::Bytes;
use super::{Login, Origin};

/// What the client wants of the backend.
#[derive(Debug)]
pub enum Plea {
    /// A challenge for CRAM-MD5.
    Challenge(Origin),
    /// To be logged in, or to send mail without a login.
    Login(Login),
}

impl Plea {
    /// The dialogue it comes from.
    pub fn origin(&self) -> &Origin {
        match self {
            Plea::Challenge(origin) => origin,
            Plea::Login(login) => &login.origin,
        }
    }
}

/// A backend's no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The SMTP code, or the one that says the same: 400 to 499 when a later attempt may succeed, else 500 to 599.
    pub code: u16,
    /// The backend ends the conversation with it.
    pub closing: bool,
}

/// What comes next.
#[derive(Debug)]
pub enum Hearing {
    /// Send `out` and read the reply.
    Read,
    /// The challenge for the client.
    Challenge(Bytes),
    /// Logged in, and this was the reply to it.
    LoggedIn,
    /// Mail without a login: the client gets the backend's own reply, good or bad.
    Answered,
    /// The backend said no; unless it is closing, the conversation can go on.
    Refused(Rejection),
    /// The backend does not offer this way to log in; the conversation can go on.
    NotOffered,
    /// The reply is not what it must be: the conversation is over.
    Unexpected,
}

/// One conversation. It outlives a refusal: the client may try again, and the backend sees its attempts as one session.
pub trait Judge: Debug + Send + Sync {
    /// What is being done, in nginx's words.
    fn action(&self) -> &'static str;

    /// Length of the first whole reply in `bytes`, if one is whole.
    fn whole(&self, bytes: &[u8]) -> Option<usize>;

    /// Whether a plea from there belongs into this conversation; else it needs a new one.
    fn suits(&self, origin: &Origin) -> bool;

    /// Says what the client wants. When nothing is on its way already, `out` has the first line of it.
    fn plead(&mut self, plea: Plea, out: &mut Vec<u8>) -> Hearing;

    /// Takes the backend's reply to what was sent last.
    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Hearing;
}
