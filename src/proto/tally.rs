//! How much a client may say, and how much of it may be wrong, before it logs in.

use super::{Note, Rejection, Step, Turn};

/// The counters of one session and their limits.
#[derive(Clone, Debug)]
pub struct Tally {
    errors: usize,
    max_errors: usize,
    commands: usize,
    max_commands: usize,
}

impl Tally {
    /// `max_errors` and `max_commands`, with nothing counted.
    pub fn new(max_errors: usize, max_commands: usize) -> Self {
        Tally {
            errors: 0,
            max_errors,
            commands: 0,
            max_commands,
        }
    }

    /// Whether the client has not said anything yet.
    pub fn is_fresh(&self) -> bool {
        self.commands == 0 && self.errors == 0
    }

    /// Counts a command that has the form of one.
    ///
    /// # Errors
    /// There were too many: the client hears "invalid command", and this is how it ends.
    pub fn command(&mut self) -> Result<(), Turn> {
        self.commands += 1;
        if self.commands > self.max_commands {
            return Err(Step::Close.noting(Note::TooMany));
        }
        Ok(())
    }

    /// Counts a line that is no command.
    pub fn error(&mut self) -> Turn {
        self.errors += 1;
        if self.errors >= self.max_errors {
            Step::Close.noting(Note::TooManyInvalid)
        } else {
            Step::Next.into()
        }
    }

    /// Counts a login that the backend refused. Where the backend ends the conversation, the session ends too.
    pub fn refused(&mut self, rejection: Rejection) -> Turn {
        if rejection.closing {
            Step::Close.into()
        } else {
            self.error()
        }
    }
}
