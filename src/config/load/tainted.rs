//! Directives of a block that went wrong: whether they are there, or what they say, is not known, and whatever depends on
//! them is not worth a word.

use std::collections::HashSet;

use crate::config::schema::block::Block;
use crate::config::schema::nginx::near;
use crate::config::schema::table;

/// What is in doubt in one block.
#[derive(Clone, Debug, Default)]
pub struct Doubt {
    names: HashSet<&'static str>,
    everything: bool,
}

impl Doubt {
    /// Something was not read that could have held any directive.
    pub fn everything(&mut self) {
        self.everything = true;
    }

    /// A directive of `block` went wrong. Where its `;` is missing the words behind it are directives, too; and a name that nobody
    /// knows was meant to be another.
    pub fn words(&mut self, block: Block, words: &[Box<[u8]>]) {
        for word in words {
            let text = String::from_utf8_lossy(word);
            let known = table::find(&text).iter();
            self.names.extend(known.map(|entry| entry.directive().name));
        }
        let Some(name) = words.first().map(|name| String::from_utf8_lossy(name)) else {
            return;
        };
        if table::find(&name).is_empty() {
            self.names.extend(near(&name, block.names()));
        }
    }

    /// Whether nothing can be said about `name`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.everything || self.names.contains(name)
    }
}

/// What is in doubt for one server: in it, and in the block around it.
#[derive(Clone, Copy, Debug)]
pub struct Doubts<'a> {
    /// In `mail {}`.
    pub outer: &'a Doubt,
    /// In the server.
    pub inner: &'a Doubt,
}

impl Doubts<'_> {
    /// Whether nothing can be said about `name`.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.outer.has(name) || self.inner.has(name)
    }
}
