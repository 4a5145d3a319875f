//! The blocks that a directive may appear in.

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
    /// `mail {}` and `server {}`
    pub const MAIL_SERVER: Self = Self(4 | 8);

    /// The names of the blocks, the outermost first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMED: [(Contexts, &str); 4] = [
            (Contexts::MAIN, "main"),
            (Contexts::EVENTS, "events"),
            (Contexts::MAIL, "mail"),
            (Contexts::SERVER, "server"),
        ];
        NAMED
            .into_iter()
            .filter(move |(one, _)| self.meets(*one))
            .map(|(_, name)| name)
    }

    /// Whether the two sets have a block in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
