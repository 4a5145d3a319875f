//! The source line of a span with carets under its bytes, for terminals.

use super::source::Span;

/// Longest part of a source line that is shown, in bytes.
const WIDEST: usize = 160;

impl Span {
    /// The line with its number, and below it carets under the span. Empty where the span starts too far to the right.
    #[must_use]
    pub fn snippet(&self) -> String {
        let bytes = &self.source.bytes;
        let start = self.start.min(bytes.len());
        let begin = memchr::memrchr(b'\n', &bytes[..start]).map_or(0, |newline| newline + 1);
        let end =
            memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |newline| start + newline);
        if start - begin > WIDEST {
            return String::new();
        }
        let number = (1 + memchr::memchr_iter(b'\n', &bytes[..begin]).count()).to_string();
        let margin = " ".repeat(number.len());
        let text = printable(&bytes[begin..end.min(begin + WIDEST)]);
        let before = printable(&bytes[begin..start]).chars().count();
        let word = printable(&bytes[start..self.end.clamp(start, end)]);
        let carets = "^".repeat(word.chars().count().max(1));
        format!(
            "{margin} |\n{number} | {text}\n{margin} | {:before$}{carets}\n",
            ""
        )
    }
}

/// Text without control characters, one column a character.
fn printable(bytes: &[u8]) -> String {
    let shown = |letter: char| match letter {
        '\t' => ' ',
        letter if letter.is_control() => '.',
        letter => letter,
    };
    String::from_utf8_lossy(bytes).chars().map(shown).collect()
}
