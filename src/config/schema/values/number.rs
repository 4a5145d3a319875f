//! Whole numbers.

use super::{Call, Lines, Refusal, Value, c_int, digits, sentence};

/// Digits only, no sign and no unit.
#[derive(Debug)]
pub struct Number;

impl Value for Number {
    type Plain = usize;
    const SYNTAX: &'static str = "number";
    const ABOUT: &'static str = "The value is a number without sign or unit.";

    fn read(call: &mut Call<'_>, _: Option<usize>) -> Result<usize, Refusal> {
        number(call.first()).ok_or(Refusal::Directive("invalid number"))
    }
}

/// `worker_connections`: a number with a sentence of its own.
#[derive(Debug)]
pub struct Connections;

impl Value for Connections {
    type Plain = usize;
    const SYNTAX: &'static str = "number";
    const ABOUT: &'static str = "The value is a number without sign or unit.";

    fn read(call: &mut Call<'_>, _: Option<usize>) -> Result<usize, Refusal> {
        let word = call.first();
        number(word).ok_or_else(|| Refusal::Says(sentence(&[b"invalid number \"", word, b"\""])))
    }
}

/// `worker_processes`: a number, or `auto` for one per processor.
#[derive(Debug)]
pub struct Processes;

impl Value for Processes {
    type Plain = usize;
    const SYNTAX: &'static str = "number | auto";

    fn read(call: &mut Call<'_>, _: Option<usize>) -> Result<usize, Refusal> {
        match call.first() {
            b"auto" => Ok(call.world.processors()),
            word => number(word).ok_or(Refusal::Directive("invalid value")),
        }
    }
}

/// `worker_priority`: a number that may have a sign.
#[derive(Debug)]
pub struct Priority;

impl Value for Priority {
    type Plain = i64;
    const SYNTAX: &'static str = "number";
    // nginx takes a second line as long as the first one says 0.
    const LINES: Lines = Lines::LastHolds;

    fn read(call: &mut Call<'_>, before: Option<i64>) -> Result<i64, Refusal> {
        if before.is_some_and(|before| before != 0) {
            return Err(Refusal::Directive("is duplicate"));
        }
        let (sign, text) = match call.first() {
            [b'-', rest @ ..] => (-1, rest),
            [b'+', rest @ ..] => (1, rest),
            word => (1, word),
        };
        digits(text)
            .and_then(c_int)
            .map(|number| sign * i64::from(number))
            .ok_or(Refusal::Directive("invalid number"))
    }
}

fn number(text: &[u8]) -> Option<usize> {
    digits(text).and_then(|number| usize::try_from(number).ok())
}
