//! The POP3 client that a backend talks to when the auth server has decided: USER, PASS, and every reply must be `+OK`.

use super::reply;
use crate::base::Secret;
use crate::proto;
use crate::proto::back::Progress;
use crate::proto::login::Bytes;

/// The fewest bytes that are looked at.
const SHORTEST: usize = 4;

/// What was said last.
#[derive(Debug)]
enum State {
    /// Nothing: the greeting is awaited.
    Greeting,
    User,
    Pass,
}

/// One conversation.
#[derive(Debug)]
pub struct Back {
    state: State,
    user: Bytes,
    pass: Option<Secret<Bytes>>,
}

impl Back {
    /// A conversation that waits for the greeting.
    pub fn new(user: Bytes, pass: Option<Secret<Bytes>>) -> Self {
        Back {
            state: State::Greeting,
            user,
            pass,
        }
    }
}

impl proto::Back for Back {
    fn action(&self) -> &'static str {
        match self.state {
            State::Greeting => "reading response from upstream",
            State::User => "sending user name to upstream",
            State::Pass => "sending password to upstream",
        }
    }

    /// As in nginx, nothing is shorter than four bytes, and a refusal is all that is there.
    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.len() < SHORTEST {
            None
        } else if reply::is_ok(bytes) {
            reply::line(bytes)
        } else {
            bytes.ends_with(b"\r\n").then_some(bytes.len())
        }
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Progress {
        if !reply::is_ok(reply) {
            return Progress::Unexpected;
        }
        match (&self.state, &self.pass) {
            (State::Greeting, _) => {
                say(out, b"USER ", &self.user);
                self.state = State::User;
                Progress::Read
            }
            (State::User, Some(pass)) => {
                say(out, b"PASS ", pass.reveal());
                self.state = State::Pass;
                Progress::Read
            }
            (State::User, None) => Progress::NoPassword,
            (State::Pass, _) => Progress::LoggedIn,
        }
    }
}

/// A command and its argument.
pub(super) fn say(out: &mut Vec<u8>, command: &[u8], argument: &[u8]) {
    for piece in [command, argument, b"\r\n"] {
        out.extend_from_slice(piece);
    }
}
