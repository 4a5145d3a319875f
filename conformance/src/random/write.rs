//! Writes a tree down: blanks, line ends, quotes, comments, and now and then bytes that nobody meant.

use super::dice::Dice;
use super::tree::Node;

/// How one file is written.
#[derive(Clone, Copy, Debug)]
pub struct Hand {
    line_end: &'static str,
    /// How often something unusual comes, in thousandths.
    odd: usize,
}

impl Hand {
    /// One of the usual or unusual ones.
    pub fn any(dice: &mut Dice) -> Self {
        let line_end = *dice.pick(&[
            "\n", "\n", "\n", "\n", "\n", "\n", "\n", "\n", "\r\n", " ", "\r",
        ]);
        Self {
            line_end,
            odd: *dice.pick(&[0, 0, 10, 60]),
        }
    }

    /// Writes the nodes.
    pub fn write(self, dice: &mut Dice, nodes: &[Node], depth: usize, out: &mut Vec<u8>) {
        for node in nodes {
            out.extend(b" ".repeat(depth * 4));
            match node {
                Node::Line(text, end) => {
                    self.words(dice, text, out);
                    self.blank(dice, out);
                    out.extend(end.as_bytes());
                }
                Node::Block(head, inner) => {
                    self.words(dice, head, out);
                    if !dice.chance(50) {
                        out.push(b' ');
                    }
                    self.blank(dice, out);
                    out.push(b'{');
                    out.extend(self.line_end.as_bytes());
                    self.write(dice, inner, depth + 1, out);
                    out.extend(b" ".repeat(depth * 4));
                    out.push(b'}');
                }
            }
            if dice.chance(self.odd) {
                let comment =
                    *dice.pick(&["#", " # a; b { c", "\t#\"", "#'\\", " #\r x", "# \u{e9}"]);
                out.extend(comment.as_bytes());
                out.push(b'\n');
            }
            out.extend(self.line_end.as_bytes());
        }
    }

    fn words(self, dice: &mut Dice, text: &str, out: &mut Vec<u8>) {
        let plain = !text.contains(['"', '\'', '\\']);
        for (index, word) in text.split(' ').enumerate() {
            if index > 0 {
                out.push(b' ');
                self.blank(dice, out);
            }
            match word {
                word if plain && !word.is_empty() && dice.chance(self.odd) => match dice.below(4) {
                    0 => out.extend(format!("\"{word}\"").bytes()),
                    1 => out.extend(format!("'{word}'").bytes()),
                    2 => out.extend(format!("\\{word}").bytes()),
                    _ => out.extend(format!("{word}\\").bytes()),
                },
                word => out.extend(word.bytes()),
            }
        }
    }

    fn blank(self, dice: &mut Dice, out: &mut Vec<u8>) {
        if dice.chance(self.odd * 2) {
            out.extend(
                dice.pick(&[" ", "\t", "\n", "\r\n", "  \n  ", "#\n", " # x;\n", "\r"])
                    .as_bytes(),
            );
        }
    }
}

const SIGNS: [&[u8]; 24] = [
    b"{",
    b"}",
    b";",
    b"\"",
    b"'",
    b"\\",
    b"#",
    b"$",
    b" ",
    b"\n",
    b"\r",
    b"\t",
    b"\x0b",
    b"\x0c",
    b"\0",
    b"\xc2\xa0",
    b"\xff",
    b"=",
    b":",
    b"*",
    b")",
    b"${",
    b"\xef\xbb\xbf",
    b"\x7f",
];

/// Changes a byte or a few.
pub fn spoil(dice: &mut Dice, text: &mut Vec<u8>) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(text.len());
        match dice.below(8) {
            _ if text.is_empty() => return,
            0 | 1 => drop(text.remove(at)),
            2 => text[at] = dice.pick(&SIGNS)[0],
            3..=5 => drop(text.splice(at..at, dice.pick(&SIGNS).iter().copied())),
            6 => drop(text.drain(at..(at + dice.below(12)).min(text.len()))),
            _ => text.truncate(if dice.chance(500) { at } else { text.len() - 1 }),
        }
    }
}

/// Puts something long somewhere: nginx reads 4096 bytes at a time, and a word must fit.
pub fn lengthen(dice: &mut Dice, text: &mut Vec<u8>) {
    let at = match dice.below(3) {
        0 => 0,
        _ => text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at + 1)
            .nth(dice.below(12))
            .unwrap_or(text.len()),
    };
    let length = match dice.below(3) {
        0 => dice.below(5000),
        1 => 4080 + dice.below(40),
        _ => 8170 + dice.below(40),
    };
    let long = match dice.below(5) {
        0 => [b"#", "c".repeat(length).as_bytes(), b"\n"].concat(),
        1 => [b"env ", "e".repeat(length).as_bytes(), b";\n"].concat(),
        2 => [b"env \"", "e\n".repeat(length / 2).as_bytes(), b"\";\n"].concat(),
        3 => "# abc\n".repeat(length / 6 + 1).into_bytes(),
        _ => [" ".repeat(length).as_bytes(), b"\n"].concat(),
    };
    text.splice(at..at, long);
}
