//! What is found while a configuration is read: warnings, and what is wrong.
//!
//! nginx stops at the first fault, and so does whoever starts or reloads. A test goes on and lists what else is wrong by
//! itself; the first fault stays the first, and no warning comes behind it.

use std::collections::HashSet;

use crate::config::Diagnostic;

/// Most faults that are listed behind the first one; the others are counted.
const MOST_LISTED: usize = 20;

/// What is wrong with a configuration.
#[derive(Clone, Debug)]
pub struct Faults {
    /// What nginx finds.
    pub first: Diagnostic,
    /// What else is wrong, in the order found.
    pub further: Vec<Diagnostic>,
    /// How many more there are.
    pub more: usize,
}

/// Nothing more is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// Takes down what is found.
#[expect(missing_debug_implementations, reason = "holds a closure")]
pub struct Report<'a> {
    notes: &'a mut dyn FnMut(Diagnostic),
    goes_on: bool,
    faults: Option<Faults>,
    /// What has been said: a file that is missing is missing for every server that names it.
    said: HashSet<Vec<u8>>,
}

impl<'a> Report<'a> {
    /// Nothing found. Warnings go to `notes`; `goes_on` says whether the first fault is not the last.
    pub fn new(goes_on: bool, notes: &'a mut dyn FnMut(Diagnostic)) -> Self {
        Self {
            notes,
            goes_on,
            faults: None,
            said: HashSet::new(),
        }
    }

    /// A warning.
    pub fn warn(&mut self, note: Diagnostic) {
        if self.faults.is_none() {
            (self.notes)(note);
        }
    }

    /// A fault.
    ///
    /// # Errors
    /// It is not to go on.
    pub fn fault(&mut self, fault: Diagnostic) -> Result<(), Stop> {
        let new = self.said.insert(fault.text());
        match &mut self.faults {
            None => {
                self.faults = Some(Faults {
                    first: fault,
                    further: Vec::new(),
                    more: 0,
                });
            }
            Some(faults) if new && faults.further.len() < MOST_LISTED => faults.further.push(fault),
            Some(faults) => faults.more += usize::from(new),
        }
        if self.goes_on { Ok(()) } else { Err(Stop) }
    }

    /// A fault behind which nothing can be told.
    pub fn last(&mut self, fault: Diagnostic) -> Stop {
        let _ = self.fault(fault);
        Stop
    }

    /// What came out well, or nothing where a fault was taken down.
    ///
    /// # Errors
    /// It is not to go on.
    pub fn sift<T>(&mut self, result: Result<T, Diagnostic>) -> Result<Option<T>, Stop> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(fault) => self.fault(fault).map(|()| None),
        }
    }

    /// Whether anything is wrong.
    #[must_use]
    pub fn found(&self) -> bool {
        self.faults.is_some()
    }

    /// What is wrong; `None` when nothing is.
    #[must_use]
    pub fn into_faults(self) -> Option<Faults> {
        self.faults
    }
}
