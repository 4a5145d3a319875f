//! The message of a DATA command: takes the dots out (RFC 5321, 4.5.2) and finds the end.
//!
//! Only CR LF `.` CR LF ends a message. A bare LF or CR is text and is kept, so that what a gateway does to one is seen.

/// Collects one message, in pieces of any size.
#[derive(Debug)]
pub struct Unstuffer {
    place: Place,
    message: Vec<u8>,
    limit: usize,
    size: usize,
}

/// Where in a line the next byte stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    LineStart,
    /// After a dot that began a line.
    Dot,
    /// After such a dot and a CR.
    DotCr,
    Text,
    Cr,
}

impl Unstuffer {
    /// Keeps up to `limit` bytes; the rest is read, counted and thrown away.
    pub fn new(limit: usize) -> Self {
        Self {
            place: Place::LineStart,
            message: Vec::new(),
            limit,
            size: 0,
        }
    }

    /// Takes `input` up to the end of the message: how many bytes were used once the end is there, `None` while it is not.
    pub fn feed(&mut self, input: &[u8]) -> Option<usize> {
        for (at, &byte) in input.iter().enumerate() {
            self.place = match (self.place, byte) {
                (Place::LineStart, b'.') => Place::Dot,
                (Place::Dot, b'\r') => Place::DotCr,
                (Place::DotCr, b'\n') => return Some(at + 1),
                (Place::DotCr, _) => {
                    self.keep(b'\r');
                    self.text(byte)
                }
                (Place::Cr, b'\n') => {
                    self.keep(byte);
                    Place::LineStart
                }
                _ => self.text(byte),
            };
        }
        None
    }

    /// The message, or how large it was if that is more than the limit.
    pub fn finish(self) -> Result<Vec<u8>, usize> {
        if self.size > self.limit {
            Err(self.size)
        } else {
            Ok(self.message)
        }
    }

    fn text(&mut self, byte: u8) -> Place {
        self.keep(byte);
        if byte == b'\r' {
            Place::Cr
        } else {
            Place::Text
        }
    }

    fn keep(&mut self, byte: u8) {
        self.size += 1;
        if self.size <= self.limit {
            self.message.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message, and what was left over, with the input cut at every place in turn.
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
    fn dots_are_taken_out_and_the_end_is_found() {
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
    fn an_unfinished_message_is_none() {
        assert_eq!(read(b"a\n.\n"), None);
        assert_eq!(read(b"a\r\n."), None);
    }

    #[test]
    fn too_large_is_its_size() {
        let mut unstuffer = Unstuffer::new(3);
        assert_eq!(unstuffer.feed(b"abcd\r\n.\r\n"), Some(9));
        assert_eq!(unstuffer.finish(), Err(6));
    }
}
