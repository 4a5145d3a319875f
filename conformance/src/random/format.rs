//! Formats a configuration with unusual white space, line ends, quotes and comments.

use super::node::Node;
use crate::rng::Rng;

/// The style of one file.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    line_end: &'static str,
    /// The frequency of unusual forms, in thousandths.
    unusual: u32,
}

impl Style {
    /// A random style.
    pub fn random(rng: &mut Rng) -> Self {
        let line_end = rng.pick(&[
            "\n", "\n", "\n", "\n", "\n", "\n", "\n", "\n", "\r\n", " ", "\r",
        ]);
        Self {
            line_end,
            unusual: [0, 0, 10, 60][rng.below(4)],
        }
    }

    /// Appends the text of the nodes.
    pub fn write(self, rng: &mut Rng, nodes: &[Node], depth: usize, out: &mut Vec<u8>) {
        for node in nodes {
            out.extend(b" ".repeat(depth * 4));
            match node {
                Node::Line(text, end) => {
                    self.words(rng, text, out);
                    self.space(rng, out);
                    out.extend(end.as_bytes());
                }
                Node::Block(head, inner) => {
                    self.words(rng, head, out);
                    if !rng.permille(50) {
                        out.push(b' ');
                    }
                    self.space(rng, out);
                    out.push(b'{');
                    out.extend(self.line_end.as_bytes());
                    self.write(rng, inner, depth + 1, out);
                    out.extend(b" ".repeat(depth * 4));
                    out.push(b'}');
                }
            }
            if rng.permille(self.unusual) {
                let comment =
                    rng.pick(&["#", " # a; b { c", "\t#\"", "#'\\", " #\r x", "# \u{e9}"]);
                out.extend(comment.as_bytes());
                out.push(b'\n');
            }
            out.extend(self.line_end.as_bytes());
        }
    }

    /// Appends words, some of them quoted or escaped.
    fn words(self, rng: &mut Rng, text: &str, out: &mut Vec<u8>) {
        let plain = !text.contains(['"', '\'', '\\']);
        for (index, word) in text.split(' ').enumerate() {
            if index > 0 {
                out.push(b' ');
                self.space(rng, out);
            }
            match word {
                word if plain && !word.is_empty() && rng.permille(self.unusual) => {
                    match rng.below(4) {
                        0 => out.extend(format!("\"{word}\"").bytes()),
                        1 => out.extend(format!("'{word}'").bytes()),
                        2 => out.extend(format!("\\{word}").bytes()),
                        _ => out.extend(format!("{word}\\").bytes()),
                    }
                }
                word => out.extend(word.bytes()),
            }
        }
    }

    /// Appends additional white space or a comment.
    fn space(self, rng: &mut Rng, out: &mut Vec<u8>) {
        if rng.permille(self.unusual * 2) {
            out.extend(
                rng.pick(&[" ", "\t", "\n", "\r\n", "  \n  ", "#\n", " # x;\n", "\r"])
                    .as_bytes(),
            );
        }
    }
}
