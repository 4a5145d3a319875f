//! nginx's sentences about a directive: its form, its place, its value.

use crate::base::Level;
use crate::config::Diagnostic;
use crate::config::schema::arguments::Refusal;
use crate::config::schema::block::Block;
use crate::config::schema::nginx::{is_known, near};
use crate::config::schema::row::Arity;
use crate::config::schema::values::{c_string, sentence};
use crate::config::syntax::parser::{Ending, Statement};
use crate::config::syntax::source::Span;

/// What ends the directive, and how many arguments it has.
///
/// # Errors
/// nginx's sentence about either.
pub fn check_form(
    statement: &Statement,
    is_block: bool,
    arity: Arity,
    span: &Span,
) -> Result<(), Diagnostic> {
    let name = c_string(&statement.words[0]);
    let message = match (is_block, statement.ending) {
        (false, Ending::Open | Ending::Lua) => {
            sentence(&[b"directive \"", name, b"\" is not terminated by \";\""])
        }
        (true, Ending::Semicolon) => sentence(&[b"directive \"", name, b"\" has no opening \"{\""]),
        _ if !arity.admits(statement.words.len() - 1) => {
            sentence(&[b"invalid number of arguments in \"", name, b"\" directive"])
        }
        _ => return Ok(()),
    };
    Err(Diagnostic::new(Level::Emerg, message, span))
}

/// A name that does not stand for anything in this block.
pub fn misplaced(text: &str, name: &[u8], block: Block, span: &Span) -> Diagnostic {
    let shown = c_string(name);
    let is_block = matches!(text, "events" | "mail" | "http" | "stream" | "server");
    if is_known(text) || is_block {
        let message = sentence(&[b"\"", shown, b"\" directive is not allowed here"]);
        return Diagnostic::new(Level::Emerg, message, span);
    }
    let diagnostic = Diagnostic::new(
        Level::Emerg,
        sentence(&[b"unknown directive \"", shown, b"\""]),
        span,
    );
    match near(text, block.names()) {
        Some(meant) => diagnostic.with_help(format!("did you mean \"{meant}\"?")),
        None => diagnostic,
    }
}

/// nginx's sentence for a refusal.
pub fn refusal(why: Refusal, name: &str, span: &Span) -> Diagnostic {
    match why {
        Refusal::Directive(predicate) => Diagnostic::new(
            Level::Emerg,
            format!("\"{name}\" directive {predicate}"),
            span,
        ),
        Refusal::Says(message) => Diagnostic::new(Level::Emerg, message, span),
        Refusal::Bare(level, message) => Diagnostic {
            span: Some(span.clone()),
            ..Diagnostic::bare(level, message)
        },
    }
}
