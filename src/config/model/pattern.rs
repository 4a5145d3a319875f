//! Regular expressions of the configuration.

use std::hash::{Hash, Hasher};

use regex::bytes::{Regex, RegexBuilder};

use crate::config::syntax::message;

/// Compiles a regular expression over bytes.
///
/// # Errors
/// The sentence for the log, with the reason.
pub fn compile(pattern: &[u8], any_case: bool) -> Result<Regex, Vec<u8>> {
    let refuse = |why: String| {
        let why = why.lines().last().unwrap_or_default().to_owned();
        message!("invalid regular expression \"", pattern, "\": ", why)
    };
    let text = std::str::from_utf8(pattern).map_err(|_| refuse("not UTF-8".to_owned()))?;
    let mut regex = RegexBuilder::new(text);
    let regex = regex.unicode(false).case_insensitive(any_case).build();
    regex.map_err(|why| refuse(why.to_string()))
}

/// A regular expression that can be compared: by its text and its flag.
#[derive(Clone, Debug)]
pub struct PlainPattern {
    regex: Regex,
    any_case: bool,
}

impl PlainPattern {
    /// Compiles it.
    ///
    /// # Errors
    /// The sentence for the log, with the reason.
    pub fn new(pattern: &[u8], any_case: bool) -> Result<Self, Vec<u8>> {
        let regex = compile(pattern, any_case)?;
        Ok(Self { regex, any_case })
    }

    /// Whether it matches somewhere in `bytes`.
    pub fn is_match(&self, bytes: &[u8]) -> bool {
        self.regex.is_match(bytes)
    }

    fn identity(&self) -> (&str, bool) {
        (self.regex.as_str(), self.any_case)
    }
}

impl PartialEq for PlainPattern {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for PlainPattern {}

impl Hash for PlainPattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}
