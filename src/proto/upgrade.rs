//! What the shell asks of the client that has a backend begin TLS within the open connection (STARTTLS, STLS).
//!
//! It comes before [`super::Back`], [`super::Judge`] and [`super::learn::Learner`]. They begin behind it, as if the greeting had
//! come through TLS: what a backend said in clear text is forgotten (RFC 3207, 4.2; RFC 9051, 6.2.1; RFC 2595, 4).

use std::fmt::Debug;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Rise {
    /// Send `out` and read the reply.
    Read,
    /// The backend is ready: throw away what it said behind that, shake hands. This stands for the greeting inside TLS.
    Shake(&'static [u8]),
    /// The backend does not announce that it can.
    NotOffered,
    /// The greeting lets nobody in.
    Unwelcome,
    /// The reply is not what it must be.
    Unexpected,
}

/// One conversation, from the greeting to the handshake.
pub trait Upgrade: Debug + Send + Sync {
    /// What is being done, in nginx's words.
    fn action(&self) -> &'static str;

    /// Length of the first whole reply in `bytes`, if one is whole.
    fn whole(&self, bytes: &[u8]) -> Option<usize>;

    /// Takes the backend's reply to what was sent last.
    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Rise;
}

/// Plays a backend; shows what it was told and how that ended.
#[cfg(test)]
pub(super) fn play(mut upgrade: impl Upgrade, replies: &[&str]) -> String {
    let mut told = String::new();
    for reply in replies {
        let mut out = Vec::new();
        assert_eq!(
            upgrade.whole(reply.as_bytes()),
            Some(reply.len()),
            "{reply:?}"
        );
        let rise = upgrade.advance(reply.as_bytes(), &mut out);
        told.push_str(&String::from_utf8_lossy(&out).replace("\r\n", "|"));
        match rise {
            Rise::Read => {}
            Rise::Shake(greeting) => {
                told.push_str(&format!(" Shake {:?}", String::from_utf8_lossy(greeting)));
            }
            end => told.push_str(&format!(" {end:?} while {}", upgrade.action())),
        }
    }
    told
}
