//! Parses the backend's replies, which arrive in pieces.

use std::mem;

/// Octets of a line that matter: a code, a separator, `CHUNKING` and the octet after it.
const HEAD: usize = 13;
/// Octets of a reply's text that are kept for observers.
const TEXT: usize = 1024;

/// The parser, within a reply or between two.
#[derive(Debug, Default)]
pub(super) struct Replies {
    head: [u8; HEAD],
    /// Octets of this line so far.
    column: usize,
    /// The line before this one belongs to the same reply.
    continues: bool,
    /// A line of this reply, not the first, is the keyword `CHUNKING`.
    chunking: bool,
    /// The lines so far, without codes and separated by LF. Not allocated unless text is kept.
    text: Vec<u8>,
}

/// What [`Replies::read`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No whole reply.
    Nothing,
    Reply(Reply),
    /// A line that is not part of a reply.
    Garbage,
}

/// A complete reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// A line after the first is the keyword `CHUNKING`.
    pub(super) chunking: bool,
    /// The lines without codes, separated by LF. Empty unless text is kept.
    pub(super) text: Vec<u8>,
}

impl Replies {
    /// Whether the parser is between two replies.
    pub(super) fn between(&self) -> bool {
        self.column == 0 && !self.continues
    }

    /// Reads up to the end of the next reply, or to the end of `bytes`. Returns the number of bytes read.
    pub(super) fn read(&mut self, bytes: &[u8], keep_text: bool) -> (usize, Found) {
        let mut at = 0;
        while let Some(n) = memchr::memchr(b'\n', &bytes[at..]) {
            self.absorb(&bytes[at..at + n], keep_text);
            at += n + 1;
            match self.end_line() {
                Found::Nothing => {}
                found => return (at, found),
            }
        }
        self.absorb(&bytes[at..], keep_text);
        (bytes.len(), Found::Nothing)
    }

    fn absorb(&mut self, part: &[u8], keep_text: bool) {
        let head = &mut self.head[self.column.min(HEAD)..];
        let n = head.len().min(part.len());
        head[..n].copy_from_slice(&part[..n]);
        if keep_text {
            let text = &part[4_usize.saturating_sub(self.column).min(part.len())..];
            let room = TEXT.saturating_sub(self.text.len());
            self.text.extend_from_slice(&text[..text.len().min(room)]);
        }
        self.column += part.len();
    }

    fn end_line(&mut self) -> Found {
        let head = &self.head[..mem::take(&mut self.column).min(HEAD)];
        let code = match head {
            [a, b, c, ..] if head[..3].iter().all(u8::is_ascii_digit) => [a, b, c]
                .iter()
                .fold(0, |sum, d| sum * 10 + u16::from(**d - b'0')),
            _ if self.continues => return Found::Nothing,
            _ => {
                self.text = Vec::new();
                return Found::Garbage;
            }
        };
        if self.continues && names_chunking(head) {
            self.chunking = true;
        }
        if self.text.last() == Some(&b'\r') {
            self.text.pop();
        }
        self.continues = head.get(3) == Some(&b'-');
        if self.continues {
            if !self.text.is_empty() {
                self.text.push(b'\n');
            }
            return Found::Nothing;
        }
        let Replies { chunking, text, .. } = mem::take(self);
        // Sendmail sends 050 lines before the reply proper after VERB.
        if code < 200 {
            return Found::Nothing;
        }
        Found::Reply(Reply {
            code,
            chunking,
            text,
        })
    }
}

fn names_chunking(head: &[u8]) -> bool {
    let keyword = head.get(4..12);
    keyword.is_some_and(|word| word.eq_ignore_ascii_case(b"CHUNKING"))
        && matches!(head.get(12), None | Some(b'\r' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes, `+` for CHUNKING, and texts.
    fn read(bytes: &str, cut: usize) -> String {
        let mut replies = Replies::default();
        let mut said = Vec::new();
        for mut part in bytes.as_bytes().chunks(cut) {
            while !part.is_empty() {
                let (n, found) = replies.read(part, true);
                part = &part[n..];
                match found {
                    Found::Nothing => assert!(part.is_empty()),
                    Found::Garbage => said.push("garbage".to_owned()),
                    Found::Reply(reply) => said.push(format!(
                        "{}{} {}",
                        reply.code,
                        if reply.chunking { "+" } else { "" },
                        String::from_utf8_lossy(&reply.text).replace('\n', "|")
                    )),
                }
            }
        }
        if !replies.between() {
            said.push("…".to_owned());
        }
        said.join(", ")
    }

    #[test]
    fn replies() {
        for (bytes, want) in [
            ("250 2.0.0 Ok\r\n", "250 2.0.0 Ok"),
            ("250\r\n", "250 "),
            ("250 a\n354 b\n", "250 a, 354 b"),
            (
                "250-gw\r\n250-chunking\r\n250 SIZE 1\r\n",
                "250+ gw|chunking|SIZE 1",
            ),
            ("250-gw\r\n250 CHUNKING\r\n", "250+ gw|CHUNKING"),
            ("250-gw\n250 CHUNKING\n", "250+ gw|CHUNKING"),
            (
                "250-gw\r\n250-CHUNKING x\r\n250 b\r\n",
                "250+ gw|CHUNKING x|b",
            ),
            ("250-gw\r\n250 CHUNKINGS\r\n", "250 gw|CHUNKINGS"),
            ("250 CHUNKING\r\n", "250 CHUNKING"),
            ("250-CHUNKING\r\n250 x\r\n", "250 CHUNKING|x"),
            ("050 verbose\r\n250 ok\r\n", "250 ok"),
            ("hello\r\n250 ok\r\n", "garbage, 250 ok"),
            ("25\r\n", "garbage"),
            ("250-a\r\nb\r\n250 c\r\n", "250 a|c"),
            ("250-a\r\n", "…"),
            ("25", "…"),
            ("", ""),
        ] {
            for cut in 1..=bytes.len().max(1) {
                assert_eq!(read(bytes, cut), want, "{bytes:?} in {cut}");
            }
        }
    }

    #[test]
    fn text_has_a_bound() {
        let (_, found) = Replies::default().read(&b"250 x".repeat(1000), true);
        assert_eq!(found, Found::Nothing);
        let mut replies = Replies::default();
        let line = [&b"250 "[..], &b"x".repeat(5000), b"\r\n"].concat();
        let (n, Found::Reply(reply)) = replies.read(&line, true) else {
            panic!("a reply");
        };
        assert_eq!((n, reply.text.len()), (line.len(), TEXT));
        let (_, Found::Reply(reply)) = replies.read(b"250 x\r\n", false) else {
            panic!("a reply");
        };
        assert_eq!(reply.text.capacity(), 0);
    }
}
