//! A set of words out of a list.

use super::choice::{find, invalid};
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueKind};
use crate::config::syntax::{c_string, message};

/// The words of one directive and the set they make.
pub trait Members: 'static {
    /// The set.
    type Set: Copy + Default + PartialEq + std::fmt::Debug;
    /// For the reference.
    const SYNTAX: &'static str;
    /// The words, in lower case, and what each adds.
    const WORDS: &'static [(&'static str, Self::Set)];
    /// Whether `set` has all of `member`.
    fn has(set: Self::Set, member: Self::Set) -> bool;
    /// The union of the two.
    fn join(set: Self::Set, member: Self::Set) -> Self::Set;
}

/// Words of `T`, in any case of letters. A word that is repeated is a warning.
#[derive(Debug)]
pub struct SetOf<T>(std::marker::PhantomData<T>);

impl<T: Members> ValueKind for SetOf<T> {
    type Value = T::Set;
    const SYNTAX: &'static str = T::SYNTAX;
    const ABOUT: &'static str = "The values are not case-sensitive.";
    const ARITY: Arity = Arity::SOME;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<T::Set>) -> Parsed<T::Set> {
        let mut set = before.unwrap_or_default();
        for word in args.words {
            let member = find(T::WORDS, word).ok_or_else(|| invalid(word))?;
            if T::has(set, member) {
                args.warn(message!("duplicate value \"", c_string(word), "\""));
            }
            set = T::join(set, member);
        }
        Ok(set)
    }
}
