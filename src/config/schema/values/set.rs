//! A set of words out of a list; lines add up, a word that comes twice is a warning.

use super::choice::invalid;
use super::{Call, Lines, Refusal, Value, c_string, sentence};
use crate::config::schema::row::Arity;

/// The words of one directive and the set they make.
pub trait Members: 'static {
    /// The set.
    type Set: Copy + Default + PartialEq + std::fmt::Debug;
    /// For the reference page.
    const SYNTAX: &'static str;
    /// The words, in lower case, and what each adds.
    const WORDS: &'static [(&'static str, Self::Set)];
    /// Whether `set` has all of `member`.
    fn has(set: Self::Set, member: Self::Set) -> bool;
    /// Both together.
    fn join(set: Self::Set, member: Self::Set) -> Self::Set;
}

/// Words of `T`, in any case of letters.
#[derive(Debug)]
pub struct SetOf<T>(std::marker::PhantomData<T>);

impl<T: Members> Value for SetOf<T> {
    type Plain = T::Set;
    const SYNTAX: &'static str = T::SYNTAX;
    const ABOUT: &'static str = "The values are not case-sensitive.";
    const ARITY: Arity = Arity::SOME;
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<T::Set>) -> Result<T::Set, Refusal> {
        let mut set = before.unwrap_or_default();
        for word in call.args {
            let Some((_, member)) = T::WORDS
                .iter()
                .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
            else {
                return Err(invalid(word));
            };
            if T::has(set, *member) {
                call.warn(sentence(&[b"duplicate value \"", c_string(word), b"\""]));
            }
            set = T::join(set, *member);
        }
        Ok(set)
    }
}
