//! SMTP commands, parsed as nginx parses them.

use crate::proto::line::{Invalid, content, words};

/// The number of arguments that a command may have, and of words in the answer to a SASL challenge.
pub const ARGUMENTS: usize = 11;

/// A command word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Helo,
    Ehlo,
    Auth,
    Quit,
    Mail,
    Rcpt,
    Rset,
    Noop,
    StartTls,
    /// VRFY, EXPN and HELP, which are always refused.
    Refused,
}

/// A well-formed command.
#[derive(Debug)]
pub struct Command<'a> {
    /// The command word.
    pub verb: Verb,
    /// The line from its word to the end of its last argument.
    pub text: &'a [u8],
    arguments: &'a [u8],
}

impl<'a> Command<'a> {
    /// Parses a line with its LF.
    ///
    /// # Errors
    /// The line is malformed, which counts against `max_errors`.
    pub fn parse(line: &'a [u8]) -> Result<Self, Invalid> {
        let line = content(line)?;
        let end = memchr::memchr(b' ', line).unwrap_or(line.len());
        let verb = verb(&line[..end]).ok_or(Invalid)?;
        let arguments = &line[end..];
        if words(arguments).count() > ARGUMENTS {
            return Err(Invalid);
        }
        Ok(Command {
            verb,
            text: trim_end(line),
            arguments,
        })
    }

    /// The arguments, without the spaces between them.
    pub fn arguments(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        words(self.arguments)
    }

    /// The argument, where there is exactly one.
    pub fn only_argument(&self) -> Option<&'a [u8]> {
        let mut arguments = self.arguments();
        arguments.next().filter(|_| arguments.next().is_none())
    }

    /// Whether it contains a control byte (below space, or DEL).
    pub fn has_control_bytes(&self) -> bool {
        self.text.iter().any(u8::is_ascii_control)
    }
}

fn trim_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&b| b != b' ').map_or(0, |at| at + 1);
    &line[..end]
}

fn verb(word: &[u8]) -> Option<Verb> {
    let mut upper = [0; 8];
    let upper = upper.get_mut(..word.len())?;
    upper.copy_from_slice(word);
    upper.make_ascii_uppercase();
    Some(match &*upper {
        b"HELO" => Verb::Helo,
        b"EHLO" => Verb::Ehlo,
        b"AUTH" => Verb::Auth,
        b"QUIT" => Verb::Quit,
        b"MAIL" => Verb::Mail,
        b"RCPT" => Verb::Rcpt,
        b"RSET" => Verb::Rset,
        b"NOOP" => Verb::Noop,
        b"STARTTLS" => Verb::StartTls,
        b"VRFY" | b"EXPN" | b"HELP" => Verb::Refused,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let show = |line: &str| match Command::parse(line.as_bytes()) {
            Err(Invalid) => "invalid".to_string(),
            Ok(c) => format!(
                "{:?} {:?} {}",
                c.verb,
                String::from_utf8_lossy(c.text),
                c.arguments().count()
            ),
        };
        for (line, want) in [
            ("NOOP\r\n", "Noop \"NOOP\" 0"),
            ("noop\n", "Noop \"noop\" 0"),
            (
                "MAIL  FROM:<a>  SIZE=1  \r\n",
                "Mail \"MAIL  FROM:<a>  SIZE=1\" 2",
            ),
            ("STARTTLS now\r\n", "StartTls \"STARTTLS now\" 1"),
            ("help\r\n", "Refused \"help\" 0"),
            ("DATA\r\n", "invalid"),
            (" NOOP\r\n", "invalid"),
            ("\r\n", "invalid"),
            ("\n", "invalid"),
            ("NOOP\rx\r\n", "invalid"),
            ("NOOP\r\r\n", "invalid"),
            ("STARTTLSX\r\n", "invalid"),
            ("NOOP\tx\r\n", "invalid"),
            (
                "RCPT 1 2 3 4 5 6 7 8 9 10 11\r\n",
                "Rcpt \"RCPT 1 2 3 4 5 6 7 8 9 10 11\" 11",
            ),
            ("RCPT 1 2 3 4 5 6 7 8 9 10 11 12\r\n", "invalid"),
        ] {
            assert_eq!(show(line), want, "{line:?}");
        }
    }
}
