//! STARTTLS towards a backend (RFC 9051, 6.2.1): greeting, CAPABILITY where the greeting does not say enough, STARTTLS.

use super::back::is_ok;
use super::{offers, reply};
use crate::proto::upgrade::{self, Rise};

/// What was said last.
#[derive(Debug, Default)]
enum State {
    /// Nothing: the greeting is awaited.
    #[default]
    Greeting,
    Capability,
    StartTls,
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
            State::Capability => "sending CAPABILITY to upstream",
            State::StartTls => "sending STARTTLS to upstream",
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        match self.state {
            State::Greeting => reply::line(bytes),
            _ => reply::group(bytes),
        }
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Rise {
        let announced = match self.state {
            // PREAUTH has left the state that STARTTLS belongs to: it lets nobody in either.
            State::Greeting if !reply.starts_with(b"* OK") => return Rise::Unwelcome,
            State::Greeting => offers::in_greeting(reply).is_some_and(offers::has_starttls),
            State::Capability if !offers::is_answer(reply) => return Rise::Unexpected,
            State::Capability if offers::has_starttls(offers::in_answer(reply)) => true,
            State::Capability => return Rise::NotOffered,
            State::StartTls if is_ok(reply::last(reply), offers::TAG) => {
                return Rise::Shake(b"* OK\r\n");
            }
            State::StartTls => return Rise::Unexpected,
        };
        if announced {
            offers::own(out, b"STARTTLS");
            self.state = State::StartTls;
        } else {
            offers::ask(out);
            self.state = State::Capability;
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
        let told = "* OK [CAPABILITY IMAP4rev1 StartTLS] hi\r\n";
        let shake = " Shake \"* OK\\r\\n\"";
        assert_eq!(
            with(&[told, "* X\r\ngw OK [CAPABILITY Y] go\r\n"]),
            format!("gw STARTTLS|{shake}")
        );
        let list = "* CAPABILITY IMAP4rev1 STARTTLS\r\ngw OK\r\n";
        for greeting in ["* OK hi\r\n", "* OK [CAPABILITY IMAP4rev1] hi\r\n"] {
            assert_eq!(
                with(&[greeting, list, "gw OK go\r\n"]),
                format!("gw CAPABILITY|gw STARTTLS|{shake}")
            );
        }
        for refusal in ["gw NO x\r\n", "gw BAD x\r\n", "* BYE\r\n", "x OK\r\n"] {
            assert_eq!(
                with(&[told, refusal]),
                "gw STARTTLS| Unexpected while sending STARTTLS to upstream"
            );
        }
        assert_eq!(
            with(&["* OK hi\r\n", "* CAPABILITY AUTH=STARTTLS\r\ngw OK\r\n"]),
            "gw CAPABILITY| NotOffered while sending CAPABILITY to upstream"
        );
        for greeting in ["* PREAUTH hi\r\n", "* BYE\r\n"] {
            assert_eq!(
                with(&[greeting]),
                " Unwelcome while reading response from upstream"
            );
        }
    }
}
