//! Learns from a backend what CAPA shall announce.

use super::back::say;
use super::words::USER;
use super::{capabilities, reply};
use crate::proto::learn::{Learner, Lesson, Words};

/// Where the conversation is.
#[derive(Debug, Default)]
enum State {
    #[default]
    Greeting,
    Capa,
}

/// One conversation, which begins by waiting for the greeting.
#[derive(Debug, Default)]
pub struct Learn {
    state: State,
}

impl Learner for Learn {
    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        match self.state {
            State::Greeting => reply::line(bytes),
            State::Capa => reply::list(bytes),
        }
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Lesson {
        match self.state {
            State::Greeting if reply::is_ok(reply) => {
                say(out, b"CAPA", b"");
                self.state = State::Capa;
                Lesson::Read
            }
            State::Greeting => Lesson::Unexpected,
            State::Capa => {
                say(out, b"QUIT", b"");
                Lesson::Learned(announced(reply))
            }
        }
    }
}

/// USER, which is ours to offer, and what clients may hear. A backend that knows no CAPA offers no more.
fn announced(reply: &[u8]) -> Words {
    let offered = reply::is_ok(reply).then(|| capabilities::passed_on(reply));
    [USER]
        .into_iter()
        .chain(offered.into_iter().flatten())
        .map(Into::into)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::learn::play;

    #[test]
    fn the_list_less_what_is_ours() {
        for (replies, want) in [
            (
                &[
                    "+OK hi\r\n",
                    "+OK\r\nTOP\r\nuser\r\nSASL PLAIN\r\nSTLS\r\nEXPIRE 60\r\n.\r\n",
                ][..],
                "CAPA|QUIT| USER TOP EXPIRE 60",
            ),
            (&["+OK hi\r\n", "+OK\r\n.\r\n"], "CAPA|QUIT| USER"),
            (&["+OK hi\r\n", "-ERR what\r\n"], "CAPA|QUIT| USER"),
            (&["-ERR busy\r\n"], " unexpected"),
        ] {
            assert_eq!(play(Learn::default(), replies), want);
        }
    }
}
