//! Mutations of generated text.

use crate::rng::Rng;

/// Texts that replace or extend a character of an argument.
const REPLACEMENTS: [&str; 34] = [
    "0",
    "1",
    "9",
    "99",
    "k",
    "m",
    "g",
    "s",
    "ms",
    "M",
    "h",
    "d",
    "w",
    "y",
    ":",
    "::",
    "-",
    "=",
    ".",
    ",",
    "*",
    "[",
    "]",
    "/",
    " ",
    "\"",
    "'",
    "\\",
    "?",
    "@IP@",
    "::1",
    "unix:",
    "localhost",
    "$",
];

/// Changes one or two characters of the arguments, which begin at `from`.
pub fn change_arguments(rng: &mut Rng, text: &mut String, from: usize) {
    for _ in 0..=rng.below(2) {
        let positions: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .filter(|at| *at >= from)
            .collect();
        if positions.is_empty() {
            return;
        }
        let at = positions[rng.below(positions.len())];
        match rng.below(4) {
            0 => drop(text.remove(at)),
            1 => text.replace_range(at..=at, rng.pick(&REPLACEMENTS)),
            _ => text.insert_str(at, rng.pick(&REPLACEMENTS)),
        }
    }
}

/// Bytes with a meaning in the configuration language, and others that need care.
const TOKENS: [&[u8]; 24] = [
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

/// Changes one to four bytes.
pub fn corrupt(rng: &mut Rng, text: &mut Vec<u8>) {
    for _ in 0..=rng.below(3) {
        let at = rng.below(text.len());
        match rng.below(8) {
            _ if text.is_empty() => return,
            0 | 1 => drop(text.remove(at)),
            2 => text[at] = rng.pick(&TOKENS)[0],
            3..=5 => drop(text.splice(at..at, rng.pick(&TOKENS).iter().copied())),
            6 => drop(text.drain(at..(at + rng.below(12)).min(text.len()))),
            _ => text.truncate(if rng.permille(500) {
                at
            } else {
                text.len() - 1
            }),
        }
    }
}

/// Inserts a long comment, word or run of lines: nginx reads 4096 bytes at a time, and a word must fit.
pub fn insert_long_text(rng: &mut Rng, text: &mut Vec<u8>) {
    let at = match rng.below(3) {
        0 => 0,
        _ => text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at + 1)
            .nth(rng.below(12))
            .unwrap_or(text.len()),
    };
    let length = match rng.below(3) {
        0 => rng.below(5000),
        1 => 4080 + rng.below(40),
        _ => 8170 + rng.below(40),
    };
    let inserted = match rng.below(5) {
        0 => [b"#", "c".repeat(length).as_bytes(), b"\n"].concat(),
        1 => [b"env ", "e".repeat(length).as_bytes(), b";\n"].concat(),
        2 => [b"env \"", "e\n".repeat(length / 2).as_bytes(), b"\";\n"].concat(),
        3 => "# abc\n".repeat(length / 6 + 1).into_bytes(),
        _ => [" ".repeat(length).as_bytes(), b"\n"].concat(),
    };
    text.splice(at..at, inserted);
}
