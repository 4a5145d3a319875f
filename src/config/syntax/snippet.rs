//! The source line of a message, with carets under the faulty word, in a terminal of 80 columns.

use unicode_width::UnicodeWidthChar;

use super::source::Span;
use crate::base::paint::{Color, Paint};

/// The width of the whole line, its number included, in columns.
const WIDTH: usize = 80;
/// The distance of tab stops, in columns.
const TAB: usize = 4;
/// Marks the ends of a line that is cut.
const CUT: &str = "...";
/// The bytes of a line that are looked at before the word, and after its begin.
const REACH: usize = 4096;
/// The columns that are shown before a word that is far to the right.
const LEAD: usize = 20;

impl Span {
    /// The line with its number, and below it carets under the word.
    pub fn snippet(&self, paint: Paint, color: Color) -> String {
        let number = self.position().0.to_string();
        let margin = " ".repeat(number.len());
        let room = WIDTH.saturating_sub(number.len() + " | ".len());
        let Line {
            text,
            before,
            carets,
        } = self.line(room);
        let carets = paint.text(color, &"^".repeat(carets));
        let frame = |text: &str| paint.text(Color::Frame, text);
        format!(
            "{}\n{} {text}\n{} {:before$}{carets}\n",
            frame(&format!("{margin} |")),
            frame(&format!("{number} |")),
            frame(&format!("{margin} |")),
            ""
        )
    }

    /// Line and column of the first byte, both from 1. The column counts characters.
    pub fn position(&self) -> (usize, usize) {
        let bytes = &self.source.bytes;
        let start = self.start.min(bytes.len());
        let begin = line_begin(bytes, start);
        let line = 1 + memchr::memchr_iter(b'\n', &bytes[..begin]).count();
        let column = String::from_utf8_lossy(&bytes[begin..start])
            .chars()
            .count();
        (line, 1 + column)
    }

    /// The bytes that the span covers.
    pub fn word(&self) -> &[u8] {
        let bytes = &self.source.bytes;
        let start = self.start.min(bytes.len());
        &bytes[start..self.end.clamp(start, bytes.len())]
    }

    /// The part of the line that fits into `room` columns and shows the word, or its beginning.
    fn line(&self, room: usize) -> Line {
        let bytes = &self.source.bytes;
        let start = self.start.min(bytes.len());
        let begin = line_begin(bytes, start);
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
        let end = if bytes[..end].ends_with(b"\r") && end > start {
            end - 1
        } else {
            end
        };
        let near = begin.max(start.saturating_sub(REACH));
        let far = end.min(start + REACH);
        let mut cells = Vec::new();
        push(&bytes[near..start], &mut cells);
        let first = cells.len();
        push(&bytes[start..self.end.clamp(start, far)], &mut cells);
        let last = cells.len();
        push(&bytes[self.end.clamp(start, far)..far], &mut cells);
        let columns = |cells: &[Cell]| cells.iter().map(|cell| cell.width).sum::<usize>();
        let before = columns(&cells[..first]);
        let word = columns(&cells[first..last]);

        // The columns to leave out on the left.
        let out_of_sight = before + word.min(room / 2) > room.saturating_sub(CUT.len());
        let skipped = if out_of_sight {
            before.saturating_sub(LEAD)
        } else {
            0
        };
        let mut text = String::new();
        let (mut column, mut width) = (0, 0);
        if skipped > 0 || near > begin {
            text.push_str(CUT);
            width = CUT.len();
        }
        let mut indent = width;
        let mut carets = 0;
        let mut rest = columns(&cells);
        for (index, cell) in cells.iter().enumerate() {
            if column < skipped {
                column += cell.width;
                rest -= cell.width;
                continue;
            }
            let is_cut = far < end || width + rest > room;
            if is_cut && width + cell.width + CUT.len() > room {
                text.push_str(CUT);
                break;
            }
            text.push_str(&cell.text);
            width += cell.width;
            rest -= cell.width;
            if index < first {
                indent = width;
            } else if index < last {
                carets += cell.width;
            }
        }
        Line {
            text,
            before: indent,
            carets: carets.max(1),
        }
    }
}

/// A line as it is shown.
struct Line {
    text: String,
    /// The columns before the carets.
    before: usize,
    carets: usize,
}

/// A character as a terminal shows it.
struct Cell {
    text: String,
    /// In columns.
    width: usize,
}

/// The cells of a text that continues `cells`. Control characters are shown as dots, tabs as blanks.
fn push(bytes: &[u8], cells: &mut Vec<Cell>) {
    let mut column: usize = cells.iter().map(|cell| cell.width).sum();
    for letter in String::from_utf8_lossy(bytes).chars() {
        let cell = match letter {
            '\t' => {
                let width = TAB - column % TAB;
                let text = " ".repeat(width);
                Cell { text, width }
            }
            letter if is_hidden(letter) => Cell {
                text: ".".to_owned(),
                width: 1,
            },
            letter => Cell {
                text: letter.to_string(),
                width: letter.width().unwrap_or(0),
            },
        };
        column += cell.width;
        cells.push(cell);
    }
}

/// Control characters, and those that change the direction of a text.
fn is_hidden(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn line_begin(bytes: &[u8], start: usize) -> usize {
    memchr::memrchr(b'\n', &bytes[..start]).map_or(0, |newline| newline + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::config::syntax::Source;

    /// The snippet of the only `word` in a text.
    fn snippet(text: &str, word: &str) -> String {
        let start = text.find(word).expect("the word");
        let span = Span {
            source: Arc::new(Source::of_text("n.conf", text.into())),
            line: 1,
            start,
            end: start + word.len(),
        };
        span.snippet(Paint::Off, Color::Error)
    }

    #[test]
    fn carets_stand_under_the_word() {
        let cases = [
            ("a bad;", "bad", "1 | a bad;\n  |   ^^^\n"),
            ("a\n\tbad x;\nb", "bad", "2 |     bad x;\n  |     ^^^\n"),
            ("a \tbad;\r\n", "bad", "1 | a   bad;\n  |     ^^^\n"),
            ("日本 bad;", "bad", "1 | 日本 bad;\n  |      ^^^\n"),
            ("x 日本語;", "日本語", "1 | x 日本語;\n  |   ^^^^^^\n"),
            ("e\u{301} bad;", "bad", "1 | e\u{301} bad;\n  |   ^^^\n"),
            ("\u{1b}[1m bad;", "bad", "1 | .[1m bad;\n  |      ^^^\n"),
            ("\u{202e} bad;", "bad", "1 | . bad;\n  |   ^^^\n"),
        ];
        for (text, word, wanted) in cases {
            let shown = snippet(text, word);
            let shown = shown.split_once('\n').map(|(_, rest)| rest);
            assert_eq!(shown, Some(wanted), "{text:?}");
        }
    }

    /// Lines of any length are shown in 80 columns, with the carets under the word, or under what is shown of it.
    #[test]
    fn long_lines_are_cut_around_the_word() {
        for filler in ["x", "語", "\t", "e\u{301}"] {
            for before in [0, 30, 60, 70, 76, 80, 200, 4100] {
                for (word, after) in [
                    ("bad", 0),
                    ("bad", 500),
                    ("bäd語", 500),
                    (&"w".repeat(300), 9),
                ] {
                    let text = format!("{}{word}{}", filler.repeat(before), "y".repeat(after));
                    let shown = snippet(&text, word);
                    let lines: Vec<&str> = shown.lines().collect();
                    let widest = lines.iter().map(|line| line.width()).max();
                    assert!(widest <= Some(80), "{shown}");
                    let column = lines[2].find('^').expect("carets");
                    let mut at = 0;
                    let rest = lines[1].chars().skip_while(|letter| {
                        let is_before = at < column;
                        at += letter.width().unwrap_or(0);
                        is_before || letter.width() == Some(0)
                    });
                    let under: String = rest.collect();
                    let short = word.get(..3).unwrap_or(word);
                    assert!(under.starts_with(short), "{shown}");
                    let whole = under.starts_with(word);
                    let carets = lines[2].len() - column;
                    assert_eq!(carets == word.width(), whole, "{shown}");
                }
            }
        }
    }

    #[test]
    fn positions_count_characters() {
        let text = "one;\n  zwei ö dr;";
        let span = Span {
            source: Arc::new(Source::of_text("n.conf", text.into())),
            line: 2,
            start: text.find("dr").unwrap(),
            end: text.len() - 1,
        };
        assert_eq!((span.position(), span.word()), ((2, 10), &b"dr"[..]));
        assert_eq!(Span::nowhere().position(), (1, 1));
    }
}
