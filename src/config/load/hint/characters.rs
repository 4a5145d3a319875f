//! Bytes that look like others or like nothing: typographic quotes, blanks that nginx does not know, a byte order mark.

use super::text::Text;

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Characters that word processors and web pages put in, and what is said about them.
const ODD: [(&str, &str); 12] = [
    ("\u{201c}", QUOTE),
    ("\u{201d}", QUOTE),
    ("\u{201e}", QUOTE),
    ("\u{2018}", QUOTE),
    ("\u{2019}", QUOTE),
    ("\u{201a}", QUOTE),
    ("\u{ab}", QUOTE),
    ("\u{bb}", QUOTE),
    (
        "\u{a0}",
        "is a no-break space (U+00A0): replace it by a space",
    ),
    ("\u{200b}", "is a zero-width space (U+200B): remove it"),
    ("\u{ff1b}", "is a full-width semicolon: write `;`"),
    ("\u{37e}", "is a Greek question mark (U+037E): write `;`"),
];
const QUOTE: &str = "is a typographic quote: write `\"`";

/// Hints about such bytes in a statement.
pub fn hints(text: Text<'_>) -> Vec<String> {
    let Some(first) = text.words.first() else {
        return Vec::new();
    };
    let mut hints = Vec::new();
    if first.0 == 0 {
        hints.extend(mark(text.bytes));
    }
    let words = || {
        text.words
            .iter()
            .filter_map(|(start, end)| text.bytes.get(*start..*end))
    };
    let found = ODD.iter().find_map(|(odd, what)| {
        let is_in = |word: &&[u8]| memchr::memmem::find(word, odd.as_bytes()).is_some();
        words().find(is_in).map(|_| (odd, what))
    });
    if let Some((odd, what)) = found {
        let shown = if odd.trim().is_empty() || **odd == *"\u{200b}" {
            "a character"
        } else {
            odd
        };
        hints.push(format!("{shown} {what}"));
    }
    if text.line(text.bytes.len()) == 1 && memchr::memchr(b'\r', text.bytes).is_some() {
        let hint =
            "the lines end in CR alone, which makes the file one line: save it with LF or CR LF";
        hints.push(hint.to_owned());
    }
    hints
}

/// Whether a word has a typographic quote.
pub fn has_typographic_quote(word: &[u8]) -> bool {
    let mut quotes = ODD.iter().filter(|(_, what)| *what == QUOTE);
    !word.is_ascii() && quotes.any(|(odd, _)| memchr::memmem::find(word, odd.as_bytes()).is_some())
}

/// What the first bytes of a text say about its encoding.
fn mark(bytes: &[u8]) -> Option<String> {
    match bytes {
        bytes if bytes.starts_with(MARK) => Some(
            "the file begins with a byte order mark (BOM): save it as UTF-8 without BOM".to_owned(),
        ),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, 0, ..] => {
            Some("the file is in UTF-16: save it as UTF-8 without BOM".to_owned())
        }
        _ => None,
    }
}

/// A name without such bytes.
pub fn plain(name: &str) -> String {
    let mut name = name.trim_start_matches('\u{feff}').to_owned();
    for (odd, _) in ODD {
        name = name.replace(odd, "");
    }
    name
}
