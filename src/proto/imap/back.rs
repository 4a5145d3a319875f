//! The IMAP client that a backend talks to when the auth server has decided: LOGIN with literals, under the client's tag.

use super::reply;
use crate::base::Secret;
use crate::proto;
use crate::proto::back::Progress;
use crate::proto::login::Bytes;

#[derive(Debug)]
enum State {
    Greeting,
    Login,
    User,
    Password,
}

/// The shortest reply that is looked at.
const SHORTEST: usize = 4;

/// One conversation.
#[derive(Debug)]
pub struct Back {
    state: State,
    tag: Bytes,
    user: Bytes,
    pass: Option<Secret<Bytes>>,
}

impl Back {
    /// A conversation that waits for the greeting.
    pub fn new(tag: Bytes, user: Bytes, pass: Option<Secret<Bytes>>) -> Self {
        Back {
            state: State::Greeting,
            tag,
            user,
            pass,
        }
    }
}

impl proto::Back for Back {
    fn action(&self) -> &'static str {
        match self.state {
            State::Greeting => "reading response from upstream",
            State::Login => "sending LOGIN command to upstream",
            State::User => "sending user name to upstream",
            State::Password => "sending password to upstream",
        }
    }

    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        let end = match self.state {
            State::Password => reply::group(bytes),
            _ => reply::line(bytes),
        }?;
        if end >= SHORTEST {
            return Some(end);
        }
        reply::line(&bytes[end..]).map(|more| end + more)
    }

    fn advance(&mut self, reply: &[u8], out: &mut Vec<u8>) -> Progress {
        let Some(pass) = &self.pass else {
            return Progress::NoPassword;
        };
        match self.state {
            State::Greeting if reply.starts_with(b"* OK") => {
                login(out, &self.tag, self.user.len());
                self.state = State::Login;
            }
            State::Login if reply.starts_with(b"+") => {
                user(out, &self.user, pass);
                self.state = State::User;
            }
            State::User if reply.starts_with(b"+") => {
                out.extend_from_slice(pass.reveal());
                out.extend_from_slice(b"\r\n");
                self.state = State::Password;
            }
            State::Password if is_ok(reply::last(reply), &self.tag) => return Progress::LoggedIn,
            _ => return Progress::Unexpected,
        }
        Progress::Read
    }

    fn shown<'a>(&self, reply: &'a [u8]) -> &'a [u8] {
        match self.state {
            State::Password => {
                let last = reply::last(reply);
                reply::tagged(last, &self.tag).unwrap_or(last)
            }
            _ => reply,
        }
    }
}

/// Whether a response says that our command was carried out.
pub(super) fn is_ok(response: &[u8], tag: &[u8]) -> bool {
    reply::tagged(response, tag).is_some_and(|text| text.starts_with(b"OK"))
}

/// LOGIN, up to the length of the user name.
pub(super) fn login(out: &mut Vec<u8>, tag: &[u8], length: usize) {
    out.extend_from_slice(tag);
    out.extend_from_slice(format!(" LOGIN {{{length}}}\r\n").as_bytes());
}

/// The user name, and the length of the password.
pub(super) fn user(out: &mut Vec<u8>, user: &[u8], pass: &Secret<Bytes>) {
    out.extend_from_slice(user);
    out.extend_from_slice(format!(" {{{}}}\r\n", pass.reveal().len()).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Back as _;

    /// Plays the backend; shows what it was told, how it ended, what the log would show.
    fn play(replies: &[&str]) -> String {
        let secret = Secret::new(b"s {9}".as_slice().into());
        let mut back = Back::new(
            b"t1".as_slice().into(),
            b"joe".as_slice().into(),
            Some(secret),
        );
        let mut told = String::new();
        for reply in replies {
            let mut out = Vec::new();
            assert_eq!(back.whole(reply.as_bytes()), Some(reply.len()), "{reply:?}");
            let action = back.action();
            match back.advance(reply.as_bytes(), &mut out) {
                Progress::Read => {
                    told.push_str(&String::from_utf8_lossy(&out).replace("\r\n", "|"))
                }
                Progress::Unexpected => {
                    let shown = String::from_utf8_lossy(back.shown(reply.as_bytes()));
                    return format!("{told} {action}: {shown:?}");
                }
                end => return format!("{told} {end:?}"),
            }
        }
        told
    }

    #[test]
    fn logins() {
        let begin = ["* OK hi\r\n", "+ go\r\n", "+\r\r\n"];
        let through = |last: &str| play(&[&begin[..], &[last]].concat());
        let told = "t1 LOGIN {3}|joe {5}|s {9}|";
        assert_eq!(through("t1 OK in\r\n"), format!("{told} LoggedIn"));
        assert_eq!(
            through("* X\r\n* Y {7}\r\nt1 OK\r\n\r\nt1 OK in\r\n"),
            format!("{told} LoggedIn")
        );
        let action = "sending password to upstream";
        assert_eq!(
            through("* X\r\nt1 NO [X] y\r\n"),
            format!("{told} {action}: \"NO [X] y\\r\\n\"")
        );
        assert_eq!(
            through("* BYE\r\n"),
            format!("{told} {action}: \"* BYE\\r\\n\"")
        );
        assert_eq!(
            through("t2 OK\r\n"),
            format!("{told} {action}: \"t2 OK\\r\\n\"")
        );
        assert_eq!(
            play(&["* OK hi\r\n", "t1 BAD x\r\n"]),
            "t1 LOGIN {3}| sending LOGIN command to upstream: \"t1 BAD x\\r\\n\""
        );
        assert_eq!(
            play(&["* PREAUTH hi\r\n"]),
            " reading response from upstream: \"* PREAUTH hi\\r\\n\""
        );
    }
}
