//! The form of a directive: the blocks it may appear in, how many arguments it takes, and how many lines.

/// A set of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contexts(u8);

impl Contexts {
    /// The file itself.
    pub const MAIN: Self = Self(1);
    /// `events {}`
    pub const EVENTS: Self = Self(2);
    /// `mail {}`
    pub const MAIL: Self = Self(4);
    /// `server {}` in `mail {}`
    pub const SERVER: Self = Self(8);
    /// `upstream {}` in `mail {}`
    pub const UPSTREAM: Self = Self(16);
    /// `match {}` in `mail {}`
    pub const MATCH: Self = Self(32);
    /// `mail {}` and `server {}`
    pub const MAIL_SERVER: Self = Self(4 | 8);

    /// The names of the blocks, the outermost first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMED: [(Contexts, &str); 6] = [
            (Contexts::MAIN, "main"),
            (Contexts::EVENTS, "events"),
            (Contexts::MAIL, "mail"),
            (Contexts::SERVER, "server"),
            (Contexts::UPSTREAM, "upstream"),
            (Contexts::MATCH, "match"),
        ];
        NAMED
            .into_iter()
            .filter(move |(one, _)| self.meets(*one))
            .map(|(_, name)| name)
    }

    /// Whether the two sets have a block in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

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
    pub const fn exactly(count: usize) -> Self {
        Self::between(count, count)
    }

    /// From `least` to `most` arguments.
    pub const fn between(least: usize, most: usize) -> Self {
        Self {
            least,
            most: Some(most),
        }
    }

    /// Whether `count` arguments are accepted.
    pub fn admits(self, count: usize) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

/// The effect of a further line in the same block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// It is an error.
    Duplicate,
    /// It adds to the value of the earlier lines.
    Adds,
    /// It replaces the value of the earlier lines.
    Replaces,
}
