//! The items that the parser returns: statements, ends of blocks, syntax errors.

use std::fmt;

/// The terminator of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// `;`
    Semicolon,
    /// `{`
    Open,
    /// A block of Lua code, which is skipped.
    Lua,
}

/// A directive as written: its name, its arguments, and its terminator.
#[derive(Clone)]
pub struct Statement {
    /// The name and the arguments, without quotes and escapes; never empty.
    pub words: Vec<Box<[u8]>>,
    /// The bytes of each word (first, one past the last), quotes included.
    pub spans: Vec<(usize, usize)>,
    /// Its terminator.
    pub ending: Ending,
    /// The line of the terminator.
    pub line: usize,
}

/// Prints the number of words: they may be private keys (`data:`).
impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Statement({} words, line {})",
            self.words.len(),
            self.line
        )
    }
}

/// The next item of a text.
#[derive(Clone, Debug)]
pub enum Item {
    /// A statement.
    Statement(Statement),
    /// `}` where a statement could begin.
    Close,
    /// The end of the text, where a statement could begin.
    End,
}

/// Where parsing can resume after a syntax error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Nowhere: which block the rest belongs to is unknown.
    Never,
    /// At the next statement.
    NextStatement,
    /// After the end of the block: its `}` is there, only the `;` before it is missing.
    AfterBlock,
}

/// A syntax error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// nginx's sentence.
    pub message: Vec<u8>,
    /// The line it gives.
    pub line: usize,
    /// The bytes it is about.
    pub span: (usize, usize),
    /// The bytes of the words before it in the same statement.
    pub words: Vec<(usize, usize)>,
    /// Where parsing can resume.
    pub resume: Resume,
}
