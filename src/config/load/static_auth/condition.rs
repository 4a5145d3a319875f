//! The words of a condition of an `if` (`ngx_http_rewrite_if_condition`).

use super::lines::HttpLine;

/// The condition of an `if`, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// `($variable)`
    IsTrue(&'a [u8]),
    /// `($variable = text)` or `!=`
    Equals {
        /// The variable and the text.
        texts: [&'a [u8]; 2],
        /// `!=`
        negated: bool,
    },
    /// `($variable ~ pattern)`, `~*`, `!~` or `!~*`
    Matches {
        /// The variable.
        text: &'a [u8],
        /// The regular expression.
        pattern: &'a [u8],
        /// `~*`
        any_case: bool,
        /// `!~`
        negated: bool,
    },
    /// A test of a file, such as `(-f path)`: its operator.
    File(&'a [u8]),
}

impl<'a> Condition<'a> {
    /// That of an `if`; `None` for one that nginx refuses.
    pub fn of(line: &'a HttpLine) -> Option<Self> {
        match *words(line).as_slice() {
            [variable @ [b'$', ..]] => Some(Self::IsTrue(variable)),
            [left @ [b'$', ..], operator @ (b"=" | b"!="), right] => Some(Self::Equals {
                texts: [left, right],
                negated: operator.len() == 2,
            }),
            [
                text @ [b'$', ..],
                operator @ (b"~" | b"~*" | b"!~" | b"!~*"),
                pattern,
            ] => Some(Self::Matches {
                text,
                pattern,
                any_case: operator.ends_with(b"*"),
                negated: operator.starts_with(b"!"),
            }),
            [operator, _] => Some(Self::File(operator)),
            _ => None,
        }
    }
}

/// The words between the parentheses, which may be words of their own.
fn words(line: &HttpLine) -> Vec<&[u8]> {
    let mut words: Vec<&[u8]> = line.args().iter().map(|word| &**word).collect();
    match words.last_mut() {
        Some(last) if *last == b")" => drop(words.pop()),
        Some(last) => *last = last.strip_suffix(b")").unwrap_or(last),
        None => {}
    }
    match words.first_mut() {
        Some(first) if *first == b"(" => drop(words.remove(0)),
        Some(first) => *first = first.strip_prefix(b"(").unwrap_or(first),
        None => {}
    }
    words
}
