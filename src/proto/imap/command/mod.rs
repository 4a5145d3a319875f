//! IMAP commands, parsed as nginx parses them: tag, command word, up to three arguments.
//!
//! An argument is a word, a quoted string or a literal. A literal may have to be requested (RFC 3501, section 4.3), so a command
//! may span several lines. With each packet, parsing restarts at the beginning of the command: only the bytes of the command are
//! kept, in the client's buffer, which bounds them.

mod id;

use std::borrow::Cow;

use crate::proto::login::Bytes;
use crate::proto::redact;

/// The number of arguments that a command may have.
const ARGUMENTS: usize = 3;
/// The longest literal that has a length, in bytes.
const LITERAL: usize = usize::MAX / 2;
/// The length of the longest tag.
const TAG: usize = 32;

/// A command word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Login,
    Logout,
    Capability,
    Noop,
    StartTls,
    Authenticate,
    /// Its arguments are names and values in turn.
    Id,
}

/// A word, a string or a literal.
pub type Argument<'a> = Cow<'a, [u8]>;

/// A well-formed command.
#[derive(Debug)]
pub struct Command<'a> {
    /// The tag.
    pub tag: &'a [u8],
    /// The command word.
    pub verb: Verb,
    /// Up to three arguments; those of ID are as many as there are.
    pub arguments: Vec<Argument<'a>>,
}

/// The reason why no command was parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The command is incomplete.
    Part,
    /// The client's next literal must be requested.
    Literal,
    /// The line is malformed.
    Invalid {
        /// It ends in a literal that need not be requested: the bytes that follow cannot be distinguished from commands.
        literal: bool,
    },
}

/// Parses one command at the front of a client's bytes.
#[derive(Debug)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Literals that were requested and are not parsed yet.
    requested: usize,
    tag: Option<&'a [u8]>,
    /// The line is an answer to a SASL challenge.
    is_answer: bool,
}

impl<'a> Scan<'a> {
    /// A scan of `bytes`. `requested` literals of the command were requested.
    pub fn new(bytes: &'a [u8], requested: usize) -> Self {
        Scan {
            bytes,
            at: 0,
            requested,
            tag: None,
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

    /// Parses the answer to a SASL challenge: the line up to the first space.
    ///
    /// # Errors
    /// [`Stop`]
    pub fn answer(&mut self) -> Result<&'a [u8], Stop> {
        self.is_answer = true;
        let read = self.word().and_then(|answer| {
            self.arguments(vec![Cow::Borrowed(answer)])?;
            Ok(answer)
        });
        self.finish_line(read)
    }

    /// The number of bytes parsed.
    pub fn length(&self) -> usize {
        self.at
    }

    /// The tag, if one was parsed.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.tag
    }

    /// The part of the line that the log may show: nothing of an answer to a challenge.
    pub fn shown(&self) -> Bytes {
        match self.is_answer {
            true => redact::HIDDEN.into(),
            false => redact::command(self.bytes).into(),
        }
    }

    fn read_command(&mut self) -> Result<Command<'a>, Stop> {
        let tag = self.read_tag()?;
        self.tag = Some(tag);
        while self.peek()? == b' ' {
            self.at += 1;
        }
        let verb = self.verb()?;
        let arguments = match verb {
            Verb::Id => self.id()?,
            _ => self.arguments(Vec::new())?,
        };
        Ok(Command {
            tag,
            verb,
            arguments,
        })
    }

    /// Skips the rest of an invalid line.
    fn finish_line<T>(&mut self, read: Result<T, Stop>) -> Result<T, Stop> {
        let Err(Stop::Invalid { .. }) = read else {
            return read;
        };
        let end = self.at + memchr::memchr(b'\n', &self.bytes[self.at..]).ok_or(Stop::Part)?;
        self.at = end + 1;
        let line = &self.bytes[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Err(Stop::Invalid {
            literal: end > 4 && line.ends_with(b"+}"),
        })
    }

    /// Parses the tag and the space after it.
    fn read_tag(&mut self) -> Result<&'a [u8], Stop> {
        let length = self
            .bytes
            .iter()
            .take(TAG + 1)
            .take_while(|&&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
            .count();
        if length > TAG {
            return Err(INVALID);
        }
        self.at = length;
        if self.peek()? != b' ' || length == 0 {
            return Err(INVALID);
        }
        self.at += 1;
        Ok(&self.bytes[..length])
    }

    fn verb(&mut self) -> Result<Verb, Stop> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let word = &rest[..length];
        self.at += length;
        if !matches!(self.peek()?, b' ' | b'\r' | b'\n') {
            return Err(INVALID);
        }
        const VERBS: [(&[u8], Verb); 7] = [
            (b"LOGIN", Verb::Login),
            (b"LOGOUT", Verb::Logout),
            (b"CAPABILITY", Verb::Capability),
            (b"NOOP", Verb::Noop),
            (b"STARTTLS", Verb::StartTls),
            (b"AUTHENTICATE", Verb::Authenticate),
            (b"ID", Verb::Id),
        ];
        let known = VERBS
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        known.map(|(_, verb)| *verb).ok_or(INVALID)
    }

    /// Parses the arguments up to the end of the command.
    fn arguments(&mut self, mut found: Vec<Argument<'a>>) -> Result<Vec<Argument<'a>>, Stop> {
        // A literal ends where its length says: only a space or the end of the line may follow.
        let mut behind_literal = false;
        loop {
            let byte = self.peek()?;
            match byte {
                b'\n' => {
                    self.at += 1;
                    return Ok(found);
                }
                b'\r' => {
                    self.at += 1;
                    if self.peek()? != b'\n' {
                        return Err(INVALID);
                    }
                }
                b' ' => self.at += 1,
                _ if behind_literal => return Err(INVALID),
                b'{' => {
                    self.room(&found)?;
                    found.push(Cow::Borrowed(self.literal()?));
                    behind_literal = true;
                    continue;
                }
                b'"' => {
                    self.room(&found)?;
                    found.push(self.quoted()?);
                }
                _ => {
                    self.room(&found)?;
                    found.push(Cow::Borrowed(self.word()?));
                }
            }
            behind_literal = false;
        }
    }

    fn room(&self, found: &[Argument<'_>]) -> Result<(), Stop> {
        if found.len() < ARGUMENTS {
            Ok(())
        } else {
            Err(INVALID)
        }
    }

    /// Parses up to a space or the end of the line.
    fn word(&mut self) -> Result<&'a [u8], Stop> {
        let rest = &self.bytes[self.at..];
        let end = memchr::memchr3(b' ', b'\r', b'\n', rest).ok_or(Stop::Part)?;
        self.at += end;
        Ok(&rest[..end])
    }

    /// Parses a quoted string; the end of the line also ends it.
    fn quoted(&mut self) -> Result<Argument<'a>, Stop> {
        self.at += 1;
        let start = self.at;
        let mut text = Vec::new();
        let mut escaped = false;
        loop {
            let byte = match self.peek()? {
                b'"' | b'\r' | b'\n' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                    match self.peek()? {
                        b'\r' | b'\n' => return Err(INVALID),
                        byte => byte,
                    }
                }
                byte => byte,
            };
            text.push(byte);
            self.at += 1;
        }
        let raw = &self.bytes[start..self.at];
        if self.peek()? == b'"' {
            self.at += 1;
        }
        Ok(if escaped {
            Cow::Owned(text)
        } else {
            Cow::Borrowed(raw)
        })
    }

    /// Parses `{n}` or `{n+}` (RFC 7888), the end of the line, and n bytes.
    fn literal(&mut self) -> Result<&'a [u8], Stop> {
        self.at += 1;
        let mut length = 0_usize;
        let mut waits = true;
        loop {
            match self.peek()? {
                digit @ b'0'..=b'9' if waits => {
                    length = length
                        .checked_mul(10)
                        .and_then(|length| length.checked_add(usize::from(digit - b'0')))
                        .filter(|length| *length <= LITERAL)
                        .ok_or(INVALID)?;
                }
                b'+' if waits => waits = false,
                b'}' => break,
                _ => return Err(INVALID),
            }
            self.at += 1;
        }
        self.at += 1;
        while self.peek()? == b'\r' {
            self.at += 1;
        }
        if self.peek()? != b'\n' {
            return Err(INVALID);
        }
        self.at += 1;
        if waits {
            self.requested = self.requested.checked_sub(1).ok_or(Stop::Literal)?;
        }
        let end = self.at.checked_add(length).ok_or(Stop::Part)?;
        let literal = self.bytes.get(self.at..end).ok_or(Stop::Part)?;
        self.at = end;
        Ok(literal)
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::Part)
    }
}

const INVALID: Stop = Stop::Invalid { literal: false };

#[cfg(test)]
mod tests;
