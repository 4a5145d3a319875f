//! ManageSieve commands (RFC 5804, section 4): a word, and arguments that are strings or numbers.
//!
//! A string is quoted or a literal `{n+}`, which is not requested, so a command may span several lines. With each packet, parsing
//! restarts at the beginning of the command: only the bytes of the command are kept, in the client's buffer, which bounds them.

use std::borrow::Cow;

use crate::proto::login::Bytes;
use crate::proto::redact;

/// A command word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Authenticate,
    StartTls,
    Logout,
    Capability,
    Noop,
    /// A command that needs a login.
    Later,
    Unknown,
}

const VERBS: [(&[u8], Verb); 14] = [
    (b"AUTHENTICATE", Verb::Authenticate),
    (b"STARTTLS", Verb::StartTls),
    (b"LOGOUT", Verb::Logout),
    (b"CAPABILITY", Verb::Capability),
    (b"NOOP", Verb::Noop),
    (b"HAVESPACE", Verb::Later),
    (b"PUTSCRIPT", Verb::Later),
    (b"LISTSCRIPTS", Verb::Later),
    (b"SETACTIVE", Verb::Later),
    (b"GETSCRIPT", Verb::Later),
    (b"DELETESCRIPT", Verb::Later),
    (b"RENAMESCRIPT", Verb::Later),
    (b"CHECKSCRIPT", Verb::Later),
    (b"UNAUTHENTICATE", Verb::Later),
];

/// An argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    String(Cow<'a, [u8]>),
    /// A number or another word.
    Word,
}

/// A well-formed command.
#[derive(Debug)]
pub struct Command<'a> {
    /// The command word.
    pub verb: Verb,
    /// The arguments.
    pub arguments: Vec<Argument<'a>>,
}

impl Command<'_> {
    /// The arguments, if all are strings.
    pub fn strings(&self) -> Option<Vec<&[u8]>> {
        let strings = self.arguments.iter().map(|argument| match argument {
            Argument::String(text) => Some(&**text),
            Argument::Word => None,
        });
        strings.collect()
    }
}

/// The reason why no command was parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The command is incomplete.
    Part,
    /// The line is malformed.
    Invalid {
        /// It ends in a literal: the bytes that follow cannot be distinguished from commands.
        literal: bool,
    },
}

const INVALID: Stop = Stop::Invalid { literal: false };

/// Parses one command at the front of a client's bytes.
#[derive(Debug)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The line is an answer to a SASL challenge.
    is_answer: bool,
}

impl<'a> Scan<'a> {
    /// A scan of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Scan {
            bytes,
            at: 0,
            is_answer: false,
        }
    }

    /// Parses a command.
    ///
    /// # Errors
    /// [`Stop`]
    pub fn command(&mut self) -> Result<Command<'a>, Stop> {
        let read = self.read_command();
        self.finish_line(read)
    }

    /// Parses the answer to a SASL challenge: one string on a line.
    ///
    /// # Errors
    /// [`Stop`]
    pub fn answer(&mut self) -> Result<Cow<'a, [u8]>, Stop> {
        self.is_answer = true;
        let read = self.argument().and_then(|answer| match answer {
            Argument::String(text) => {
                self.spaces()?;
                self.line_end()?;
                Ok(text)
            }
            Argument::Word => Err(INVALID),
        });
        self.finish_line(read)
    }

    /// The number of bytes parsed.
    pub fn length(&self) -> usize {
        self.at
    }

    /// The part of the line that the log may show: nothing of an answer to a challenge.
    pub fn shown(&self) -> Bytes {
        match self.is_answer {
            true => redact::HIDDEN.into(),
            false => redact::command(self.bytes).into(),
        }
    }

    fn read_command(&mut self) -> Result<Command<'a>, Stop> {
        let length = self.bytes.iter().take_while(|b| b.is_ascii_alphabetic());
        let word = &self.bytes[..length.count()];
        self.at = word.len();
        if !matches!(self.peek()?, b' ' | b'\r' | b'\n') || word.is_empty() {
            return Err(INVALID);
        }
        let known = VERBS
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        Ok(Command {
            verb: known.map_or(Verb::Unknown, |(_, verb)| *verb),
            arguments: self.arguments()?,
        })
    }

    /// Parses spaces and arguments up to the end of the command.
    fn arguments(&mut self) -> Result<Vec<Argument<'a>>, Stop> {
        let mut found = Vec::new();
        loop {
            let is_apart = self.spaces()?;
            match self.peek()? {
                b'\n' | b'\r' => {
                    self.line_end()?;
                    return Ok(found);
                }
                _ if is_apart => found.push(self.argument()?),
                _ => return Err(INVALID),
            }
        }
    }

    /// Skips spaces; returns whether there are any.
    fn spaces(&mut self) -> Result<bool, Stop> {
        let start = self.at;
        while self.peek()? == b' ' {
            self.at += 1;
        }
        Ok(self.at > start)
    }

    fn argument(&mut self) -> Result<Argument<'a>, Stop> {
        match self.peek()? {
            b'"' => self.quoted().map(Argument::String),
            b'{' => self.literal().map(Cow::Borrowed).map(Argument::String),
            byte if byte.is_ascii_graphic() => {
                while self.peek()?.is_ascii_graphic() {
                    self.at += 1;
                }
                Ok(Argument::Word)
            }
            _ => Err(INVALID),
        }
    }

    /// Parses a quoted string.
    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, Stop> {
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<Vec<u8>> = None;
        loop {
            let raw = &self.bytes[start..self.at];
            let mut byte = self.peek()?;
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(unescaped.map_or(Cow::Borrowed(raw), Cow::Owned));
                }
                b'\\' => {
                    unescaped.get_or_insert_with(|| raw.to_vec());
                    self.at += 1;
                    byte = self.peek()?;
                }
                _ => {}
            }
            if matches!(byte, b'\r' | b'\n' | 0) {
                return Err(INVALID);
            }
            if let Some(text) = &mut unescaped {
                text.push(byte);
            }
            self.at += 1;
        }
    }

    /// Parses `{n+}`, the end of the line, and n bytes. A client that sends `{n}` would wait for a reply that ManageSieve does not
    /// have.
    fn literal(&mut self) -> Result<&'a [u8], Stop> {
        self.at += 1;
        let start = self.at;
        while self.peek()?.is_ascii_digit() {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.bytes[start..self.at]);
        let length = digits.ok().and_then(|digits| digits.parse::<usize>().ok());
        for byte in *b"+}" {
            if self.peek()? != byte {
                return Err(INVALID);
            }
            self.at += 1;
        }
        let length = length.ok_or(INVALID)?;
        self.line_end()?;
        let end = self.at.checked_add(length).ok_or(Stop::Part)?;
        let literal = self.bytes.get(self.at..end).ok_or(Stop::Part)?;
        self.at = end;
        Ok(literal)
    }

    /// Parses LF or CR LF.
    fn line_end(&mut self) -> Result<(), Stop> {
        if self.peek()? == b'\r' {
            self.at += 1;
        }
        if self.peek()? != b'\n' {
            return Err(INVALID);
        }
        self.at += 1;
        Ok(())
    }

    /// Skips the rest of an invalid line.
    fn finish_line<T>(&mut self, read: Result<T, Stop>) -> Result<T, Stop> {
        let Err(Stop::Invalid { .. }) = read else {
            return read;
        };
        let end = self.at + memchr::memchr(b'\n', &self.bytes[self.at..]).ok_or(Stop::Part)?;
        self.at = end + 1;
        let line = self.bytes[..end].trim_ascii_end();
        let literal = memchr::memrchr(b'{', line)
            .map(|start| &line[start + 1..])
            .and_then(|length| length.strip_suffix(b"}"))
            .is_some_and(|length| length.first().is_some_and(u8::is_ascii_digit));
        Err(Stop::Invalid { literal })
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::Part)
    }
}

#[cfg(test)]
mod tests;
