//! A tokenizer for Rust source, as far as paths need it. It drops comments and lifetimes and does not interpret literals.

/// One token and the line it begins on, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or a keyword, without `r#`.
    Word(String),
    /// `::`
    Separator,
    /// Any other punctuation.
    Sign(char),
    /// A string, a character or a number.
    Literal,
}

impl Token {
    /// The identifier or keyword, if it is one.
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    pub fn is_separator(&self) -> bool {
        self.kind == Kind::Separator
    }
}

/// Tokenizes a source text.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader {
        rest: text,
        line: 1,
    };
    let mut found = Vec::new();
    while let Some(first) = reader.rest.chars().next() {
        let line = reader.line;
        if let Some(kind) = reader.token(first) {
            found.push(Token { kind, line });
        }
    }
    found
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    /// Reads the token that begins with `first`; `None` for white space, comments and lifetimes.
    fn token(&mut self, first: char) -> Option<Kind> {
        if let Some(length) = self.comment() {
            self.take(length);
            return None;
        }
        if let Some(length) = self.string() {
            self.take(length);
            return Some(Kind::Literal);
        }
        if first == '\'' {
            return self.quote();
        }
        if first.is_ascii_digit() {
            self.take_while(|c| c.is_alphanumeric() || c == '_');
            return Some(Kind::Literal);
        }
        if first.is_alphabetic() || first == '_' {
            if self.rest.starts_with("r#") {
                self.take(2);
            }
            return Some(Kind::Word(
                self.take_while(|c| c.is_alphanumeric() || c == '_'),
            ));
        }
        if self.rest.starts_with("::") {
            self.take(2);
            return Some(Kind::Separator);
        }
        self.take(first.len_utf8());
        (!first.is_whitespace()).then_some(Kind::Sign(first))
    }

    fn take(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let word = self.rest[..end].to_owned();
        self.take(end);
        word
    }

    /// The length of the comment at this position. Block comments nest.
    fn comment(&self) -> Option<usize> {
        if self.rest.starts_with("//") {
            return Some(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
        if !self.rest.starts_with("/*") {
            return None;
        }
        let (mut depth, mut at) = (0, 0);
        while at < self.rest.len() {
            let here = &self.rest.as_bytes()[at..];
            if here.starts_with(b"/*") {
                depth += 1;
                at += 2;
            } else if here.starts_with(b"*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            } else {
                at += 1;
            }
        }
        Some(self.rest.len())
    }

    /// The length of the string literal at this position, with its prefix.
    fn string(&self) -> Option<usize> {
        let prefix = ["", "b", "c", "r", "br", "cr"].into_iter().find(|prefix| {
            self.rest
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
        })?;
        let after = &self.rest[prefix.len()..];
        let hashes = after.len() - after.trim_start_matches('#').len();
        let body = prefix.len() + hashes + 1;
        if prefix.ends_with('r') {
            let end = format!("\"{}", "#".repeat(hashes));
            let found = self.rest[body..].find(&end).map(|at| at + end.len());
            return Some(body + found.unwrap_or(self.rest.len() - body));
        }
        if hashes > 0 {
            return None;
        }
        Some(body + escaped(&self.rest[body..], '"'))
    }

    /// Reads a character literal, or skips a lifetime.
    fn quote(&mut self) -> Option<Kind> {
        let mut after = self.rest[1..].chars();
        let is_char = match (after.next(), after.next()) {
            (Some('\\'), _) => true,
            (Some(_), second) => second == Some('\''),
            _ => false,
        };
        if is_char {
            let length = 1 + escaped(&self.rest[1..], '\'');
            self.take(length);
            return Some(Kind::Literal);
        }
        self.take(1);
        self.take_while(|c| c.is_alphanumeric() || c == '_');
        None
    }
}

/// The length up to and including the closing quote; `\\` escapes the next character.
fn escaped(text: &str, close: char) -> usize {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == close {
            return at + c.len_utf8();
        }
    }
    text.len()
}

#[test]
fn comments_strings_and_lifetimes_are_dropped() {
    let text = r##"
        use a::b; // use c::d;
        /* x::y /* z::z */ */ let s = "p::q \" r::s"; let r = r#"m::"n"#;
        let c = ':'; let l: &'static str = b"x::y"; let n = 0x1f_u8; r#type::z
    "##;
    let found: Vec<String> = tokens(text)
        .iter()
        .map(|token| match &token.kind {
            Kind::Word(word) => word.clone(),
            Kind::Separator => "::".to_owned(),
            Kind::Sign(sign) => sign.to_string(),
            Kind::Literal => "_".to_owned(),
        })
        .collect();
    assert_eq!(
        found.join(" "),
        "use a :: b ; let s = _ ; let r = _ ; let c = _ ; let l : & str = _ ; let n = _ ; type :: z"
    );
    let lines: Vec<usize> = tokens(text).iter().map(|token| token.line).collect();
    assert_eq!((lines[0], lines[lines.len() - 1]), (2, 4));
}
