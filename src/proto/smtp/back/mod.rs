//! The SMTP client that a backend talks to when the auth server has decided.
//!
//! The backend is told who the client is, by XCLIENT or by a login, and the client is told what comes of it.

use super::opening::{Introduction, Move, Opening};
use super::reply;
use crate::base::Secret;
use crate::config::{Method, ProxySmtpAuth};
use crate::proto;
use crate::proto::back::Progress;
use crate::proto::login::Bytes;
use crate::proto::{Credentials, Envelope, sasl};

/// What follows the opening.
#[derive(Debug)]
enum Errand {
    /// Nothing: XCLIENT or the network vouches for the client.
    Nothing,
    /// AUTH with the client's login, or the one the auth server put in its place.
    Auth {
        how: ProxySmtpAuth,
        user: Bytes,
        pass: Option<Secret<Bytes>>,
    },
    /// MAIL and RCPT as the client typed them.
    Mail(Envelope),
}

#[derive(Debug)]
enum State {
    Opening(Opening),
    AuthPlain,
    AuthLogin,
    LoginUser,
    LoginPass,
    Mail,
    Rcpt,
}

/// One conversation.
#[derive(Debug)]
pub struct Back {
    state: State,
    errand: Errand,
}

impl Back {
    /// The conversation that fits a login which the auth server let in, with `user` and `pass` to pass on.
    pub fn of(
        how: ProxySmtpAuth,
        introduction: Introduction,
        method: &Credentials,
        envelope: Option<Envelope>,
        user: Bytes,
        pass: Option<Secret<Bytes>>,
    ) -> Self {
        let vouched = (how == ProxySmtpAuth::Off).then(|| user.clone());
        let introduction = Introduction {
            login: vouched,
            ..introduction
        };
        match envelope {
            Some(envelope) => Back::sending(introduction, envelope),
            None if how != ProxySmtpAuth::Off && *method != Credentials::None => {
                Back::logging_in(introduction, how, user, pass)
            }
            None => Back::vouching(introduction),
        }
    }

    /// A conversation in which the client is vouched for.
    fn vouching(introduction: Introduction) -> Self {
        Self::new(introduction, Errand::Nothing)
    }

    /// A conversation in which we log in.
    fn logging_in(
        introduction: Introduction,
        how: ProxySmtpAuth,
        user: Bytes,
        pass: Option<Secret<Bytes>>,
    ) -> Self {
        Self::new(introduction, Errand::Auth { how, user, pass })
    }

    /// A conversation that replays MAIL and RCPT.
    fn sending(introduction: Introduction, envelope: Envelope) -> Self {
        Self::new(introduction, Errand::Mail(envelope))
    }

    fn new(introduction: Introduction, errand: Errand) -> Self {
        Back {
            state: State::Opening(Opening::new(introduction)),
            errand,
        }
    }

    /// Starts what follows the opening. `only_login`: the backend announces LOGIN and no PLAIN.
    fn errand(&mut self, only_login: bool, out: &mut Vec<u8>) -> Progress {
        match &self.errand {
            Errand::Nothing => return Progress::LoggedIn,
            Errand::Auth { pass: None, .. } => return Progress::NoPassword,
            Errand::Auth {
                how,
                user,
                pass: Some(pass),
            } => {
                if *how == ProxySmtpAuth::Login || (*how == ProxySmtpAuth::On && only_login) {
                    out.extend_from_slice(b"AUTH LOGIN\r\n");
                    self.state = State::AuthLogin;
                } else {
                    let message = [b"\0", &**user, b"\0", &**pass.reveal()].concat();
                    out.extend_from_slice(b"AUTH PLAIN ");
                    line(out, &sasl::encode(&message));
                    self.state = State::AuthPlain;
                }
            }
            Errand::Mail(envelope) => {
                out.extend_from_slice(&envelope.mail);
                out.extend_from_slice(b"\r\n");
                self.state = State::Mail;
            }
        }
        Progress::Read
    }
}

impl proto::Back for Back {
    fn action(&self) -> &'static str {
        match &self.state {
            State::Opening(opening) => opening.action(),
            State::AuthPlain | State::AuthLogin | State::LoginUser | State::LoginPass => {
                "sending AUTH to upstream"
            }
            State::Mail => "sending MAIL FROM to upstream",
            State::Rcpt => "sending RCPT TO to upstream",
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        reply::whole(bytes)
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Progress {
        let code = reply::code(reply);
        match (&mut self.state, code) {
            (State::Opening(opening), _) => match opening.advance(reply, out) {
                Move::Read => Progress::Read,
                Move::Unexpected => Progress::Unexpected,
                Move::Done => {
                    let offers = opening.offers();
                    let only_login =
                        offers.methods.has(Method::Login) && !offers.methods.has(Method::Plain);
                    self.errand(only_login, out)
                }
            },
            (State::AuthPlain | State::LoginPass, Some(235)) => Progress::LoggedIn,
            (State::AuthLogin, Some(334)) => {
                let Errand::Auth { user, .. } = &self.errand else {
                    return Progress::Unexpected;
                };
                line(out, &sasl::encode(user));
                self.state = State::LoginUser;
                Progress::Read
            }
            (State::LoginUser, Some(334)) => {
                let Errand::Auth {
                    pass: Some(pass), ..
                } = &self.errand
                else {
                    return Progress::NoPassword;
                };
                line(out, &sasl::encode(pass.reveal()));
                self.state = State::LoginPass;
                Progress::Read
            }
            (State::Mail, Some(250)) => {
                let Errand::Mail(Envelope {
                    rcpt: Some(rcpt), ..
                }) = &self.errand
                else {
                    return Progress::Answered;
                };
                out.extend_from_slice(rcpt);
                out.extend_from_slice(b"\r\n");
                self.state = State::Rcpt;
                Progress::Read
            }
            (State::Rcpt, _) => Progress::Answered,
            _ => Progress::Unexpected,
        }
    }
}

/// A line of ours.
pub(super) fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
