//! What a client has sent and nobody has looked at yet.

/// A view of the bytes at hand. A parser takes from its front; the shell then drops what was taken.
#[derive(Debug)]
pub struct Input<'a> {
    bytes: &'a [u8],
    taken: usize,
    full: bool,
}

impl<'a> Input<'a> {
    /// Wraps unread bytes. `full` says that the buffer they are in has no room for more.
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

    /// How many bytes were taken.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Whether waiting for more is in vain: the buffer is full of one unfinished command.
    pub fn is_stuck(&self) -> bool {
        self.full && self.taken == 0
    }

    /// Takes `length` bytes, or as many as there are.
    pub fn take(&mut self, length: usize) {
        self.taken = self.bytes.len().min(self.taken + length);
    }

    /// Takes a line with its LF, if one is whole.
    pub fn line(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\n', self.rest())? + 1;
        let line = &self.rest()[..end];
        self.taken += end;
        Some(line)
    }
}
