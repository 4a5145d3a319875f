//! STLS towards a backend (RFC 2595, 4): greeting, CAPA, STLS.

use super::back::say;
use super::{capabilities, reply};
use crate::proto::upgrade::{self, Rise};

/// What was said last.
#[derive(Debug, Default)]
enum State {
    /// Nothing: the greeting is awaited.
    #[default]
    Greeting,
    Capa,
    Stls,
}

/// One conversation, which begins by waiting for the greeting.
#[derive(Debug, Default)]
pub struct Upgrade {
    state: State,
}

impl upgrade::Upgrade for Upgrade {
    fn action(&self) -> &'static str {
        match self.state {
            State::Greeting => "reading response from upstream",
            State::Capa => "sending CAPA to upstream",
            State::Stls => "sending STLS to upstream",
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        match self.state {
            State::Capa => reply::list(bytes),
            _ => reply::line(bytes),
        }
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Rise {
        match (&self.state, reply::is_ok(reply)) {
            (State::Greeting, true) => {
                say(out, b"CAPA", b"");
                self.state = State::Capa;
            }
            (State::Greeting, false) => return Rise::Unwelcome,
            (State::Capa, true) if capabilities::has_stls(reply) => {
                say(out, b"STLS", b"");
                self.state = State::Stls;
            }
            // A backend without CAPA has nothing to announce.
            (State::Capa, _) => return Rise::NotOffered,
            (State::Stls, true) => return Rise::Shake(b"+OK\r\n"),
            (State::Stls, false) => return Rise::Unexpected,
        }
        Rise::Read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::upgrade::play;

    #[test]
    fn only_where_it_is_announced() {
        let with = |replies: &[&str]| play(Upgrade::default(), replies);
        let ready = ["+OK hi\r\n", "+OK\r\nTOP\r\nstls\r\n.\r\n"];
        assert_eq!(
            with(&[ready[0], ready[1], "+OK go\r\n"]),
            "CAPA|STLS| Shake \"+OK\\r\\n\""
        );
        assert_eq!(
            with(&[ready[0], ready[1], "-ERR no\r\n"]),
            "CAPA|STLS| Unexpected while sending STLS to upstream"
        );
        for list in ["+OK\r\nUSER\r\nSASL STLS\r\n.\r\n", "-ERR what\r\n"] {
            assert_eq!(
                with(&[ready[0], list]),
                "CAPA| NotOffered while sending CAPA to upstream"
            );
        }
        assert_eq!(
            with(&["-ERR no\r\n"]),
            " Unwelcome while reading response from upstream"
        );
    }
}
