//! What the shell asks of the client that goes to a backend only to learn what it can do.

use std::fmt::Debug;

use super::login::Bytes;

/// What a backend offers, word by word or line by line, as far as the gateway can pass it on.
pub type Words = Box<[Bytes]>;

/// What comes next.
#[derive(Debug)]
pub enum Lesson {
    /// Send `out` and read the reply.
    Read,
    /// This is what it offers. `out` has the goodbye.
    Learned(Words),
    /// The reply is not what it must be.
    Unexpected,
}

/// One conversation, from the greeting to the goodbye.
pub trait Learner: Debug + Send + Sync {
    /// Length of the first whole reply in `bytes`, if one is whole.
    fn whole(&self, bytes: &[u8]) -> Option<usize>;

    /// Takes the backend's reply to what was sent last.
    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Lesson;
}

/// Plays a backend; shows what was said to it and learned from it.
#[cfg(test)]
pub(super) fn play(mut learner: impl Learner, replies: &[&str]) -> String {
    let mut said = String::new();
    for reply in replies {
        let mut out = Vec::new();
        assert_eq!(
            learner.whole(reply.as_bytes()),
            Some(reply.len()),
            "{reply:?}"
        );
        let lesson = learner.advance(reply.as_bytes(), &mut out);
        said.push_str(&String::from_utf8_lossy(&out).replace("\r\n", "|"));
        match lesson {
            Lesson::Read => {}
            Lesson::Unexpected => said.push_str(" unexpected"),
            Lesson::Learned(words) => {
                for word in &words {
                    said.push_str(&format!(" {}", String::from_utf8_lossy(word)));
                }
            }
        }
    }
    said
}
