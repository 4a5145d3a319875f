//! What the shell asks of the client that a backend talks to when the auth server has decided.

use std::fmt::Debug;

/// What comes next.
#[derive(Debug)]
pub enum Progress {
    /// Send `out` and read the reply.
    Read,
    /// The login stands, and this was the reply to it.
    LoggedIn,
    /// Mail without a login: the client gets the backend's own reply, good or bad.
    Answered,
    /// The reply is not what it must be.
    Unexpected,
    /// The backend wants a password, and nobody told one.
    NoPassword,
}

/// One conversation, from the greeting to the login.
pub trait Back: Debug + Send + Sync {
    /// What is being done, in nginx's words.
    fn action(&self) -> &'static str;

    /// Length of the first whole reply in `bytes`, if one is whole.
    fn whole(&self, bytes: &[u8]) -> Option<usize>;

    /// Takes the backend's reply to what was sent last.
    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Progress;

    /// What the log shows of a reply that is not what it must be.
    fn shown<'a>(&self, reply: &'a [u8]) -> &'a [u8] {
        reply
    }
}
