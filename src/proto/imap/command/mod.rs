//! One command of an IMAP client, taken apart as nginx takes it: tag, word, up to three arguments.
//!
//! An argument is a word, a quoted string or a literal. A literal is a request to go on, not an error (RFC 3501, section
//! 4.3), so a command may span several lines. Parsing starts over with each packet: nothing of a command is kept but its
//! bytes in the client's buffer, which bounds it.

use std::borrow::Cow;

/// Arguments a command may have.
const ARGUMENTS: usize = 3;
/// The longest tag.
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
}

/// A word, a string or a literal.
pub type Argument<'a> = Cow<'a, [u8]>;

/// A command that has the form of one.
#[derive(Debug)]
pub struct Command<'a> {
    /// The client's name for it.
    pub tag: &'a [u8],
    /// Its word.
    pub verb: Verb,
    /// At most three.
    pub arguments: Vec<Argument<'a>>,
}

/// Why there is no command yet, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// More must come.
    Part,
    /// The client waits for leave to send its next literal.
    Literal,
    /// A line that is no command.
    Invalid {
        /// It ends in a literal that does not wait: what follows it cannot be told from commands.
        literal: bool,
    },
}

/// Reads one command off the front of what a client sent.
#[derive(Debug)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Literals that may still come without leave.
    leave: usize,
    tag: Option<&'a [u8]>,
    /// Where a login begins.
    secret: Option<usize>,
}

impl<'a> Scan<'a> {
    /// `invited` literals of this command have had their leave.
    pub fn new(bytes: &'a [u8], invited: usize) -> Self {
        Scan {
            bytes,
            at: 0,
            leave: invited,
            tag: None,
            secret: None,
        }
    }

    /// Reads a command.
    ///
    /// # Errors
    /// [`Stop`]
    pub fn command(&mut self) -> Result<Command<'a>, Stop> {
        let read = self.read_command();
        self.finish_line(read)
    }

    /// Reads the answer to a SASL challenge: what stands before the first space.
    ///
    /// # Errors
    /// [`Stop`]
    pub fn answer(&mut self) -> Result<&'a [u8], Stop> {
        self.secret = Some(0);
        let read = self.word().and_then(|answer| {
            self.arguments(vec![Cow::Borrowed(answer)])?;
            Ok(answer)
        });
        self.finish_line(read)
    }

    /// Length of what was read.
    pub fn length(&self) -> usize {
        self.at
    }

    /// The tag, as far as there is one.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.tag
    }

    /// What the log may show of the bytes at hand: a login is left out.
    pub fn shown(&self) -> Vec<u8> {
        match self.secret {
            Some(at) => [&self.bytes[..at], b"***"].concat(),
            None => self.bytes.into(),
        }
    }

    fn read_command(&mut self) -> Result<Command<'a>, Stop> {
        let tag = self.read_tag()?;
        self.tag = Some(tag);
        while self.peek()? == b' ' {
            self.at += 1;
        }
        let verb = self.verb()?;
        if matches!(verb, Verb::Login | Verb::Authenticate) {
            self.secret = Some(self.at + 1);
        }
        let arguments = self.arguments(Vec::new())?;
        Ok(Command {
            tag,
            verb,
            arguments,
        })
    }

    /// An invalid line is read to its end.
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

    /// The tag and the space behind it.
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
        const VERBS: [(&[u8], Verb); 6] = [
            (b"LOGIN", Verb::Login),
            (b"LOGOUT", Verb::Logout),
            (b"CAPABILITY", Verb::Capability),
            (b"NOOP", Verb::Noop),
            (b"STARTTLS", Verb::StartTls),
            (b"AUTHENTICATE", Verb::Authenticate),
        ];
        let known = VERBS
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        known.map(|(_, verb)| *verb).ok_or(INVALID)
    }

    /// Adds the arguments up to the end of the command.
    fn arguments(&mut self, mut found: Vec<Argument<'a>>) -> Result<Vec<Argument<'a>>, Stop> {
        // Behind a literal any byte parts, even one that would begin an argument.
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
                b'{' => {
                    self.room(&found)?;
                    found.push(Cow::Borrowed(self.literal()?));
                    behind_literal = true;
                    continue;
                }
                _ if behind_literal || byte == b' ' => self.at += 1,
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

    /// All up to a space or the end of the line.
    fn word(&mut self) -> Result<&'a [u8], Stop> {
        let rest = &self.bytes[self.at..];
        let end = memchr::memchr3(b' ', b'\r', b'\n', rest).ok_or(Stop::Part)?;
        self.at += end;
        Ok(&rest[..end])
    }

    /// A quoted string; the end of the line ends it too.
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

    /// `{n}` or `{n+}` (RFC 7888), the end of the line, n bytes.
    fn literal(&mut self) -> Result<&'a [u8], Stop> {
        self.at += 1;
        let mut length = 0_usize;
        let mut waits = true;
        loop {
            match self.peek()? {
                digit @ b'0'..=b'9' if waits => {
                    length = length
                        .saturating_mul(10)
                        .saturating_add(usize::from(digit - b'0'));
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
            self.leave = self.leave.checked_sub(1).ok_or(Stop::Literal)?;
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
