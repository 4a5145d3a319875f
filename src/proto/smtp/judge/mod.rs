//! The SMTP client that a backend talks to when the backend itself decides about logins (`proxy_pass` alone).
//!
//! The conversation outlives a refusal: the client may try again, and the backend sees its attempts as one session.

use super::back::line;
use super::opening::{Introduction, Move, Offers, Opening, hello, xtext};
use super::reply;
use crate::base::Secret;
use crate::config::Method;
use crate::proto;
use crate::proto::judge::{Hearing, Plea};
use crate::proto::login::Bytes;
use crate::proto::sasl::client::Initial;
use crate::proto::{Credentials, Helo, Login, Origin, Rejection, sasl};

/// The longest message that goes out behind AUTH itself: RFC 5321, 4.5.3.1.4 gives a command 512 bytes.
const INITIAL: usize = 400;

#[derive(Debug)]
enum State {
    Opening(Opening),
    /// Between two pleas.
    Idle,
    /// AUTH with all that it needs was sent.
    Verdict,
    /// AUTH was sent, its message was too long to go with it.
    Message(Initial),
    /// The message was sent; a challenge now is the backend's reason to refuse, and wants this answer.
    Answered(&'static [u8]),
    LoginUser {
        user: Bytes,
        pass: Secret<Bytes>,
    },
    LoginPass {
        pass: Secret<Bytes>,
    },
    CramMd5,
    /// XCLIENT LOGIN was sent.
    Vouched,
    /// … and EHLO behind it.
    VouchedHello,
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
    /// The name in our own EHLO.
    own_name: Bytes,
    state: State,
    offers: Offers,
    plea: Option<Plea>,
}

impl Judge {
    /// A conversation that waits for the greeting.
    pub fn new(introduction: Introduction) -> Self {
        Judge {
            helo: introduction.helo.clone(),
            own_name: introduction.own_name.clone(),
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
            Plea::Challenge(_) if self.offers.methods.has(Method::CramMd5) => {
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

    /// AUTH, or XCLIENT in its place, by what the backend announces.
    fn auth(&self, credentials: Credentials, out: &mut Vec<u8>) -> Option<State> {
        let offered = |method| self.offers.methods.has(method);
        if let Some(initial) = sasl::client::initial(&credentials)
            && offered(initial.method)
        {
            out.extend_from_slice(b"AUTH ");
            out.extend_from_slice(initial.name.as_bytes());
            if initial.message.reveal().len() > INITIAL {
                out.extend_from_slice(b"\r\n");
                return Some(State::Message(initial));
            }
            out.push(b' ');
            line(out, initial.message.reveal());
            return Some(State::Answered(initial.acknowledgement));
        }
        match credentials {
            Credentials::Plain { user, pass } if offered(Method::Login) => {
                out.extend_from_slice(b"AUTH LOGIN\r\n");
                Some(State::LoginUser { user, pass })
            }
            // The certificate was verified here, so it is ours to vouch for its owner.
            Credentials::External { user } if self.offers.xclient_login => {
                out.extend_from_slice(b"XCLIENT LOGIN=");
                xtext(&user, out);
                out.extend_from_slice(b"\r\n");
                Some(State::Vouched)
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
                let answer = sasl::client::cram_md5(&user, &digest);
                line(out, &answer);
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
            (State::Verdict | State::Answered(_), 235) => return Hearing::LoggedIn,
            (State::Message(initial), 334) => {
                line(out, initial.message.reveal());
                self.state = State::Answered(initial.acknowledgement);
            }
            (State::Answered(acknowledgement), 334) => {
                out.extend_from_slice(acknowledgement);
                out.extend_from_slice(b"\r\n");
                self.state = State::Verdict;
            }
            (State::Vouched, 220 | 250) => {
                let name = self.helo.name.as_ref().unwrap_or(&self.own_name);
                hello(out, true, name);
                self.state = State::VouchedHello;
            }
            (State::VouchedHello, 250) => return Hearing::LoggedIn,
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
