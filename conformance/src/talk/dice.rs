//! Chance, from a seed: the same seed throws the same.

use fastrand::Rng;

/// The dice.
#[derive(Debug)]
pub struct Dice(Rng);

impl Dice {
    /// For the conversation of this number from this seed.
    pub fn new(seed: u64, number: u64) -> Self {
        Self(Rng::with_seed(seed.wrapping_mul(1_000_003) ^ number))
    }

    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.0.u32(..100) < percent
    }

    /// A number from 0 to `limit`, which is in it.
    pub fn up_to(&mut self, limit: usize) -> usize {
        self.0.usize(..=limit)
    }

    /// One of several.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.0.usize(..from.len())]
    }

    /// Each of them or not, in their order.
    pub fn some<'a>(&mut self, from: &[&'a str], percent: u32) -> Vec<&'a str> {
        from.iter()
            .copied()
            .filter(|_| self.chance(percent))
            .collect()
    }

    /// The number of one of these weights, more often of a heavier one.
    pub fn weigh(&mut self, weights: &[usize]) -> usize {
        let mut throw = self.0.usize(..weights.iter().sum::<usize>().max(1));
        for (number, &weight) in weights.iter().enumerate() {
            if throw < weight {
                return number;
            }
            throw -= weight;
        }
        0
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.0.u8(..)
    }

    /// The word, with letters of either case.
    pub fn any_case(&mut self, word: &str) -> String {
        word.chars()
            .map(|letter| match self.chance(50) {
                true => letter.to_ascii_uppercase(),
                false => letter.to_ascii_lowercase(),
            })
            .collect()
    }

    /// The bytes in one piece or, so many times in a hundred, cut anywhere into up to four.
    pub fn cut(&mut self, bytes: &[u8], percent: u32) -> Vec<Vec<u8>> {
        if bytes.len() < 2 || !self.chance(percent) {
            return vec![bytes.to_vec()];
        }
        let mut ends: Vec<_> = (0..=self.up_to(2))
            .map(|_| 1 + self.up_to(bytes.len() - 2))
            .collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        ends.dedup();
        let mut at = 0;
        ends.into_iter()
            .map(|end| bytes[std::mem::replace(&mut at, end)..end].to_vec())
            .collect()
    }
}
