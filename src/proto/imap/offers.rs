//! What a backend offers: the words behind CAPABILITY, in a greeting's response code or in a response of its own.

use super::reply;
use crate::proto::login::Bytes;

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

/// Ways to log in, as far as the gateway knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    pub plain: bool,
    pub cram_md5: bool,
    pub external: bool,
    /// The first answer may stand in the command (RFC 4959).
    pub initial: bool,
    /// LOGIN is refused.
    pub no_login: bool,
}

impl Offers {
    /// What the words say.
    pub fn of<'a>(words: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut offers = Offers::default();
        for word in words {
            match &*word.to_ascii_uppercase() {
                b"AUTH=PLAIN" => offers.plain = true,
                b"AUTH=CRAM-MD5" => offers.cram_md5 = true,
                b"AUTH=EXTERNAL" => offers.external = true,
                b"SASL-IR" => offers.initial = true,
                b"LOGINDISABLED" => offers.no_login = true,
                _ => {}
            }
        }
        offers
    }
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
    let auth = word
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH="));
    !auth
        && word.iter().all(u8::is_ascii_graphic)
        && !KEPT_BACK.iter().any(|kept| word.eq_ignore_ascii_case(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(offers.plain && offers.initial && offers.no_login && !offers.cram_md5);
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
        assert!(Offers::of(in_answer(answer)).cram_md5);
        assert_eq!(list(&announced(in_answer(answer))), ["IMAP4", "LITERAL+"]);
    }
}
