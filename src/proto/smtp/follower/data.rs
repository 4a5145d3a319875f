//! Finds the end of the content after DATA, and the places where only some servers see it.
//!
//! Servers disagree about line ends, but all of them look for a dot alone on a line. The scan goes from one dot that begins a line
//! to the next.

use super::pairs;

/// The content of one message, which arrives in pieces.
#[derive(Debug)]
pub(super) struct Data {
    state: State,
    /// Octets examined so far.
    octets: u64,
    /// Octets before the last line that begins with a dot.
    before_dot: u64,
    /// The client has sent more after an ambiguous end.
    ran_past_end: bool,
}

/// What the last octets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Inside a line.
    Text,
    Cr,
    Crlf,
    /// A line end for some servers: a bare LF, or a line end followed by NUL.
    Break,
    /// A dot that begins a line, with nothing but blanks after it. `strict`: it follows CRLF, and there are no blanks.
    Dot {
        strict: bool,
    },
    /// The same with CR.
    DotCr {
        strict: bool,
    },
    /// The same with LF or CRLF, and not strict. Some servers end the message here.
    MaybeEnd {
        crlf: bool,
    },
}

/// The result of [`Data::scan`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// All bytes are content.
    Content,
    /// The content ends after this many bytes.
    End(usize),
    /// For some servers the content ends after this many bytes, and there are more. Scan the rest again.
    MaybeEnded(usize),
}

impl Data {
    /// Starts after the reply to DATA. The line end of that command counts as the one before the content.
    pub(super) fn new() -> Self {
        Data {
            state: State::Crlf,
            octets: 0,
            before_dot: 0,
            ran_past_end: false,
        }
    }

    /// Octets examined so far.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    /// Octets of content before the dot line that ended it. Stuffed dots count.
    pub(super) fn size(&self) -> u64 {
        self.before_dot
    }

    /// Whether some servers take the octets so far for a whole message, with nothing after it.
    pub(super) fn may_have_ended(&self) -> bool {
        !self.ran_past_end && matches!(self.state, State::MaybeEnd { .. } | State::DotCr { .. })
    }

    /// Examines the next octets.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Scan {
        let mut at = 0;
        let scan = loop {
            match self.state {
                State::Dot { .. } | State::DotCr { .. } | State::MaybeEnd { .. } => {
                    let Some(&byte) = bytes.get(at) else {
                        break Scan::Content;
                    };
                    match self.after_dot(byte) {
                        After::More => at += 1,
                        After::End => break Scan::End(at + 1),
                        After::MaybeEnded => break Scan::MaybeEnded(at),
                    }
                }
                State::Text | State::Cr | State::Crlf | State::Break => {
                    let rest = &bytes[at..];
                    let n = match rest.first() {
                        Some(b'.') if self.state != State::Text => 0,
                        _ => find_dot(rest).unwrap_or(rest.len()),
                    };
                    self.state = self.state.then(&rest[..n]);
                    at += n;
                    if at == bytes.len() {
                        break Scan::Content;
                    }
                    if self.state != State::Text {
                        self.before_dot = self.octets + at as u64;
                        let strict = self.state == State::Crlf;
                        self.state = State::Dot { strict };
                    }
                    at += 1;
                }
            }
        };
        self.octets += match scan {
            Scan::Content => bytes.len(),
            Scan::End(n) | Scan::MaybeEnded(n) => n,
        } as u64;
        scan
    }

    /// Examines one octet after a dot that begins a line. [`After::MaybeEnded`] does not consume the octet.
    fn after_dot(&mut self, byte: u8) -> After {
        self.state = match (self.state, byte) {
            (State::DotCr { strict: true }, b'\n') => return After::End,
            (State::Dot { .. }, b'\n') => State::MaybeEnd { crlf: false },
            (State::DotCr { .. }, b'\n') => State::MaybeEnd { crlf: true },
            (State::Dot { strict }, b'\r') => State::DotCr { strict },
            (State::DotCr { .. }, b'\r') => State::DotCr { strict: false },
            (State::Dot { .. }, 0..=b' ' | 0x7f) => State::Dot { strict: false },
            (State::DotCr { .. }, _) => return self.run_past(State::Cr),
            (State::MaybeEnd { crlf: true }, _) => return self.run_past(State::Crlf),
            (State::MaybeEnd { crlf: false }, _) => return self.run_past(State::Break),
            _ => State::Text,
        };
        After::More
    }

    fn run_past(&mut self, state: State) -> After {
        self.state = state;
        self.ran_past_end = true;
        After::MaybeEnded
    }
}

/// Two dots with fewer octets between them are dense: a search from one to the next is slower than the one for pairs.
const DENSE: usize = 16;
/// The octets that are searched for pairs before the next attempt to go from dot to dot.
const WINDOW: usize = 1024;

/// The index of the first dot, except at index 0, that may begin a line.
fn find_dot(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        let before = memchr::memchr(b'.', bytes.get(at..)?)?;
        let dot = at + before;
        if may_begin_with_dot(bytes[dot - 1], bytes[dot]) {
            return Some(dot);
        }
        at = dot + 1;
        if before < DENSE {
            let window = &bytes[dot..bytes.len().min(dot + WINDOW)];
            if let Some(found) = pairs::find(window, may_begin_with_dot) {
                return Some(dot + found);
            }
            at = dot + window.len();
        }
    }
}

/// Whether the octet is a dot that may begin a line. Without `&&` and `||` the compiler uses vector instructions.
#[inline]
fn may_begin_with_dot(before: u8, byte: u8) -> bool {
    (byte == b'.') & ((before == b'\n') | (before == b'\r') | (before == 0))
}

/// The meaning of one octet after a dot.
enum After {
    More,
    End,
    MaybeEnded,
}

impl State {
    /// The state after more octets, none of which is a dot at the beginning of a line.
    fn then(self, bytes: &[u8]) -> Self {
        let text = bytes.iter().rposition(|b| !matches!(b, b'\r' | b'\n' | 0));
        let (state, rest) = match text {
            Some(at) => (State::Text, &bytes[at + 1..]),
            None => (self, bytes),
        };
        rest.iter().fold(state, |state, byte| match (state, byte) {
            (_, b'\r') => State::Cr,
            (State::Cr, b'\n') => State::Crlf,
            (_, b'\n') => State::Break,
            (State::Text, _) => State::Text,
            _ => State::Break,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The indices of ambiguous ends (`?`) and of the end (`!`), and the size.
    fn read(text: &[u8], cut: usize) -> (String, u64) {
        let mut data = Data::new();
        let (mut said, mut at) = (String::new(), 0);
        while at < text.len() {
            match data.scan(&text[at..text.len().min(at + cut)]) {
                Scan::Content => at = text.len().min(at + cut),
                Scan::MaybeEnded(n) => {
                    at += n;
                    said += &format!("?{at} ");
                }
                Scan::End(n) => {
                    at += n;
                    said += &format!("!{at} ");
                    break;
                }
            }
        }
        if !said.contains('!') && data.may_have_ended() {
            said += &format!("?{at} ");
        }
        assert_eq!(data.octets(), at as u64);
        (said.trim_end().to_owned(), data.size())
    }

    #[test]
    fn ends() {
        for (text, want, size) in [
            (&b"abc\r\n.\r\n"[..], "!8", 5),
            (b".\r\n", "!3", 0),
            (b"..\r\n.\r\nQUIT\r\n", "!7", 4),
            (b"a.b\r\n.c\r\n. \r\nd\r\n.\r\n", "?13 !19", 16),
            (b"a\n.\nb\r\n.\r\n", "?4 !10", 7),
            (b"a\n.\r\nb\r\n.\r\n", "?5 !11", 8),
            (b"a\n.\r\n.\r\n", "?5 !8", 5),
            (b"a\r\n.\nb\r\n.\r\n", "?5 !11", 8),
            (b"a\r.\rb\r\n.\r\n", "?4 !10", 7),
            (b"a\r.\r\nb\r\n.\r\n", "?5 !11", 8),
            (b"a\r\n.\rb\r\n.\r\n", "?5 !11", 8),
            (b"a\r\n.\r\r\nb\r\n.\r\n", "?7 !13", 10),
            (b"a\r\r\n.\r\n", "!7", 4),
            (b"a\r\n\0.\r\nb\r\n.\r\n", "?7 !13", 10),
            (b"a\r\n.\0\r\nb\r\n.\r\n", "?7 !13", 10),
            (b"a\r\0\n.\r\nb\r\n.\r\n", "?7 !13", 10),
            (b"a\r\n.\r\0\nb\r\n.\r\n", "?5 !13", 10),
            (b"a\0.\r\nb\r\n.\r\n", "!11", 8),
            (b"a.\r\nb\r\n.\r\n", "!10", 7),
            (b"a\r\n\r\n.\r\n", "!8", 5),
            (b"a\n\r\n.\r\n", "!7", 4),
            (b"a\n.\n", "?4", 2),
            (b"a\r\n.\r", "?5", 3),
            (b"a\n.\nb\n.\n", "?4", 6),
            (b"a\r\n.", "", 3),
        ] {
            for cut in 1..=text.len() {
                let (said, octets) = read(text, cut);
                assert_eq!(said, want, "{} in {cut}", text.escape_ascii());
                assert_eq!(octets, size, "{} in {cut}", text.escape_ascii());
            }
        }
    }

    #[test]
    fn a_dot_between_many_others() {
        for (filler, gap) in [(b'.', 0), (b'a', 3), (b'a', 15), (b'a', 16), (b'a', 200)] {
            let mut text = vec![filler; 5000];
            for at in (0..text.len()).step_by(gap + 1) {
                text[at] = b'.';
            }
            assert_eq!(find_dot(&text), None, "{gap}");
            for at in [1, 2, 16, 17, 1022, 1023, 1024, 1025, 1026, 2048, 4998, 4999] {
                for before in [0, b'\r', b'\n'] {
                    let mut text = text.clone();
                    (text[at - 1], text[at]) = (before, b'.');
                    assert_eq!(find_dot(&text), Some(at), "{gap}");
                }
            }
        }
        assert_eq!(find_dot(b""), None);
        assert_eq!(find_dot(b"."), None);
    }
}
