//! A seeded random generator. The same seed and number always give the same sequence.

/// Random decisions for one generated conversation or configuration.
#[derive(Debug)]
pub struct Rng(fastrand::Rng);

impl Rng {
    /// The generator for item `number` of a seed. Items do not depend on each other.
    pub fn new(seed: u64, number: u64) -> Self {
        Self(fastrand::Rng::with_seed(
            seed.wrapping_mul(1_000_003) ^ number,
        ))
    }

    /// True with this probability, in percent.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.0.u32(..100) < percent
    }

    /// True with this probability, in thousandths.
    pub fn permille(&mut self, permille: u32) -> bool {
        self.0.u32(..1000) < permille
    }

    /// A number from 0 to `limit`, inclusive.
    pub fn up_to(&mut self, limit: usize) -> usize {
        self.0.usize(..=limit)
    }

    /// A number below `limit`; 0 if `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.up_to(limit.saturating_sub(1))
    }

    /// One of several.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// A subset in the same order; each is included with this probability, in percent.
    pub fn subset<'a>(&mut self, from: &[&'a str], percent: u32) -> Vec<&'a str> {
        from.iter()
            .copied()
            .filter(|_| self.percent(percent))
            .collect()
    }

    /// An index, with a probability proportional to its weight.
    pub fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut number = self.below(weights.iter().sum());
        for (index, &weight) in weights.iter().enumerate() {
            if number < weight {
                return index;
            }
            number -= weight;
        }
        0
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.0.u8(..)
    }

    /// The word with random case.
    pub fn any_case(&mut self, word: &str) -> String {
        word.chars()
            .map(|letter| match self.percent(50) {
                true => letter.to_ascii_uppercase(),
                false => letter.to_ascii_lowercase(),
            })
            .collect()
    }

    /// With this probability, in percent, the bytes in two to four pieces; otherwise in one.
    pub fn split(&mut self, bytes: &[u8], percent: u32) -> Vec<Vec<u8>> {
        if bytes.len() < 2 || !self.percent(percent) {
            return vec![bytes.to_vec()];
        }
        let mut ends: Vec<_> = (0..=self.up_to(2))
            .map(|_| 1 + self.up_to(bytes.len() - 2))
            .collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        ends.dedup();
        let mut start = 0;
        ends.into_iter()
            .map(|end| bytes[std::mem::replace(&mut start, end)..end].to_vec())
            .collect()
    }
}
