//! From tokens to statements: a directive with its words, the end of a block, or what is wrong with the text, in nginx's words.

use std::sync::Arc;

use memchr::memchr_iter;

use super::buffer::Window;
use super::grammar::{Kind, Token, tokens};
use super::source::{Source, Span};

/// What ends a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// `;`
    Semicolon,
    /// `{`
    Open,
    /// A block of Lua, which is skipped.
    Lua,
}

/// A directive: its name, its arguments, what ends it.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The name and the arguments, without quotes and escapes; never empty.
    pub words: Vec<Box<[u8]>>,
    /// Where each word is, quotes included.
    pub spans: Vec<(usize, usize)>,
    /// What ends it.
    pub ending: Ending,
    /// The line of what ends it.
    pub line: usize,
}

/// The next thing in a text.
#[derive(Clone, Debug)]
pub enum Next {
    /// A directive.
    Directive(Statement),
    /// `}` where a directive could begin.
    Close,
    /// The end of the text, where a directive could begin.
    End,
}

/// How the text goes on behind something that is no statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// Nobody knows in which block.
    Nothing,
    /// With another statement.
    NextStatement,
    /// Behind the end of the block: the `}` was there, the `;` before it was not.
    Close,
}

/// What is wrong with the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// nginx's sentence.
    pub message: Vec<u8>,
    /// The line it gives.
    pub line: usize,
    /// The bytes that are meant.
    pub span: (usize, usize),
    /// What can be read behind it.
    pub behind: Behind,
}

/// A text and how far it has been read.
#[derive(Debug)]
pub struct Statements {
    /// The text.
    pub source: Arc<Source>,
    tokens: std::vec::IntoIter<Token>,
    window: Window,
    line: usize,
    /// Newlines before this byte are in `line`.
    counted: usize,
    /// The last token that was read, for messages about what comes behind it.
    last: (usize, usize),
}

impl Statements {
    /// Starts at the beginning of `source`.
    #[must_use]
    pub fn new(source: Arc<Source>) -> Self {
        let tokens = tokens(&source.bytes).into_iter();
        let window = Window::new(source.path.as_ref().map(|_| source.bytes.len()));
        Self {
            tokens,
            window,
            line: 1,
            counted: 0,
            last: (0, 0),
            source,
        }
    }

    /// The place of `place` with the current line.
    #[must_use]
    pub fn span(&self, span: (usize, usize)) -> Span {
        self.place_at(self.line, span)
    }

    /// The place of `place` with another line.
    #[must_use]
    pub fn place_at(&self, line: usize, (start, end): (usize, usize)) -> Span {
        Span {
            source: Arc::clone(&self.source),
            line,
            start,
            end,
        }
    }

    /// The last token that was read.
    #[must_use]
    pub fn last_span(&self) -> (usize, usize) {
        self.last
    }

    /// Reads on to the end of a directive, of a block, or of the text.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(&mut self) -> Result<Next, Fault> {
        let mut words: Vec<Box<[u8]>> = Vec::new();
        let mut spans: Vec<(usize, usize)> = Vec::new();
        self.window.begin();
        while let Some(token) = self.tokens.next() {
            self.blank_until(token.start)?;
            let span = (token.start, token.end);
            self.last = span;
            match token.kind {
                Kind::Comment | Kind::Word | Kind::Quoted | Kind::Unterminated => {
                    self.line_at(token.start);
                    self.measure(&token)?;
                    self.line_at(token.end);
                    match token.kind {
                        Kind::Comment => continue,
                        Kind::Unterminated => return Err(self.end_inside(token.end)),
                        Kind::Quoted => self.check_behind_quote(token.end)?,
                        _ => {}
                    }
                    let quote = usize::from(token.kind == Kind::Quoted);
                    words.push(unescaped(
                        &self.source.bytes[token.start + quote..token.end - quote],
                    ));
                    spans.push(span);
                }
                Kind::Semicolon | Kind::Open | Kind::LuaOpen => {
                    let line = self.line_at(token.start);
                    self.mark()?;
                    if words.is_empty() {
                        let sign = self.source.bytes[token.start];
                        return Err(Fault {
                            message: [b"unexpected \"", &[sign][..], b"\""].concat(),
                            line,
                            span,
                            behind: match token.kind {
                                Kind::Semicolon => Behind::NextStatement,
                                _ => Behind::Nothing,
                            },
                        });
                    }
                    let ending = match token.kind {
                        Kind::Semicolon => Ending::Semicolon,
                        Kind::Open => Ending::Open,
                        _ => Ending::Lua,
                    };
                    if ending == Ending::Lua {
                        self.skip_lua();
                    }
                    return Ok(Next::Directive(Statement {
                        words,
                        spans,
                        ending,
                        line,
                    }));
                }
                Kind::Close => {
                    let line = self.line_at(token.start);
                    self.mark()?;
                    if !words.is_empty() {
                        return Err(Fault {
                            message: b"unexpected \"}\"".to_vec(),
                            line,
                            span,
                            behind: Behind::Close,
                        });
                    }
                    return Ok(Next::Close);
                }
                Kind::LuaMissing => return Err(self.end_inside(token.end)),
            }
        }
        let end = self.source.bytes.len();
        self.line_at(end);
        self.blank_until(end)?;
        if words.is_empty() {
            return Ok(Next::End);
        }
        Err(self.end_inside(end))
    }

    /// The line of the byte at `offset`, which must not lie before earlier ones.
    fn line_at(&mut self, offset: usize) -> usize {
        self.line += memchr_iter(b'\n', &self.source.bytes[self.counted..offset]).count();
        self.counted = offset;
        self.line
    }

    fn end_inside(&mut self, end: usize) -> Fault {
        let message: &[u8] = match self.source.path {
            Some(_) => b"unexpected end of file, expecting \";\" or \"}\"",
            None => b"unexpected end of parameter, expecting \";\"",
        };
        let line = self.line_at(end);
        Fault {
            message: message.to_vec(),
            line,
            span: self.last,
            behind: Behind::Nothing,
        }
    }

    fn check_behind_quote(&mut self, end: usize) -> Result<(), Fault> {
        match self.source.bytes.get(end) {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')') => Ok(()),
            Some(&other) => {
                self.mark()?;
                let message = [b"unexpected \"", &[other][..], b"\""].concat();
                let line = self.line_at(end);
                Err(Fault {
                    message,
                    line,
                    span: (end, end + 1),
                    behind: Behind::Nothing,
                })
            }
        }
    }

    /// Blank bytes cannot be too long, but that a word is can show at the byte behind its end.
    fn blank_until(&mut self, end: usize) -> Result<(), Fault> {
        self.window
            .blank(end)
            .map_err(|begun| self.too_long(begun, None))
    }

    fn mark(&mut self) -> Result<(), Fault> {
        self.window
            .mark()
            .map_err(|begun| self.too_long(begun, None))
    }

    fn measure(&mut self, token: &Token) -> Result<(), Fault> {
        let quote = match token.kind {
            Kind::Quoted | Kind::Unterminated => self.source.bytes.get(token.start).copied(),
            _ => None,
        };
        let begin = token.start + usize::from(quote.is_some());
        self.window
            .word(begin, token.end, token.kind == Kind::Comment)
            .map_err(|begun| self.too_long(begun, quote))
    }

    fn too_long(&self, begin: usize, quote: Option<u8>) -> Fault {
        let bytes = &self.source.bytes;
        let message = match quote {
            Some(quote) => [
                b"too long parameter, probably missing terminating \"",
                &[quote][..],
                b"\" character",
            ]
            .concat(),
            None => {
                let shown = &bytes[begin..bytes.len().min(begin + 10)];
                [b"too long parameter \"", shown, b"...\" started"].concat()
            }
        };
        // The line where the token began: newlines inside it are taken back.
        let inside = if self.counted > begin {
            memchr_iter(b'\n', &bytes[begin..self.counted]).count()
        } else {
            0
        };
        Fault {
            message,
            line: self.line.saturating_sub(inside).max(1),
            span: (begin, bytes.len().min(begin + 10)),
            behind: Behind::Nothing,
        }
    }

    fn skip_lua(&mut self) {
        let next = self
            .tokens
            .as_slice()
            .first()
            .map_or(self.source.bytes.len(), |token| token.start);
        self.window.skip(next);
    }
}

/// The text of a word: `\"`, `\'`, `\\` lose the backslash, `\t`, `\r`, `\n` become the character, the rest stays.
fn unescaped(text: &[u8]) -> Box<[u8]> {
    if !text.contains(&b'\\') {
        return text.into();
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        let (next, used) = match (byte, tail.first()) {
            (b'\\', Some(escaped @ (b'"' | b'\'' | b'\\'))) => (*escaped, 2),
            (b'\\', Some(b't')) => (b'\t', 2),
            (b'\\', Some(b'r')) => (b'\r', 2),
            (b'\\', Some(b'n')) => (b'\n', 2),
            _ => (*byte, 1),
        };
        plain.push(next);
        rest = &rest[used..];
    }
    plain.into()
}
