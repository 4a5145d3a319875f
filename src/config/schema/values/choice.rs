//! One word out of a list.

use std::fmt::Debug;

use super::flag::neither;
use super::{Call, Refusal, Value, c_string, sentence};

/// A type whose values have words.
pub trait Choices: Copy + PartialEq + Debug + 'static {
    /// For the reference page.
    const SYNTAX: &'static str;
    /// The words, in lower case; they are met in any case.
    const WORDS: &'static [(&'static str, Self)];
    /// Whether nginx has a flag there: a wrong word is refused in its words.
    const IS_FLAG: bool = false;
}

/// One of the words of `T`.
#[derive(Debug)]
pub struct Choice<T>(std::marker::PhantomData<T>);

impl<T: Choices> Value for Choice<T> {
    type Plain = T;
    const SYNTAX: &'static str = T::SYNTAX;
    const ABOUT: &'static str = "The value is not case-sensitive.";

    fn read(call: &mut Call<'_>, _: Option<T>) -> Result<T, Refusal> {
        let word = call.first();
        T::WORDS
            .iter()
            .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                if T::IS_FLAG {
                    neither(call.name, word)
                } else {
                    invalid(word)
                }
            })
    }
}

/// `invalid value "%s"`
#[must_use]
pub fn invalid(word: &[u8]) -> Refusal {
    Refusal::Says(sentence(&[b"invalid value \"", c_string(word), b"\""]))
}
