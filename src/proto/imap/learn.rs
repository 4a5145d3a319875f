//! Learns from a backend what CAPABILITY shall announce.

use super::offers::{announced, ask, in_answer, in_greeting, is_answer, leave};
use super::reply;
use crate::proto::learn::{Learner, Lesson};

/// Where the conversation is.
#[derive(Debug, Default)]
enum State {
    #[default]
    Greeting,
    Capability,
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
            State::Capability => reply::group(bytes),
        }
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Lesson {
        let words = match self.state {
            State::Greeting if reply.starts_with(b"* OK") => match in_greeting(reply) {
                Some(words) => announced(words),
                None => {
                    ask(out);
                    self.state = State::Capability;
                    return Lesson::Read;
                }
            },
            State::Capability if is_answer(reply) => announced(in_answer(reply)),
            _ => return Lesson::Unexpected,
        };
        if words.is_empty() {
            // Every IMAP server offers something: what this one said is no list.
            return Lesson::Unexpected;
        }
        leave(out);
        Lesson::Learned(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::learn::play;

    #[test]
    fn from_the_greeting_or_by_asking() {
        assert_eq!(
            play(
                Learn::default(),
                &["* OK [CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN] hi\r\n"]
            ),
            "gw LOGOUT| IMAP4rev1 IDLE"
        );
        assert_eq!(
            play(
                Learn::default(),
                &[
                    "* OK hi\r\n",
                    "* CAPABILITY IMAP4 STARTTLS ID\r\ngw OK done\r\n"
                ]
            ),
            "gw CAPABILITY|gw LOGOUT| IMAP4"
        );
        assert_eq!(play(Learn::default(), &["* BYE\r\n"]), " unexpected");
        assert_eq!(
            play(Learn::default(), &["* OK hi\r\n", "gw BAD what\r\n"]),
            "gw CAPABILITY| unexpected"
        );
    }
}
