//! Directives that a fault makes uncertain: their presence or their value is unknown. Checks that depend on them are
//! skipped, so that one fault is not reported twice.

use std::collections::HashSet;

use super::hint;
use crate::config::schema::table;
use crate::config::schema::{Block, BlockDirective, Directive};

/// The uncertain directives of one block.
#[derive(Clone, Debug, Default)]
pub struct Tainted {
    names: HashSet<&'static str>,
    everything: bool,
}

impl Tainted {
    /// Taints every directive: the part of the text that was skipped may contain any of them.
    pub fn everything(&mut self) {
        self.everything = true;
    }

    /// Taints the directives that a faulty line of `block` may have meant. Where its `;` is missing, the words after the name are
    /// directives too; and an unknown name may be a misspelled one.
    pub fn line(&mut self, block: Block, words: &[Box<[u8]>]) {
        for word in words {
            let text = String::from_utf8_lossy(word);
            let known = table::find(&text).iter();
            self.names.extend(known.map(|entry| entry.directive().name));
            let blocks = BlockDirective::ALL.into_iter().map(BlockDirective::name);
            self.names.extend(blocks.filter(|name| *name == text));
        }
        if let Some(name) = words.first().map(|name| String::from_utf8_lossy(name))
            && table::find(&name).is_empty()
        {
            self.names.extend(hint::meant(&name, block));
            let related = block.names().filter(|known| shares_word(&name, known));
            self.names.extend(related);
        }
    }

    /// Whether a directive is uncertain.
    pub fn has(&self, directive: &Directive) -> bool {
        self.has_name(directive.name)
    }

    /// Whether a block is uncertain.
    pub fn has_block(&self, block: BlockDirective) -> bool {
        self.has_name(block.name())
    }

    fn has_name(&self, name: &str) -> bool {
        self.everything || self.names.contains(name)
    }
}

/// Whether two names have a word in common: `auth_server`, `auth_http`.
fn shares_word(name: &str, known: &str) -> bool {
    let name = name.to_lowercase();
    let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| word.len() > 3 && known.split('_').any(|other| other == word))
}
