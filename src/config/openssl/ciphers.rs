//! OpenSSL's cipher strings: which suites they select, in which order (openssl-ciphers(1)). `ciphers.tsv` has the suites before
//! TLSv1.3 and the words that select them.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::sync::LazyLock;

use crate::base::TlsSuite;

static SUITES: &str = include_str!("ciphers.tsv");

/// Words that stand for a string of their own where a string begins with them.
const PREFIXES: [(&[u8], &[u8]); 5] = [
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

/// Why a string selects no suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CipherError {
    /// No suite is left.
    NoMatch,
    /// It contains something that is not a word.
    InvalidCommand,
}

impl CipherError {
    /// OpenSSL's error.
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
/// It selects none, or is malformed.
pub fn select(string: &[u8]) -> Result<Vec<&'static str>, CipherError> {
    SELECTED.with(|last| last.get_or_make(string, select_anew))
}

/// The suites that a string selects.
type Selected = Result<Vec<&'static str>, CipherError>;

thread_local! {
    static SELECTED: Last<Selected> = const { Last(RefCell::new(None)) };
    static UNSUPPORTED: Last<Vec<Vec<u8>>> = const { Last(RefCell::new(None)) };
}

/// The last string with what a function makes of it: thousands of servers may have the same one.
struct Last<T>(RefCell<Option<(Vec<u8>, T)>>);

impl<T: Clone> Last<T> {
    fn get_or_make(&self, string: &[u8], make: fn(&[u8]) -> T) -> T {
        let last = self.0.borrow();
        if let Some((_, made)) = last.as_ref().filter(|(known, _)| known == string) {
            return made.clone();
        }
        drop(last);
        let made = make(string);
        *self.0.borrow_mut() = Some((string.to_owned(), made.clone()));
        made
    }
}

fn select_anew(string: &[u8]) -> Selected {
    let mut list = List((0..TABLE.len()).map(|index| (index, false)).collect());
    let beginning = PREFIXES.iter().find(|(word, _)| string.starts_with(word));
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
        Err(CipherError::NoMatch)
    } else {
        Ok(names)
    }
}

/// The entries of a string that select suites, none of which is supported.
pub fn unsupported(string: &[u8]) -> Vec<Vec<u8>> {
    UNSUPPORTED.with(|last| last.get_or_make(string, find_unsupported))
}

fn find_unsupported(string: &[u8]) -> Vec<Vec<u8>> {
    let mut named: Vec<Vec<u8>> = Vec::new();
    for entry in string.split(|byte| is_separator(*byte)) {
        if entry.iter().any(|byte| !is_word(*byte) && *byte != b'+') {
            continue;
        }
        let suites = select_anew(entry).unwrap_or_default();
        let is_unsupported = suites
            .iter()
            .all(|suite| TlsSuite::by_name(suite).is_none());
        if !suites.is_empty() && is_unsupported && !named.iter().any(|before| before == entry) {
            named.push(entry.to_vec());
        }
    }
    named
}

/// Suites by index, and whether each is selected. An unselected suite keeps its place, where a later word may select it.
struct List(Vec<(usize, bool)>);

impl List {
    fn apply_all(&mut self, string: &[u8]) -> Result<(), CipherError> {
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

    /// Applies an entry: words joined by `+` select what each of them selects. Returns the text after it.
    fn entry<'a>(&mut self, sign: u8, text: &'a [u8]) -> Result<&'a [u8], CipherError> {
        let mut suites: Vec<usize> = (0..TABLE.len()).collect();
        let mut rest = text;
        loop {
            let length = rest.iter().position(|byte| !is_word(*byte));
            let (word, after) = rest.split_at(length.unwrap_or(rest.len()));
            if word.is_empty() {
                return Err(CipherError::InvalidCommand);
            }
            let fits = |own: &str| own.as_bytes() == word;
            suites.retain(|index| {
                fits(TABLE[*index].name) || TABLE[*index].words.iter().any(|own| fits(own))
            });
            if suites.is_empty() {
                // With an unknown word the whole entry is ignored.
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
                // `+` moves selected suites to the end; without a sign unselected ones are selected.
                let was = sign == b'+';
                let (moved, kept): (Vec<_>, Vec<_>) = list
                    .into_iter()
                    .partition(|entry| entry.1 == was && meant(entry));
                kept.into_iter().chain(marked(moved, true)).collect()
            }
        };
    }

    /// Applies what follows an `@`. Security levels have no effect on the selection.
    fn command<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], CipherError> {
        let end = text.iter().position(|byte| is_separator(*byte));
        let (word, after) = text.split_at(end.unwrap_or(text.len()));
        match word {
            b"STRENGTH" => {
                // Selected suites follow the others; only they are sorted.
                let bits = |(index, active): &(usize, bool)| {
                    if *active { TABLE[*index].bits } else { 0 }
                };
                self.0.sort_by_key(|entry| (entry.1, Reverse(bits(entry))));
            }
            _ if matches!(word.strip_prefix(b"SECLEVEL="), Some([b'0'..=b'5'])) => {}
            _ => return Err(CipherError::InvalidCommand),
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
    use super::{CipherError, select, unsupported};

    #[test]
    fn unsupported_entries() {
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
            let named = unsupported(string.as_bytes()).join(&b' ');
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
            ("FOO", Err(CipherError::NoMatch)),
            ("", Err(CipherError::NoMatch)),
            ("HIGH:!HIGH", Err(CipherError::NoMatch)),
            ("HIGH:!HIGH:HIGH", Err(CipherError::NoMatch)),
            ("HIGH:FOO+", Ok("ECDHE-ECDSA-AES256-GCM-SHA384")),
            ("HIGH:@FOO", Err(CipherError::InvalidCommand)),
            ("HIGH?", Err(CipherError::InvalidCommand)),
        ];
        for (string, wanted) in cases {
            assert_eq!(first(string), wanted, "{string}");
        }
    }
}
