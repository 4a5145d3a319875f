//! The unread bytes of a client.

use std::fmt;

/// A view of a client's unread bytes. A parser takes bytes from the front; the session then drops the taken bytes.
pub struct Input<'a> {
    bytes: &'a [u8],
    taken: usize,
    full: bool,
}

impl<'a> Input<'a> {
    /// Wraps unread bytes. `full`: their buffer has no room for more.
    pub fn new(bytes: &'a [u8], full: bool) -> Self {
        Input {
            bytes,
            taken: 0,
            full,
        }
    }

    /// The bytes not taken yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.taken..]
    }

    /// The number of bytes taken.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Whether one incomplete command fills the buffer.
    pub fn is_stuck(&self) -> bool {
        self.full && self.taken == 0
    }

    /// Takes `length` bytes, or as many as there are.
    pub fn take(&mut self, length: usize) {
        self.taken = self.bytes.len().min(self.taken + length);
    }

    /// Takes a line with its LF, if one is complete.
    pub fn line(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\n', self.rest())? + 1;
        let line = &self.rest()[..end];
        self.taken += end;
        Some(line)
    }
}

/// Omits the bytes, which may contain a password.
impl fmt::Debug for Input<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Input({} of {} bytes)", self.taken, self.bytes.len())
    }
}
