//! POP3 commands, parsed as nginx parses them.

use crate::proto::line::{Invalid, content, words};

/// The number of arguments that a command may have, and of words in the answer to a SASL challenge.
pub const ARGUMENTS: usize = 3;
/// The length of every command word.
const WORD: usize = 4;

/// A command word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    User,
    Pass,
    Apop,
    Auth,
    Capa,
    Quit,
    Noop,
    Stls,
}

/// A well-formed command.
#[derive(Debug)]
pub struct Command<'a> {
    /// The command word.
    pub verb: Verb,
    arguments: &'a [u8],
}

impl<'a> Command<'a> {
    /// Parses a line with its LF.
    ///
    /// # Errors
    /// The line is malformed, which counts against `max_errors`.
    pub fn parse(line: &'a [u8]) -> Result<Self, Invalid> {
        let line = content(line)?;
        let (word, arguments) = line.split_at_checked(WORD).ok_or(Invalid)?;
        if arguments.first().is_some_and(|&next| next != b' ') {
            return Err(Invalid);
        }
        let verb = match &*word.to_ascii_uppercase() {
            b"USER" => Verb::User,
            b"PASS" => Verb::Pass,
            b"APOP" => Verb::Apop,
            b"AUTH" => Verb::Auth,
            b"CAPA" => Verb::Capa,
            b"QUIT" => Verb::Quit,
            b"NOOP" => Verb::Noop,
            b"STLS" => Verb::Stls,
            _ => return Err(Invalid),
        };
        let command = Command { verb, arguments };
        let one = matches!(verb, Verb::User | Verb::Pass);
        if !one && command.arguments().count() > ARGUMENTS {
            return Err(Invalid);
        }
        Ok(command)
    }

    /// The arguments, without the spaces between them.
    pub fn arguments(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        words(self.arguments)
    }

    /// Everything after the word and the spaces that follow it: names and passwords may contain spaces. `None` if it is empty.
    pub fn text(&self) -> Option<&'a [u8]> {
        let start = self.arguments.iter().position(|&byte| byte != b' ')?;
        Some(&self.arguments[start..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let show = |line: &str| match Command::parse(line.as_bytes()) {
            Err(Invalid) => "invalid".to_string(),
            Ok(c) => format!(
                "{:?} {} {:?}",
                c.verb,
                c.arguments().count(),
                c.text().map(String::from_utf8_lossy).unwrap_or_default()
            ),
        };
        for (line, want) in [
            ("NOOP\r\n", "Noop 0 \"\""),
            ("noop\n", "Noop 0 \"\""),
            ("USER  a b  c d \r\n", "User 4 \"a b  c d \""),
            ("PASS \r\n", "Pass 0 \"\""),
            ("APOP a b\r\n", "Apop 2 \"a b\""),
            ("AUTH a b c\r\n", "Auth 3 \"a b c\""),
            ("AUTH a b c d\r\n", "invalid"),
            ("LIST\r\n", "invalid"),
            ("NOOPX\r\n", "invalid"),
            ("NOOP\tx\r\n", "invalid"),
            ("\r\n", "invalid"),
            ("\n", "invalid"),
            (" NOOP\r\n", "invalid"),
            ("NOOP\r\r\n", "invalid"),
            ("USER a\rb\r\n", "invalid"),
            ("NO\u{e9}P\n", "invalid"),
        ] {
            assert_eq!(show(line), want, "{line:?}");
        }
    }
}
