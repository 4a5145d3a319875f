//! Finds the first bare newline of a message: a CR without LF or an LF without CR.

use super::pairs;

/// A CR or LF that is not part of CRLF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareNewline {
    /// Which of the two octets it is.
    pub half: Half,
    /// Its position in the message, in octets as transferred.
    pub offset: u64,
}

/// One octet of CRLF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    Cr,
    Lf,
}

/// The search through one message, which arrives in pieces.
#[derive(Clone, Copy, Debug)]
pub(super) enum Newlines {
    /// There is none in the first `octets` octets. `cr`: the last of them is CR.
    Searching {
        octets: u64,
        cr: bool,
    },
    Found,
}

impl Newlines {
    /// Starts a message.
    pub(super) fn new() -> Self {
        Newlines::Searching {
            octets: 0,
            cr: false,
        }
    }

    /// Octets without a bare newline so far; 0 after the first one.
    pub(super) fn octets(&self) -> u64 {
        match self {
            Newlines::Searching { octets, .. } => *octets,
            Newlines::Found => 0,
        }
    }

    /// Whether the last octet is a CR, and there is no bare newline before it.
    pub(super) fn ends_in_cr(&self) -> bool {
        matches!(self, Newlines::Searching { cr: true, .. })
    }

    /// Examines the next octets. Returns the first bare newline of the message, once.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<BareNewline> {
        let Newlines::Searching { octets, cr } = *self else {
            return None;
        };
        let [first, ..] = bytes else { return None };
        let at = if is_bare(if cr { b'\r' } else { 0 }, *first) {
            Some(0)
        } else {
            pairs::find(bytes, is_bare)
        };
        let bare = at.map(|at| match bytes[at] {
            b'\n' => (Half::Lf, octets + at as u64),
            _ => (Half::Cr, octets + at as u64 - 1),
        });
        *self = match bare {
            Some(_) => Newlines::Found,
            None => Newlines::Searching {
                octets: octets + bytes.len() as u64,
                cr: bytes.last() == Some(&b'\r'),
            },
        };
        bare.map(|(half, offset)| BareNewline { half, offset })
    }
}

/// Whether exactly one octet of CRLF is here.
#[inline]
fn is_bare(before: u8, byte: u8) -> bool {
    (before == b'\r') != (byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bare_newline() {
        for (text, want) in [
            ("a\r\nb\r\n.\r\n", None),
            ("a\nb\r", Some((Half::Lf, 1))),
            ("\n", Some((Half::Lf, 0))),
            ("a\r\nb\r\r\n", Some((Half::Cr, 4))),
            ("a\rb\n", Some((Half::Cr, 1))),
            ("a\r\n\nb", Some((Half::Lf, 3))),
            ("a\r", None),
        ] {
            for cut in 1..=text.len() {
                let mut newlines = Newlines::new();
                let mut parts = text.as_bytes().chunks(cut);
                let found = parts.find_map(|part| newlines.find(part));
                assert_eq!(found.map(|f| (f.half, f.offset)), want, "{text:?} in {cut}");
                assert!(parts.all(|part| newlines.find(part).is_none()) || want.is_none());
            }
        }
    }
}
