//! The capabilities in a backend's list: those that the gateway uses, and those that it announces to clients. The list is in
//! the greeting's response code or in a response of its own.

use super::reply;
use crate::config::Method;
use crate::proto::backend::wire::Capabilities;
use crate::proto::login::Bytes;

/// Capabilities that the gateway offers itself, cannot pass on, or cannot promise for the client's own connection.
const KEPT_BACK: [&[u8]; 5] = [
    b"STARTTLS",
    b"LOGINDISABLED",
    // RFC 2221: a client of the gateway cannot use another server's address.
    b"LOGIN-REFERRALS",
    // RFC 5255: allowed before the login, where the gateway does not take it. After the login the backend announces it.
    b"LANGUAGE",
    b"XCLIENT",
];

/// Parses the capabilities of a list.
pub fn read<'a>(words: impl Iterator<Item = &'a [u8]>) -> Capabilities {
    let mut found = Capabilities {
        password_command: true,
        ..Capabilities::default()
    };
    for word in words {
        match &*word.to_ascii_uppercase() {
            b"STARTTLS" => found.starttls = true,
            // RFC 2971
            b"ID" => found.identification = true,
            // RFC 4959
            b"SASL-IR" => found.initial_response = Some(usize::MAX),
            b"LOGINDISABLED" => found.password_command = false,
            _ => found.announce(mechanism(word).into_iter()),
        }
    }
    // The command LOGIN does what the mechanism does.
    found.mechanisms.remove(Method::Login);
    found
}

/// The mechanism that a capability announces.
fn mechanism(word: &[u8]) -> Option<&[u8]> {
    let (start, name) = word.split_at_checked(5)?;
    start.eq_ignore_ascii_case(b"AUTH=").then_some(name)
}

/// The words in a greeting's `[CAPABILITY …]`, if it has one.
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

/// The capabilities that are announced to clients before the gateway's own.
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
    use crate::config::Methods;
    use crate::proto::login::Bytes;

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
        let found = read(in_greeting(greeting).expect("words"));
        assert!(found.initial_response.is_some() && !found.password_command && !found.starttls);
        assert_eq!(found.mechanisms, Methods::of(&[Method::Plain]));
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
        let found = read(in_answer(answer));
        assert!(found.mechanisms.has(Method::CramMd5) && found.starttls);
        assert_eq!(list(&announced(in_answer(answer))), ["IMAP4", "LITERAL+"]);
    }
}
