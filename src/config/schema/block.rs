//! Blocks, and the directives that open them. These have no rows in the table: they have no value.

use super::foreign::Foreign;
use super::form::{Arity, Contexts};
use super::table;

/// The inside of a block.
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
    /// `upstream {}` in `mail {}`
    Upstream,
    /// `match {}` in `mail {}`
    Match,
    /// `http {}` or `stream {}`, or a block in them: skipped, except for includes.
    Foreign(Foreign),
    /// `map {}`
    Map,
    /// `geo {}`
    Geo,
    /// A block that an error makes meaningless: skipped.
    Skipped,
}

/// A directive that opens a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockDirective {
    /// `events`
    Events,
    /// `mail`
    Mail,
    /// `server` in `mail {}`
    Server,
    /// `upstream` in `mail {}`
    Upstream,
    /// `match` in `mail {}`
    Match,
    /// `map`
    Map,
    /// `geo`
    Geo,
    /// `http`
    Http,
    /// `stream`
    Stream,
}

impl BlockDirective {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Events,
        Self::Mail,
        Self::Server,
        Self::Upstream,
        Self::Match,
        Self::Map,
        Self::Geo,
        Self::Http,
        Self::Stream,
    ];

    /// Its name, the block it appears in, and the block it opens.
    const fn row(self) -> (&'static str, Block, Block) {
        match self {
            Self::Events => ("events", Block::Main, Block::Events),
            Self::Mail => ("mail", Block::Main, Block::Mail),
            Self::Server => ("server", Block::Mail, Block::Server),
            Self::Upstream => ("upstream", Block::Mail, Block::Upstream),
            Self::Match => ("match", Block::Mail, Block::Match),
            Self::Map => ("map", Block::Mail, Block::Map),
            Self::Geo => ("geo", Block::Mail, Block::Geo),
            Self::Http => ("http", Block::Main, Block::Foreign(Foreign::Http)),
            Self::Stream => ("stream", Block::Main, Block::Foreign(Foreign::Stream)),
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The number of its arguments.
    pub const fn arity(self) -> Arity {
        match self {
            Self::Upstream | Self::Match => Arity::exactly(1),
            Self::Map => Arity::exactly(2),
            Self::Geo => Arity::between(1, 2),
            Self::Events | Self::Mail | Self::Server | Self::Http | Self::Stream => {
                Arity::exactly(0)
            }
        }
    }

    /// Whether it may appear several times in the configuration.
    pub const fn is_repeated(self) -> bool {
        matches!(
            self,
            Self::Server | Self::Upstream | Self::Match | Self::Map | Self::Geo
        )
    }

    /// The block it opens.
    pub const fn opens(self) -> Block {
        self.row().2
    }
}

impl Block {
    /// The contexts of its directives; `None` where directives are not looked up.
    pub const fn contexts(self) -> Option<Contexts> {
        match self {
            Self::Main => Some(Contexts::MAIN),
            Self::Events => Some(Contexts::EVENTS),
            Self::Mail => Some(Contexts::MAIL),
            Self::Server => Some(Contexts::SERVER),
            Self::Upstream => Some(Contexts::UPSTREAM),
            Self::Match => Some(Contexts::MATCH),
            Self::Map | Self::Geo | Self::Foreign(_) | Self::Skipped => None,
        }
    }

    /// Whether a directive of these contexts may appear in it.
    pub fn allows(self, contexts: Contexts) -> bool {
        self.contexts().is_some_and(|here| contexts.meets(here))
    }

    /// The block directives that may appear in it.
    pub fn inner(self) -> impl Iterator<Item = BlockDirective> {
        let all = BlockDirective::ALL.into_iter();
        all.filter(move |inner| inner.row().1 == self)
    }

    /// The block directive `name` in this block.
    pub fn opened_by(self, name: &[u8]) -> Option<BlockDirective> {
        self.inner().find(|inner| inner.name().as_bytes() == name)
    }

    /// Whether a directive of this name may appear in it.
    pub fn knows(self, name: &str) -> bool {
        let mut rows = table::find(name).iter();
        rows.any(|entry| self.allows(entry.directive().contexts))
            || self.opened_by(name.as_bytes()).is_some()
    }

    /// The names of all directives that may appear in it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let rows = table::rows().map(|entry| entry.directive());
        rows.filter(move |row| self.allows(row.contexts))
            .map(|row| row.name)
            .chain(self.inner().map(BlockDirective::name))
    }
}
