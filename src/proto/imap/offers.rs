//! What a backend offers: the words behind CAPABILITY, in a greeting's response code or in a response of its own.

use super::reply;
use crate::config::Methods;
use crate::proto::login::Bytes;
use crate::proto::sasl;

/// What the gateway does itself, cannot pass on, or promises only where it holds for the client's own connection.
const KEPT_BACK: [&[u8]; 5] = [
    b"STARTTLS",
    b"LOGINDISABLED",
    // RFC 2221: another server's address is no use to a client of the gateway.
    b"LOGIN-REFERRALS",
    // RFC 2971: taken before a login too, which the gateway does not. Behind it the backend announces it itself.
    b"ID",
    b"XCLIENT",
];

/// The tag of our own commands. No client's command is under way with them.
pub const TAG: &[u8] = b"gw";

/// Ways to log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// The mechanisms of AUTHENTICATE.
    pub methods: Methods,
    /// The first answer may stand in the command (RFC 4959).
    pub initial: bool,
    /// LOGIN is refused.
    pub no_login: bool,
}

impl Offers {
    /// What the words say.
    pub fn of<'a>(words: impl Iterator<Item = &'a [u8]>) -> Self {
        let (mut initial, mut no_login) = (false, false);
        let methods = words.filter_map(|word| {
            initial |= word.eq_ignore_ascii_case(b"SASL-IR");
            no_login |= word.eq_ignore_ascii_case(b"LOGINDISABLED");
            mechanism(word)
        });
        Offers {
            methods: sasl::client::announced(methods),
            initial,
            no_login,
        }
    }
}

/// The mechanism that a word announces.
fn mechanism(word: &[u8]) -> Option<&[u8]> {
    let (start, name) = word.split_at_checked(5)?;
    start.eq_ignore_ascii_case(b"AUTH=").then_some(name)
}

/// Whether TLS can begin.
pub fn has_starttls<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> bool {
    words.any(|word| word.eq_ignore_ascii_case(b"STARTTLS"))
}

/// Asks for the words.
pub fn ask(out: &mut Vec<u8>) {
    own(out, b"CAPABILITY");
}

/// Says goodbye.
pub fn leave(out: &mut Vec<u8>) {
    own(out, b"LOGOUT");
}

/// A command of our own.
pub fn own(out: &mut Vec<u8>, command: &[u8]) {
    for piece in [TAG, b" ", command, b"\r\n"] {
        out.extend_from_slice(piece);
    }
}

/// Whether a reply is the one to our own command.
pub fn is_answer(reply: &[u8]) -> bool {
    reply::tagged(reply::last(reply), TAG).is_some()
}

/// The words in a greeting's `[CAPABILITY …]`, if it has that.
pub fn in_greeting(greeting: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let code = greeting.get(5..)?.strip_prefix(b"[")?;
    let code = &code[..memchr::memchr(b']', code)?];
    after_capability(code)
}

/// The words of the answer to CAPABILITY.
pub fn in_answer(answer: &[u8]) -> impl Iterator<Item = &[u8]> {
    reply::untagged(answer)
        .filter_map(|response| after_capability(response.get(2..)?))
        .flatten()
}

fn after_capability(text: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let mut words = text
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    words
        .next()?
        .eq_ignore_ascii_case(b"CAPABILITY")
        .then_some(words)
}

/// The words that clients may hear before the gateway adds its own.
pub fn announced<'a>(words: impl Iterator<Item = &'a [u8]>) -> Box<[Bytes]> {
    words
        .filter(|word| is_passed_on(word))
        .map(Into::into)
        .collect()
}

fn is_passed_on(word: &[u8]) -> bool {
    mechanism(word).is_none()
        && word.iter().all(u8::is_ascii_graphic)
        && !KEPT_BACK.iter().any(|kept| word.eq_ignore_ascii_case(kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Method;

    fn list(words: &[Bytes]) -> Vec<&str> {
        words
            .iter()
            .map(|word| std::str::from_utf8(word).unwrap_or("?"))
            .collect()
    }

    #[test]
    fn words_of_a_greeting_and_of_an_answer() {
        let greeting =
            b"* OK [CAPABILITY IMAP4rev1 SASL-IR IDLE auth=plain LOGINDISABLED] ready\r\n";
        let offers = Offers::of(in_greeting(greeting).expect("words"));
        assert!(offers.initial && offers.no_login);
        assert_eq!(offers.methods, Methods::of(&[Method::Plain]));
        let heard = announced(in_greeting(greeting).expect("words"));
        assert_eq!(list(&heard), ["IMAP4rev1", "SASL-IR", "IDLE"]);
        for none in [
            "* OK ready\r\n",
            "* OK [ALERT] x\r\n",
            "* OK [CAPABILITY x\r\n",
            "*",
        ] {
            assert!(in_greeting(none.as_bytes()).is_none(), "{none}");
        }
        let answer =
            b"* OK x\r\n* CAPABILITY IMAP4 AUTH=CRAM-MD5 X\x01Y STARTTLS LITERAL+\r\nc OK\r\n";
        assert!(Offers::of(in_answer(answer)).methods.has(Method::CramMd5));
        assert_eq!(list(&announced(in_answer(answer))), ["IMAP4", "LITERAL+"]);
    }
}
