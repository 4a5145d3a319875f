//! The limits on commands and errors before a login (`max_commands`, `max_errors`).

use super::{Note, Rejection, Step, Turn};

/// One session's counters and their limits.
#[derive(Clone, Debug)]
pub struct Tally {
    errors: usize,
    max_errors: usize,
    commands: usize,
    max_commands: usize,
}

impl Tally {
    /// Counters at zero, with the limits `max_errors` and `max_commands`.
    pub fn new(max_errors: usize, max_commands: usize) -> Self {
        Tally {
            errors: 0,
            max_errors,
            commands: 0,
            max_commands,
        }
    }

    /// Whether nothing was counted yet.
    pub fn is_fresh(&self) -> bool {
        self.commands == 0 && self.errors == 0
    }

    /// Counts a well-formed command.
    ///
    /// # Errors
    /// `max_commands` is exceeded: the turn that follows the reply "invalid command".
    pub fn command(&mut self) -> Result<(), Turn> {
        self.commands += 1;
        if self.commands > self.max_commands {
            return Err(Step::Close.noting(Note::TooMany));
        }
        Ok(())
    }

    /// Counts a malformed line.
    pub fn error(&mut self) -> Turn {
        self.errors += 1;
        if self.errors >= self.max_errors {
            Step::Close.noting(Note::TooManyInvalid)
        } else {
            Step::Next.into()
        }
    }

    /// Counts a login that the backend rejected. The session ends if the backend closes.
    pub fn refused(&mut self, rejection: Rejection) -> Turn {
        if rejection.closing {
            Step::Close.into()
        } else {
            self.error()
        }
    }
}
