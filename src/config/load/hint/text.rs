//! A statement as it stands in its text.

use memchr::memchr_iter;

/// The text and the bytes of the words of a statement, the name first.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The whole text.
    pub bytes: &'a [u8],
    /// The bytes of each word, quotes included.
    pub words: &'a [(usize, usize)],
}

impl<'a> Text<'a> {
    /// A word, with its quotes.
    pub fn word(self, index: usize) -> &'a [u8] {
        let (start, end) = self.words.get(index).copied().unwrap_or_default();
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The words after the first one, by their index.
    pub fn arguments(self) -> impl Iterator<Item = (usize, &'a [u8])> {
        (1..self.words.len()).map(move |index| (index, self.word(index)))
    }

    /// The end of the word before `index`.
    pub fn end_before(self, index: usize) -> usize {
        let before = index
            .checked_sub(1)
            .and_then(|before| self.words.get(before));
        before.map_or(0, |(_, end)| *end)
    }

    /// Whether a word is the first one of its line.
    pub fn starts_line(self, index: usize) -> bool {
        let (start, _) = self.words.get(index).copied().unwrap_or_default();
        let between = self.bytes.get(self.end_before(index)..start);
        between.is_some_and(|between| between.contains(&b'\n'))
    }

    /// The number of the line that has this byte.
    pub fn line(self, offset: usize) -> usize {
        let before = self.bytes.get(..offset).unwrap_or(self.bytes);
        1 + memchr_iter(b'\n', before).count()
    }
}
