//! Reads the message of a DATA command: removes stuffed dots (RFC 5321, section 4.5.2) and finds the end.
//!
//! Only CR LF `.` CR LF ends a message. A bare LF or CR is data, so that changes by a gateway become visible.

/// Collects one message from pieces of any size.
#[derive(Debug)]
pub struct Unstuffer {
    state: State,
    message: Vec<u8>,
    limit: usize,
    stored: usize,
    size: usize,
}

/// The position in a line.
#[derive(Debug, Clone, Copy)]
enum State {
    LineStart,
    /// After a dot at the start of a line.
    Dot,
    /// After such a dot and a CR.
    DotCr,
    Text,
    Cr,
}

impl Unstuffer {
    /// Stores up to `limit` bytes; the rest is counted and discarded.
    pub fn new(limit: usize) -> Self {
        Self {
            state: State::LineStart,
            message: Vec::new(),
            limit,
            stored: limit,
            size: 0,
        }
    }

    /// Stores nothing, but refuses messages of more than `limit` bytes.
    pub fn discarding(limit: usize) -> Self {
        Self {
            stored: 0,
            ..Self::new(limit)
        }
    }

    /// Processes `input` up to the end of the message; returns the number of bytes used, or `None` if the end is not there yet.
    pub fn feed(&mut self, input: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if let State::Text = self.state {
                // Nothing but a CR changes the state.
                let run = memchr::memchr(b'\r', &input[at..]).unwrap_or(input.len() - at);
                self.extend(&input[at..at + run]);
                at += run;
                if at == input.len() {
                    break;
                }
                self.state = self.text(b'\r');
                at += 1;
                continue;
            }
            self.state = match (self.state, byte) {
                (State::LineStart, b'.') => State::Dot,
                (State::Dot, b'\r') => State::DotCr,
                (State::DotCr, b'\n') => return Some(at + 1),
                (State::DotCr, _) => {
                    self.push(b'\r');
                    self.text(byte)
                }
                (State::Cr, b'\n') => {
                    self.push(byte);
                    State::LineStart
                }
                _ => self.text(byte),
            };
            at += 1;
        }
        None
    }

    /// The message, or its size if it exceeds the limit.
    pub fn finish(self) -> Result<Vec<u8>, usize> {
        if self.size > self.limit {
            Err(self.size)
        } else {
            Ok(self.message)
        }
    }

    fn text(&mut self, byte: u8) -> State {
        self.push(byte);
        if byte == b'\r' {
            State::Cr
        } else {
            State::Text
        }
    }

    fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.size += bytes.len();
        let room = self.stored.saturating_sub(self.message.len());
        self.message
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message and the rest of the input; the same for every split of the input.
    fn read(input: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut seen = None;
        for cut in 0..=input.len() {
            let (a, b) = input.split_at(cut);
            let mut unstuffer = Unstuffer::new(1000);
            let used = match unstuffer.feed(a) {
                Some(used) => Some(used),
                None => unstuffer.feed(b).map(|used| cut + used),
            };
            let got =
                used.and_then(|used| Some((unstuffer.finish().ok()?, input[used..].to_vec())));
            assert!(
                cut == 0 || got == seen,
                "cut at {cut}: {got:?}, not {seen:?}"
            );
            seen = got;
        }
        seen
    }

    #[test]
    fn dots_are_removed_and_the_end_is_found() {
        for (input, message, rest) in [
            ("a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n"),
            (".\r\n", "", ""),
            ("..\r\n...x\r\n.\r\n", ".\r\n..x\r\n", ""),
            ("a.\r\n.\r\n", "a.\r\n", ""),
            ("a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", ""),
            ("a\r.\r\n.\r\n", "a\r.\r\n", ""),
            ("..\r\r\n.\r\n", ".\r\r\n", ""),
            ("\r\n.\r\n", "\r\n", ""),
        ] {
            assert_eq!(
                read(input.as_bytes()),
                Some((message.into(), rest.into())),
                "{input:?}"
            );
        }
    }

    #[test]
    fn incomplete_message() {
        assert_eq!(read(b"a\n.\n"), None);
        assert_eq!(read(b"a\r\n."), None);
    }

    #[test]
    fn too_large_message() {
        let mut unstuffer = Unstuffer::new(3);
        assert_eq!(unstuffer.feed(b"abcd\r\n.\r\n"), Some(9));
        assert_eq!(unstuffer.finish(), Err(6));
        let mut unstuffer = Unstuffer::discarding(6);
        assert_eq!(unstuffer.feed(b"abcd\r\n.\r\n"), Some(9));
        assert_eq!(unstuffer.finish(), Ok(Vec::new()));
    }
}
