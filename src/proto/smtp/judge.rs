//! The SMTP client that a backend talks to when the backend itself decides about logins (`proxy_pass` alone).
//!
//! The conversation outlives a refusal: the client may try again, and the backend sees its attempts as one session.

use super::back::{auth_plain, line};
use super::opening::{Introduction, Move, Offers, Opening};
use super::reply;
use crate::proto::login::Bytes;
use crate::proto::{Credentials, Envelope, Secret, sasl};

/// What the client wants of the backend.
#[derive(Debug)]
pub enum Plea {
    /// A challenge for CRAM-MD5.
    Challenge,
    /// To be logged in.
    Login(Credentials),
    /// To send mail without a login.
    Mail(Envelope),
}

/// What comes next.
#[derive(Debug)]
pub enum Progress {
    /// Send `out` and read the reply.
    Read,
    /// The challenge for the client.
    Challenge(Bytes),
    /// Logged in: the client gets the fixed reply.
    LoggedIn,
    /// Mail without a login: the client gets the backend's own reply, good or bad.
    Answered,
    /// The backend said no, with this code; the conversation can go on.
    Refused(u16),
    /// The backend does not offer this way to log in; the conversation can go on.
    NotOffered,
    /// The reply is not what it must be: the conversation is over.
    Unexpected,
}

#[derive(Debug)]
enum State {
    Opening(Opening),
    /// Between two pleas.
    Idle,
    /// AUTH with all that it needs was sent.
    Verdict,
    LoginUser {
        user: Bytes,
        pass: Secret<Bytes>,
    },
    LoginPass {
        pass: Secret<Bytes>,
    },
    CramMd5,
    /// The challenge is with the client.
    Challenged,
    /// A challenge was given up; its plea comes after the backend's word on that.
    Cancelled,
    Mail,
}

/// One conversation.
#[derive(Debug)]
pub struct Judge {
    state: State,
    offers: Offers,
    plea: Option<Plea>,
}

impl Judge {
    /// A conversation that waits for the greeting.
    pub fn new(introduction: Introduction) -> Self {
        let state = State::Opening(Opening::new(introduction));
        Judge {
            state,
            offers: Offers::default(),
            plea: None,
        }
    }

    /// What is being done, in nginx's words.
    pub fn action(&self) -> &'static str {
        match &self.state {
            State::Opening(opening) => opening.action(),
            State::Mail => "sending MAIL FROM to upstream",
            _ => "sending AUTH to upstream",
        }
    }

    /// Says what the client wants. When nothing is on its way already, `out` has the first line of it.
    pub fn plead(&mut self, plea: Plea, out: &mut Vec<u8>) -> Progress {
        match (&self.state, plea) {
            (State::Challenged, Plea::Login(Credentials::CramMd5 { user, digest, .. })) => {
                let message = [&*user, b" ", &**digest.reveal()].concat();
                line(out, &sasl::encode(&message));
                self.state = State::Verdict;
                Progress::Read
            }
            (State::Challenged, plea) => {
                self.plea = Some(plea);
                out.extend_from_slice(b"*\r\n");
                self.state = State::Cancelled;
                Progress::Read
            }
            (State::Idle, plea) => self.begin(plea, out),
            (_, plea) => {
                self.plea = Some(plea);
                Progress::Read
            }
        }
    }

    /// Takes the backend's reply to what was sent last.
    pub fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Progress {
        let Some(code) = reply::code(reply) else {
            return Progress::Unexpected;
        };
        match (std::mem::replace(&mut self.state, State::Idle), code) {
            (State::Opening(mut opening), _) => match opening.advance(reply, out) {
                Move::Unexpected => return Progress::Unexpected,
                Move::Read => self.state = State::Opening(opening),
                Move::Done => {
                    self.offers = opening.offers();
                    return self.next(out);
                }
            },
            (State::Cancelled, _) => return self.next(out),
            (State::Mail, _) => return Progress::Answered,
            (State::Verdict, 235) => return Progress::LoggedIn,
            (State::LoginUser { user, pass }, 334) => {
                line(out, &sasl::encode(&user));
                self.state = State::LoginPass { pass };
            }
            (State::LoginPass { pass }, 334) => {
                line(out, &sasl::encode(pass.reveal()));
                self.state = State::Verdict;
            }
            (State::CramMd5, 334) => {
                let text = reply::texts(reply).next().unwrap_or_default();
                let Some(salt) = sasl::challenge(text) else {
                    return Progress::Unexpected;
                };
                self.state = State::Challenged;
                return Progress::Challenge(salt);
            }
            (State::Idle | State::Challenged, _) => return Progress::Unexpected,
            (_, 400..=599) => return Progress::Refused(code),
            _ => return Progress::Unexpected,
        }
        Progress::Read
    }

    /// Begins the plea that waited.
    fn next(&mut self, out: &mut Vec<u8>) -> Progress {
        match self.plea.take() {
            Some(plea) => self.begin(plea, out),
            None => Progress::Unexpected,
        }
    }

    fn begin(&mut self, plea: Plea, out: &mut Vec<u8>) -> Progress {
        self.state = match plea {
            Plea::Login(Credentials::Plain { user, pass }) if self.offers.plain => {
                auth_plain(out, &user, &pass);
                State::Verdict
            }
            Plea::Login(Credentials::Plain { user, pass }) if self.offers.login => {
                out.extend_from_slice(b"AUTH LOGIN\r\n");
                State::LoginUser { user, pass }
            }
            Plea::Challenge if self.offers.cram_md5 => {
                out.extend_from_slice(b"AUTH CRAM-MD5\r\n");
                State::CramMd5
            }
            Plea::Mail(envelope) => {
                out.extend_from_slice(&envelope.mail);
                out.extend_from_slice(b"\r\n");
                State::Mail
            }
            Plea::Login(_) | Plea::Challenge => return Progress::NotOffered,
        };
        Progress::Read
    }
}

#[cfg(test)]
mod tests;
