//! How many arguments a directive takes, and how many lines.

/// The number of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    /// The least number.
    pub least: usize,
    /// The greatest number; `None` for any.
    pub most: Option<usize>,
}

impl Arity {
    /// One argument or more.
    pub const SOME: Self = Self {
        least: 1,
        most: None,
    };

    /// Exactly `count` arguments.
    #[must_use]
    pub const fn exactly(count: usize) -> Self {
        Self::between(count, count)
    }

    /// From `least` to `most` arguments.
    #[must_use]
    pub const fn between(least: usize, most: usize) -> Self {
        Self {
            least,
            most: Some(most),
        }
    }

    /// Whether `count` arguments are accepted.
    #[must_use]
    pub fn admits(self, count: usize) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

/// What a further line in the same block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// It is an error.
    Duplicate,
    /// It adds to the value of the earlier lines.
    Adds,
    /// It replaces the value of the earlier lines.
    Replaces,
}
