//! The tokens of a configuration text, by the grammar in `grammar/nginx.pest`. `scanner` reads the same tokens where there are no Lua
//! blocks.

use std::borrow::Cow;

use pest::Parser;

/// pest's parser.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/nginx.pest"]
struct Nginx;

/// A kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes without quotes around them.
    Word,
    /// Bytes in quotes; the quotes are part of the token.
    Quoted,
    /// A quote that is not closed, up to the end of the text.
    Unterminated,
    /// `# …`
    Comment,
    /// `;`
    Semicolon,
    /// `{`
    Open,
    /// `}`
    Close,
    /// The brace that begins a Lua block.
    LuaOpen,
    /// The end of a text that leaves a Lua block open.
    LuaMissing,
}

/// A token and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its kind.
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
}

/// Cuts a text into tokens. Any bytes form tokens; the parser reports faults in their order.
pub fn tokens(bytes: &[u8]) -> Vec<Token> {
    let text = widen(bytes);
    let Ok(pairs) = Nginx::parse(Rule::file, &text) else {
        // The grammar accepts any text; one that it did not accept would be a single open quote.
        return vec![Token {
            kind: Kind::Unterminated,
            start: 0,
            end: bytes.len(),
        }];
    };
    let mut raw = RawOffsets {
        text: &text,
        narrow: matches!(text, Cow::Borrowed(_)),
        wide: 0,
        raw: 0,
    };
    pairs
        .flat_map(pest::iterators::Pair::into_inner)
        .filter_map(|pair| {
            let kind = match pair.as_rule() {
                Rule::word | Rule::lua_name => Kind::Word,
                Rule::quoted => Kind::Quoted,
                Rule::unterminated => Kind::Unterminated,
                Rule::comment => Kind::Comment,
                Rule::semicolon => Kind::Semicolon,
                Rule::open => Kind::Open,
                Rule::close => Kind::Close,
                Rule::lua_start => Kind::LuaOpen,
                Rule::lua_missing => Kind::LuaMissing,
                _ => return None,
            };
            let span = pair.as_span();
            Some(Token {
                kind,
                start: raw.of(span.start()),
                end: raw.of(span.end()),
            })
        })
        .collect()
}

/// Maps each byte to the character of the same number, since pest reads strings; ASCII stays as it is.
fn widen(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// Maps offsets in the widened text back to offsets in the bytes. They must not decrease from call to call.
struct RawOffsets<'a> {
    text: &'a str,
    narrow: bool,
    wide: usize,
    raw: usize,
}

impl RawOffsets<'_> {
    fn of(&mut self, wide: usize) -> usize {
        if self.narrow {
            return wide;
        }
        self.raw += self.text[self.wide..wide].chars().count();
        self.wide = wide;
        self.raw
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    /// Tokens as text, with a letter for each kind.
    fn shown(text: &[u8]) -> String {
        let letter = |kind| match kind {
            Kind::Word => 'w',
            Kind::Quoted => 'q',
            Kind::Unterminated => 'u',
            Kind::Comment => 'c',
            Kind::LuaOpen => 'l',
            Kind::LuaMissing => 'm',
            Kind::Semicolon | Kind::Open | Kind::Close => 'p',
        };
        let tokens = tokens(text);
        let shown = tokens.iter().map(|token| {
            format!(
                "{}:{}",
                letter(token.kind),
                String::from_utf8_lossy(&text[token.start..token.end])
            )
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn language() {
        let cases: [(&[u8], &str); 16] = [
            (b"", ""),
            (b"a b;", "w:a w:b p:;"),
            (b"a{b}", "w:a p:{ w:b}"),
            (b"a { }", "w:a p:{ p:}"),
            (b"a ${b}c;", "w:a w:${b}c p:;"),
            (b"a \\;b\\ c;", "w:a w:\\;b\\ c p:;"),
            (b"a#b #c", "w:a#b c:#c"),
            (b"a \"b;{}#'\" 'c\\'d';", "w:a q:\"b;{}#'\" q:'c\\'d' p:;"),
            (b"a \"b; c", "w:a u:\"b; c"),
            (b"a b\"c\";", "w:a w:b\"c\" p:;"),
            (b"\\", "w:\\"),
            (
                b"content_by_lua_block { if x then y = {'}'} --}\n end } a;",
                "w:content_by_lua_block l:{ w:a p:;",
            ),
            (
                b"set_by_lua_block $x { [=[ }} ]] ]=] } a;",
                "w:set_by_lua_block w:$x l:{ w:a p:;",
            ),
            (b"init_by_lua_block { { }", "w:init_by_lua_block l:{ m:"),
            (b"init_by_lua_block x;", "w:init_by_lua_block w:x p:;"),
            (
                b"init_by_lua_blocks { a; }",
                "w:init_by_lua_blocks p:{ w:a p:; p:}",
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(shown(text), wanted, "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(
            tokens(b"\xff\xfe a;")
                .iter()
                .map(|token| token.end)
                .collect::<Vec<_>>(),
            [2, 4, 5]
        );
    }

    #[test]
    fn depth_and_length_cost_no_stack() {
        for text in [
            "a { ".repeat(30_000),
            "{".repeat(100_000),
            "\"".repeat(100_001),
            "init_by_lua_block ".repeat(5_000),
        ] {
            assert!(!tokens(text.as_bytes()).is_empty());
        }
        assert_eq!(
            tokens(format!("init_by_lua_block {}", "{".repeat(50_000)).as_bytes()).len(),
            3
        );
    }
}
