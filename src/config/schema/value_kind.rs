//! A kind of value: how it is written, and how it is read.

use std::fmt::Debug;

use super::arguments::{Arguments, Folders, Parsed};
use super::form::{Arity, Repeated};

/// Makes arguments independent of the folder they are read in: names of files become absolute.
pub type MakeAbsolute = fn(&[Box<[u8]>], &Folders) -> Vec<Box<[u8]>>;

/// A kind of value, one small type each. Rows name it, and never make one.
pub trait ValueKind {
    /// The value read.
    type Value: Clone + Debug;
    /// How it is written, for the reference.
    const SYNTAX: &'static str;
    /// Explains the words of `SYNTAX`, units above all, as Markdown; empty where there is nothing to explain.
    const ABOUT: &'static str = "";
    /// The number of arguments.
    const ARITY: Arity = Arity::exactly(1);
    /// The effect of a further line in the same block.
    const REPEATED: Repeated = Repeated::Duplicate;
    /// Whether the default is only a fallback for a value obtained elsewhere. Writing the default out then changes the meaning.
    const DEFAULT_IS_FALLBACK: bool = false;

    /// Reads the arguments. `before` is the value of the earlier lines in the block.
    ///
    /// # Errors
    /// The value is refused, in nginx's words.
    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value>;

    /// See [`MakeAbsolute`].
    fn make_absolute(words: &[Box<[u8]>], _folders: &Folders) -> Vec<Box<[u8]>> {
        words.to_vec()
    }
}
