//! Names that mean nothing where they stand: unknown ones, and directives of other blocks.

use super::missing::name;
use super::moved;
use crate::config::schema::nginx::in_nginx;
use crate::config::schema::{Block, BlockDirective, table};
use crate::config::syntax::Span;

/// Hints about a name that has no meaning in `block`. `outer` has the blocks of the same file around it, the innermost first, each with the
/// directive that opens it; `foreign` opens the `http {}` or `stream {}` around it, in whatever file.
pub fn misplaced(
    text: &str,
    block: Block,
    outer: &[(Block, Span)],
    foreign: Option<&Span>,
) -> Vec<String> {
    if let Some(opened) = foreign {
        let way_out = match outer {
            [] => "include the file outside of that block",
            [..] => "move it out, or close the block before it",
        };
        let name = name(opened);
        let stands = format!("it stands inside \"{name} {{\" of {opened}: {way_out}");
        return home(text).into_iter().chain([stands]).collect();
    }
    let meant = moved::directive(text, block);
    let meant = meant.map(|meant| format!("did you mean \"{meant}\"?"));
    let mut hints: Vec<String> = meant.into_iter().collect();
    hints.extend(left_open(text, block, outer));
    if hints.is_empty() {
        hints.extend(home(text));
    }
    hints
}

/// The directive belongs to a block further out: the `}` of the block that it stands in may be missing.
fn left_open(text: &str, block: Block, outer: &[(Block, Span)]) -> Option<String> {
    let mut around = outer.iter().map(|(around, _)| *around).skip(1);
    // Single settings of the main context are put into other blocks by mistake more often than a `}` is missing.
    let is_outside = around.any(|around| around != block && around.knows(text))
        || Block::Main.opened_by(text.as_bytes()).is_some();
    let (_, opened) = outer.first().filter(|_| is_outside)?;
    let name = name(opened);
    Some(format!(
        "\"{name} {{\" of line {} is still open: `}}` may be missing before \"{text}\"",
        opened.line
    ))
}

/// The block that a directive belongs to.
fn home(text: &str) -> Option<String> {
    if let Some(entry) = table::find(text).first() {
        let names = entry.directive().contexts.names().map(|name| match name {
            "main" => "the main context",
            "events" => "`events {}`",
            "mail" => "`mail {}`",
            "upstream" => "`upstream {}` in `mail {}`",
            "match" => "`match {}` in `mail {}`",
            _ => "`server {}` in `mail {}`",
        });
        let names: Vec<_> = names.collect();
        return Some(format!("\"{text}\" belongs to {}", names.join(" or ")));
    }
    let mut blocks = BlockDirective::ALL.into_iter();
    if let Some(block) = blocks.find(|block| block.name() == text) {
        let outside = match block {
            BlockDirective::Server
            | BlockDirective::Upstream
            | BlockDirective::Match
            | BlockDirective::Map
            | BlockDirective::Geo => "`mail {}`",
            _ => "the main context",
        };
        return Some(format!("\"{text}\" belongs to {outside}"));
    }
    let first = in_nginx(text).first()?;
    let contexts = first.contexts.replace(',', ", ");
    let subsystem = ["http", "stream"].into_iter();
    let mut subsystem =
        subsystem.filter(|subsystem| first.module.starts_with(&format!("ngx_{subsystem}_")));
    let subsystem = subsystem.next()?;
    Some(format!(
        "\"{text}\" belongs to `{subsystem} {{}}` ({contexts}), mail servers have no such directive"
    ))
}
