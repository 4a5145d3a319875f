//! Finds what servers read in different ways in the content after DATA: bare CR, bare LF, and a dot that only some of them take for
//! the end. Each is found before any octet of it passes, so that the content can be repaired or refused.
//!
//! The end is CR LF dot CR LF and nothing else. All repairs together make content in which every server sees this same end:
//! - a bare LF becomes CRLF;
//! - a bare CR becomes a space, which no server takes for a line end; a CR before another CR is dropped, so that lines that end in
//!   CR CR LF end in CRLF;
//! - a dot alone on a line that is not the end, with blanks and control characters not counted, gets a second dot, so that the
//!   receiver sees a line with one dot.

/// The octets after a dot that are looked at for the end of its line. RFC 5321 (section 4.5.3.1.6) limits a line to 1000 octets.
const LINE: usize = 1000;

/// A part of a message that servers read in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Irregularity {
    /// A CR without LF.
    BareCr,
    /// A LF without CR.
    BareLf,
    /// A dot alone on a line, which is not the end of the message (RFC 5321, section 4.1.1.4) and which some servers take for it.
    LoneDot,
}

/// What takes the place of an irregularity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repair {
    /// Octets that are left out.
    pub(super) skip: usize,
    /// Octets in their place.
    pub(super) put: &'static [u8],
}

/// The content of one message, which arrives in pieces.
#[derive(Debug)]
pub(super) struct Screen {
    place: Place,
    /// Octets that have passed, with repairs.
    octets: u64,
}

/// The place of the next octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Where a dot is an ordinary octet.
    Inside,
    /// The first of a line. `strict`: directly after CRLF or the command.
    Start { strict: bool },
}

/// The result of [`Screen::scan`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// This many octets are content. The meaning of those after them depends on further ones.
    Content(usize),
    /// The content ends after this many octets, with the dot line.
    End(usize),
    /// There is an irregularity after this many octets. If it is repaired, scan the rest again.
    Irregular(usize, Irregularity, Repair),
}

/// What a dot that begins a line is.
enum Dot {
    /// Unknown until there are more octets.
    Open,
    End,
    Lone,
    /// The first octet of a line with other octets.
    Text,
}

impl Screen {
    /// Starts after the reply to DATA.
    pub(super) fn new() -> Self {
        Screen {
            place: Place::Start { strict: true },
            octets: 0,
        }
    }

    /// Octets that have passed, with repairs, without the dot line at the end.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    /// Records octets that pass.
    pub(super) fn passed(&mut self, octets: usize) {
        self.octets += octets as u64;
    }

    /// Examines the next octets.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Seen {
        let mut at = 0;
        loop {
            if let Place::Start { strict } = self.place {
                match bytes.get(at) {
                    None => return Seen::Content(at),
                    Some(b'.') => match dot(&bytes[at..], strict) {
                        Dot::Open => return Seen::Content(at),
                        Dot::End => return Seen::End(at + b".\r\n".len()),
                        Dot::Lone => {
                            self.place = Place::Inside;
                            return irregular(at, Irregularity::LoneDot, 0, b".");
                        }
                        Dot::Text => {}
                    },
                    // Some servers leave NUL out.
                    Some(0) => {
                        self.place = Place::Start { strict: false };
                        at += 1;
                        continue;
                    }
                    Some(_) => {}
                }
                self.place = Place::Inside;
            }
            let Some(text) = memchr::memchr2(b'\r', b'\n', &bytes[at..]) else {
                return Seen::Content(bytes.len());
            };
            at += text;
            match (bytes[at], bytes.get(at + 1)) {
                (b'\n', _) => {
                    self.place = Place::Start { strict: false };
                    return irregular(at, Irregularity::BareLf, 1, b"\r\n");
                }
                (_, None) => return Seen::Content(at),
                (_, Some(b'\n')) => {
                    self.place = Place::Start { strict: true };
                    at += b"\r\n".len();
                }
                (_, Some(b'\r')) => return irregular(at, Irregularity::BareCr, 1, b""),
                (_, Some(_)) => return irregular(at, Irregularity::BareCr, 1, b" "),
            }
        }
    }
}

fn irregular(at: usize, what: Irregularity, skip: usize, put: &'static [u8]) -> Seen {
    Seen::Irregular(at, what, Repair { skip, put })
}

/// Examines a dot that begins a line, `strict` if directly after CRLF.
fn dot(bytes: &[u8], strict: bool) -> Dot {
    let rest = &bytes[1..];
    let is_blank = |byte: &u8| matches!(byte, 0..=b' ' | 0x7f) && !matches!(byte, b'\r' | b'\n');
    let blanks = rest.iter().take(LINE).take_while(|byte| is_blank(byte));
    let blanks = blanks.count();
    match (rest.get(blanks), rest.get(blanks + 1)) {
        _ if blanks == LINE => Dot::Lone,
        (None, _) | (Some(b'\r'), None) => Dot::Open,
        (Some(b'\r'), Some(b'\n')) if strict && blanks == 0 => Dot::End,
        (Some(b'\r' | b'\n'), _) => Dot::Lone,
        (Some(_), _) => Dot::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Irregularity::{BareCr, BareLf, LoneDot};

    /// The repaired content up to the end, what was found, and what is left: after the end, or not examined yet.
    fn repair(text: &[u8], cut: usize) -> (Vec<u8>, Vec<Irregularity>, Option<Vec<u8>>) {
        let mut screen = Screen::new();
        let (mut out, mut found, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        let mut parts = text.chunks(cut);
        while let Some(part) = parts.next() {
            rest.extend_from_slice(part);
            loop {
                match screen.scan(&rest) {
                    Seen::Content(n) => {
                        out.extend(rest.drain(..n));
                        break;
                    }
                    Seen::End(n) => {
                        out.extend(rest.drain(..n));
                        rest.extend(parts.flatten());
                        return (out, found, Some(rest));
                    }
                    Seen::Irregular(n, what, repair) => {
                        out.extend(rest.drain(..n));
                        rest.drain(..repair.skip);
                        out.extend(repair.put);
                        found.push(what);
                    }
                }
            }
        }
        assert!(rest.len() <= LINE + 2, "{}", rest.len());
        (out, found, None)
    }

    #[test]
    fn repairs() {
        const AFTER: &[u8] = b"b\r\n.\r\nQUIT\r\n";
        for (text, want, found) in [
            (&b"a\r\n"[..], &b"a\r\n"[..], &[][..]),
            (b"", b"", &[]),
            (
                b"a\r\n.x\r\n..\r\n.. \r\n",
                b"a\r\n.x\r\n..\r\n.. \r\n",
                &[],
            ),
            (b"a\r\n. x\r\n", b"a\r\n. x\r\n", &[]),
            (b"a\n", b"a\r\n", &[BareLf]),
            (b"\n\n", b"\r\n\r\n", &[BareLf, BareLf]),
            (b"a\r\n\n", b"a\r\n\r\n", &[BareLf]),
            (b"a\rc", b"a c", &[BareCr]),
            (b"a\r\r\n", b"a\r\n", &[BareCr]),
            (b"a\r\r\r\rc", b"a c", &[BareCr; 4]),
            (b"a\r\r\n.c\r\n", b"a\r\n.c\r\n", &[BareCr]),
            // What has been taken for the end of a message.
            (b"a\n.\n", b"a\r\n..\r\n", &[BareLf, LoneDot, BareLf]),
            (b"a\n.\r\n", b"a\r\n..\r\n", &[BareLf, LoneDot]),
            (b"a\r\n.\n", b"a\r\n..\r\n", &[LoneDot, BareLf]),
            (b"a\r.\r", b"a . ", &[BareCr, BareCr]),
            (b"a\r\n.\r", b"a\r\n.. ", &[LoneDot, BareCr]),
            (b"a\r.\r\n", b"a .\r\n", &[BareCr]),
            (b"a\r.\n", b"a .\r\n", &[BareCr, BareLf]),
            (b"a\n.\r", b"a\r\n.. ", &[BareLf, LoneDot, BareCr]),
            (b"a\r\n.\r\r\n", b"a\r\n..\r\n", &[LoneDot, BareCr]),
            (b"a\n\r.\r\n", b"a\r\n .\r\n", &[BareLf, BareCr]),
            (b"a\r\n\0.\r\n", b"a\r\n\0..\r\n", &[LoneDot]),
            (b"a\r\n\0\0.\n", b"a\r\n\0\0..\r\n", &[LoneDot, BareLf]),
            (b"a\r\n.\0\r\n", b"a\r\n..\0\r\n", &[LoneDot]),
            (b"a\r\n. \t\r\n", b"a\r\n.. \t\r\n", &[LoneDot]),
            (
                b"a\r\n.\r\0\n",
                b"a\r\n.. \0\r\n",
                &[LoneDot, BareCr, BareLf],
            ),
            (
                b"a\r\0\n.\r\n",
                b"a \0\r\n..\r\n",
                &[BareCr, BareLf, LoneDot],
            ),
            (b".\n", b"..\r\n", &[LoneDot, BareLf]),
            (b".\rc\r\n", b".. c\r\n", &[LoneDot, BareCr]),
        ] {
            let text = [text, AFTER].concat();
            for cut in 1..=text.len() {
                let shown = text.escape_ascii();
                let (out, what, rest) = repair(&text, cut);
                let want = [want, b"b\r\n.\r\n"].concat();
                assert_eq!(out, want, "{shown} in {cut}: {}", out.escape_ascii());
                assert_eq!(what, found, "{shown} in {cut}");
                assert_eq!(rest.as_deref(), Some(&b"QUIT\r\n"[..]), "{shown} in {cut}");
            }
        }
    }

    #[test]
    fn a_dot_before_many_blanks_is_not_held_for_ever() {
        let text = [&b"a\r\n."[..], &[b' '; 5000], b"x\r\n.\r\n"].concat();
        for cut in [1, 7, 999, 1000, 1001, 1002, 6000] {
            let (out, found, rest) = repair(&text, cut);
            assert_eq!(found, [LoneDot]);
            assert_eq!(out.len(), text.len() + 1);
            assert_eq!(rest, Some(Vec::new()));
        }
    }

    /// Every text of six octets out of those that matter: the result does not depend on the cuts, it has neither CR nor LF alone, a
    /// server of any kind sees its end where it is, and there is nothing left to repair.
    #[test]
    fn all_short_texts() {
        const OCTETS: [u8; 6] = *b"\r\n.\0 a";
        let ways = OCTETS.len().pow(6);
        for number in 0..ways {
            let digits =
                (0..6).map(|place| OCTETS[number / OCTETS.len().pow(place) % OCTETS.len()]);
            let text: Vec<u8> = b"b"
                .iter()
                .copied()
                .chain(digits)
                .chain(*b"c\r\n.\r\n")
                .collect();
            let shown = text.escape_ascii();
            let (out, found, rest) = repair(&text, text.len());
            let rest = rest.expect("an end");
            for cut in 1..8 {
                let again = repair(&text, cut);
                assert_eq!(
                    again,
                    (out.clone(), found.clone(), Some(rest.clone())),
                    "{shown}"
                );
            }
            assert_eq!(
                found.is_empty(),
                out == text[..text.len() - rest.len()],
                "{shown}"
            );
            let again = repair(&out, out.len());
            assert_eq!(
                again,
                (out.clone(), Vec::new(), Some(Vec::new())),
                "{shown}"
            );
            let lines: Vec<&[u8]> = out.split(|byte| *byte == b'\n').collect();
            let (last, lines) = lines.split_last().expect("the end");
            assert!(last.is_empty(), "{shown}");
            for (at, line) in lines.iter().enumerate() {
                let line = line.strip_suffix(b"\r").expect("CR before LF");
                assert!(!line.contains(&b'\r'), "{shown}");
                let visible: Vec<u8> = line.iter().copied().filter(|byte| *byte > b' ').collect();
                let first = line.iter().find(|byte| **byte != 0);
                let lone = first == Some(&b'.') && visible == b".";
                assert_eq!(
                    lone,
                    at + 1 == lines.len(),
                    "{shown}: {}",
                    out.escape_ascii()
                );
            }
        }
    }
}
