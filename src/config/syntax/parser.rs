//! From tokens to statements: a directive with its words, the end of a block, or a syntax error in nginx's words.

use std::sync::Arc;

use memchr::memchr_iter;

use super::buffer::ReadBuffer;
use super::grammar::{Kind, Token};
use super::quote::unescaped;
use super::scanner::Tokens;
use super::source::{Source, Span};
use super::statement::{Ending, Item, Resume, Statement, SyntaxError};
use super::text::message;

/// The longest statement that is read as a pair, in bytes: no word in it can exceed nginx's buffer.
const LONGEST_PAIR: usize = 4000;

/// A statement of two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainPair {
    /// The bytes of the first word.
    pub key: (usize, usize),
    /// The bytes of the second word.
    pub value: (usize, usize),
    /// The line of the `;`.
    pub line: usize,
}

/// A text and how far it has been read.
#[derive(Debug)]
pub struct Parser {
    /// The text.
    pub source: Arc<Source>,
    tokens: Tokens,
    buffer: ReadBuffer,
    line: usize,
    /// Newlines before this byte are counted in `line`.
    counted: usize,
    /// The token read last.
    last: (usize, usize),
}

impl Parser {
    /// Starts at the beginning of `source`.
    pub fn new(source: Arc<Source>) -> Self {
        let buffer = ReadBuffer::new(source.path.as_ref().map(|_| source.bytes.len()));
        Self {
            tokens: Tokens::Scanned(0),
            buffer,
            line: 1,
            counted: 0,
            last: (0, 0),
            source,
        }
    }

    /// The bytes `range`, on the line `line`, as a span.
    pub fn span(&self, line: usize, (start, end): (usize, usize)) -> Span {
        Span {
            source: Arc::clone(&self.source),
            line,
            start,
            end,
        }
    }

    /// The token read last, on the current line.
    pub fn last_span(&self) -> Span {
        self.span(self.line, self.last)
    }

    /// Reads the next statement if it consists of two words without quotes and escapes, and of not more bytes than nginx has in its
    /// buffer. Otherwise nothing is read.
    pub fn plain_pair(&mut self) -> Option<PlainPair> {
        let pair = self.tokens.plain_pair(&self.source.bytes, LONGEST_PAIR)?;
        let [key, value, semicolon] = pair;
        self.count_lines(semicolon.1);
        self.buffer.skip(semicolon.1);
        self.last = semicolon;
        Some(PlainPair {
            key,
            value,
            line: self.line,
        })
    }

    /// Reads to the end of the next statement, of the block, or of the text.
    ///
    /// # Errors
    /// A syntax error.
    pub fn next_item(&mut self) -> Result<Item, SyntaxError> {
        let mut spans = Vec::new();
        let item = self.item(&mut spans);
        item.map_err(|error| SyntaxError {
            words: spans,
            ..error
        })
    }

    /// Reads the next item. The bytes of its words are in `spans`, after a syntax error too.
    fn item(&mut self, spans: &mut Vec<(usize, usize)>) -> Result<Item, SyntaxError> {
        let mut words: Vec<Box<[u8]>> = Vec::new();
        self.buffer.begin();
        while let Some(token) = self.tokens.next(&self.source.bytes) {
            self.blank_until(token.start)?;
            let range = (token.start, token.end);
            self.last = range;
            let ending = match token.kind {
                Kind::Comment | Kind::Word | Kind::Quoted | Kind::Unterminated => {
                    let word = self.word(&token);
                    if let Some(word) = word.inspect_err(|_| spans.push(range))? {
                        words.push(word);
                        spans.push(self.last);
                    }
                    continue;
                }
                Kind::LuaMissing => return Err(self.unexpected_end(token.end)),
                Kind::Close => {
                    self.punctuation(&token)?;
                    return match words.is_empty() {
                        true => Ok(Item::Close),
                        false => Err(self.unexpected(b'}', Resume::AfterBlock)),
                    };
                }
                Kind::Semicolon => Ending::Semicolon,
                Kind::Open => Ending::Open,
                Kind::LuaOpen => Ending::Lua,
            };
            self.punctuation(&token)?;
            if words.is_empty() {
                let resume = match ending {
                    Ending::Semicolon => Resume::NextStatement,
                    Ending::Open | Ending::Lua => Resume::Never,
                };
                return Err(self.unexpected(self.source.bytes[token.start], resume));
            }
            if ending == Ending::Lua {
                self.skip_lua();
            }
            return Ok(Item::Statement(Statement {
                words,
                spans: std::mem::take(spans),
                ending,
                line: self.line,
            }));
        }
        let end = self.source.bytes.len();
        self.count_lines(end);
        self.blank_until(end)?;
        match words.is_empty() {
            true => Ok(Item::End),
            false => Err(self.unexpected_end(end)),
        }
    }

    /// Reads a word, or skips a comment.
    fn word(&mut self, token: &Token) -> Result<Option<Box<[u8]>>, SyntaxError> {
        self.count_lines(token.start);
        let is_quoted = matches!(token.kind, Kind::Quoted | Kind::Unterminated);
        let begin = token.start + usize::from(is_quoted);
        let quote = is_quoted.then(|| self.source.bytes[token.start]);
        self.buffer
            .word(begin, token.end, token.kind == Kind::Comment)
            .map_err(|start| self.too_long(start, quote))?;
        self.count_lines(token.end);
        let end = match token.kind {
            Kind::Comment => return Ok(None),
            Kind::Unterminated => return Err(self.unexpected_end(token.end)),
            Kind::Quoted => {
                self.check_after_quote(token.end)?;
                token.end - 1
            }
            _ => token.end,
        };
        Ok(Some(unescaped(&self.source.bytes[begin..end])))
    }

    /// nginx wants a blank or punctuation after a closing quote.
    fn check_after_quote(&mut self, end: usize) -> Result<(), SyntaxError> {
        match self.source.bytes.get(end) {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')') => Ok(()),
            Some(&other) => {
                self.buffer
                    .byte()
                    .map_err(|start| self.too_long(start, None))?;
                self.last = (end, end + 1);
                Err(self.unexpected(other, Resume::Never))
            }
        }
    }

    /// Reads `;`, `{` or `}`.
    fn punctuation(&mut self, token: &Token) -> Result<(), SyntaxError> {
        self.count_lines(token.start);
        self.buffer
            .byte()
            .map_err(|start| self.too_long(start, None))
    }

    /// Reads blanks, which have no length limit. The byte after a word may reveal that the word exceeds the buffer.
    fn blank_until(&mut self, end: usize) -> Result<(), SyntaxError> {
        self.buffer
            .blank(end)
            .map_err(|start| self.too_long(start, None))
    }

    /// Counts the lines up to `offset`, which must not precede earlier ones.
    fn count_lines(&mut self, offset: usize) {
        self.line += memchr_iter(b'\n', &self.source.bytes[self.counted..offset]).count();
        self.counted = offset;
    }

    fn skip_lua(&mut self) {
        let next = self.tokens.next_start(&self.source.bytes);
        self.buffer.skip(next);
    }

    fn unexpected(&self, byte: u8, resume: Resume) -> SyntaxError {
        self.error(message!("unexpected \"", [byte], "\""), resume)
    }

    fn unexpected_end(&mut self, end: usize) -> SyntaxError {
        self.count_lines(end);
        let message = match self.source.path {
            Some(_) => "unexpected end of file, expecting \";\" or \"}\"",
            None => "unexpected end of parameter, expecting \";\"",
        };
        self.error(message.into(), Resume::Never)
    }

    fn error(&self, message: Vec<u8>, resume: Resume) -> SyntaxError {
        SyntaxError {
            message,
            line: self.line,
            span: self.last,
            words: Vec::new(),
            resume,
        }
    }

    /// A token that does not fit into nginx's buffer. The line is the one where the token began.
    fn too_long(&self, begin: usize, quote: Option<u8>) -> SyntaxError {
        let bytes = &self.source.bytes;
        let end = bytes.len().min(begin + 10);
        let message = match quote {
            Some(quote) => message!(
                "too long parameter, probably missing terminating \"",
                [quote],
                "\" character"
            ),
            None => message!("too long parameter \"", bytes[begin..end], "...\" started"),
        };
        let inside = bytes.get(begin..self.counted).unwrap_or_default();
        SyntaxError {
            message,
            line: self
                .line
                .saturating_sub(memchr_iter(b'\n', inside).count())
                .max(1),
            span: (begin, end),
            words: Vec::new(),
            resume: Resume::Never,
        }
    }
}
