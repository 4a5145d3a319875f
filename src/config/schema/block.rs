//! The blocks that a directive may stand in, as the walk meets them.

use super::row::Contexts;
use super::table;

/// The block that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// The file itself.
    Main,
    /// `events {}`
    Events,
    /// `mail {}`
    Mail,
    /// `server {}` in `mail {}`
    Server,
    /// `http {}` or `stream {}`, or a block in them: read over.
    Foreign,
    /// A block that is wrong: passed over.
    Skipped,
}

impl Block {
    /// What a directive in it must allow; `None` where nothing is looked up.
    #[must_use]
    pub const fn contexts(self) -> Option<Contexts> {
        match self {
            Self::Main => Some(Contexts::MAIN),
            Self::Events => Some(Contexts::EVENTS),
            Self::Mail => Some(Contexts::MAIL),
            Self::Server => Some(Contexts::SERVER),
            Self::Foreign | Self::Skipped => None,
        }
    }

    /// The block that `name` opens in this one.
    #[must_use]
    pub fn opened_by(self, name: &[u8]) -> Option<Self> {
        match (self, name) {
            (Self::Main, b"events") => Some(Self::Events),
            (Self::Main, b"mail") => Some(Self::Mail),
            (Self::Main, b"http" | b"stream") => Some(Self::Foreign),
            (Self::Mail, b"server") => Some(Self::Server),
            _ => None,
        }
    }

    /// The names of what may stand in it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let rows = table::rows().map(|entry| entry.directive());
        let here = rows.filter(move |row| {
            self.contexts()
                .is_some_and(|contexts| row.contexts.meets(contexts))
        });
        let blocks = ["events", "mail", "http", "stream", "server"];
        let inner = blocks.into_iter();
        let inner = inner.filter(move |name| self.opened_by(name.as_bytes()).is_some());
        here.map(|row| row.name).chain(inner)
    }
}
