//! Passwords that a peer's reply repeats: the log shows such a reply without them.

mod base64;
mod clear;

use std::borrow::Cow;

use super::Credentials;
use super::login::{self, Bytes};
use crate::base::Secret;

/// The passwords of one attempt to log in, in the forms in which a reply may repeat them.
#[derive(Debug, Default)]
pub struct Passwords(Vec<Secret<Bytes>>);

/// Words of usual replies. A reply that has them says nothing about a password that is one of them.
const USUAL: [&str; 26] = [
    "access",
    "account",
    "again",
    "auth",
    "authentication",
    "bad",
    "credentials",
    "denied",
    "error",
    "failed",
    "failure",
    "incorrect",
    "internal",
    "invalid",
    "login",
    "mail",
    "mailbox",
    "no",
    "pass",
    "password",
    "server",
    "temporary",
    "try",
    "user",
    "username",
    "wrong",
];

/// The longest part of a password that may be shown, in bytes, less one.
const PART: usize = 4;

impl Passwords {
    /// The passwords of these credentials, and what may be one: a digest that is none, and the part of a login that the log does
    /// not show.
    #[must_use]
    pub fn of(credentials: &Credentials) -> Self {
        let mut passwords = Self::default();
        let password = match credentials {
            Credentials::CramMd5 { digest, .. } | Credentials::Apop { digest, .. } => Some(digest),
            other => other.password(),
        };
        if let Some(password) = password {
            passwords.add(password);
        }
        let user = credentials.user();
        let hidden = &user[login::shown(user).len()..];
        for word in hidden.split(|byte| matches!(byte, 0 | 1 | b' ')) {
            passwords.add(&Secret::new(word.into()));
        }
        passwords
    }

    /// Adds a password.
    pub fn add(&mut self, password: &Secret<Bytes>) {
        let bytes = &**password.reveal();
        let is_usual = USUAL
            .iter()
            .any(|usual| bytes.eq_ignore_ascii_case(usual.as_bytes()));
        if !bytes.is_empty() && !is_usual {
            self.0.push(password.clone());
        }
    }

    /// A log message without the passwords in its quoted part, where text of a peer stands.
    #[must_use]
    pub fn masked<'a>(&self, message: &'a str) -> Cow<'a, str> {
        let (Some(start), Some(end)) = (message.find('"'), message.rfind('"')) else {
            return Cow::Borrowed(message);
        };
        match self.masked_text(&message[start..end]) {
            Cow::Borrowed(_) => Cow::Borrowed(message),
            Cow::Owned(quoted) => [&message[..start], &quoted, &message[end..]]
                .concat()
                .into(),
        }
    }

    /// A peer's text without the passwords. They are found in clear, escaped, in base64, and within a message in base64, whole or
    /// cut off.
    #[must_use]
    pub fn masked_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for password in &self.0 {
            let password = &**password.reveal();
            for without in [base64::without, clear::without] {
                if let Some(masked) = without(&text, password) {
                    text = Cow::Owned(masked);
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(password: &str, text: &str) -> String {
        let mut passwords = Passwords::default();
        passwords.add(&Secret::new(password.as_bytes().into()));
        let message = format!("upstream sent invalid response: \"{text}\"");
        let masked = passwords.masked(&message).into_owned();
        let quoted = masked.strip_prefix("upstream sent invalid response: \"");
        quoted
            .and_then(|text| text.strip_suffix('"'))
            .unwrap()
            .into()
    }

    #[test]
    fn a_reply_that_repeats_the_password() {
        for (password, text, shown) in [
            (
                "s3cret-pw",
                "535 bad password s3cret-pw",
                "535 bad password ***",
            ),
            ("s3cret-pw", "535 <s3cret-pw>s3cret-pw!", "535 <***>***!"),
            ("pw", "535 pw, not pwd, pw", "535 ***, not pwd, ***"),
            ("a", "535 a bad day", "535 *** bad day"),
            (
                "password",
                "535 invalid login or password",
                "535 invalid login or password",
            ),
            ("upstream", "535 no", "535 no"),
            // NUL joe NUL s3cret-pw
            (
                "s3cret-pw",
                "501 AUTH PLAIN AGpvZQBzM2NyZXQtcHc=: no",
                "501 AUTH PLAIN ***: no",
            ),
            (
                "s3cret-pw",
                "501 AUTH PLAIN AGpvZQBzM2NyZXQ",
                "501 AUTH PLAIN ***",
            ),
            ("s3cret-pw", "501 czNjcmV0LXB3", "501 ***"),
            ("s3cret-pw", "501 xczNjcmV0LXB3", "501 ***"),
            (
                "s3cret-pw",
                "501 authentication failed",
                "501 authentication failed",
            ),
            ("s3cret-pw", "501 _-czNjcmV0LXB3", "501 ***"),
            ("~~~???~~~", "501 fn5-Pz8_fn5-", "501 ***"),
            ("a\"b\r\nc", "no a\\x22b\\x0D\\x0Ac", "no ***"),
            ("s3cret pw%", "no s3cret%20pw%25!", "no ***!"),
            (
                "s3cret%20pw",
                "no s3cret%20pw, s3cret%2520pw",
                "no ***, ***",
            ),
            ("s3cret=pw", "no s3cret+3Dpw, s3cret=3dpw", "no ***, ***"),
            // In JSON.
            ("s3cr\"et\\pw", "no s3cr\\\\\\\\x22et\\\\\\\\pw", "no ***"),
            ("s3cret\"\\/", "no s3cret\\\\x22\\\\\\/", "no ***"),
            (
                "s3crèt€",
                "no s3cr\\u00e8t\\u20AC, s3cr%C3%A8t€",
                "no ***, ***",
            ),
            // Cut off.
            ("s3cret-pw", "no, not s3cr", "no, not ***"),
            ("s3cret-pw", "no, not s3c", "no, not s3c"),
            ("s3cret-pw", "no, not s3cret or", "no, not s3cret or"),
            ("", "535 no", "535 no"),
        ] {
            assert_eq!(masked(password, text), shown, "{password:?}");
        }
    }

    #[test]
    fn a_login_may_have_the_password() {
        let user = b"user=joe\x01auth=Bearer a-token\x01\x01".as_slice().into();
        let passwords = Passwords::of(&Credentials::External { user });
        let message = "client login failed: \"joe: a-token is wrong\"";
        assert_eq!(
            passwords.masked(message),
            "client login failed: \"joe: *** is wrong\""
        );
    }

    #[test]
    fn the_gateways_own_words_stay() {
        let mut passwords = Passwords::default();
        passwords.add(&Secret::new(b"client".as_slice().into()));
        let message = "client login failed: \"client\"";
        assert_eq!(passwords.masked(message), "client login failed: \"***\"");
        assert_eq!(passwords.masked("client logged in"), "client logged in");
    }
}
