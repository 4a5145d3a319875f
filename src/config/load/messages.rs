//! nginx's sentences about a directive: its form, its block, its value.

use crate::base::Level;
use crate::config::schema::nginx::is_known;
use crate::config::schema::{Arity, BlockDirective, ValueError};
use crate::config::syntax::{Diagnostic, Ending, Span, Statement, c_string, message};

/// Checks the terminator of a directive (`;` or `{`) and the number of its arguments.
///
/// # Errors
/// nginx's sentence about the terminator or the number of arguments.
pub fn check_form(
    statement: &Statement,
    is_block: bool,
    arity: Arity,
    span: &Span,
) -> Result<(), Diagnostic> {
    let name = c_string(&statement.words[0]);
    let message = match (is_block, statement.ending) {
        (false, Ending::Open | Ending::Lua) => {
            message!("directive \"", name, "\" is not terminated by \";\"")
        }
        (true, Ending::Semicolon) => message!("directive \"", name, "\" has no opening \"{\""),
        _ if !arity.admits(statement.words.len() - 1) => {
            message!("invalid number of arguments in \"", name, "\" directive")
        }
        _ => return Ok(()),
    };
    Err(Diagnostic::new(Level::Emerg, message, span))
}

/// A name that has no meaning in its block.
pub fn misplaced(text: &str, name: &[u8], span: &Span) -> Diagnostic {
    let shown = c_string(name);
    let mut blocks = BlockDirective::ALL.into_iter();
    if is_known(text) || blocks.any(|block| block.name() == text) {
        let message = message!("\"", shown, "\" directive is not allowed here");
        return Diagnostic::new(Level::Emerg, message, span);
    }
    let message = message!("unknown directive \"", shown, "\"");
    Diagnostic::new(Level::Emerg, message, span)
}

/// A value that is refused.
pub fn refused(why: ValueError, name: &str, span: &Span) -> Diagnostic {
    let message = match why {
        ValueError::Predicate(predicate) => format!("\"{name}\" directive {predicate}").into(),
        ValueError::Message(message) => message,
    };
    Diagnostic::new(Level::Emerg, message, span)
}

/// A fault of a server as a whole: `… for server in FILE:LINE`.
pub fn about_server(span: &Span, what: &str) -> Diagnostic {
    let message = format!("{what} for server in {span}");
    Diagnostic::complete(Level::Emerg, message, span)
}
