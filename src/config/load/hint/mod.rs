//! Hints below nginx's sentence about a fault: what was probably meant. A hint changes neither the sentence nor its position.
//!
//! `value` explains a refused value, `moved` names what took the place of a word, `missing` finds a missing `;` or `}`, `place` says where
//! a directive belongs, `characters` explains bytes that are hard to see.

mod characters;
mod missing;
mod moved;
mod place;
mod text;
mod value;

pub use characters::{has_typographic_quote, hints as odd_characters};
pub use missing::{
    Askew, closed_askew, long_quote, open_blocks, swallowed, unclosed_quote, unfinished,
};
pub use moved::directive as meant;
pub use place::misplaced;
pub use text::Text;
pub use value::about_value;

use crate::config::schema::{Arity, Block};
use crate::config::syntax::Diagnostic;

/// Adds hints to a fault of a statement. `arity` is the number of arguments of its directive; `None` for an unknown one.
pub fn about_statement(
    fault: Diagnostic,
    block: Block,
    text: Text<'_>,
    arity: Option<Arity>,
) -> Diagnostic {
    let semicolon = missing::semicolon(text, block, arity, &fault.message);
    let fault = match semicolon {
        // The syntax and similar words do not matter then.
        Some(_) => Diagnostic {
            help: Vec::new(),
            ..fault
        },
        None => fault,
    };
    let unit = || moved::detached_unit(text, arity);
    let hints = semicolon.or_else(unit).into_iter();
    let hints: Vec<String> = hints.chain(characters::hints(text)).collect();
    hints.into_iter().fold(fault, Diagnostic::with_help)
}
