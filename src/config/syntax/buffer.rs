//! The arithmetic of nginx's read buffer. nginx reads files through 4096 bytes, and a token must fit into them together with
//! the byte that ends it; a longer one is an error.

/// The size of nginx's buffer, in bytes.
const SIZE: usize = 4096;

/// The part of a text that nginx would have in its buffer.
#[derive(Debug)]
pub struct ReadBuffer {
    /// The length of the file; `None` for the text of `-g`, which nginx has in memory as a whole.
    length: Option<usize>,
    /// One past the last byte in the buffer.
    end: usize,
    /// Where the current token began (nginx's `start`).
    start: usize,
    /// The next byte to read.
    at: usize,
    /// Whether a word has just ended: the first blank after it counts as part of it.
    after_word: bool,
}

impl ReadBuffer {
    /// A buffer that has just been filled for the first time.
    pub fn new(length: Option<usize>) -> Self {
        Self {
            length,
            end: SIZE.min(length.unwrap_or(0)),
            start: 0,
            at: 0,
            after_word: false,
        }
    }

    /// Begins a statement.
    pub fn begin(&mut self) {
        self.start = self.at;
        self.after_word = false;
    }

    /// Reads blanks up to `until`.
    ///
    /// # Errors
    /// The start of the word before them, if it fills the buffer.
    pub fn blank(&mut self, until: usize) -> Result<(), usize> {
        let mut ends_word = std::mem::take(&mut self.after_word);
        while self.at < until {
            self.byte()?;
            // nginx moves `start` to each blank it looks at, except the one that ends a word.
            if !std::mem::take(&mut ends_word) {
                self.start = self.at - 1;
            }
            if self.at < until && self.end >= until {
                (self.at, self.start) = (until, until - 1);
            }
        }
        Ok(())
    }

    /// Reads a comment, or a word whose text begins at `begin`, up to `until`.
    ///
    /// # Errors
    /// Its start, if it fills the buffer before it ends.
    pub fn word(&mut self, begin: usize, until: usize, is_comment: bool) -> Result<(), usize> {
        if self.at < until {
            self.byte()?;
        }
        self.start = begin;
        while self.at < until {
            if self.end >= until {
                self.at = until;
            } else {
                self.byte()?;
            }
        }
        self.after_word = !is_comment;
        Ok(())
    }

    /// Continues at `until` with an empty buffer: the bytes in between were not read through it.
    pub fn skip(&mut self, until: usize) {
        self.at = until;
        self.end = (until + SIZE).min(self.length.unwrap_or(0));
    }

    /// Reads one byte, and fills the buffer first where it is used up.
    ///
    /// # Errors
    /// The start of the token that fills it.
    pub fn byte(&mut self) -> Result<(), usize> {
        if let Some(length) = self.length
            && self.at >= self.end
            && self.end < length
        {
            if self.at - self.start == SIZE {
                return Err(self.start);
            }
            self.end = (self.start + SIZE).min(length);
        }
        self.at += 1;
        Ok(())
    }
}
