//! A message about the configuration: nginx's line first; on a terminal the source line with a caret under the word follows.

use super::Level;
use super::source::Place;

/// Longest message before its tail, in bytes (nginx cuts there).
const LONGEST: usize = 1023;

/// A message with a level and where it points.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// How bad it is: what ends the loading is `Emerg` (or `Crit`, from a file that cannot be read).
    pub level: Level,
    /// nginx's sentence, without place.
    pub message: Vec<u8>,
    /// Where it points.
    pub place: Option<Place>,
    /// Whether nginx writes the place behind the sentence; some sentences carry their own.
    pub tail: bool,
    /// What may help: a near name, a chain of includes. Shown on terminals only.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A message that ends in its place.
    #[must_use]
    pub fn new(level: Level, message: impl Into<Vec<u8>>, place: &Place) -> Self {
        Self {
            tail: true,
            place: Some(place.clone()),
            ..Self::bare(level, message)
        }
    }

    /// A message without a place.
    #[must_use]
    pub fn bare(level: Level, message: impl Into<Vec<u8>>) -> Self {
        let mut message = message.into();
        message.truncate(LONGEST);
        Self {
            level,
            message,
            place: None,
            tail: false,
            help: Vec::new(),
        }
    }

    /// The same with one more line of help.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The sentence with its tail, as it goes into the log: everything after nginx's `[emerg] `.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = self.message.clone();
        if self.tail
            && let Some(place) = &self.place
        {
            text.extend_from_slice(place.tail().as_bytes());
        }
        text
    }

    /// The line for standard error: `PROGRAM: [LEVEL] TEXT` and a line end.
    #[must_use]
    pub fn line(&self, program: &str) -> Vec<u8> {
        let mut line = format!("{program}: [{}] ", self.level).into_bytes();
        line.extend_from_slice(&self.text());
        line.push(b'\n');
        line
    }
}
