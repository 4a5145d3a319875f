//! Passwords that a peer's reply repeats: the log shows such a reply without them.

use std::borrow::Cow;

use super::Credentials;
use super::login::{self, Bytes};
use super::redact::HIDDEN;
use super::sasl;
use crate::base::{Escaped, Secret};

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

/// The shortest password that is looked for inside of words, in bytes.
const LONG: usize = 6;
/// The shortest base64 that is decoded, in characters.
const TOKEN: usize = 6;
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

    /// A log message without the passwords in its quoted part, where text of a peer stands. They are found in clear, in base64,
    /// and within a message in base64, whole or cut off.
    #[must_use]
    pub fn masked<'a>(&self, message: &'a str) -> Cow<'a, str> {
        let (Some(start), Some(end)) = (message.find('"'), message.rfind('"')) else {
            return Cow::Borrowed(message);
        };
        let mut quoted = Cow::Borrowed(&message[start..end]);
        for password in &self.0 {
            let password = &**password.reveal();
            if let Some(masked) = without_base64(&quoted, password) {
                quoted = Cow::Owned(masked);
            }
            let clear = Escaped(password).to_string();
            if let Some(masked) = without(&quoted, &clear) {
                quoted = Cow::Owned(masked);
            }
        }
        match quoted {
            Cow::Borrowed(_) => Cow::Borrowed(message),
            Cow::Owned(quoted) => [&message[..start], &quoted, &message[end..]]
                .concat()
                .into(),
        }
    }
}

/// The text without a password in clear. A short one must be a word. `None`: it is not there.
fn without(text: &str, password: &str) -> Option<String> {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(password) {
        let (before, after) = (&rest[..at], &rest[at + password.len()..]);
        let in_word =
            before.ends_with(char::is_alphanumeric) || after.starts_with(char::is_alphanumeric);
        masked.push_str(before);
        if password.len() < LONG && in_word {
            let first = password.chars().next().map_or(0, char::len_utf8);
            masked.push_str(&rest[at..at + first]);
            rest = &rest[at + first..];
        } else {
            masked.push_str(hidden());
            rest = after;
        }
    }
    masked.push_str(rest);
    (masked != text).then_some(masked)
}

/// The text without base64 that has a part of the password. `None`: there is none.
fn without_base64(text: &str, password: &[u8]) -> Option<String> {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_base64) {
        let length = rest[start..].find(|c| !is_base64(c));
        let end = length.map_or(rest.len(), |length| start + length);
        let token = &rest[start..end];
        masked.push_str(&rest[..start]);
        if token.len() >= TOKEN && reveals(token, password) {
            masked.push_str(hidden());
            rest = rest[end..].trim_start_matches('=');
        } else {
            masked.push_str(token);
            rest = &rest[end..];
        }
    }
    masked.push_str(rest);
    (masked != text).then_some(masked)
}

/// Whether base64 has a part of the password. The token may be cut off, or begin in the middle of a message.
fn reveals(token: &str, password: &[u8]) -> bool {
    let part = password.len().min(PART);
    (0..4).any(|skipped| {
        let token = token.as_bytes().get(skipped..).unwrap_or_default();
        let whole = token.len() - usize::from(token.len() % 4 == 1);
        let decoded = sasl::challenge(&token[..whole]).unwrap_or_default();
        let windows = decoded.windows(part);
        windows
            .into_iter()
            .any(|window| password.windows(part).any(|own| own == window))
    })
}

fn hidden() -> &'static str {
    std::str::from_utf8(HIDDEN).unwrap_or_default()
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
            ("a\"b\r\nc", "no a\\x22b\\x0D\\x0Ac", "no ***"),
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
