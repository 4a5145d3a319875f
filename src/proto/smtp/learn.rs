//! Learns from a backend what EHLO shall announce.

use super::reply;
use crate::proto::learn::{Learner, Lesson, Words};
use crate::proto::login::Bytes;

/// What the gateway does itself, or what only makes sense between a client and the very server it talks to.
const KEPT_BACK: &[&[u8]] = &[
    b"AUTH",
    b"STARTTLS",
    b"XCLIENT",
    b"XFORWARD",
    // RFC 8689: every hop must be TLS, which the gateway cannot promise.
    b"REQUIRETLS",
    // Exchange's other names for AUTH and STARTTLS.
    b"X-EXPS",
    b"X-ANONYMOUSTLS",
];

/// Where the conversation is.
#[derive(Debug)]
enum State {
    Greeting,
    Hello,
}

/// One conversation.
#[derive(Debug)]
pub struct Learn {
    state: State,
    server_name: Bytes,
}

impl Learn {
    /// A conversation that waits for the greeting; `server_name` goes into EHLO.
    pub fn new(server_name: Bytes) -> Self {
        Learn {
            state: State::Greeting,
            server_name,
        }
    }
}

impl Learner for Learn {
    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        reply::whole(bytes)
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Lesson {
        match (&self.state, reply::code(reply)) {
            (State::Greeting, Some(220)) => {
                out.extend_from_slice(b"EHLO ");
                out.extend_from_slice(&self.server_name);
                out.extend_from_slice(b"\r\n");
                self.state = State::Hello;
                Lesson::Read
            }
            (State::Hello, Some(250)) => {
                out.extend_from_slice(b"QUIT\r\n");
                Lesson::Learned(announced(reply))
            }
            // It knows no EHLO, so it offers nothing.
            (State::Hello, Some(500..=599)) => {
                out.extend_from_slice(b"QUIT\r\n");
                Lesson::Learned(Box::default())
            }
            _ => Lesson::Unexpected,
        }
    }
}

/// The lines of an EHLO answer that clients may hear.
fn announced(reply: &[u8]) -> Words {
    let lines = reply::texts(reply).skip(1);
    lines
        .map(<[u8]>::trim_ascii)
        .filter(|line| is_passed_on(line))
        .map(Into::into)
        .collect()
}

fn is_passed_on(line: &[u8]) -> bool {
    let end = line.iter().position(|&b| matches!(b, b' ' | b'='));
    let word = &line[..end.unwrap_or(line.len())];
    // RFC 5321, section 4.1.1.1: printable ASCII. Anything else would be ours to answer for.
    !word.is_empty()
        && line.iter().all(|&b| b == b' ' || b.is_ascii_graphic())
        && !KEPT_BACK.iter().any(|kept| word.eq_ignore_ascii_case(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_less_what_is_ours() {
        let mut learn = Learn::new(b"gate".as_slice().into());
        let mut out = Vec::new();
        assert!(matches!(
            learn.advance(b"220 hi\r\n", &mut out),
            Lesson::Read
        ));
        assert_eq!(out, b"EHLO gate\r\n");
        out.clear();
        let reply = b"250-mail.example\r\n250-PIPELINING\r\n250-SIZE 1000 \r\n250-auth PLAIN\r\n250-AUTH=PLAIN\r\n\
            250-STARTTLS\r\n250-XCLIENT NAME ADDR\r\n250-XFORWARD NAME\r\n250-X-EXPS NTLM\r\n250-\r\n250-BAD\x01\r\n250 DSN\r\n";
        let Lesson::Learned(words) = learn.advance(reply, &mut out) else {
            panic!("nothing learned");
        };
        let words: Vec<_> = words.iter().map(|word| &**word).collect();
        assert_eq!(words, [&b"PIPELINING"[..], b"SIZE 1000", b"DSN"]);
        assert_eq!(out, b"QUIT\r\n");
    }

    #[test]
    fn backends_that_teach_nothing() {
        let learn = |reply: &[u8]| {
            let mut learn = Learn::new(Box::default());
            learn.advance(b"220 hi\r\n", &mut Vec::new());
            learn.advance(reply, &mut Vec::new())
        };
        assert!(matches!(learn(b"250 alone\r\n"), Lesson::Learned(words) if words.is_empty()));
        assert!(matches!(learn(b"502 what\r\n"), Lesson::Learned(words) if words.is_empty()));
        assert!(matches!(learn(b"421 later\r\n"), Lesson::Unexpected));
        assert!(matches!(
            Learn::new(Box::default()).advance(b"554 no\r\n", &mut Vec::new()),
            Lesson::Unexpected
        ));
    }
}
