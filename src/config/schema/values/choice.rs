//! One word of a list.

use std::fmt::Debug;

use super::flag::not_a_flag;
use crate::config::schema::{Arguments, Parsed, ValueError, ValueKind};
use crate::config::syntax::{c_string, message};

/// A type whose values have words.
pub trait Choices: Copy + PartialEq + Debug + 'static {
    /// For the reference.
    const SYNTAX: &'static str;
    /// The words, in lower case; they are accepted in any case.
    const WORDS: &'static [(&'static str, Self)];
    /// Whether nginx has a flag there: a wrong word is refused in the words for flags.
    const IS_FLAG: bool = false;
}

/// One of the words of `T`.
#[derive(Debug)]
pub struct Choice<T>(std::marker::PhantomData<T>);

impl<T: Choices> ValueKind for Choice<T> {
    type Value = T;
    const SYNTAX: &'static str = T::SYNTAX;
    const ABOUT: &'static str = "The value is not case-sensitive.";

    fn read(args: &mut Arguments<'_>, _: Option<T>) -> Parsed<T> {
        let word = args.first();
        find(T::WORDS, word).ok_or_else(|| match T::IS_FLAG {
            true => not_a_flag(args.name, word),
            false => invalid(word),
        })
    }
}

/// The value of a word, in any case of letters.
#[must_use]
pub fn find<T: Copy>(words: &[(&str, T)], word: &[u8]) -> Option<T> {
    let is_it = |(name, _): &&(&str, T)| name.as_bytes().eq_ignore_ascii_case(word);
    words.iter().find(is_it).map(|(_, value)| *value)
}

/// `invalid value "%s"`
#[must_use]
pub fn invalid(word: &[u8]) -> ValueError {
    ValueError::says(message!("invalid value \"", c_string(word), "\""))
}
