//! The subset of Markdown in the texts of the manual: paragraphs, lists and code in backticks. It is converted to plain text and
//! to roff; Markdown pages contain it unchanged.

/// Maximum width of plain text, in columns.
const WIDTH: usize = 80;

/// A piece of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A paragraph.
    Paragraph(String),
    /// A list item.
    Item(String),
}

/// Splits a text into pieces.
pub fn pieces(markdown: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut begun = false;
    for line in markdown.lines().map(str::trim) {
        if line.is_empty() {
            begun = false;
        } else if let Some(item) = line.strip_prefix("- ") {
            pieces.push(Piece::Item(item.to_owned()));
            begun = true;
        } else if let (true, Some(Piece::Paragraph(text) | Piece::Item(text))) =
            (begun, pieces.last_mut())
        {
            text.push(' ');
            text.push_str(line);
        } else {
            pieces.push(Piece::Paragraph(line.to_owned()));
            begun = true;
        }
    }
    pieces
}

impl Piece {
    /// Formats the piece for a terminal: indented and wrapped. A paragraph starts with an empty line.
    pub fn plain(&self) -> String {
        match self {
            Self::Paragraph(text) => format!("\n{}", broken(&unticked(text), "    ", "    ")),
            Self::Item(text) => broken(&unticked(text), "      - ", "        "),
        }
    }

    /// Formats the piece as Markdown. A paragraph is surrounded by empty lines.
    pub fn markdown(&self) -> String {
        match self {
            Self::Paragraph(text) => format!("\n{text}\n"),
            Self::Item(text) => format!("- {text}\n"),
        }
    }

    /// Formats the piece as roff.
    pub fn roff(&self) -> String {
        match self {
            Self::Paragraph(text) => format!(".PP\n{}\n", roff(text)),
            Self::Item(text) => format!(".IP \\(bu 3\n{}\n", roff(text)),
        }
    }
}

/// Formats pieces as Markdown, with an empty line before each list.
pub fn markdown(pieces: &[Piece]) -> String {
    let mut page = String::new();
    let mut in_list = false;
    for piece in pieces {
        let item = matches!(piece, Piece::Item(_));
        if item && !in_list {
            page.push('\n');
        }
        in_list = item;
        page.push_str(&piece.markdown());
    }
    page
}

/// Replaces backticks by quotes, or removes them around code with spaces or quotes.
fn unticked(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let mut plain = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index % 2 == 1 && !part.contains(['"', ' ']) {
            plain.push_str(&format!("\"{part}\""));
        } else {
            plain.push_str(part);
        }
    }
    plain
}

/// Wraps text at spaces. `first` and `further` are the prefixes of the first line and of the others.
pub fn broken(text: &str, first: &str, further: &str) -> String {
    let mut page = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            page.push_str(&line);
            page.push('\n');
            line = further.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    page.push_str(&line);
    page.push('\n');
    page
}

/// Converts a text to roff: code in bold, everything else escaped.
pub fn roff(text: &str) -> String {
    let mut page = String::new();
    for (index, part) in text.split('`').enumerate() {
        let part = escaped(part);
        page.push_str(&if index % 2 == 1 {
            format!("\\fB{part}\\fR")
        } else {
            part
        });
    }
    match page.starts_with(['.', '\'']) {
        true => format!("\\&{page}"),
        false => page,
    }
}

/// Escapes text for roff. Line breaks are kept.
pub fn escaped(text: &str) -> String {
    let letter = |letter: char| match letter {
        '\\' => "\\e".to_owned(),
        '-' => "\\-".to_owned(),
        _ if letter.is_ascii() => letter.to_string(),
        _ => format!("\\[u{:04X}]", u32::from(letter)),
    };
    let text: String = text.chars().map(letter).collect();
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| match line.starts_with(['.', '\'']) {
            true => format!("\\&{line}"),
            false => line.to_owned(),
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces, roff};

    #[test]
    fn descriptions() {
        let text = " One\n two.\n\n Words:\n - `a`: x\n   y\n - `b`\n\n Last.";
        let paragraph = |text: &str| Piece::Paragraph(text.to_owned());
        let item = |text: &str| Piece::Item(text.to_owned());
        assert_eq!(
            pieces(text),
            [
                paragraph("One two."),
                paragraph("Words:"),
                item("`a`: x y"),
                item("`b`"),
                paragraph("Last.")
            ]
        );
    }

    #[test]
    fn plain_text() {
        let text = "`on` is like \"off\", and `listen 25;` stays whole.";
        assert_eq!(
            Piece::Paragraph(text.to_owned()).plain(),
            "\n    \"on\" is like \"off\", and listen 25; stays whole.\n"
        );
        let long = "word ".repeat(40);
        let broken = Piece::Item(long).plain();
        assert!(broken.lines().all(|line| line.len() <= 80) && broken.lines().count() > 2);
    }

    #[test]
    fn man_pages() {
        assert_eq!(roff("a…"), "a\\[u2026]");
        assert_eq!(roff(".a `-t` \\n"), "\\&.a \\fB\\-t\\fR \\en");
    }
}
