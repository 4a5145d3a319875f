//! OpenSSL's cipher strings: which suites they select, in which order (openssl-ciphers(1)). The suites before TLSv1.3 and the
//! words that mean them are data; what rustls makes of the names is not for here to know.

use std::cmp::Reverse;
use std::sync::LazyLock;

static SUITES: &str = include_str!("ciphers.tsv");

/// What some words stand for when a string begins with them.
const BEGINNINGS: [(&[u8], &[u8]); 5] = [
    (b"DEFAULT", b"ALL:!COMPLEMENTOFDEFAULT:!eNULL"),
    (b"SUITEB128ONLY", b"ECDHE-ECDSA-AES128-GCM-SHA256"),
    (
        b"SUITEB128C2",
        b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
    ),
    (
        b"SUITEB128",
        b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
    ),
    (b"SUITEB192", b"ECDHE-ECDSA-AES256-GCM-SHA384"),
];

struct Suite {
    name: &'static str,
    bits: u16,
    words: Vec<&'static str>,
}

static TABLE: LazyLock<Vec<Suite>> = LazyLock::new(|| {
    let lines = SUITES.lines().filter(|line| !line.starts_with('#')).skip(1);
    let suite = |line: &'static str| {
        let mut fields = line.split('\t');
        let (name, bits) = (fields.next()?, fields.next()?.parse().ok()?);
        let words = fields.next()?.split(' ').collect();
        Some(Suite { name, bits, words })
    };
    lines.filter_map(suite).collect()
});

/// Why a string selects nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// No suite is left.
    NoMatch,
    /// It holds something that is no word.
    InvalidCommand,
}

impl Nothing {
    /// OpenSSL's error.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoMatch => "error:0A0000B9:SSL routines::no cipher match",
            Self::InvalidCommand => "error:0A000118:SSL routines::invalid command",
        }
    }
}

/// The suites that `string` selects, by OpenSSL's names, the preferred one first.
///
/// # Errors
/// It selects none.
pub fn select(string: &[u8]) -> Result<Vec<&'static str>, Nothing> {
    let mut list = List((0..TABLE.len()).map(|index| (index, false)).collect());
    let beginning = BEGINNINGS.iter().find(|(word, _)| string.starts_with(word));
    match beginning {
        Some((word, meaning)) => {
            list.apply_all(meaning)?;
            list.apply_all(&string[word.len()..])?;
        }
        None => list.apply_all(string)?,
    }
    let active = list.0.iter().filter(|(_, active)| *active);
    let names: Vec<&str> = active.map(|(index, _)| TABLE[*index].name).collect();
    if names.is_empty() {
        Err(Nothing::NoMatch)
    } else {
        Ok(names)
    }
}

/// The suites before TLS 1.3 that are spoken here.
pub const SPOKEN: [&str; 6] = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
];

/// The entries that select suites, none of which is spoken here.
#[must_use]
pub fn never_spoken(string: &[u8]) -> Vec<Vec<u8>> {
    let mut named: Vec<Vec<u8>> = Vec::new();
    for entry in string.split(|byte| is_separator(*byte)) {
        if entry.iter().any(|byte| !is_word(*byte) && *byte != b'+') {
            continue;
        }
        let suites = select(entry).unwrap_or_default();
        let silent = suites.iter().all(|suite| !SPOKEN.contains(suite));
        if !suites.is_empty() && silent && !named.iter().any(|before| before == entry) {
            named.push(entry.to_vec());
        }
    }
    named
}

/// Suites by index, and whether each is selected. What is not selected keeps its place for a later word.
struct List(Vec<(usize, bool)>);

impl List {
    fn apply_all(&mut self, string: &[u8]) -> Result<(), Nothing> {
        let mut rest = string;
        while let [first, tail @ ..] = rest {
            rest = match first {
                _ if is_separator(*first) => tail,
                b'@' => self.command(tail)?,
                b'!' | b'-' | b'+' => self.entry(*first, tail)?,
                _ => self.entry(b' ', rest)?,
            };
        }
        Ok(())
    }

    /// Words joined by `+`: what all of them select. Answers what follows the entry.
    fn entry<'a>(&mut self, sign: u8, text: &'a [u8]) -> Result<&'a [u8], Nothing> {
        let mut suites: Vec<usize> = (0..TABLE.len()).collect();
        let mut rest = text;
        loop {
            let length = rest.iter().position(|byte| !is_word(*byte));
            let (word, after) = rest.split_at(length.unwrap_or(rest.len()));
            if word.is_empty() {
                return Err(Nothing::InvalidCommand);
            }
            let fits = |own: &str| own.as_bytes() == word;
            suites.retain(|index| {
                fits(TABLE[*index].name) || TABLE[*index].words.iter().any(|own| fits(own))
            });
            if suites.is_empty() {
                // An unknown word: the entry means nothing, to its end.
                let end = after.iter().position(|byte| is_separator(*byte));
                return Ok(&after[end.unwrap_or(after.len())..]);
            }
            match after {
                [b'+', next @ ..] => rest = next,
                _ => {
                    self.apply(sign, &suites);
                    return Ok(after);
                }
            }
        }
    }

    fn apply(&mut self, sign: u8, suites: &[usize]) {
        let meant = |entry: &(usize, bool)| suites.contains(&entry.0);
        let list = std::mem::take(&mut self.0);
        let marked = |list: Vec<(usize, bool)>, active: bool| {
            list.into_iter().map(move |(index, _)| (index, active))
        };
        self.0 = match sign {
            b'!' => list.into_iter().filter(|entry| !meant(entry)).collect(),
            b'-' => {
                let (out, kept): (Vec<_>, Vec<_>) =
                    list.into_iter().partition(|entry| entry.1 && meant(entry));
                marked(out, false).chain(kept).collect()
            }
            _ => {
                // `+` moves what is selected to the end, no sign selects what is not.
                let was = sign == b'+';
                let (moved, kept): (Vec<_>, Vec<_>) = list
                    .into_iter()
                    .partition(|entry| entry.1 == was && meant(entry));
                kept.into_iter().chain(marked(moved, true)).collect()
            }
        };
    }

    /// What follows an `@`. Security levels are for the library that uses the suites.
    fn command<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Nothing> {
        let end = text.iter().position(|byte| is_separator(*byte));
        let (word, after) = text.split_at(end.unwrap_or(text.len()));
        match word {
            b"STRENGTH" => {
                // Selected suites stand behind the others; only they are sorted.
                let bits = |(index, active): &(usize, bool)| {
                    if *active { TABLE[*index].bits } else { 0 }
                };
                self.0.sort_by_key(|entry| (entry.1, Reverse(bits(entry))));
            }
            [
                b'S',
                b'E',
                b'C',
                b'L',
                b'E',
                b'V',
                b'E',
                b'L',
                b'=',
                b'0'..=b'5',
            ] => {}
            _ => return Err(Nothing::InvalidCommand),
        }
        Ok(after)
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b':' | b' ' | b';' | b',')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'=')
}

#[cfg(test)]
mod tests {
    use crate::config::load::tls::unsupported;
    use crate::config::{Nothing, select};

    #[test]
    fn entries_that_are_never_spoken() {
        let cases = [
            ("HIGH:!aNULL:!MD5", ""),
            (
                "DHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
                "DHE-RSA-AES128-GCM-SHA256",
            ),
            ("AES256-SHA,AES256-SHA EDH+AESGCM", "AES256-SHA EDH+AESGCM"),
            ("!AES256-SHA:-kRSA:+3DES:HIGH:foo", ""),
            ("kRSA:@STRENGTH", "kRSA"),
        ];
        for (string, wanted) in cases {
            let named = never_spoken(string.as_bytes()).join(&b' ');
            assert_eq!(String::from_utf8_lossy(&named), wanted, "{string}");
        }
    }

    #[test]
    fn strings() {
        let first = |string: &str| select(string.as_bytes()).map(|suites| suites[0]);
        let cases = [
            ("HIGH:!aNULL:!MD5", Ok("ECDHE-ECDSA-AES256-GCM-SHA384")),
            ("HIGH!ECDHE", Ok("DHE-DSS-AES256-GCM-SHA384")),
            (
                "FOO:ECDHE+AESGCM+AES128+aRSA",
                Ok("ECDHE-RSA-AES128-GCM-SHA256"),
            ),
            (
                "EECDH:@STRENGTH,+AES256",
                Ok("ECDHE-ECDSA-CHACHA20-POLY1305"),
            ),
            ("SUITEB192", Ok("ECDHE-ECDSA-AES256-GCM-SHA384")),
            ("DEFAULT:-ECDHE:-DHE:-PSK", Ok("AES256-GCM-SHA384")),
            ("FOO", Err(Nothing::NoMatch)),
            ("", Err(Nothing::NoMatch)),
            ("HIGH:!HIGH", Err(Nothing::NoMatch)),
            ("HIGH:!HIGH:HIGH", Err(Nothing::NoMatch)),
            ("HIGH:FOO+", Ok("ECDHE-ECDSA-AES256-GCM-SHA384")),
            ("HIGH:@FOO", Err(Nothing::InvalidCommand)),
            ("HIGH?", Err(Nothing::InvalidCommand)),
        ];
        for (string, wanted) in cases {
            assert_eq!(first(string), wanted, "{string}");
        }
    }
}
