//! Single words: flags, words of a list, protocols.

use std::fmt::Debug;

use crate::base::Protocol;
use crate::config::schema::{Arguments, Parsed, Repeated, ValueError, ValueKind, refuse};
use crate::config::syntax::c_string;

/// A flag, in any case of letters.
#[derive(Debug)]
pub struct Flag;

impl ValueKind for Flag {
    type Value = bool;
    const SYNTAX: &'static str = "on | off";

    fn read(args: &mut Arguments<'_>, _: Option<bool>) -> Parsed<bool> {
        match args.first() {
            word if word.eq_ignore_ascii_case(b"on") => Ok(true),
            word if word.eq_ignore_ascii_case(b"off") => Ok(false),
            word => Err(not_a_flag(args.name, word)),
        }
    }
}

/// nginx's sentence for another word.
pub fn not_a_flag(name: &str, word: &[u8]) -> ValueError {
    let end = "\" directive, it must be \"on\" or \"off\"";
    let word = c_string(word);
    refuse!("invalid value \"", word, "\" in \"", name, end)
}

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
pub fn find<T: Copy>(words: &[(&str, T)], word: &[u8]) -> Option<T> {
    let is_it = |(name, _): &&(&str, T)| name.as_bytes().eq_ignore_ascii_case(word);
    words.iter().find(is_it).map(|(_, value)| *value)
}

/// `invalid value "%s"`
pub fn invalid(word: &[u8]) -> ValueError {
    refuse!("invalid value \"", c_string(word), "\"")
}

/// `imap | pop3 | sieve | smtp`
#[derive(Debug)]
pub struct ProtocolName;

impl ValueKind for ProtocolName {
    type Value = Protocol;
    const SYNTAX: &'static str = "imap | pop3 | sieve | smtp";
    const REPEATED: Repeated = Repeated::Replaces;

    fn read(args: &mut Arguments<'_>, _: Option<Protocol>) -> Parsed<Protocol> {
        match args.first() {
            b"smtp" => Ok(Protocol::Smtp),
            b"imap" => Ok(Protocol::Imap),
            b"pop3" => Ok(Protocol::Pop3),
            b"sieve" => Ok(Protocol::Sieve),
            word => Err(refuse!("unknown protocol \"", word, "\"")),
        }
    }
}
