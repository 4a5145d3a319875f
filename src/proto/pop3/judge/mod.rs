//! The POP3 client that a backend talks to when the backend itself decides about logins (`proxy_pass` alone).
//!
//! It asks for the backend's capabilities first, and passes a login on in a way that is among them. The conversation
//! outlives a refusal: the client may try again, and the backend sees its attempts as one session.

use super::back::say;
use super::capabilities::Offers;
use super::reply;
use crate::base::Secret;
use crate::config::Method;
use crate::proto;
use crate::proto::judge::{Hearing, Plea};
use crate::proto::login::Bytes;
use crate::proto::sasl::client::{self, Initial};
use crate::proto::{Credentials, Login, Origin, Rejection, sasl};

/// The longest message that goes out behind AUTH itself: a command has 255 bytes (RFC 2449, 4).
const INITIAL: usize = 200;

#[derive(Debug, Default)]
enum State {
    /// The greeting is awaited.
    #[default]
    Greeting,
    /// CAPA was sent.
    Capa,
    /// Between two pleas.
    Idle,
    /// USER was sent.
    User { pass: Secret<Bytes> },
    /// AUTH was sent, its message was too long to go with it.
    Message(Initial),
    /// The message was sent; a challenge now is the backend's reason to refuse, and wants this answer.
    Answered(&'static [u8]),
    /// `AUTH LOGIN` was sent.
    LoginUser { user: Bytes, pass: Secret<Bytes> },
    /// … and the user name.
    LoginPass { pass: Secret<Bytes> },
    /// All that a login needs was sent.
    Verdict,
    /// `AUTH CRAM-MD5` was sent.
    CramMd5,
    /// The challenge is with the client.
    Challenged,
    /// A challenge was given up; its plea comes after the backend's word on that.
    Cancelled,
}

/// One conversation, which begins by waiting for the greeting.
#[derive(Debug, Default)]
pub struct Judge {
    state: State,
    offers: Offers,
    plea: Option<Plea>,
}

impl Judge {
    /// Begins the plea that waited.
    fn next(&mut self, out: &mut Vec<u8>) -> Hearing {
        match self.plea.take() {
            Some(plea) => self.begin(plea, out),
            None => Hearing::Unexpected,
        }
    }

    fn begin(&mut self, plea: Plea, out: &mut Vec<u8>) -> Hearing {
        let begun = match plea {
            Plea::Challenge(_) if self.offers.methods.has(Method::CramMd5) => {
                say(out, b"AUTH ", b"CRAM-MD5");
                Some(State::CramMd5)
            }
            Plea::Challenge(_) => None,
            Plea::Login(Login { credentials, .. }) => self.log_in(credentials, out),
        };
        match begun {
            Some(state) => {
                self.state = state;
                Hearing::Read
            }
            None => Hearing::NotOffered,
        }
    }

    /// A login by what the backend announces. AUTH goes first: to it, a space is a letter like any other.
    fn log_in(&self, credentials: Credentials, out: &mut Vec<u8>) -> Option<State> {
        let offered = |method| self.offers.methods.has(method);
        if let Some(initial) = client::initial(&credentials)
            && offered(initial.method)
        {
            out.extend_from_slice(b"AUTH ");
            if initial.message.reveal().len() > INITIAL {
                say(out, initial.name.as_bytes(), b"");
                return Some(State::Message(initial));
            }
            let message = [" ", initial.message.reveal()].concat();
            say(out, initial.name.as_bytes(), message.as_bytes());
            return Some(State::Answered(initial.acknowledgement));
        }
        match credentials {
            Credentials::Plain { user, pass } if self.offers.user => {
                say(out, b"USER ", &user);
                Some(State::User { pass })
            }
            Credentials::Plain { user, pass } if offered(Method::Login) => {
                say(out, b"AUTH ", b"LOGIN");
                Some(State::LoginUser { user, pass })
            }
            _ => None,
        }
    }
}

impl proto::Judge for Judge {
    fn action(&self) -> &'static str {
        match self.state {
            State::Greeting => "reading response from upstream",
            State::Capa => "sending CAPA to upstream",
            State::User { .. } => "sending user name to upstream",
            _ => "sending AUTH to upstream",
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        match self.state {
            State::Capa => reply::list(bytes),
            _ => reply::line(bytes),
        }
    }

    fn suits(&self, origin: &Origin) -> bool {
        *origin == Origin::Pop3
    }

    fn plead(&mut self, plea: Plea, out: &mut Vec<u8>) -> Hearing {
        match (&self.state, plea) {
            (
                State::Challenged,
                Plea::Login(Login {
                    credentials: Credentials::CramMd5 { user, digest, .. },
                    ..
                }),
            ) => {
                let answer = sasl::client::cram_md5(&user, &digest);
                say(out, b"", answer.as_bytes());
                self.state = State::Verdict;
                Hearing::Read
            }
            (State::Challenged, plea) => {
                self.plea = Some(plea);
                say(out, b"", b"*");
                self.state = State::Cancelled;
                Hearing::Read
            }
            (State::Idle, plea) => self.begin(plea, out),
            (_, plea) => {
                self.plea = Some(plea);
                Hearing::Read
            }
        }
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Hearing {
        let Some(kind) = Kind::of(reply) else {
            return Hearing::Unexpected;
        };
        match (std::mem::replace(&mut self.state, State::Idle), kind) {
            (State::Greeting, Kind::Ok) => {
                say(out, b"CAPA", b"");
                self.state = State::Capa;
            }
            (State::Capa, Kind::Ok) => {
                self.offers = Offers::of(reply);
                return self.next(out);
            }
            (State::Capa, Kind::Err) => {
                self.offers = Offers::unknown();
                return self.next(out);
            }
            (State::Cancelled, _) => return self.next(out),
            (State::User { pass }, Kind::Ok) => {
                say(out, b"PASS ", pass.reveal());
                self.state = State::Verdict;
            }
            (State::CramMd5, Kind::Challenge(text)) => {
                let Some(salt) = sasl::challenge(text) else {
                    return Hearing::Unexpected;
                };
                self.state = State::Challenged;
                return Hearing::Challenge(salt);
            }
            (State::Message(initial), Kind::Challenge(_)) => {
                say(out, b"", initial.message.reveal().as_bytes());
                self.state = State::Answered(initial.acknowledgement);
            }
            (State::Answered(acknowledgement), Kind::Challenge(_)) => {
                say(out, b"", acknowledgement);
                self.state = State::Verdict;
            }
            (State::LoginUser { user, pass }, Kind::Challenge(_)) => {
                say(out, b"", sasl::encode(&user).as_bytes());
                self.state = State::LoginPass { pass };
            }
            (State::LoginPass { pass }, Kind::Challenge(_)) => {
                say(out, b"", sasl::encode(pass.reveal()).as_bytes());
                self.state = State::Verdict;
            }
            (State::Verdict | State::Answered(_), Kind::Ok) => return Hearing::LoggedIn,
            (State::Idle | State::Challenged | State::Greeting, _) => return Hearing::Unexpected,
            (_, Kind::Err) => {
                return Hearing::Refused(Rejection {
                    code: reply::smtp_code(reply),
                    closing: false,
                });
            }
            _ => return Hearing::Unexpected,
        }
        Hearing::Read
    }
}

/// What a reply is.
enum Kind<'a> {
    /// `+OK`
    Ok,
    /// `-ERR`
    Err,
    /// `+ challenge`, in base64.
    Challenge(&'a [u8]),
}

impl<'a> Kind<'a> {
    fn of(reply: &'a [u8]) -> Option<Self> {
        if reply::is_ok(reply) {
            Some(Kind::Ok)
        } else if reply.starts_with(b"-ERR") {
            Some(Kind::Err)
        } else {
            reply::challenge(reply).map(Kind::Challenge)
        }
    }
}

#[cfg(test)]
mod tests;
