//! `on` and `off`.

use super::{Call, Refusal, Value, c_string, sentence};

/// A flag, in any case of letters.
#[derive(Debug)]
pub struct Flag;

impl Value for Flag {
    type Plain = bool;
    const SYNTAX: &'static str = "on | off";

    fn read(call: &mut Call<'_>, _: Option<bool>) -> Result<bool, Refusal> {
        let word = call.first();
        if word.eq_ignore_ascii_case(b"on") {
            Ok(true)
        } else if word.eq_ignore_ascii_case(b"off") {
            Ok(false)
        } else {
            Err(neither(call.name, word))
        }
    }
}

/// nginx's sentence for a word that is neither.
#[must_use]
pub fn neither(name: &str, word: &[u8]) -> Refusal {
    let end = b"\" directive, it must be \"on\" or \"off\"";
    Refusal::Says(sentence(&[
        b"invalid value \"",
        c_string(word),
        b"\" in \"",
        name.as_bytes(),
        end,
    ]))
}
