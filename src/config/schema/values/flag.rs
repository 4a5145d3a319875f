//! `on` and `off`.

use crate::config::schema::{Arguments, Parsed, ValueError, ValueKind};
use crate::config::syntax::{c_string, message};

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
#[must_use]
pub fn not_a_flag(name: &str, word: &[u8]) -> ValueError {
    let end = "\" directive, it must be \"on\" or \"off\"";
    let word = c_string(word);
    ValueError::says(message!("invalid value \"", word, "\" in \"", name, end))
}
