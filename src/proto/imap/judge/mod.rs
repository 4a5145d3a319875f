//! The IMAP client that a backend talks to when the backend itself decides about logins (`proxy_pass` alone).
//!
//! Logins go out under the client's own tag, so that the backend's answer is the client's. The conversation outlives a
//! refusal: the client may try again, and the backend sees its attempts as one session.

use super::back::{login, user};
use super::offers::{self, Offers};
use super::reply;
use super::words::reason;
use crate::base::Secret;
use crate::config::Method;
use crate::proto;
use crate::proto::judge::{Hearing, Plea};
use crate::proto::login::Bytes;
use crate::proto::sasl::client::Initial;
use crate::proto::{Credentials, Login, Origin, Rejection, sasl};

#[derive(Debug)]
enum State {
    Greeting,
    Capability,
    /// Between two pleas.
    Idle,
    /// AUTHENTICATE was sent without its message.
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
    /// The challenge is with the client.
    Challenged,
    /// A challenge was given up; its plea comes after the backend's word on that.
    Cancelled,
    /// All that a login needs was sent.
    Verdict,
}

/// One conversation.
#[derive(Debug)]
pub struct Judge {
    state: State,
    offers: Offers,
    /// The tag of the login at hand.
    tag: Bytes,
    plea: Option<Plea>,
}

impl Default for Judge {
    fn default() -> Self {
        Self::new()
    }
}

impl Judge {
    /// A conversation that waits for the greeting.
    pub fn new() -> Self {
        Judge {
            state: State::Greeting,
            offers: Offers::default(),
            tag: Bytes::default(),
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
        let Origin::Imap { tag } = plea.origin() else {
            return Hearing::Unexpected;
        };
        self.tag = tag.clone();
        let state = match plea {
            Plea::Challenge(_) if self.offers.methods.has(Method::CramMd5) => {
                self.authenticate(out, "CRAM-MD5");
                out.extend_from_slice(b"\r\n");
                Some(State::CramMd5)
            }
            Plea::Challenge(_) => None,
            Plea::Login(Login { credentials, .. }) => self.log_in(credentials, out),
        };
        match state {
            Some(state) => {
                self.state = state;
                Hearing::Read
            }
            None => Hearing::NotOffered,
        }
    }

    /// AUTHENTICATE or LOGIN, by what the backend announces.
    fn log_in(&self, credentials: Credentials, out: &mut Vec<u8>) -> Option<State> {
        let initial = sasl::client::initial(&credentials);
        if let Some(initial) = initial.filter(|initial| self.offers.methods.has(initial.method)) {
            self.authenticate(out, initial.name);
            if !self.offers.initial {
                out.extend_from_slice(b"\r\n");
                return Some(State::Message(initial));
            }
            out.push(b' ');
            line(out, initial.message.reveal().as_bytes());
            return Some(State::Answered(initial.acknowledgement));
        }
        match credentials {
            Credentials::Plain { user, pass } if !self.offers.no_login => {
                login(out, &self.tag, user.len());
                Some(State::LoginUser { user, pass })
            }
            _ => None,
        }
    }

    /// AUTHENTICATE and its mechanism.
    fn authenticate(&self, out: &mut Vec<u8>, mechanism: &str) {
        for piece in [&*self.tag, b" AUTHENTICATE ", mechanism.as_bytes()] {
            out.extend_from_slice(piece);
        }
    }

    /// The backend's word on a login.
    fn verdict(&self, response: &[u8]) -> Hearing {
        let text = reply::tagged(response, &self.tag).unwrap_or_default();
        let starts = |word: &[u8]| {
            text.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        let closing = reply::is_bye(response);
        if starts(b"OK") {
            Hearing::LoggedIn
        } else if starts(b"NO") || starts(b"BAD") || closing {
            let code = if closing {
                454
            } else {
                reason(text.get(3..).unwrap_or_default())
            };
            Hearing::Refused(Rejection { code, closing })
        } else {
            Hearing::Unexpected
        }
    }
}

impl proto::Judge for Judge {
    fn action(&self) -> &'static str {
        match self.state {
            State::Greeting | State::Capability | State::Idle => "reading response from upstream",
            State::LoginUser { .. } => "sending LOGIN command to upstream",
            State::LoginPass { .. } => "sending user name to upstream",
            _ => "sending AUTH to upstream",
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        match self.state {
            State::Greeting => reply::line(bytes),
            _ => reply::group(bytes),
        }
    }

    fn suits(&self, origin: &Origin) -> bool {
        matches!(origin, Origin::Imap { .. })
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
                line(out, answer.as_bytes());
                self.state = State::Verdict;
                Hearing::Read
            }
            (State::Challenged, plea) => {
                self.plea = Some(plea);
                line(out, b"*");
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
        let response = reply::last(reply);
        let wanted = response.starts_with(b"+");
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Greeting if reply.starts_with(b"* OK") => {
                if let Some(words) = offers::in_greeting(reply) {
                    self.offers = Offers::of(words);
                    return self.next(out);
                }
                offers::ask(out);
                self.state = State::Capability;
            }
            // A backend that does not know the command offers LOGIN alone.
            State::Capability if offers::is_answer(reply) => {
                self.offers = Offers::of(offers::in_answer(reply));
                return self.next(out);
            }
            State::Greeting | State::Capability | State::Idle | State::Challenged => {
                return Hearing::Unexpected;
            }
            State::Cancelled => return self.next(out),
            State::Message(initial) if wanted => {
                // `=` stands for an empty message in a command alone.
                let message = initial.message.reveal().as_bytes();
                line(out, message.strip_prefix(b"=").unwrap_or(message));
                self.state = State::Answered(initial.acknowledgement);
            }
            State::Answered(acknowledgement) if wanted => {
                line(out, acknowledgement);
                self.state = State::Verdict;
            }
            State::LoginUser { user: name, pass } if wanted => {
                user(out, &name, &pass);
                self.state = State::LoginPass { pass };
            }
            State::LoginPass { pass } if wanted => {
                line(out, pass.reveal());
                self.state = State::Verdict;
            }
            State::CramMd5 if wanted => {
                let Some(salt) = sasl::challenge(response[1..].trim_ascii()) else {
                    return Hearing::Unexpected;
                };
                self.state = State::Challenged;
                return Hearing::Challenge(salt);
            }
            _ => return self.verdict(response),
        }
        Hearing::Read
    }
}

fn line(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
