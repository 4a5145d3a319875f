//! The variables that a configuration names and defines, while it is read.

use std::cell::RefCell;
use std::sync::Arc;

use crate::config::model::{Defined, Template, TemplateError, Variable, VariableBlock};
use crate::config::syntax::Span;

/// The variables of `map` and `geo` blocks. A text may name one before its block.
#[derive(Debug, Default)]
pub struct Variables(RefCell<Vec<Known>>);

/// A variable that is not built in.
#[derive(Debug)]
struct Known {
    defined: Defined,
    /// The line that names it first; `None` for one that is only defined.
    used: Option<Span>,
    /// Its definition; the last one holds.
    block: Option<Arc<dyn VariableBlock>>,
}

impl Variables {
    /// The variable of this name, which the line at `span` names.
    pub fn find(&self, name: &str, span: &Span) -> Variable {
        if let Some(built_in) = Variable::find(name) {
            return built_in;
        }
        self.with(name, |known| {
            known.used.get_or_insert_with(|| span.clone());
            Variable::Defined(known.defined.clone())
        })
    }

    /// Reads a text with variables in the line at `span`.
    ///
    /// # Errors
    /// A variable is malformed. One that no block defines is found by [`resolve`](Self::resolve).
    pub fn template(&self, text: &[u8], span: &Span) -> Result<Template, TemplateError> {
        Template::parse_with(text, &mut |name| Some(self.find(name, span)))
    }

    /// Defines a variable.
    pub fn define(&self, name: &str, block: Arc<dyn VariableBlock>) {
        self.with(name, |known| known.block = Some(block));
    }

    /// Gives the variables their definitions. Returns those that no block defines, with the line that names them first.
    pub fn resolve(&self) -> Vec<(String, Span)> {
        let known = self.0.borrow();
        let mut unknown = Vec::new();
        for known in known.iter() {
            match (&known.block, &known.used) {
                (Some(block), _) => known.defined.define(Arc::clone(block)),
                (None, Some(span)) => unknown.push((known.defined.name().to_owned(), span.clone())),
                (None, None) => {}
            }
        }
        unknown
    }

    /// nginx compares names in any case of letters.
    fn with<T>(&self, name: &str, act: impl FnOnce(&mut Known) -> T) -> T {
        let mut all = self.0.borrow_mut();
        let is_it = |known: &Known| known.defined.name().eq_ignore_ascii_case(name);
        let at = all.iter().position(is_it).unwrap_or_else(|| {
            all.push(Known {
                defined: Defined::new(name),
                used: None,
                block: None,
            });
            all.len() - 1
        });
        act(&mut all[at])
    }
}
