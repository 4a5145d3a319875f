//! Collects the warnings and faults found while a configuration is read.
//!
//! nginx stops at the first fault, and so do start and reload. A test continues and lists the faults that are independent of the
//! first one; the first one stays the same, and no warning follows it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::config::syntax::{Diagnostic, Lint, Span};

/// The largest number of faults listed after the first one; the others are only counted.
const MOST_LISTED: usize = 20;

/// The faults of a configuration.
#[derive(Clone, Debug)]
pub struct Faults {
    /// The fault that nginx finds.
    pub first: Diagnostic,
    /// Further faults, in the order found.
    pub further: Vec<Diagnostic>,
    /// How many more there are.
    pub more: usize,
}

/// A fault was found, and loading ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// The warnings and faults of one load.
pub struct Report<'a> {
    warnings: &'a mut dyn FnMut(Diagnostic),
    allowed: &'a [Lint],
    continues: bool,
    faults: Option<Faults>,
    /// The texts reported so far: a file that is missing is missing for every server that names it.
    reported: HashSet<Vec<u8>>,
    /// The warnings given once: kind, directive and file.
    warned: HashSet<(Option<&'static str>, Box<str>, Arc<str>)>,
}

impl<'a> Report<'a> {
    /// An empty report. Warnings go to `warnings`, except for those `allowed`; `continues`: loading continues after the first fault.
    pub fn new(
        continues: bool,
        allowed: &'a [Lint],
        warnings: &'a mut dyn FnMut(Diagnostic),
    ) -> Self {
        Self {
            warnings,
            allowed,
            continues,
            faults: None,
            reported: HashSet::new(),
            warned: HashSet::new(),
        }
    }

    /// Reports a warning.
    pub fn warn(&mut self, warning: Diagnostic) {
        let is_allowed = warning
            .lint
            .is_some_and(|lint| self.allowed.contains(&lint));
        if self.faults.is_none() && !is_allowed {
            (self.warnings)(warning);
        }
    }

    /// Reports a warning about a directive, unless the same one was reported about another line of it in the same file.
    pub fn warn_once(&mut self, directive: &str, warning: Diagnostic) {
        let file = warning.span.as_ref().map(|span| &span.source.name);
        let file = file.map_or_else(|| Arc::clone(&Span::nowhere().source.name), Arc::clone);
        let kind = warning.lint.map(Lint::name);
        if self.warned.insert((kind, directive.into(), file)) {
            self.warn(warning);
        }
    }

    /// Reports a fault.
    ///
    /// # Errors
    /// Loading ends with it.
    pub fn fault(&mut self, fault: Diagnostic) -> Result<(), Stop> {
        let is_new = self.reported.insert(fault.text());
        match &mut self.faults {
            None => {
                self.faults = Some(Faults {
                    first: fault,
                    further: Vec::new(),
                    more: 0,
                });
            }
            Some(faults) if is_new && faults.further.len() < MOST_LISTED => {
                faults.further.push(fault);
            }
            Some(faults) => faults.more += usize::from(is_new),
        }
        if self.continues { Ok(()) } else { Err(Stop) }
    }

    /// Reports a fault that ends the loading in any case.
    pub fn fatal(&mut self, fault: Diagnostic) -> Stop {
        let _ = self.fault(fault);
        Stop
    }

    /// Reports the fault of a result. The value is `None` where loading continues without it.
    ///
    /// # Errors
    /// Loading ends with the fault.
    pub fn check<T>(&mut self, result: Result<T, Diagnostic>) -> Result<Option<T>, Stop> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(fault) => self.fault(fault).map(|()| None),
        }
    }

    /// Whether a fault was reported.
    pub fn has_faults(&self) -> bool {
        self.faults.is_some()
    }

    /// The faults; `None` when there are none.
    pub fn into_faults(self) -> Option<Faults> {
        self.faults
    }
}
