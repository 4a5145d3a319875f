//! nginx reads files through a buffer of 4096 bytes, and a token must fit into it with what ends it. This is the arithmetic of
//! that buffer: where it ends, and when a token that fills it makes it overflow.

/// The size of nginx's buffer.
const SIZE: usize = 4096;

/// The end of the buffer, in a text of some length.
#[derive(Debug)]
pub struct Window {
    /// The length of the file; `None` for the text of `-g`, which is in memory as a whole.
    length: Option<usize>,
    /// One past the last byte in the buffer.
    end: usize,
    /// Where the token that is being read began (nginx's `start`).
    start: usize,
    /// The next byte to read.
    at: usize,
    /// Whether a word has just ended: the first blank behind it belongs to it.
    behind_word: bool,
}

impl Window {
    /// A buffer that has just been filled for the first time.
    #[must_use]
    pub fn new(length: Option<usize>) -> Self {
        Self {
            length,
            end: SIZE.min(length.unwrap_or(0)),
            start: 0,
            at: 0,
            behind_word: false,
        }
    }

    /// A new directive begins here.
    pub fn begin(&mut self) {
        self.start = self.at;
        self.behind_word = false;
    }

    /// Reads blank bytes up to `until`.
    ///
    /// # Errors
    /// The start of the word before them, if the buffer is full of it.
    pub fn blank(&mut self, until: usize) -> Result<(), usize> {
        let mut ends_word = std::mem::take(&mut self.behind_word);
        while self.at < until {
            self.take()?;
            // nginx moves `start` to each blank it looks at, but for the one that ended a word.
            if !std::mem::take(&mut ends_word) {
                self.start = self.at - 1;
            }
            if self.at < until && self.end >= until {
                (self.at, self.start) = (until, until - 1);
            }
        }
        Ok(())
    }

    /// Reads a word whose text begins at `begin`, or a comment, up to `until`.
    ///
    /// # Errors
    /// The buffer is full of it before it ends.
    pub fn word(&mut self, begin: usize, until: usize, is_comment: bool) -> Result<(), usize> {
        if self.at < until {
            self.take()?;
        }
        self.start = begin;
        while self.at < until {
            if self.end >= until {
                self.at = until;
            } else {
                self.take()?;
            }
        }
        self.behind_word = !is_comment;
        Ok(())
    }

    /// Reads a sign.
    ///
    /// # Errors
    /// The start of the word before it, if the buffer is full of it.
    pub fn mark(&mut self) -> Result<(), usize> {
        self.take()
    }

    /// Goes on at `until` with an empty buffer: what lies between was not read through it.
    pub fn skip(&mut self, until: usize) {
        self.at = until;
        self.end = (until + SIZE).min(self.length.unwrap_or(0));
    }

    /// Reads one byte, filling the buffer when it is empty. Fails with the start of what fills it.
    fn take(&mut self) -> Result<(), usize> {
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
