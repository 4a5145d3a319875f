//! IMAP towards backends: classes of replies, and commands.
//!
//! Logins are sent under the client's own tag, so that the backend's answer can be passed on.

use super::response_code::reason;
use super::{capabilities, reply};
use crate::base::Secret;
use crate::proto::backend::reply::{Class, Expected, Rejection, Replies};
use crate::proto::backend::steps::{SENDING_AUTH, Step, Steps};
use crate::proto::backend::wire::{self, Capabilities, Identification, Verbs};
use crate::proto::client::{Action, READING};
use crate::proto::login::{Bytes, Credentials};

/// The tag of our own commands. No client's command is under way together with them.
const TAG: &[u8] = b"gw";

/// The shortest reply that nginx parses, in bytes.
const SHORTEST: usize = 4;

static VERBS: Verbs = Verbs {
    capabilities_action: "sending CAPABILITY to upstream",
    login_capabilities_action: READING,
    start_tls: "gw STARTTLS",
    start_tls_name: "STARTTLS",
    start_tls_action: "sending STARTTLS to upstream",
    greeting: b"* OK\r\n",
    quit: b"gw LOGOUT\r\n",
};

static ID: Identification = Identification {
    command: b"gw ID",
    action: "sending ID to upstream",
    expected: Expected::Capabilities,
};

/// IMAP.
#[derive(Debug, Default)]
pub struct Wire {
    /// The client's tag.
    tag: Bytes,
}

impl Replies for Wire {
    fn whole(&self, expected: Expected, bytes: &[u8]) -> Option<usize> {
        match expected {
            Expected::Greeting => reply::line(bytes),
            _ => reply::group(bytes),
        }
    }

    fn class<'a>(&self, expected: Expected, reply: &'a [u8]) -> Class<'a> {
        let response = reply::last(reply);
        let ok = match expected {
            Expected::Greeting => reply
                .strip_prefix(b"* ")
                .is_some_and(|text| reply::is_word(text, b"OK")),
            Expected::Capabilities => is_answer(reply),
            Expected::StartTls => reply::is_ok(response, TAG),
            Expected::LoggedIn => self.says(response, b"OK"),
            _ => false,
        };
        if ok {
            return Class::Ok;
        }
        match (expected, response.strip_prefix(b"+")) {
            (Expected::Challenge | Expected::LoggedIn, Some(text @ [b' ' | b'\r', ..])) => {
                Class::Challenge(text.trim_ascii())
            }
            _ => self.refusal(response).map_or(Class::Other, Class::Refused),
        }
    }
}

impl Wire {
    /// Reads the answer to a command of any tag.
    pub fn answering(reply: &[u8]) -> Self {
        let tag = reply::last(reply).split(|byte| *byte == b' ').next();
        Wire {
            tag: tag.unwrap_or_default().into(),
        }
    }

    /// The text of a response to the client's command.
    fn text<'a>(&self, response: &'a [u8]) -> &'a [u8] {
        reply::tagged(response, &self.tag).unwrap_or_default()
    }

    fn says(&self, response: &[u8], word: &[u8]) -> bool {
        reply::is_word(self.text(response), word)
    }

    fn refusal(&self, response: &[u8]) -> Option<Rejection> {
        let closing = reply::is_bye(response);
        if closing {
            return Some(Rejection { code: 454, closing });
        }
        let word = [&b"NO"[..], b"BAD"]
            .into_iter()
            .find(|word| self.says(response, word))?;
        Some(Rejection {
            code: reason(self.text(response)[word.len()..].trim_ascii_start()),
            closing,
        })
    }
}

impl wire::Wire for Wire {
    fn verbs(&self) -> &'static Verbs {
        &VERBS
    }

    fn capability_command(&self) -> Vec<u8> {
        [TAG, b" CAPABILITY"].concat()
    }

    fn greeted_capabilities(&self, greeting: &[u8]) -> Option<Capabilities> {
        capabilities::in_greeting(greeting).map(capabilities::read)
    }

    /// A backend that does not know the command announces nothing, and LOGIN works.
    fn capabilities(&self, answer: &[u8]) -> Option<Capabilities> {
        is_answer(answer).then(|| match reply::is_ok(reply::last(answer), TAG) {
            true => capabilities::read(capabilities::in_answer(answer)),
            false => capabilities::read(std::iter::empty()),
        })
    }

    /// Every server announces something: an empty list is none.
    fn announced(&self, reply: &[u8]) -> Option<Box<[Bytes]>> {
        let list = match capabilities::in_greeting(reply).filter(|_| !is_answer(reply)) {
            Some(words) => capabilities::announced(words),
            None => capabilities::announced(capabilities::in_answer(reply)),
        };
        Some(list).filter(|list| !list.is_empty())
    }

    fn identification(&self) -> Option<&'static Identification> {
        Some(&ID)
    }

    fn set_tag(&mut self, tag: &Bytes) {
        self.tag = tag.clone();
    }

    fn auth_command(&self, mechanism: &str) -> Vec<u8> {
        [&*self.tag, b" AUTHENTICATE ", mechanism.as_bytes()].concat()
    }

    fn login_without_sasl(
        &self,
        credentials: &Credentials,
        capabilities: &Capabilities,
    ) -> Option<Steps> {
        match credentials {
            Credentials::Plain { user, pass } if capabilities.password_command => {
                Some(login(&self.tag, user, pass, SENDING_AUTH))
            }
            _ => None,
        }
    }
}

/// LOGIN with literals. `last` is the action after the password was sent.
pub fn login(tag: &[u8], user: &[u8], pass: &Secret<Bytes>, last: Action) -> Steps {
    let pass = pass.reveal();
    let login = [tag, format!(" LOGIN {{{}}}", user.len()).as_bytes()].concat();
    let user = [user, format!(" {{{}}}", pass.len()).as_bytes()].concat();
    let (sending_login, sending_user) = (
        "sending LOGIN command to upstream",
        "sending user name to upstream",
    );
    Steps::new(
        Step::new(login, sending_login, Expected::Challenge),
        [
            Step::new(user, sending_user, Expected::Challenge),
            Step::new(&**pass, last, Expected::LoggedIn),
        ],
    )
}

fn is_greeting(reply: &[u8]) -> bool {
    reply.starts_with(b"* OK")
}

/// Whether a reply completes a command of our own, successfully or not.
fn is_answer(reply: &[u8]) -> bool {
    let words = [&b"OK"[..], b"NO", b"BAD"];
    reply::tagged(reply::last(reply), TAG)
        .is_some_and(|text| words.iter().any(|word| reply::is_word(text, word)))
}

/// IMAP as nginx reads it, after the auth server has decided: case matters, and only the answer to the password may have
/// untagged responses before it.
#[derive(Debug)]
pub struct Authorized {
    /// The client's tag.
    pub tag: Bytes,
}

impl Replies for Authorized {
    fn whole(&self, expected: Expected, bytes: &[u8]) -> Option<usize> {
        if expected != Expected::LoggedIn {
            return reply::line(bytes);
        }
        let end = reply::group(bytes)?;
        if end >= SHORTEST {
            return Some(end);
        }
        reply::line(&bytes[end..]).map(|more| end + more)
    }

    fn class<'a>(&self, expected: Expected, reply: &'a [u8]) -> Class<'a> {
        match expected {
            Expected::Greeting if is_greeting(reply) => Class::Ok,
            Expected::LoggedIn if reply::is_ok(reply::last(reply), &self.tag) => Class::Ok,
            Expected::Challenge => {
                (reply.strip_prefix(b"+")).map_or(Class::Other, Class::Challenge)
            }
            _ => Class::Other,
        }
    }

    /// Of the answer to the password, the log shows the response that decides, without its tag.
    fn shown_from(&self, expected: Expected, reply: &[u8]) -> usize {
        if expected != Expected::LoggedIn {
            return 0;
        }
        let last = reply::last(reply);
        let shown = reply::tagged(last, &self.tag).unwrap_or(last);
        reply.len() - shown.len()
    }
}
