//! A hash table of words that lie in the texts of the configuration: a million keys need 32 bytes each and no copy.

use std::sync::Arc;

use crate::config::syntax::{Source, Span};

/// The texts that the words of a block lie in.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    sources: Vec<Arc<Source>>,
    /// The words that are not in a source as they are read: those with escapes.
    own: Vec<u8>,
    /// Where the words of `own` are written: their first byte there, and the position.
    written: Vec<(u32, Span)>,
}

/// A word in one of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The number of the source; [`OWN`] for `own`.
    text: u16,
    length: u16,
    start: u32,
}

/// Stands for the text of words that are in no source.
const OWN: u16 = u16::MAX;

impl Texts {
    /// The word that is the bytes `start..end` of a source. `None` where it is too long, or too far back for a word.
    pub fn word(&mut self, source: &Arc<Source>, (start, end): (usize, usize)) -> Option<Word> {
        let text = match self.sources.last() {
            Some(last) if Arc::ptr_eq(last, source) => self.sources.len() - 1,
            _ => {
                let is_it = |known: &Arc<Source>| Arc::ptr_eq(known, source);
                let known = self.sources.iter().position(is_it);
                known.unwrap_or_else(|| {
                    self.sources.push(Arc::clone(source));
                    self.sources.len() - 1
                })
            }
        };
        let text = u16::try_from(text).ok().filter(|text| *text != OWN)?;
        Some(Word {
            text,
            length: u16::try_from(end.checked_sub(start)?).ok()?,
            start: u32::try_from(start).ok()?,
        })
    }

    /// A copy of a word that is written at `span`. `None` where it is too long.
    pub fn copy(&mut self, word: &[u8], span: &Span) -> Option<Word> {
        let start = u32::try_from(self.own.len()).ok()?;
        let length = u16::try_from(word.len()).ok()?;
        self.own.extend_from_slice(word);
        self.written.push((start, span.clone()));
        Some(Word {
            text: OWN,
            length,
            start,
        })
    }

    /// The bytes of a word.
    pub fn bytes(&self, word: Word) -> &[u8] {
        let text = match word.text {
            OWN => &*self.own,
            text => self
                .sources
                .get(usize::from(text))
                .map_or(&[][..], |source| &source.bytes),
        };
        let start = word.start as usize;
        let bytes = text.get(start..start + usize::from(word.length));
        bytes.unwrap_or_default()
    }

    /// Where a word is written.
    pub fn span(&self, word: Word) -> Span {
        if word.text == OWN {
            let found = self
                .written
                .binary_search_by_key(&word.start, |(start, _)| *start);
            let found = found.ok().and_then(|at| self.written.get(at));
            return found.map_or_else(Span::nowhere, |(_, span)| span.clone());
        }
        let Some(source) = self.sources.get(usize::from(word.text)) else {
            return Span::nowhere();
        };
        let start = word.start as usize;
        let before = source.bytes.get(..start).unwrap_or_default();
        Span {
            source: Arc::clone(source),
            line: 1 + memchr::memchr_iter(b'\n', before).count(),
            start,
            end: start + usize::from(word.length),
        }
    }
}

/// Values by key; keys are equal in any case of letters.
#[derive(Clone, Debug)]
pub struct KeyTable<V> {
    entries: Vec<(Word, V)>,
    /// The high half is a hash, the low half the number of an entry, from 1; 0 is empty. Their number is a power of two.
    slots: Vec<u64>,
}

impl<V> Default for KeyTable<V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            slots: Vec::new(),
        }
    }
}

impl<V> KeyTable<V> {
    /// Whether it has no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a key.
    pub fn get(&self, texts: &Texts, key: &[u8]) -> Option<&(Word, V)> {
        match self.probe(texts, key, hash(key)) {
            Probe::Entry(entry) => Some(entry),
            Probe::Free(_) => None,
        }
    }

    /// Adds a key. Returns whether it is new; otherwise nothing changes.
    pub fn insert(&mut self, texts: &Texts, key: Word, value: V) -> bool {
        if self.slots.len() < 2 * (self.entries.len() + 1) {
            self.grow();
        }
        let bytes = texts.bytes(key);
        let hash = hash(bytes);
        let number = u32::try_from(self.entries.len() + 1);
        match (self.probe(texts, bytes, hash), number) {
            (Probe::Free(at), Ok(number)) => {
                self.slots[at] = (u64::from(hash) << 32) | u64::from(number);
                self.entries.push((key, value));
                true
            }
            _ => false,
        }
    }

    /// The entry of a key with this hash, or the slot where it belongs.
    fn probe(&self, texts: &Texts, key: &[u8], hash: u32) -> Probe<'_, V> {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return Probe::Free(0);
        };
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return Probe::Free(at);
            }
            let number = slot as u32 as usize;
            if (slot >> 32) as u32 == hash
                && let Some(entry) = self.entries.get(number - 1)
                && texts.bytes(entry.0).eq_ignore_ascii_case(key)
            {
                return Probe::Entry(entry);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let length = (2 * self.slots.len()).max(16);
        let before = std::mem::replace(&mut self.slots, vec![0; length]);
        let mask = length - 1;
        for slot in before.into_iter().filter(|slot| *slot != 0) {
            let mut at = (slot >> 32) as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }

    /// Frees the memory that was reserved for further keys.
    pub fn shrink(&mut self) {
        self.entries.shrink_to_fit();
    }
}

/// Where a search ends.
enum Probe<'t, V> {
    /// At the entry of the key.
    Entry(&'t (Word, V)),
    /// At a free slot.
    Free(usize),
}

/// A hash that is equal for keys that differ in the case of letters only.
fn hash(key: &[u8]) -> u32 {
    /// The bit that lower-case letters have. Other bytes lose a bit by it, which does not matter for a hash.
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let mix = |hash: u64, word: [u8; 8]| {
        let word = u64::from_le_bytes(word) | LOWER;
        let mixed = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 32)
    };
    let (words, rest) = key.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let hash = words
        .iter()
        .fold(key.len() as u64, |hash, word| mix(hash, *word));
    (mix(hash, last) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{KeyTable, Texts};
    use crate::config::syntax::{Source, Span};

    #[test]
    fn keys_are_found_in_any_case() {
        let text: String = (0..5000)
            .map(|n| format!("User{n}@example.com {n};\n"))
            .collect();
        let source = Arc::new(Source::of_text("text", text.clone().into()));
        let (mut texts, mut table) = (Texts::default(), KeyTable::default());
        let mut start = 0;
        for (number, line) in text.lines().enumerate() {
            let end = start + line.find(' ').expect("has a key");
            let word = texts.word(&source, (start, end)).expect("is short");
            assert!(table.insert(&texts, word, number));
            assert!(!table.insert(&texts, word, number + 1));
            start += line.len() + 1;
        }
        let copied = texts.copy(b"a b", &Span::nowhere()).expect("is short");
        assert!(table.insert(&texts, copied, 9999));
        for number in [0, 17, 4999] {
            let key = format!("uSER{number}@EXAMPLE.com");
            let (word, value) = table.get(&texts, key.as_bytes()).expect("is known");
            assert_eq!((*value, texts.span(*word).line), (number, number + 1));
        }
        assert_eq!(
            table.get(&texts, b"A B").map(|(_, value)| *value),
            Some(9999)
        );
        assert!(table.get(&texts, b"user5000@example.com").is_none());
        assert!(table.get(&texts, b"").is_none());
    }
}
