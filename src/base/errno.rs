//! System errors as nginx prints them.

use std::fmt;
use std::io;

/// Prints ` (2: No such file or directory)`; without the number where the system did not give one.
#[derive(Debug)]
pub struct Errno<'a>(pub &'a io::Error);

impl Errno<'_> {
    /// The system's text alone: `No such file or directory`.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.0.to_string();
        match text.find(" (os error ") {
            Some(end) => text[..end].to_owned(),
            None => text,
        }
    }
}

impl fmt::Display for Errno<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.raw_os_error() {
            Some(number) => write!(f, " ({number}: {})", self.text()),
            None => write!(f, " ({})", self.0),
        }
    }
}
