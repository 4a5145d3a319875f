//! The SMTP client that a backend talks to when the backend itself decides about logins (`proxy_pass` alone).
//!
//! The conversation outlives a refusal: the client may try again, and the backend sees its attempts as one session.

use super::back::{auth_plain, line};
use super::opening::{Introduction, Move, Offers, Opening};
use super::reply;
use crate::proto::judge::{Hearing, Plea};
use crate::proto::login::Bytes;
use crate::proto::{self, Credentials, Helo, Login, Origin, Rejection, Secret, sasl};

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
    /// How the client had introduced itself when the conversation began.
    helo: Helo,
    state: State,
    offers: Offers,
    plea: Option<Plea>,
}

impl Judge {
    /// A conversation that waits for the greeting.
    pub fn new(introduction: Introduction) -> Self {
        Judge {
            helo: introduction.helo.clone(),
            state: State::Opening(Opening::new(introduction)),
            offers: Offers::default(),
            plea: None,
        }
    }

    /// Begins the plea that waited.
    fn next(&mut self, out: &mut Vec<u8>) -> Hearing {
        match self.plea.take() {
            Some(plea) => self.begin(plea, out),
            None => Hearing::Unexpected,
        }
    }

    fn begin(&mut self, plea: Plea, out: &mut Vec<u8>) -> Hearing {
        self.state = match plea {
            Plea::Challenge(_) if self.offers.cram_md5 => {
                out.extend_from_slice(b"AUTH CRAM-MD5\r\n");
                State::CramMd5
            }
            Plea::Challenge(_) => return Hearing::NotOffered,
            Plea::Login(Login {
                origin:
                    Origin::Smtp {
                        envelope: Some(envelope),
                        ..
                    },
                ..
            }) => {
                out.extend_from_slice(&envelope.mail);
                out.extend_from_slice(b"\r\n");
                State::Mail
            }
            Plea::Login(Login { credentials, .. }) => match self.auth(credentials, out) {
                Some(state) => state,
                None => return Hearing::NotOffered,
            },
        };
        Hearing::Read
    }

    /// AUTH by what the backend announces.
    fn auth(&self, credentials: Credentials, out: &mut Vec<u8>) -> Option<State> {
        match credentials {
            Credentials::Plain { user, pass } if self.offers.plain => {
                auth_plain(out, &user, &pass);
                Some(State::Verdict)
            }
            Credentials::Plain { user, pass } if self.offers.login => {
                out.extend_from_slice(b"AUTH LOGIN\r\n");
                Some(State::LoginUser { user, pass })
            }
            _ => None,
        }
    }
}

impl proto::Judge for Judge {
    fn action(&self) -> &'static str {
        match &self.state {
            State::Opening(opening) => opening.action(),
            State::Mail => "sending MAIL FROM to upstream",
            _ => "sending AUTH to upstream",
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        reply::whole(bytes)
    }

    fn suits(&self, origin: &Origin) -> bool {
        matches!(origin, Origin::Smtp { helo, .. } if *helo == self.helo)
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
                let message = [&*user, b" ", &**digest.reveal()].concat();
                line(out, &sasl::encode(&message));
                self.state = State::Verdict;
                Hearing::Read
            }
            (State::Challenged, plea) => {
                self.plea = Some(plea);
                out.extend_from_slice(b"*\r\n");
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
        let Some(code) = reply::code(reply) else {
            return Hearing::Unexpected;
        };
        match (std::mem::replace(&mut self.state, State::Idle), code) {
            (State::Opening(mut opening), _) => match opening.advance(reply, out) {
                Move::Unexpected => return Hearing::Unexpected,
                Move::Read => self.state = State::Opening(opening),
                Move::Done => {
                    self.offers = opening.offers();
                    return self.next(out);
                }
            },
            (State::Cancelled, _) => return self.next(out),
            (State::Mail, _) => return Hearing::Answered,
            (State::Verdict, 235) => return Hearing::LoggedIn,
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
                    return Hearing::Unexpected;
                };
                self.state = State::Challenged;
                return Hearing::Challenge(salt);
            }
            (State::Idle | State::Challenged, _) => return Hearing::Unexpected,
            (_, 400..=599) => {
                return Hearing::Refused(Rejection {
                    code,
                    closing: code == 421,
                });
            }
            _ => return Hearing::Unexpected,
        }
        Hearing::Read
    }
}

#[cfg(test)]
mod tests;
