//! The tokens of a configuration text one by one, without a list of them.
//!
//! `grammar/nginx.pest` defines the language; this reader accepts the same tokens, except for Lua blocks, in a fraction of the
//! time: files of a million lines are read through it. From the first Lua block of a text on, the grammar reads the rest. A test
//! compares the two.

use memchr::{memchr, memchr2};

use super::grammar::{Kind, Token, tokens};

/// The end of the names of directives that open a Lua block.
const LUA_SUFFIX: &[u8] = b"_by_lua_block";

/// The tokens after a position in a text.
#[derive(Debug)]
pub enum Tokens {
    /// Those after this byte are read when they are asked for.
    Scanned(usize),
    /// Those that the grammar has found.
    Parsed(std::vec::IntoIter<Token>),
}

impl Tokens {
    /// The next token of `text`, which must be the same at each call.
    pub fn next(&mut self, text: &[u8]) -> Option<Token> {
        match self {
            Self::Parsed(tokens) => tokens.next(),
            Self::Scanned(at) => {
                let token = scan(text, *at)?;
                if token.kind == Kind::Word && text[token.start..token.end].ends_with(LUA_SUFFIX) {
                    let start = token.start;
                    let rest = tokens(&text[start..]).into_iter();
                    let moved = rest.map(|token| Token {
                        start: token.start + start,
                        end: token.end + start,
                        ..token
                    });
                    let moved: Vec<Token> = moved.collect();
                    *self = Self::Parsed(moved.into_iter());
                    return self.next(text);
                }
                *at = token.end;
                Some(token)
            }
        }
    }

    /// The bytes of two plain words and of the `;` behind them, if these are the next tokens and none of them ends after
    /// `most` bytes. Otherwise nothing is read.
    pub fn plain_pair(&mut self, text: &[u8], most: usize) -> Option<[(usize, usize); 3]> {
        let Self::Scanned(at) = self else {
            return None;
        };
        let word = |from| {
            let token = scan(text, from)?;
            let bytes = text.get(token.start..token.end)?;
            let is_plain = token.kind == Kind::Word
                && memchr(b'\\', bytes).is_none()
                && bytes != b"include"
                && !bytes.ends_with(LUA_SUFFIX);
            is_plain.then_some((token.start, token.end))
        };
        let key = word(*at)?;
        let value = word(key.1)?;
        let semicolon = scan(text, value.1)?;
        let fits = semicolon.kind == Kind::Semicolon && semicolon.end - *at <= most;
        fits.then(|| {
            *at = semicolon.end;
            [key, value, (semicolon.start, semicolon.end)]
        })
    }

    /// The first byte of the next token, or the end of the text.
    pub fn next_start(&self, text: &[u8]) -> usize {
        let next = match self {
            Self::Parsed(tokens) => tokens.as_slice().first().copied(),
            Self::Scanned(at) => scan(text, *at),
        };
        next.map_or(text.len(), |token| token.start)
    }
}

/// The token at or after `at`, as if there were no Lua blocks.
fn scan(text: &[u8], at: usize) -> Option<Token> {
    let blanks = text.get(at..)?.iter().take_while(|byte| is_blank(**byte));
    let start = at + blanks.count();
    let one = |kind| (kind, start + 1);
    let (kind, end) = match text.get(start)? {
        b';' => one(Kind::Semicolon),
        b'{' => one(Kind::Open),
        b'}' => one(Kind::Close),
        b'#' => {
            let length = memchr(b'\n', &text[start..]);
            let end = length.map_or(text.len(), |length| start + length);
            (Kind::Comment, end)
        }
        quote @ (b'"' | b'\'') => match closing_quote(text, start + 1, *quote) {
            Some(end) => (Kind::Quoted, end + 1),
            None => (Kind::Unterminated, text.len()),
        },
        _ => (Kind::Word, word_end(text, start)),
    };
    Some(Token { kind, start, end })
}

/// Whether a byte separates tokens.
pub const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// The position of the quote that ends a quoted word.
fn closing_quote(text: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        at += memchr2(quote, b'\\', text.get(at..)?)?;
        if text[at] == quote {
            return Some(at);
        }
        at += 2;
    }
}

/// One past the last byte of the word at `at`.
fn word_end(text: &[u8], mut at: usize) -> usize {
    /// Whether a byte in a word has no meaning of its own.
    const IS_PLAIN: [bool; 256] = {
        let mut plain = [true; 256];
        let mut special: &[u8] = b" \n\t\r;{$\\";
        while let [byte, rest @ ..] = special {
            plain[*byte as usize] = false;
            special = rest;
        }
        plain
    };
    while let Some(byte) = text.get(at) {
        match byte {
            plain if IS_PLAIN[usize::from(*plain)] => at += 1,
            // A backslash keeps the next byte from meaning anything.
            b'\\' => at = text.len().min(at + 2),
            // Braces right behind a dollar belong to the word: `${name}`.
            b'$' => {
                let braces = text[at + 1..].iter().take_while(|byte| **byte == b'{');
                at += 1 + braces.count();
            }
            _ => break,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::Tokens;
    use crate::config::syntax::grammar::{Token, tokens};

    fn scanned(text: &[u8]) -> Vec<Token> {
        let mut scanner = Tokens::Scanned(0);
        let mut found = Vec::new();
        loop {
            let start = scanner.next_start(text);
            match scanner.next(text) {
                Some(token) => {
                    assert_eq!(token.start, start);
                    found.push(token);
                }
                None => {
                    assert_eq!(start, text.len());
                    return found;
                }
            }
        }
    }

    /// Random texts, made of the pieces that have a meaning and of any bytes.
    #[test]
    fn scanner_and_grammar_agree() {
        const PIECES: [&[u8]; 30] = [
            b" ",
            b"\n",
            b"\t",
            b"\r",
            b";",
            b"{",
            b"}",
            b"#",
            b"\"",
            b"'",
            b"\\",
            b"$",
            b"${",
            b"}",
            b"a",
            b"key",
            b"value;",
            b"~^(.+)@b\\.c$",
            b"x\x00y",
            b"\x0b",
            b"\xc3\xa4",
            b"\xff",
            b"[=[",
            b"]=]",
            b"--",
            b"init_by_lua_block",
            b"set_by_lua_block $x {",
            b"content_by_lua_block {",
            b"x_by_lua_block {",
            b"init_by_lua_block{}",
        ];
        let mut random = fastrand::Rng::with_seed(15);
        for _ in 0..20_000 {
            let length = random.usize(0..14);
            let mut text = Vec::new();
            for _ in 0..length {
                match random.u8(0..20) {
                    0 => text.push(random.u8(..)),
                    _ => text.extend_from_slice(PIECES[random.usize(0..PIECES.len())]),
                }
            }
            let shown = text.escape_ascii();
            assert_eq!(scanned(&text), tokens(&text), "{shown}");
        }
    }
}
