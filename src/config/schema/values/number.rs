//! Whole numbers.

use crate::config::schema::{Arguments, Parsed, Repeated, ValueError, ValueKind, refuse};
use crate::config::syntax::{c_int, digits};

/// Digits only, no sign and no unit.
#[derive(Debug)]
pub struct Number;

impl ValueKind for Number {
    type Value = usize;
    const SYNTAX: &'static str = "number";
    const ABOUT: &'static str = "The value is a number without sign or unit.";

    fn read(args: &mut Arguments<'_>, _: Option<usize>) -> Parsed<usize> {
        number(args.first()).ok_or(ValueError::Predicate("invalid number"))
    }
}

/// `worker_connections`: a number, refused in a sentence of its own.
#[derive(Debug)]
pub struct Connections;

impl ValueKind for Connections {
    type Value = usize;
    const SYNTAX: &'static str = Number::SYNTAX;
    const ABOUT: &'static str = Number::ABOUT;

    fn read(args: &mut Arguments<'_>, _: Option<usize>) -> Parsed<usize> {
        let word = args.first();
        number(word).ok_or_else(|| refuse!("invalid number \"", word, "\""))
    }
}

/// `worker_processes`: a number, or `auto` for one per processor.
#[derive(Debug)]
pub struct Processes;

impl ValueKind for Processes {
    type Value = usize;
    const SYNTAX: &'static str = "number | auto";

    fn read(args: &mut Arguments<'_>, _: Option<usize>) -> Parsed<usize> {
        match args.first() {
            b"auto" => Ok(args.names.processors()),
            word => number(word).ok_or(ValueError::Predicate("invalid value")),
        }
    }
}

/// `worker_priority`: a number that may have a sign.
#[derive(Debug)]
pub struct Priority;

impl ValueKind for Priority {
    type Value = i64;
    const SYNTAX: &'static str = "number";
    // nginx accepts a second line while the value of the first one is 0.
    const REPEATED: Repeated = Repeated::Replaces;

    fn read(args: &mut Arguments<'_>, before: Option<i64>) -> Parsed<i64> {
        if before.is_some_and(|before| before != 0) {
            return Err(ValueError::DUPLICATE);
        }
        let (sign, text) = match args.first() {
            [b'-', rest @ ..] => (-1, rest),
            [b'+', rest @ ..] => (1, rest),
            word => (1, word),
        };
        digits(text)
            .and_then(c_int)
            .map(|number| sign * i64::from(number))
            .ok_or(ValueError::Predicate("invalid number"))
    }
}

/// Reads digits.
pub fn number(text: &[u8]) -> Option<usize> {
    digits(text).and_then(|number| usize::try_from(number).ok())
}
