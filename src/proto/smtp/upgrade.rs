//! STARTTLS towards a backend (RFC 3207): greeting, EHLO, STARTTLS.

use super::opening::{Offers, hello};
use super::reply;
use crate::proto::login::Bytes;
use crate::proto::upgrade::{self, Rise};

/// What was said last.
#[derive(Debug)]
enum State {
    /// Nothing: the greeting is awaited.
    Greeting,
    Hello,
    StartTls,
}

/// One conversation.
#[derive(Debug)]
pub struct Upgrade {
    state: State,
    own_name: Bytes,
}

impl Upgrade {
    /// A conversation that waits for the greeting; `own_name` goes into EHLO.
    pub fn new(own_name: Bytes) -> Self {
        Upgrade {
            state: State::Greeting,
            own_name,
        }
    }
}

impl upgrade::Upgrade for Upgrade {
    fn action(&self) -> &'static str {
        match self.state {
            State::Greeting => "reading response from upstream",
            State::Hello => "sending HELO/EHLO to upstream",
            State::StartTls => "sending STARTTLS to upstream",
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        reply::whole(bytes)
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Rise {
        match (&self.state, reply::code(reply)) {
            (State::Greeting, Some(220)) => {
                hello(out, true, &self.own_name);
                self.state = State::Hello;
            }
            (State::Greeting, _) => return Rise::Unwelcome,
            (State::Hello, Some(250)) if Offers::of(reply).starttls => {
                out.extend_from_slice(b"STARTTLS\r\n");
                self.state = State::StartTls;
            }
            // A backend without EHLO has nothing to announce.
            (State::Hello, Some(250 | 500..=599)) => return Rise::NotOffered,
            (State::StartTls, Some(220)) => return Rise::Shake(b"220 \r\n"),
            _ => return Rise::Unexpected,
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
        let with = |replies: &[&str]| play(Upgrade::new(b"gw".as_slice().into()), replies);
        let ready = ["220 hi\r\n", "250-x\r\n250 starttls\r\n"];
        let begin = "EHLO gw|STARTTLS|";
        for (reply, end) in [
            ("220 go\r\n", " Shake \"220 \\r\\n\""),
            ("220-go\r\n220 on\r\n", " Shake \"220 \\r\\n\""),
            (
                "454 later\r\n",
                " Unexpected while sending STARTTLS to upstream",
            ),
            (
                "250 what\r\n",
                " Unexpected while sending STARTTLS to upstream",
            ),
        ] {
            let told = with(&[ready[0], ready[1], reply]);
            assert_eq!(told, format!("{begin}{end}"));
        }
        let refused = " NotOffered while sending HELO/EHLO to upstream";
        for hello in [
            "250-x\r\n250 AUTH STARTTLS\r\n",
            // The first line is a name.
            "250 STARTTLS\r\n",
            "502 what\r\n",
        ] {
            assert_eq!(with(&[ready[0], hello]), format!("EHLO gw|{refused}"));
        }
        let unwelcome = " Unwelcome while reading response from upstream";
        assert_eq!(with(&["554 no\r\n"]), unwelcome);
    }
}
